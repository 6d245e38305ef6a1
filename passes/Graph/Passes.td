//===- Passes.td - passes on the graph form -----------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_PASSES_TD
#define HALFTONE_PASSES_GRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif
