//===- RowRotation.h - rows times Hadamard matrices -------------------------===//

#ifndef HALFTONE_PASSES_CPU_ROWROTATION_H
#define HALFTONE_PASSES_CPU_ROWROTATION_H

#include "passes/CPU/KernelBuilder.h"
#include "passes/Elements/ElementEmitter.h"

namespace halftone::cpu {

/// Makes rows of `htq.hadamard` in a scratch of one row, from any loop nest that has whole rows of its input.
class RowRotation {
public:
  /// Elements of the input come from `emitter`, which is asked once for each.
  RowRotation(KernelBuilder &kernel, ElementEmitter &emitter, htq::HadamardOp op);

  /// Rotates the row at `outer`, all indices but the last; its elements are then read from the scratch.
  ElementEmitter::Producer emit(llvm::ArrayRef<mlir::Value> outer);

private:
  using Vectors = llvm::SmallVector<mlir::Value, 16>;

  void emitVectors(llvm::ArrayRef<mlir::Value> outer);
  void emitScalars(llvm::ArrayRef<mlir::Value> outer);
  mlir::Value loadInput(llvm::ArrayRef<mlir::Value> outer, Index column, Lanes at);
  mlir::Value combineLanes(mlir::Value x, int64_t distance);
  void combineVectors(Vectors &vectors);
  mlir::Value normalize(mlir::Value x);

  KernelBuilder &k;
  ElementEmitter &emitter;
  htq::HadamardOp op;
  mlir::Type real;
  int64_t columns, order, stride;
  mlir::Value scratch;
};

} // namespace halftone::cpu

#endif
