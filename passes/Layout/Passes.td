//===- Passes.td - weights in the order that kernels read them ----------------===//

#ifndef HALFTONE_PASSES_LAYOUT_PASSES_TD
#define HALFTONE_PASSES_LAYOUT_PASSES_TD

include "mlir/Pass/PassBase.td"

def PackWeights : Pass<"htk-pack-weights", "::mlir::ModuleOp"> {
  let summary = "lay linear weights out in panels of output rows";
  let description = [{
    Rewrites the initializer of every weight that a kernel's `ht.linear` reads
    with `htk.pack`, and the operation into `htk.linear` plus the addition of its
    bias. A weight that something else reads too (a tied embedding) keeps its
    rows, and the linear reads a packed copy. An f64 linear stays as it is.

    Panels of 64 rows: one cache line of int8, two of bf16, four of f32, a
    multiple of every vector length, so one layout serves all of x86.
  }];
  let options = [Option<"panel", "panel", "int64_t", /*default=*/"64", "Output rows in a panel">];
  let dependentDialects = ["::halftone::htk::HTKDialect"];
}

#endif
