//===- FuzzTokenizerForm.cpp - any bytes as a compiled tokenizer ----------===//

#include "runtime/text/Detokenizer.h"
#include "runtime/text/Tokenizer.h"

#include <cstdlib>

using namespace halftone::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Sections are read where they lie, so the bytes end where the allocation does.
  auto *bytes = static_cast<unsigned char *>(aligned_alloc(8, (size + 7) / 8 * 8 + 8));
  memcpy(bytes, data, size);
  // The size is set right, or no input of another size would come far.
  if (size >= sizeof(TokenizerHeader))
    reinterpret_cast<TokenizerHeader *>(bytes)->size = static_cast<uint32_t>(size);
  bytes = static_cast<unsigned char *>(realloc(bytes, size ? size : 1));
  Tokenizer tokenizer;
  Diagnostic diagnostic;
  if (tokenizer.open({bytes, size}, diagnostic)) {
    static constexpr char text[] =
        "Once upon 123  a time\n\n caf\xc3\xa9 e\xcc\x81 \xf0\x9f\x98\x80 \xea\xb0\x81<s> don't";
    Array<uint32_t> ids;
    (void)!tokenizer.encode({text, sizeof(text) - 1}, true, ids, diagnostic);
    Detokenizer detokenizer(tokenizer.getTables(), false);
    Array<char> result;
    for (uint32_t id : ids)
      (void)!detokenizer.push(id, result);
    for (uint32_t id = 0; id < 300; ++id)
      (void)!detokenizer.push(id, result);
    detokenizer.finish(result);
  }
  free(bytes);
  return 0;
}
