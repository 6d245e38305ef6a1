//===- LoopNests.h - one loop nest for each kind of root --------------------===//

#ifndef HALFTONE_PASSES_CPU_LOOPNESTS_H
#define HALFTONE_PASSES_CPU_LOOPNESTS_H

#include "passes/CPU/ElementEmitter.h"

namespace halftone::cpu {

/// y = x Wᵀ in register tiles over packed panels, then the epilogue.
mlir::LogicalResult lowerLinear(KernelBuilder &kernel, htk::LinearOp root);

/// Attention with running softmax, queries along the lanes.
mlir::LogicalResult lowerAttention(KernelBuilder &kernel, ht::AttentionOp root);

/// Row by row of the result; `root` (null: pointwise) is a norm, softmax, or an
/// operation whose elements are computed one by one from its operands.
mlir::LogicalResult lowerRows(KernelBuilder &kernel, mlir::Operation *root);

/// Binds the elements of a reduction, matrix product, softmax along an inner
/// axis, or running sum to loops over its operands' elements.
mlir::LogicalResult bindReduction(KernelBuilder &kernel, ElementEmitter &emitter, mlir::Operation *root);

} // namespace halftone::cpu

#endif
