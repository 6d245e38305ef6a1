//===- Shapes.h - symbolic dimensions of tensor types -----------------------===//
//
// A dimension is an AffineExpr over the enclosing function's symbols; a constant
// expression is a static dimension. These helpers read and make tensor types in
// that view and keep expressions in one normal form, so that equality of
// expressions is equality of dimensions.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_DIALECTS_HT_SHAPES_H
#define HALFTONE_DIALECTS_HT_SHAPES_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace halftone::ht {

using Dim = mlir::AffineExpr;
using Dims = llvm::SmallVector<Dim, 6>;

/// The dimensions of `type`. A dynamic dimension without an encoding (which no
/// verified `ht` type has) yields a null expression.
Dims getDims(mlir::RankedTensorType type);
Dims getDims(mlir::Value value);

/// The tensor type with these dimensions.
mlir::RankedTensorType getTensorType(llvm::ArrayRef<Dim> dims, mlir::Type elementType);

/// `type` with another element type.
mlir::RankedTensorType withElementType(mlir::RankedTensorType type, mlir::Type elementType);

/// The normal form: sums of products with sorted factors, constants last.
Dim normalize(Dim expr);

/// The product of all dimensions, normalized.
Dim getProduct(llvm::ArrayRef<Dim> dims, mlir::MLIRContext *context);

/// `numerator / denominator` where the division leaves no remainder for all
/// symbol values; nullopt where that cannot be shown.
std::optional<Dim> divideExactly(Dim numerator, Dim denominator);

/// The numpy broadcast of two shapes, or nullopt.
std::optional<Dims> broadcast(llvm::ArrayRef<Dim> lhs, llvm::ArrayRef<Dim> rhs);

/// The value of `expr` for these symbol values.
int64_t evaluate(Dim expr, llvm::ArrayRef<int64_t> symbols);

/// `expr` as a constant.
std::optional<int64_t> getConstant(Dim expr);

/// Readable text such as "batch * sequence" or "384"; symbols without a name print as s<i>.
std::string toString(Dim expr, llvm::ArrayRef<llvm::StringRef> symbolNames = {});
std::string toString(llvm::ArrayRef<Dim> dims, llvm::ArrayRef<llvm::StringRef> symbolNames = {});

} // namespace halftone::ht

#endif
