//===- IndexExpr.h - integer tensors that are affine in their position ------===//
//
// Exporters compute positions, coordinates and causal masks with iota, add,
// mul and reshape. All of these are affine: the element at [i0, i1, …] is
// offset + i0 * stride0 + i1 * stride1 + …, with strides and offset written over
// the function's symbols. One analysis of that form replaces a pattern per
// exporter: gathers that move nothing, comparisons that are always true and
// causal masks are read off the strides.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_INDEXEXPR_H
#define HALFTONE_PASSES_GRAPH_INDEXEXPR_H

#include "dialects/HT/Shapes.h"

#include "mlir/IR/Value.h"

#include <optional>

namespace halftone::graph {

struct IndexExpr {
  ht::Dims strides; ///< One per axis; 0 on axes of size 1.
  ht::Dim offset;

  /// The same tensor seen in a shape of `rank` axes, aligned at the last.
  IndexExpr alignedTo(size_t rank) const;
};

/// What is known of a value beside its operation, such as an argument's: its affine form, or nullopt.
using Assumption = llvm::function_ref<std::optional<IndexExpr>(mlir::Value)>;

/// The affine form of an integer tensor, or nullopt.
std::optional<IndexExpr> getIndexExpr(mlir::Value value, Assumption assume = {});

/// Whether a boolean tensor is true everywhere or false everywhere; nullopt where neither is known.
std::optional<bool> getTruth(mlir::Value value, Assumption assume = {});

/// `lhs - rhs` over their broadcast.
IndexExpr subtract(const IndexExpr &lhs, const IndexExpr &rhs);

} // namespace halftone::graph

#endif
