//===- LaneShuffles.h - what moves between the lanes of vectors -------------===//

#ifndef HALFTONE_PASSES_CPU_LANESHUFFLES_H
#define HALFTONE_PASSES_CPU_LANESHUFFLES_H

#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// Halves, quarters, ... of lanes change places: lanes without bit `size` of both, and those with it.
std::pair<mlir::Value, mlir::Value> exchangeLanes(KernelBuilder &kernel, mlir::Value x, mlir::Value y,
                                                  int64_t size);

/// As many vectors as each has lanes: lane i of vector j becomes lane j of vector i.
void transposeLanes(KernelBuilder &kernel, llvm::MutableArrayRef<mlir::Value> vectors);

/// A vector whose lane i is the sum of the lanes of `vectors[i]`.
mlir::Value sumLanes(KernelBuilder &kernel, llvm::SmallVector<mlir::Value> vectors);

/// `combine` of all lanes, in each of them.
mlir::Value foldLanes(KernelBuilder &kernel, mlir::Value vector,
                      llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

} // namespace halftone::cpu

#endif
