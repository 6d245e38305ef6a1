//===- Contractions.h - sums of products, and other ways to combine numbers --===//

#ifndef HALFTONE_COMPILER_EVALUATE_CONTRACTIONS_H
#define HALFTONE_COMPILER_EVALUATE_CONTRACTIONS_H

#include "compiler/Evaluate/Handlers.h"

#include "dialects/HT/HTOps.h"

#include <cstdint>

namespace halftone::evaluate {

/// sum over k < n of x[k] y[k], in an order that depends on n alone.
double dot(const double *x, const double *y, int64_t n);

/// One step of a reduction, or of a scatter that reduces; integers wrap. A mean is divided at its end.
template <typename T>
T combine(ht::ReduceKind kind, T x, T y) {
  using Wrapping = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;
  switch (kind) {
  case ht::ReduceKind::Sum:
  case ht::ReduceKind::Mean:
    return static_cast<T>(Wrapping(x) + Wrapping(y));
  case ht::ReduceKind::Prod:
    return static_cast<T>(Wrapping(x) * Wrapping(y));
  case ht::ReduceKind::Max:
    return maximum(x, y);
  case ht::ReduceKind::Min:
    return minimum(x, y);
  }
  llvm_unreachable("covered switch");
}

} // namespace halftone::evaluate

#endif
