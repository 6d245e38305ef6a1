//===- Checkpoint.h - the weights of a model's folder -----------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_CHECKPOINT_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_CHECKPOINT_H

#include "compiler/Import/HuggingFace/Safetensors.h"

#include "llvm/ADT/StringSet.h"

namespace halftone::huggingface {

/// The tensors of model.safetensors, or of the files that model.safetensors.index.json names.
class Checkpoint {
public:
  /// Names are those of a whole model; files that have none with `prefix` leave it out.
  Checkpoint(Folder &folder, llvm::StringRef prefix) : folder(folder), prefix(prefix) {}

  mlir::LogicalResult read();

  /// Whether there is a tensor of this name.
  bool has(llvm::StringRef name) const { return tensors.contains(getStoredName(name)); }

  /// The tensor of this name, of floats of 16 or 32 bits and of this shape; null after an error.
  const StoredTensor *take(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);

  /// Leaves tensors aside whose names begin, or end, so; how many that are.
  unsigned ignore(llvm::StringRef beginning, llvm::StringRef ending);

  /// Reports a tensor that nothing took.
  mlir::LogicalResult checkAllTaken();

private:
  mlir::LogicalResult readFiles();
  void renameOldNorms();
  llvm::StringRef getStoredName(llvm::StringRef name) const {
    if (!isWhole)
      name.consume_front(prefix);
    return name;
  }

  Folder &folder;
  llvm::StringRef prefix;
  bool isWhole = true; ///< whether names have the prefix
  std::string main;    ///< the file that messages name
  llvm::StringMap<StoredTensor> tensors;
  llvm::StringSet<> taken;
};

} // namespace halftone::huggingface

#endif
