//===- Tokenizer.cpp - from a tokenizer's file to its compiled form ---------===//

#include "compiler/Import/Tokenizer/Tokenizer.h"
#include "compiler/Import/Tokenizer/Gguf.h"
#include "compiler/Import/Tokenizer/SentencePiece.h"
#include "compiler/Import/Tokenizer/Writer.h"

#include "llvm/Support/MemoryBuffer.h"

namespace halftone::tokenizer {

llvm::Expected<std::string> compileTokenizerModel(llvm::StringRef bytes) {
  auto model = parseSentencePiece(bytes);
  if (!model)
    return model.takeError();
  auto description = describeSentencePiece(*model);
  return description ? writeTokenizer(std::move(*description)) : description.takeError();
}

llvm::Expected<std::string> compileTokenizerGguf(llvm::StringRef bytes) {
  auto metadata = gguf::readMetadata(bytes);
  if (!metadata)
    return metadata.takeError();
  auto description = describeGguf(*metadata);
  return description ? writeTokenizer(std::move(*description)) : description.takeError();
}

/// What the bytes are is seen at their beginning: names of files may be anything.
static llvm::Expected<std::string> compileBytes(llvm::StringRef bytes) {
  if (bytes.starts_with("GGUF"))
    return compileTokenizerGguf(bytes);
  // A model's first field is a piece: 0x0a, its length and 0x0a again.
  if (bytes.starts_with("\n") && bytes.drop_front().take_front(4).contains("\n") &&
      !bytes.ltrim().starts_with("{"))
    return compileTokenizerModel(bytes);
  return compileTokenizerJson(bytes);
}

llvm::Expected<std::string> compileTokenizer(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError("%s: cannot be read: %s", path.str().c_str(),
                                   file.getError().message().c_str());
  auto form = compileBytes((*file)->getBuffer());
  if (!form)
    return llvm::createStringError("%s: %s", path.str().c_str(), llvm::toString(form.takeError()).c_str());
  return form;
}

} // namespace halftone::tokenizer
