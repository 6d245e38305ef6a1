//===- Writer.h - the compiled form of a tokenizer --------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_WRITER_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_WRITER_H

#include "compiler/Import/Tokenizer/Description.h"

namespace halftone::tokenizer {

/// Sets what is sought of added tokens in normalized text: their contents,
/// normalized themselves. That is also what they are decoded to.
llvm::Error normalizeAddedTokens(Description &description);

/// Bytes as runtime/text/TokenizerFormat.h describes them; equal ones for equal
/// descriptions.
llvm::Expected<std::string> writeTokenizer(Description description);

} // namespace halftone::tokenizer

#endif
