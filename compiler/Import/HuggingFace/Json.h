//===- Json.h - JSON of a model's folder ------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_JSON_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_JSON_H

#include "compiler/Import/Support/Folder.h"

#include "llvm/Support/JSON.h"

namespace halftone::huggingface {

/// The object that a JSON file holds; nullopt after an error.
std::optional<llvm::json::Object> readJson(Folder &folder, llvm::StringRef file);

/// The same of a text inside of a file.
std::optional<llvm::json::Object> parseJson(Folder &folder, llvm::StringRef file, llvm::StringRef text);

} // namespace halftone::huggingface

#endif
