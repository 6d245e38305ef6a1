//===- Passes.h - passes on the graph form ----------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_PASSES_H
#define HALFTONE_PASSES_GRAPH_PASSES_H

#include "dialects/HT/HTDialect.h"
#include "passes/Graph/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace halftone::graph {

#define GEN_PASS_DECL
#include "passes/Graph/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Graph/Passes.h.inc"

inline void registerPasses() {
  registerHalftoneGraphPasses();
  registerPipelines();
}

} // namespace halftone::graph

#endif
