//===- QuantizedProduct.h - the product of two terms ------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_QUANTIZEDPRODUCT_H
#define HALFTONE_COMPILER_EVALUATE_QUANTIZEDPRODUCT_H

#include "compiler/Evaluate/Tensor.h"

#include "mlir/IR/Operation.h"
#include "llvm/Support/Error.h"

namespace halftone::evaluate {

/// x Wᵀ of two terms, attributes of `op`, whose leaves hold these tensors, as `htq.linear`
/// defines it. A result of shape `shape`, in f32 or f64.
llvm::Expected<Tensor> multiplyTerms(mlir::Operation *op, mlir::Attribute inputTerm, llvm::ArrayRef<Tensor> input,
                                     mlir::Attribute weightTerm, llvm::ArrayRef<Tensor> weight,
                                     llvm::ArrayRef<int64_t> shape);

} // namespace halftone::evaluate

#endif
