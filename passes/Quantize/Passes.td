//===- Passes.td - which precision every tensor is stored in ------------------===//

#ifndef HALFTONE_PASSES_QUANTIZE_PASSES_TD
#define HALFTONE_PASSES_QUANTIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignStorage : Pass<"ht-assign-storage", "::mlir::ModuleOp"> {
  let summary = "choose the element type that linear and embedding weights are stored in";
  let description = [{
    `bf16` appends a cast to the initializer of every f32 weight that only
    `ht.linear` (as its weight) and `ht.embedding` (as its table) read: half the
    bytes, read back exactly as f32, rounded half to even once. Activations,
    biases and norms stay f32, so the error is that of the weights alone.
    `f32` widens narrower weights. Anything else is declined with a remark.
  }];
  let options = [Option<"storage", "storage", "std::string", /*default=*/"\"f32\"", "f32 or bf16">];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

#endif
