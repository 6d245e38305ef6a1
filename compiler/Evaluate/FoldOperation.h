//===- FoldOperation.h - the value of an operation on literals --------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_FOLDOPERATION_H
#define HALFTONE_COMPILER_EVALUATE_FOLDOPERATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace halftone::evaluate {

/// The results of `op` as literals, where all of its operands are `ht.constant`
/// and no result has more than `maxBytes`; empty where it has none to show: it
/// depends on symbols or weights, or fails, which is the program's to report if
/// it ever comes there. An iota is as short as a literal and says more (positions
/// and causal masks are recognised by it), so it stays.
llvm::SmallVector<mlir::DenseElementsAttr, 1> foldOperation(mlir::Operation *op, int64_t maxBytes);

} // namespace halftone::evaluate

#endif
