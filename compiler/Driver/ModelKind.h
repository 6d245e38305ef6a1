//===- ModelKind.h - what kind of model a path is ---------------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_MODELKIND_H
#define HALFTONE_COMPILER_DRIVER_MODELKIND_H

#include "llvm/ADT/StringRef.h"

namespace halftone::driver {

enum class ModelKind { ONNX, HuggingFace, GGUF, Llama2c };

/// By what is there, not by its name. What is nothing else is taken for ONNX.
ModelKind getModelKind(llvm::StringRef path);

/// What messages call it.
llvm::StringRef getName(ModelKind kind);

/// Whether files of this kind are quantized by whoever published them: their weights stay as they
/// are where no other format is asked for.
bool isUsuallyQuantized(ModelKind kind);

} // namespace halftone::driver

#endif
