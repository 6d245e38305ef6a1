//===- LoopNests.h - one loop nest for each kind of root --------------------===//

#ifndef HALFTONE_PASSES_CPU_LOOPNESTS_H
#define HALFTONE_PASSES_CPU_LOOPNESTS_H

#include "passes/CPU/KernelBuilder.h"
#include "passes/Elements/ElementEmitter.h"

namespace halftone::cpu {

/// y = x Wᵀ in register tiles over packed panels, then the epilogue.
mlir::LogicalResult lowerLinear(KernelBuilder &kernel, htk::LinearOp root);

/// Codes and scales of rows, each by its own range.
mlir::LogicalResult lowerQuantize(KernelBuilder &kernel, htq::DynamicQuantizeOp root);

/// x y in register tiles over the operands where they are, then the epilogue.
mlir::LogicalResult lowerMatMul(KernelBuilder &kernel, ht::MatMulOp root);

/// Attention with running softmax, queries along the lanes.
mlir::LogicalResult lowerAttention(KernelBuilder &kernel, ht::AttentionOp root);

/// Row by row of the result; `root` (null: pointwise) is a norm, softmax of the last
/// axis, reduction, or an operation whose elements `bind` binds.
mlir::LogicalResult lowerRows(KernelBuilder &kernel, mlir::Operation *root,
                              llvm::function_ref<void(ElementEmitter &)> bind = {});

/// Binds the elements of a reduction to loops over its operand's elements.
mlir::LogicalResult bindReduction(KernelBuilder &kernel, ElementEmitter &emitter, mlir::Operation *root);

/// Column by column along the axis of a running sum, or softmax of an inner axis.
mlir::LogicalResult lowerColumns(KernelBuilder &kernel, mlir::Operation *root);

/// Every thread applies all updates to its part of the result.
mlir::LogicalResult lowerScatter(KernelBuilder &kernel, ht::ScatterNDOp root);

/// New tokens at their places in a cache.
mlir::LogicalResult lowerUpdate(KernelBuilder &kernel, ht::UpdateOp root);

/// Heaps of the best, one for each row along the axis.
mlir::LogicalResult lowerTopK(KernelBuilder &kernel, ht::TopKOp root);

} // namespace halftone::cpu

#endif
