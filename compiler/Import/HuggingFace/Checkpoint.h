//===- Checkpoint.h - the weights of a model's folder -----------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_CHECKPOINT_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_CHECKPOINT_H

#include "compiler/Import/HuggingFace/Safetensors.h"

namespace halftone::huggingface {

/// The tensors of model.safetensors, or of the files that model.safetensors.index.json names;
/// nullopt after an error. Names of a whole model begin with `prefix`.
std::optional<transformer::Checkpoint> readCheckpoint(Folder &folder, llvm::StringRef prefix);

} // namespace halftone::huggingface

#endif
