//===- RegisterTile.h - the inner loop of matrix products -------------------===//

#ifndef HALFTONE_PASSES_CPU_REGISTERTILE_H
#define HALFTONE_PASSES_CPU_REGISTERTILE_H

#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// sums[r * vectors + v] = sum over i in [0, depth) of left(r, i) * right(v, i), all
/// of them in registers along the whole loop.
struct RegisterTile {
  /// What is multiplied and summed in: a float of 32 bits or more, or any integer.
  mlir::Type element;
  int64_t rows, vectors;
  /// A scalar.
  llvm::function_ref<mlir::Value(int64_t, mlir::Value)> left;
  /// A vector of the kernel's lanes.
  llvm::function_ref<mlir::Value(int64_t, mlir::Value)> right;

  llvm::SmallVector<mlir::Value> emit(KernelBuilder &kernel, mlir::Value depth);
};

/// Vectors of `element` that a tile of 6 rows is wide: what 32 registers hold beside the operands.
int64_t getTileVectors(const KernelBuilder &kernel, mlir::Type element);

} // namespace halftone::cpu

#endif
