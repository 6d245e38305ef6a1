//===- Passes.td - weights in the order that kernels read them ----------------===//

#ifndef HALFTONE_PASSES_LAYOUT_PASSES_TD
#define HALFTONE_PASSES_LAYOUT_PASSES_TD

include "mlir/Pass/PassBase.td"

def PackWeights : Pass<"htk-pack-weights", "::mlir::ModuleOp"> {
  let summary = "lay linear weights out in panels of output rows";
  let description = [{
    Rewrites the recipes of the weights that a kernel's `ht.linear` or `htq.linear`
    reads with `htk.pack`, and the operation into `htk.linear`, plus the addition of
    its bias. A weight that something else reads too (a tied embedding) keeps its
    rows, and the linear reads a packed copy.
  }];
  let dependentDialects = ["::halftone::htk::HTKDialect"];
}

#endif
