//===- RowSlices.h - a part of a weight is a weight -------------------------===//
//
// Weights are made in parts, so that what that takes does not grow with them: a
// few rows of a recipe are a recipe for less, whose loads read fewer bytes.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_ROWSLICES_H
#define HALFTONE_COMPILER_EVALUATE_ROWSLICES_H

#include "dialects/HT/HTOps.h"

#include "mlir/IR/OwningOpRef.h"

namespace halftone::evaluate {

/// A weight that has rows [begin, end) of `weight`'s first axis, in no module. Null where an
/// operation of the recipe needs other rows as well, such as a scale that all rows share.
mlir::OwningOpRef<ht::WeightOp> sliceRows(ht::WeightOp weight, int64_t begin, int64_t end);

/// The bytes that making `weight` takes at once, if all values of its recipe live to the end.
uint64_t estimateBytes(ht::WeightOp weight);

} // namespace halftone::evaluate

#endif
