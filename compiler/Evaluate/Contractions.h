//===- Contractions.h - sums of products ------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_CONTRACTIONS_H
#define HALFTONE_COMPILER_EVALUATE_CONTRACTIONS_H

#include <cstdint>

namespace halftone::evaluate {

/// sum over k < n of x[k] y[k], in an order that depends on n alone.
double dot(const double *x, const double *y, int64_t n);

} // namespace halftone::evaluate

#endif
