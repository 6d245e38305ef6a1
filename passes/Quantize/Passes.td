//===- Passes.td - which format every tensor has ------------------------------===//

#ifndef HALFTONE_PASSES_QUANTIZE_PASSES_TD
#define HALFTONE_PASSES_QUANTIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def Assign : Pass<"htq-assign", "::mlir::ModuleOp"> {
  let summary = "decide a format for every linear and embedding table";
  let description = [{
    Every `ht.linear` whose weight is a parameter of the model, and every
    `ht.embedding`, gets the format of its weight as `htq.weights`, and a linear
    that of its input as `htq.activations`. An attribute that is missing says that
    the tensor stays as it is. By the plan's first rule that matches the weight's
    name or the operation's, or else by the options.

    A weight that the model file has quantized stays as it is there unless a float
    is asked for. What cannot have the format that was asked falls back to the
    next that is wider, with a remark that says why:

    - a weight with a reader that needs floats, or of f64, stays as it is;
    - activations stay f32 where they are no integer codes to multiply by integer
      codes, or where a sum of products could exceed 32 bits;
    - bf16 activations need a weight that is no wider.

    A linear whose input will be codes also gets the order and stride of a rotation
    before that as `htq.rotation`. By `auto` that is 8 with a stride of 16, or as
    much of it as divides the channels. There is none where the weight keeps codes
    of the model file, or an embedding reads it as well.

    An `ht.attention` gets as `htq.activations` the float that it multiplies in, unless
    q is no f32, or k and v are kept from step to step as f32.
  }];
  let options = [
    Option<"weights", "weights", "std::string", /*default=*/"\"f32\"",
           "Format of weights; `model`: as the model file has them">,
    Option<"activations", "activations", "std::string", /*default=*/"\"f32\"", "Format of the linears' inputs">,
    Option<"rotation", "rotation", "std::string", /*default=*/"\"auto\"",
           "Rotation of inputs that will be codes: `auto`, `none`, or an order and a stride such as `8x16`">,
    Option<"attention", "attention", "std::string", /*default=*/"\"\"",
           "What attention multiplies in, f32 or bf16; empty: bf16 unless activations are f32, or `htk.cpu` is "
           "there and has no tiles of bf16">,
    Option<"planFile", "plan", "std::string", /*default=*/"", "File of rules, of which the first that matches decides">,
    Option<"savePlan", "save-plan", "std::string", /*default=*/"", "File to write what was decided to, as a plan">
  ];
  let dependentDialects = ["::halftone::htq::HTQDialect"];
}

def NarrowStates : Pass<"htq-narrow-states", "::mlir::ModuleOp"> {
  let summary = "keep the keys and values of earlier tokens in fewer bits";
  let description = [{
    A state of f32 that holds keys or values of an attention, and nothing else, becomes
    one of a narrower float, or one for each leaf of a term: codes in its place, and
    scales (`NAME.scale`) behind the others. New tokens are quantized by rows of a head
    when they are written; the attention reads what they stand for. Other states stay,
    with a remark.

    ```mlir
    %u = ht.update %state, %k sequences %s start %p : tensor<8x2048x4x64xf32>, …
    %y = ht.attention %q, %u, …
    // becomes, for int8
    %c, %r = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, 1, 1, ?], scale f32>(%k) : …
    %uc = ht.update %state, %c sequences %s start %p : tensor<8x2048x4x64xi8>, …
    %us = ht.update %scales, %r sequences %s start %p : tensor<8x2048x4x1xf32>, …
    %u = htq.dequantize #htq.affine<i8, blocks [1, 1, 1, ?], scale f32>(%uc, %us) : …
    %y = ht.attention %q, %u, …
    ```
  }];
  let options = [
    Option<"format", "format", "std::string", /*default=*/"\"f32\"",
           "Format of kept keys and values: f32, f16, bf16, or codes of 8 bits such as `int8`">
  ];
  let dependentDialects = ["::halftone::ht::HTDialect", "::halftone::htq::HTQDialect"];
}

