//===- SimplifyPatterns.h - the parts of ht-simplify ------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_SIMPLIFYPATTERNS_H
#define HALFTONE_PASSES_GRAPH_SIMPLIFYPATTERNS_H

#include "passes/Graph/Matchers.h"

namespace halftone::graph {

/// Gathers, comparisons and casts of positions and masks.
void addPositionPatterns(mlir::RewritePatternSet &set);

/// Reshapes, transposes and what moves through them.
void addMovementPatterns(mlir::RewritePatternSet &set);

/// Stacks of matrices whose batch and heads are merged.
void addHeadPatterns(mlir::RewritePatternSet &set);

} // namespace halftone::graph

#endif
