//===- TokenWise.h - what is computed of each token by itself ---------------===//

#ifndef HALFTONE_PASSES_GRAPH_TOKENWISE_H
#define HALFTONE_PASSES_GRAPH_TOKENWISE_H

#include "dialects/HT/Shapes.h"

#include "mlir/IR/Block.h"

namespace halftone::graph {

/// The first operation of `block`, attention over states aside, of which a result for one of `tokens` may
/// depend on another of them; null where there is none. `tokens` is a symbol or 1. In every value, tokens are
/// one axis: `tokens` itself or, as rows of all sequences one behind the other, `batch` times that.
mlir::Operation *findTokenMixer(mlir::Block &block, ht::Dim batch, ht::Dim tokens);

} // namespace halftone::graph

#endif
