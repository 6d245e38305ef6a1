//===- Packing.h - how htk.pack lays weights out ----------------------------===//

#ifndef HALFTONE_DIALECTS_HTK_PACKING_H
#define HALFTONE_DIALECTS_HTK_PACKING_H

#include "mlir/IR/BuiltinTypes.h"

namespace halftone::htk {

/// The layout of `htk.pack` for elements of one type.
class Packing {
public:
  /// Rows of a panel.
  static constexpr int64_t kPanel = 64;

  /// The layout of elements that are stored whole, or of codes where `group` is 4.
  Packing(mlir::Type element, int64_t group);

  /// The columns that stand together in a linear's weights of this type: 4 codes, 2
  /// bf16, one of everything else.
  static int64_t getGroup(mlir::Type element);

  /// Whether elements are integers of up to 8 bits, stored without a sign in their bits only.
  bool isBits() const { return !planes.empty(); }
  int64_t getGroup() const { return group; }
  /// Widths of the planes, in the order they are stored, the low bits of a code first.
  llvm::ArrayRef<int64_t> getPlanes() const { return planes; }
  /// Steps (of a group of columns) in a period.
  int64_t getSteps() const { return steps; }
  /// Columns in a period.
  int64_t getPeriod() const { return steps * group; }
  /// Stored elements of one panel's period: bytes where `isBits`.
  int64_t getPeriodSize() const { return periodSize; }
  /// What a stored code has more than its value.
  int64_t getBias() const { return bias; }

  /// What rows of type `rows`, [n, k], are packed to.
  mlir::RankedTensorType getPackedType(mlir::RankedTensorType rows) const;

private:
  mlir::Type element;
  int64_t group;
  llvm::SmallVector<int64_t, 3> planes;
  int64_t steps = 1, periodSize, bias = 0;
};

/// A leaf of a weight's term as kernels read it.
struct PackedLeaf {
  mlir::RankedTensorType rows; ///< before packing: [rows, columns], or a codebook's [entries]
  int64_t group;
  bool isCodebook; ///< stays as it is

  mlir::RankedTensorType getPackedType() const;
};

/// The leaves of a weight's term, from left to right; n and k are the weight's. Empty where
/// one cannot be packed: where codes are a term, or a block along n is neither 1 nor all of it.
llvm::SmallVector<PackedLeaf> getPackedLeaves(mlir::Attribute term, int64_t n, int64_t k);

/// Null if packed kernels can multiply by a weight of this term, whose leaves are as
/// `getPackedLeaves` says; else the reason.
const char *whyNotPacked(mlir::Attribute inputTerm, mlir::Attribute weightTerm, int64_t n, int64_t k);

} // namespace halftone::htk

#endif
