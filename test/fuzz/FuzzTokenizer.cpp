//===- FuzzTokenizer.cpp - any bytes as a tokenizer's file ----------------===//

#include "compiler/Import/Tokenizer/Tokenizer.h"
#include "runtime/text/Detokenizer.h"
#include "runtime/text/Tokenizer.h"

#include <cstdlib>
#include <vector>

using namespace halftone;

/// What the readers accept, the runtime must open; then it works on the first bytes.
static void use(llvm::Expected<std::string> form, llvm::StringRef text) {
  if (!form) {
    llvm::consumeError(form.takeError());
    return;
  }
  std::vector<uint64_t> words((form->size() + 7) / 8);
  memcpy(words.data(), form->data(), form->size());
  rt::Tokenizer tokenizer;
  rt::Diagnostic diagnostic;
  if (!tokenizer.open({reinterpret_cast<const unsigned char *>(words.data()), form->size()}, diagnostic))
    abort();
  rt::Array<uint32_t> ids;
  if (!tokenizer.encode({text.data(), text.size()}, true, ids, diagnostic))
    return;
  rt::Detokenizer detokenizer(tokenizer.getTables(), true);
  rt::Array<char> result;
  for (uint32_t id : ids)
    if (!detokenizer.push(id, result))
      abort();
  detokenizer.finish(result);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size), text = bytes.take_back(300);
  text = text.drop_front(rt::validUtf8({text.data(), text.size()}) == text.size() ? 0 : text.size());
  use(tokenizer::compileTokenizerJson(bytes), text);
  use(tokenizer::compileTokenizerModel(bytes), text);
  use(tokenizer::compileTokenizerGguf(bytes), text);
  return 0;
}
