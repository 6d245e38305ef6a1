//===- Checkpoint.h - the weights of a model --------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TRANSFORMER_CHECKPOINT_H
#define HALFTONE_COMPILER_IMPORT_TRANSFORMER_CHECKPOINT_H

#include "compiler/Import/Support/Folder.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringSet.h"

namespace halftone::transformer {

struct StoredTensor;

/// How the bytes of matrices are numbers, where these are not stored one by one.
class Encoding {
public:
  virtual ~Encoding() = default;
  /// What the file's format calls it.
  virtual llvm::StringRef getName() const = 0;
  /// In a weight's recipe: `count` rows of a matrix from row `first` on, as f32 [count, columns].
  virtual mlir::Value load(mlir::OpBuilder &builder, mlir::Location loc, const StoredTensor &tensor,
                           int64_t first, int64_t count) const = 0;
};

/// A tensor where it lies.
struct StoredTensor {
  std::string file;
  uint64_t offset; ///< in the file
  mlir::RankedTensorType type;
  std::shared_ptr<const Encoding> encoding = nullptr; ///< null: elements of the type
};

/// All tensors of a model by name. Whoever reads files makes it; whoever builds a graph takes
/// from it what the description names.
class Checkpoint {
public:
  /// `main` is the file that lacks a tensor that is missing. Names of a whole model begin with
  /// `omitted`, where those in these files do not.
  Checkpoint(Folder &folder, llvm::StringRef main, llvm::StringMap<StoredTensor> tensors,
             llvm::StringRef omitted = "")
      : folder(folder), main(main.str()), omitted(omitted.str()), tensors(std::move(tensors)) {}

  /// Whether there is a tensor of this name.
  bool has(llvm::StringRef name) const { return tensors.contains(getStoredName(name)); }

  /// The tensor of this name, of floats of 16 or 32 bits and of this shape; null after an error.
  /// Matrices may be encoded.
  const StoredTensor *take(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);

  /// Leaves tensors aside whose names begin, or end, so; how many that are.
  unsigned ignore(llvm::StringRef beginning, llvm::StringRef ending);

  /// Reports a tensor that nothing took.
  mlir::LogicalResult checkAllTaken();

private:
  llvm::StringRef getStoredName(llvm::StringRef name) const {
    name.consume_front(omitted);
    return name;
  }

  Folder &folder;
  std::string main, omitted;
  llvm::StringMap<StoredTensor> tensors;
  llvm::StringSet<> taken;
};

} // namespace halftone::transformer

#endif
