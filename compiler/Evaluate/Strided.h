//===- Strided.h - copies through strides -----------------------------------===//
//
// Transpose, broadcast and slice are one loop nest: a dense row-major result
// read through a start and one stride per axis. It is written once, with care
// for caches, because weights of many megabytes go through it at emission.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_STRIDED_H
#define HALFTONE_COMPILER_EVALUATE_STRIDED_H

#include "compiler/Evaluate/Tensor.h"

namespace halftone::evaluate {

/// The tensor y of `shape` with `y[i…] = input.data[start + sum of i * stride]`,
/// start and strides in elements; strides may be 0 or negative.
Tensor readStrided(const Tensor &input, llvm::ArrayRef<int64_t> shape, int64_t start,
                   llvm::ArrayRef<int64_t> strides);

Tensor transpose(const Tensor &input, llvm::ArrayRef<int64_t> permutation);

/// numpy.broadcast_to; the shapes must be compatible. Shares the bytes where nothing is repeated.
Tensor broadcastTo(const Tensor &input, llvm::ArrayRef<int64_t> shape);

} // namespace halftone::evaluate

#endif
