//===- Gguf.h - tokenizers of GGUF files ------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_GGUF_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_GGUF_H

#include "compiler/Import/GGUF/Reader.h"
#include "compiler/Import/Tokenizer/Description.h"

namespace halftone::tokenizer {

/// The tokenizer that the keys tokenizer.ggml.* describe.
llvm::Expected<Description> describeGguf(const gguf::Metadata &metadata);

} // namespace halftone::tokenizer

#endif