def Smooth : Pass<"htq-smooth", "::mlir::ModuleOp"> {
  let summary = "move the scales of activations' channels into weights";
  let description = [{
    SmoothQuant (Xiao et al., arXiv 2211.10438). For linears whose input will be
    codes and has been observed (`htq.input_magnitudes`), channel j of the input is
    divided by `s = max|x|^alpha / max|w|^(1 - alpha)` and column j of the weights
    multiplied by it, over all linears that read the input. The division goes into

    - the gain and bias of the norm that makes the input,
    - the rows of the linear whose values an attention without shared heads mixes,
    - the rows of the linear that a gate multiplies,

    where nothing else reads the input; elsewhere it is a multiplication by a
    parameter. Reads weights, for their magnitudes. A weight that the model file has
    quantized is not multiplied; a remark says so.
  }];
  let options = [
    Option<"alpha", "alpha", "double", /*default=*/"0.5", "Which share of the magnitudes goes into weights, 0 to 1">,
    Option<"modelDirectory", "model-directory", "std::string", /*default=*/"", "Folder of the model's files">
  ];
  let dependentDialects = ["::halftone::ht::HTDialect", "::halftone::htq::HTQDialect"];
}

def Rotate : Pass<"htq-rotate", "::mlir::ModuleOp"> {
  let summary = "rotate the inputs of linears that will be codes";
  let description = [{
    QuaRot (Ashkboos et al., arXiv 2404.00456), within blocks: for linears with
    `htq.rotation`, `x Wᵀ = (x H) (W H)ᵀ` with the Hadamard matrices H of that order
    and stride. Columns of the weights are rotated in their recipes. The input is

    - rotated by `htq.hadamard`, once for all linears that do so, which the kernel
      that quantizes it makes in registers; or,
    - where an attention without shared heads makes it for these linears alone, not at
      run time: the rows of the linear that makes the values are rotated within each
      head, by the greatest power of two of its width, with all of its lanes.

    A weight that several linears read is rotated once.

    ```mlir
    %y = ht.linear %x, %w {htq.rotation = array<i64: 8, 16>, …} : …
    // becomes
    %0 = htq.hadamard 8 stride 16 %x : tensor<?x384xf32, #ht.dims<s0>>
    %y = ht.linear %0, %w {…} : …
    ```
  }];
  let dependentDialects = ["::halftone::ht::HTDialect", "::halftone::htq::HTQDialect"];
}

def Quantize : Pass<"htq-quantize", "::mlir::ModuleOp"> {
  let summary = "make true what was decided about formats";
  let description = [{
    A weight becomes one weight for each leaf of its term (`@w.codes`, `@w.scale`):
    its recipe, then `htq.dynamic_quantize`; or, where the recipe ends in
    `htq.dequantize`, the leaves of that. The input of a linear is quantized once
    for all that read it, and the linear becomes `htq.linear` and an addition of
    its bias. Embeddings gather codes and parameters. A linear with a weight and
    input of element types that it takes stays `ht.linear`. q, k and v of an attention
    are cast; its result becomes f32, or bf16 where linears in bf16 are all that read it.

    ```mlir
    %y = ht.linear %x, %w bias %b
        {htq.weights = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>,
         htq.activations = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>} : …
    // becomes
    %codes, %scale = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x) : …
    %w = ht.get_weight @w.codes : …
    %s = ht.get_weight @w.scale : …
    %0 = htq.linear affine<i8, blocks [1, ?], scale f32>(%codes, %scale)
        by affine<i8, blocks [1, ?], scale f32>(%w, %s) : …
    %y = ht.add %0, %b : …
    ```
  }];
  let dependentDialects = ["::halftone::ht::HTDialect", "::halftone::htq::HTQDialect"];
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
