//===- ModelText.h - the tokenizer that goes with a model -------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_MODELTEXT_H
#define HALFTONE_COMPILER_DRIVER_MODELTEXT_H

#include "compiler/Emit/Descriptor.h"

namespace halftone::driver {

/// Writes down which file has the tokenizer of an imported model, so that every later phase knows:
/// the attribute `ht.tokenizer`, a path from the model's folder on. `option` is the value of
/// --tokenizer: a file, "none", or empty for the one that is with the model, if there is one and
/// the model writes text.
llvm::Error setTokenizer(mlir::ModuleOp module, llvm::StringRef model, llvm::StringRef option);

/// What the program knows of texts: the compiled form of that tokenizer, checked against the
/// model's vocabulary, the tokens that end a text, and the compiled chat template beside it. A
/// template that cannot be compiled is a warning: the program refuses to chat. Takes the attribute
/// away.
llvm::Expected<emit::TextDescription> readText(mlir::ModuleOp module, llvm::StringRef modelDirectory);

} // namespace halftone::driver

#endif
