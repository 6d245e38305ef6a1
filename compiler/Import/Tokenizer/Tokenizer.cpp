//===- Tokenizer.cpp - from a tokenizer's file to its compiled form ---------===//

#include "compiler/Import/Tokenizer/Tokenizer.h"

#include "llvm/Support/MemoryBuffer.h"

namespace halftone::tokenizer {

llvm::Expected<std::string> compileTokenizer(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError("%s: cannot be read: %s", path.str().c_str(), file.getError().message().c_str());
  auto form = compileTokenizerJson((*file)->getBuffer());
  if (!form)
    return llvm::createStringError("%s: %s", path.str().c_str(), llvm::toString(form.takeError()).c_str());
  return form;
}

} // namespace halftone::tokenizer
