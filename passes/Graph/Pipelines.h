//===- Pipelines.h - the raise phase ----------------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_PIPELINES_H
#define HALFTONE_PASSES_GRAPH_PIPELINES_H

#include "mlir/Pass/PassOptions.h"

namespace mlir {
class OpPassManager;
}

namespace halftone::graph {

struct RaiseOptions : mlir::PassPipelineOptions<RaiseOptions> {
  Option<std::string> modelDirectory{
      *this, "model-directory",
      llvm::cl::desc(
          "folder of the model's files; without it no file is read and ht-tie-weights is left out"),
      llvm::cl::init("")};
  Option<bool> keepPast{
      *this, "keep-past",
      llvm::cl::desc("keys and values of earlier tokens that a decoder takes and gives become states"),
      llvm::cl::init(true)};
};

/// From an imported graph of primitives to transformer operations, equal for
/// every exporter of one model. On a module.
void buildRaisePipeline(mlir::OpPassManager &pm, const RaiseOptions &options = {});

/// `ht-raise`.
void registerPipelines();

} // namespace halftone::graph

#endif
