//===- Tokenizer.h - from a tokenizer's file to its compiled form -----------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_TOKENIZER_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_TOKENIZER_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>

namespace halftone::tokenizer {

/// What `compileTokenizer` reads, for help texts.
inline constexpr const char *kTokenizerFiles =
    "a tokenizer.json, a tokenizer.model of sentencepiece, or a .gguf file";

/// The compiled form (runtime/text/TokenizerFormat.h) of the tokenizer in a file.
/// An error names the file, and the part that is damaged or not supported.
llvm::Expected<std::string> compileTokenizer(llvm::StringRef path);

/// The same of what a tokenizer.json holds; errors have no path.
llvm::Expected<std::string> compileTokenizerJson(llvm::StringRef text);

/// The same of a tokenizer.model and of a GGUF file's beginning.
llvm::Expected<std::string> compileTokenizerModel(llvm::StringRef bytes);
llvm::Expected<std::string> compileTokenizerGguf(llvm::StringRef bytes);

/// JSON of any source: refuses what is nested too deep for llvm::json.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text);

} // namespace halftone::tokenizer

#endif
