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

def ConvertToQuant : Pass<"htq-convert-to-quant", "::mlir::ModuleOp"> {
  let summary = "write affines with constant parameters as upstream's quantized types";
  let description = [{
    `htq.quantize` becomes `quant.qcast` and `quant.scast`, `htq.dequantize`
    `quant.scast` and `quant.dcast`, where `!quant.uniform` can hold the term: integer
    codes, positive constant scales, constant zeros in the range of the codes, blocks
    that divide their axes (`ht-fold-constants` before it makes constants of what is
    computed from them). A remark says why an operation is kept. Unsigned codes
    pass through `ht.bitcast`, as storage types have no sign. Upstream folds a `dcast`
    of a `qcast` to the value before both, rounding lost: convert back before anything
    canonicalizes.
  }];
  let dependentDialects = ["::halftone::ht::HTDialect", "::halftone::htq::HTQDialect", "::mlir::quant::QuantDialect"];
}

def ConvertFromQuant : Pass<"htq-convert-from-quant", "::mlir::ModuleOp"> {
  let summary = "write upstream's quantized types as affines with constant parameters";
  let description = [{
    The inverse of `htq-convert-to-quant`, for per-tensor, per-axis and sub-channel
    types: scales become constants of f32, a zero that is 0 everywhere none. Kept with
    a remark: codes clamped to less than their type, storage types that the graph does
    not have, quantized types at the boundary of a function.
  }];
  let dependentDialects = ["::halftone::ht::HTDialect", "::halftone::htq::HTQDialect"];
}

#endif
