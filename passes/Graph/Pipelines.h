//===- Pipelines.h - the raise phase ----------------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_PIPELINES_H
#define HALFTONE_PASSES_GRAPH_PIPELINES_H

namespace mlir {
class OpPassManager;
}

namespace halftone::graph {

/// From an imported graph of primitives to transformer operations, equal for
/// every exporter of one model. On a module.
void buildRaisePipeline(mlir::OpPassManager &pm);

/// `ht-raise`.
void registerPipelines();

} // namespace halftone::graph

#endif
