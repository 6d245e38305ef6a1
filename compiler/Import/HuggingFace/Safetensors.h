//===- Safetensors.h - the tensors of a .safetensors file -------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_SAFETENSORS_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_SAFETENSORS_H

#include "compiler/Import/Transformer/Checkpoint.h"

namespace halftone::huggingface {

/// Reads the header of a file and adds its tensors by name. All that it says is checked:
/// that ranges lie in the file, hold what type and shape say, and follow one another
/// without gap or overlap; that no name comes twice. Fails after an error.
mlir::LogicalResult readSafetensors(Folder &folder, llvm::StringRef file,
                                    llvm::StringMap<transformer::StoredTensor> &tensors);

} // namespace halftone::huggingface

#endif
