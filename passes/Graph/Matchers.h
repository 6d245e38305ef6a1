//===- Matchers.h - questions that raising passes ask of the graph ----------===//
//
// Exporters write one idea in many ways. These helpers look through what does
// not matter (casts between floats, axes of size 1, broadcasts, the order of
// commuting operands), so that a pass states its pattern once.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_MATCHERS_H
#define HALFTONE_PASSES_GRAPH_MATCHERS_H

#include "dialects/HT/HTOps.h"
#include "dialects/HT/Shapes.h"

#include "mlir/IR/PatternMatch.h"

#include <optional>

namespace halftone::graph {

using mlir::Operation;
using mlir::Value;

/// The number that every element of `value` is, seen through casts, reshapes and broadcasts.
std::optional<double> getSplat(Value value);

/// Whether `value` is a splat of `expected` up to a relative 1e-4: exporters
/// round constants such as 1/sqrt(2) to the model's element type.
bool isSplat(Value value, double expected);

/// `value` before casts from float to float.
Value skipFloatCasts(Value value);

/// `value` before broadcasts.
Value skipBroadcasts(Value value);

/// The dimensions that are not 1.
ht::Dims getNonUnitDims(Value value);

/// Whether `op` only adds or removes axes of size 1.
bool isUnitReshape(ht::ReshapeOp op);

/// The only operation that uses `value`, or null.
Operation *getOnlyUser(Value value);

/// The other operand of a binary operation; null where both are `value`.
Value getOther(Operation *binary, Value value);

/// Whether `a` and `b` are one value but for float casts.
bool isSameButCasts(Value a, Value b);

/// Whether `reduce` averages over the last axis only.
bool isMeanOverLastAxis(ht::ReduceOp reduce);

/// `value = base * factor` with a scalar constant, from ht.mul or ht.div.
struct Scaled {
  Value base;
  double factor;
};
std::optional<Scaled> matchScaled(Value value);

/// x where `value` is x * x or x ^ 2.
Value matchSquare(Value value);

/// A one-dimensional [size] value behind `value`, which broadcasts along all
/// other axes (leading axes of size 1 dropped); null where there is none.
/// No operation is made: `materializeVector` does that after the match.
bool isVector(Value value, ht::Dim size);
Value materializeVector(mlir::OpBuilder &builder, Value value);

/// `ht.transpose` of `value`; `value` itself for the identity.
Value transpose(mlir::OpBuilder &builder, mlir::Location loc, Value value,
                llvm::ArrayRef<int64_t> permutation);

/// `ht.reshape` of `value`; `value` itself where the shape is the same.
Value reshape(mlir::OpBuilder &builder, mlir::Location loc, Value value, llvm::ArrayRef<ht::Dim> dims);

/// A splat constant of rank 0 or of static shape `shape`.
Value makeSplat(mlir::OpBuilder &builder, mlir::Location loc, double number, mlir::Type element,
                llvm::ArrayRef<int64_t> shape = {});

/// Erases operations without uses and effects, users before producers.
void eraseDeadOps(mlir::Block &block);

} // namespace halftone::graph

#endif
