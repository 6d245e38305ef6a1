//===- ModelKind.cpp - what kind of model a path is -------------------------===//

#include "compiler/Driver/ModelKind.h"

#include "compiler/Import/GGUF/Importer.h"
#include "compiler/Import/Llama2c/Importer.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"

namespace halftone::driver {

ModelKind getModelKind(llvm::StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return ModelKind::HuggingFace;
  if (!llvm::sys::fs::is_regular_file(path))
    return ModelKind::ONNX; // Its reader says what is wrong with that.
  return isGGUF(path) ? ModelKind::GGUF : isLlama2c(path) ? ModelKind::Llama2c : ModelKind::ONNX;
}

llvm::StringRef getName(ModelKind kind) {
  switch (kind) {
  case ModelKind::ONNX:
    return "an ONNX model";
  case ModelKind::HuggingFace:
    return "a Hugging Face folder";
  case ModelKind::GGUF:
    return "a GGUF file";
  case ModelKind::Llama2c:
    return "a checkpoint of llama2.c";
  }
  llvm_unreachable("covered switch");
}

bool isUsuallyQuantized(ModelKind kind) { return kind == ModelKind::GGUF || kind == ModelKind::Llama2c; }

} // namespace halftone::driver
