//===- IndexRange.h - what integers of a kernel are known to be -------------===//

#ifndef HALFTONE_PASSES_ELEMENTS_INDEXRANGE_H
#define HALFTONE_PASSES_ELEMENTS_INDEXRANGE_H

#include "mlir/IR/Value.h"

#include <optional>

namespace halftone::elements {

/// Bounds, both included, of all elements of a tensor of integers.
struct IndexRange {
  int64_t least, greatest;
};

/// What literals and the operations between them say; null where data has a part in `value`.
std::optional<IndexRange> getIndexRange(mlir::Value value);

} // namespace halftone::elements

#endif
