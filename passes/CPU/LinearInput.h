//===- LinearInput.h - the rows that linears multiply -----------------------===//

#ifndef HALFTONE_PASSES_CPU_LINEARINPUT_H
#define HALFTONE_PASSES_CPU_LINEARINPUT_H

#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// The rows of x that a kernel's linears multiply: all in memory, or block by block in a scratch
/// of the thread, where the kernel's prologue (a dynamic quantization or a cast) makes them.
class LinearInput {
public:
  /// Reports what cannot be made.
  static mlir::FailureOr<LinearInput> create(KernelBuilder &kernel, htk::LinearOp linear);

  /// Rows in a block at most, for tiles of so many: a multiple of that.
  int64_t getBlockRows(int64_t tileRows) const;

  bool isMade() const { return prologue != nullptr; }
  /// Makes rows [first, first + count), a block, where memory has them not.
  void emitBlock(mlir::Value first, mlir::Value count);
  /// Where a row of the block is in the buffers.
  mlir::Value getPosition(mlir::Value row) const { return isMade() ? k->sub(row, blockStart) : row; }

  /// The codes or values of all columns.
  mlir::Value getBuffer() const { return leaves.front(); }
  mlir::Type getElementType() const { return types.front().getElementType(); }
  int64_t getDepth() const { return types.front().getShape().back(); }
  /// Whether a row has a scale, and how many along k.
  int64_t getNumScales() const { return leaves.size() < 2 ? 0 : types[1].getShape().back(); }
  /// Scale `index` of the row at `position`.
  mlir::Value getScale(mlir::Value position, mlir::Value index, mlir::Type real) const;

private:
  explicit LinearInput(KernelBuilder &kernel) : k(&kernel) {}

  KernelBuilder *k;
  mlir::Operation *prologue = nullptr;
  llvm::SmallVector<mlir::RankedTensorType, 3> types;
  llvm::SmallVector<mlir::Value, 3> leaves;
  mlir::Value blockStart;
};

} // namespace halftone::cpu

#endif
