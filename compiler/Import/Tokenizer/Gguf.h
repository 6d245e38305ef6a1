//===- Gguf.h - tokenizers of GGUF files ------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_GGUF_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_GGUF_H

#include "compiler/Import/Tokenizer/Description.h"

namespace halftone::tokenizer {

/// The keys and values of a GGUF file, as far as tokenizers need them. Whoever
/// reads the file implements it; what has another type is not there.
class GgufMetadata {
public:
  virtual ~GgufMetadata() = default;
  virtual std::optional<llvm::StringRef> getText(llvm::StringRef key) const = 0;
  virtual std::optional<int64_t> getInteger(llvm::StringRef key) const = 0; ///< booleans too
  virtual std::optional<std::vector<llvm::StringRef>> getTexts(llvm::StringRef key) const = 0;
  virtual std::optional<std::vector<double>> getNumbers(llvm::StringRef key) const = 0;
};

/// The tokenizer that the keys tokenizer.ggml.* describe.
llvm::Expected<Description> describeGguf(const GgufMetadata &metadata);

/// The keys and values at the beginning of a file; tensors are not looked at.
llvm::Expected<std::unique_ptr<GgufMetadata>> parseGgufMetadata(llvm::StringRef bytes);

} // namespace halftone::tokenizer

#endif
