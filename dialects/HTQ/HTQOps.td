//===- HTQOps.td - operations that apply a term -------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_HTQOPS_TD
#define HALFTONE_DIALECTS_HTQ_HTQOPS_TD

include "dialects/HT/HTBase.td"
include "dialects/HTQ/HTQDialect.td"

class HTQ_Op<string mnemonic, list<Trait> traits = []>
    : Op<HTQ_Dialect, mnemonic, !listconcat([Pure, HT_SymbolicShapes], traits)>;

def HTQ_DequantizeOp : HTQ_Op<"dequantize"> {
  let summary = "the value of a term";
  let description = [{
    ```mlir
    %w = htq.dequantize #htq.affine<i4, blocks [1, 128], scale f16, zero ui4>(%codes, %scale, %zero)
        : (tensor<64x256xi4>, tensor<64x2xf16>, tensor<64x2xui4>) -> tensor<64x256xf32>
    ```

    Stands in a weight's recipe (where the format that the user's file has is
    kept, whatever the graph does with the weight) or in the graph.

      [C1] the term is not a bare element type, and there is one operand per
           leaf, of the leaf's element type;
      [C2] parameters of an affine have the codes' rank and one element per block;
      [C3] a codebook is one-dimensional, and what chooses from it has unsigned integers;
      [C4] both sides of a sum have one shape;
      [C5] the result has the shape of the codes.
  }];
  let arguments = (ins AnyAttr:$term, Variadic<HT_Tensor>:$leaves);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = "$term `(` $leaves `)` attr-dict `:` functional-type($leaves, $result)";
  let hasVerifier = 1;
}

def HTQ_QuantizeOp : HTQ_Op<"quantize"> {
  let summary = "the codes of a tensor under an affine term with given parameters";
  let description = [{
    Integers: `clamp(round(x / scale) + zero)`, rounded half to even, clamped to
    the range of the code type before it is narrowed; NaN gives the zero.
    Floats: `x / scale`, rounded half to even, saturated at the largest finite
    value unless `unsaturated`. The division is in f32, or f64 where x is; a
    scale narrower than that is widened.

      [C1] the term is an affine of element types;
      [C2] scale and zero are as the term says and as in `htq.dequantize`;
      [C3] the result has the shape of x and the term's code type; a zero has the
           code type.
  }];
  let arguments = (ins HTQ_AffineAttr:$term, HT_FloatTensor:$input, HT_Tensor:$scale,
      Optional<HT_Tensor>:$zero, UnitAttr:$unsaturated);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = [{
    $term `(` $input `,` $scale (`,` $zero^)? `)` (`unsaturated` $unsaturated^)? attr-dict
    `:` type($input) `,` type($scale) (`,` type($zero)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def HTQ_RequantizeOp : HTQ_Op<"requantize", [AttrSizedOperandSegments]> {
  let summary = "integer codes of one affine as integer codes of another";
  let description = [{
    ```mlir
    %y = htq.requantize <i32, blocks [1, 1], scale f32>(%sums, %s) to <i8, blocks [?, ?], scale f32, zero i8>(%t, %z)
        : (tensor<4x100xi32>, tensor<4x100xf32>) to (tensor<1x1xf32>, tensor<1x1xi8>) -> tensor<4x100xi8>
    ```

    What a product of integers sums becomes codes again without being a float tensor
    between: `clamp(round((code - zero) * (scale / scale')) + zero')`, where what is
    primed is of the second affine. The difference is exact, then rounded to f32;
    the quotient and the product are rounded to f32 each; `round` is half to even,
    and what it gives is clamped to the range of the result before it is narrowed.
    NaN gives zero'.

      [C1] both terms are affines of integers of at most 32 bits, and their scales
           types of floats;
      [C2] the tensors are their leaves as in `htq.dequantize`, where the codes of
           the second are the result;
      [C3] zero' has the type of its codes;
      [C4] the result has the shape of the codes.
  }];
  let arguments = (ins HTQ_AffineAttr:$from, Variadic<HT_Tensor>:$input, HTQ_AffineAttr:$to,
      Variadic<HT_Tensor>:$parameters);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = [{
    $from `(` $input `)` `to` $to `(` $parameters `)` attr-dict
    `:` `(` type($input) `)` `to` ` ` `(` type($parameters) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def HTQ_ObserveOp : HTQ_Op<"observe", [SameOperandsAndResultType]> {
  let summary = "a tensor as it is, measured where a run calibrates";
  let description = [{
    ```mlir
    %y = htq.observe "encoder.layer.0.query" %x : tensor<?x384xf32, #ht.dims<s0>>
    ```

    The result is the input. While the interpreter calibrates (`Calibration.h`), the
    greatest magnitude of each channel, that is of each position of the last axis, is
    kept under the name of the site, over all runs; NaN has no part in it. In native
    code nothing is left of it.

      [C1] the last axis is static.
  }];
  let arguments = (ins StrAttr:$site, HT_FloatTensor:$input);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = "$site $input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def HTQ_HadamardOp : HTQ_Op<"hadamard", [SameOperandsAndResultType]> {
  let summary = "blocks of channels, rotated by Hadamard matrices";
  let description = [{
    ```mlir
    %y = htq.hadamard 8 stride 16 %x : tensor<?x384xf32, #ht.dims<s0>>
    ```

    Within each block of `order * stride` neighbours on the last axis, those a stride
    apart are multiplied by the Walsh-Hadamard matrix of Sylvester's order:
    `y[i * stride + j] = sum over l of H[i, l] x[l * stride + j]`, where H[i, l] is
    `1 / sqrt(order)`, negative where i and l have an odd number of bits in common.
    Sums are of f32 or wider, rounded once to the result; their order is free.

    H is symmetric and its own inverse, so `x Wᵀ = (x H) (W H)ᵀ`. What is large in one
    channel is spread over `order` of them, so that the greatest magnitude of a row,
    from which its codes have their scale, comes nearer to that of its other channels.
    A stride as long as a vector register leaves every lane in its place.

      [C1] the order is a power of two from 2 on, the stride at least 1;
      [C2] the last axis is static, a multiple of `order * stride`, and at most 65536: a
           row is rotated in a thread's cache.
  }];
  let arguments = (ins I64Attr:$order, DefaultValuedAttr<I64Attr, "1">:$stride, HT_FloatTensor:$input);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = "$order (`stride` $stride^)? $input attr-dict `:` type($input)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let extraClassDeclaration = [{
    /// Why the operation cannot take `input` with this order and stride; empty where it can.
    static std::string whyNot(int64_t order, int64_t stride, ::mlir::Type input);
  }];
}

def HTQ_DynamicQuantizeOp : HTQ_Op<"dynamic_quantize"> {
  let summary = "codes and parameters of a tensor under a term, both from its data";
  let description = [{
    ```mlir
    %codes, %scale = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x)
        : (tensor<?x384xf32, #ht.dims<s0>>) -> (tensor<?x384xi8, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>)
    ```

    The results are the leaves of the term from left to right, without codebooks,
    which are operands; `htq.dequantize` of them all approximates the input. In the
    recipe of a weight this is rounding to nearest; on activations it is dynamic
    quantization per token (`[1, ?]`) or per token and block (`[1, 128]`).

    Everything is computed in f32, to which x is rounded first. With q and p the
    least and the greatest (finite) code, or entry of the codebook by magnitude for
    p, the scale of a block is, by `rule`:

    - `absmax`: max |x| / p; codes are in [-p, p];
    - `signed_max`: m / q, where m is the x of greatest magnitude with its sign, the
      positive of two: m has the least code, and there is one more step on that side;
    - `minmax`: (max(x, 0) - min(x, 0)) / (p - q).

    It is then rounded to its type (saturated where that is a float of at most 8
    bits) or, where the scale is a term, quantized by `absmax` in turn, by `minmax`
    if that term has a zero. By the scale that comes of this, r = 1 / scale, one
    division, and 0 where the scale is 0:

    - `minmax`: zero = clamp(round(q - min(x, 0) * r)), or q where that is NaN;
    - a code is clamp(round(x * r) + zero), each operation rounded, `round` half to
      even, clamped before it is narrowed;
    - or x * r rounded to a type of floats, half to even, saturated;
    - or the nearest entry of the codebook to x * r, the first of two as near.

    NaN has no part in parameters, and x * r counts as 0 where it is NaN.

      [C1] the term is an affine of integers of at most 16 bits, or of floats of at
           most 8 bits with a sign by `absmax`, or of a lookup of unsigned codes, with
           one codebook operand, by `absmax`; its scale is a type of floats or an affine of types;
      [C2] its zero is of the codes' type and there if and only if the rule is
           minmax; unsigned codes have a zero or a codebook, or are for scales
           without signs;
      [C3] the results are the term's leaves but for the codebook, of element types
           and shapes as in `htq.dequantize`; codes have the input's shape.
  }];
  let arguments = (ins HTQ_RuleAttr:$rule, HTQ_AffineAttr:$term, HT_FloatTensor:$input,
      Optional<HT_Tensor>:$codebook);
  let results = (outs Variadic<HT_Tensor>:$leaves);
  let assemblyFormat = [{
    $rule $term `(` $input (`,` $codebook^)? `)` attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def HTQ_LinearOp : HTQ_Op<"linear", [AttrSizedOperandSegments]> {
  let summary = "y = x Wᵀ of two terms";
  let description = [{
    ```mlir
    %y = htq.linear affine<i8, blocks [1, ?], scale f32>(%codes, %scale)
        by affine<i4, blocks [1, 128], scale f16>(%w, %s) : (…) by (…) -> tensor<?x100xf32, #ht.dims<s0>>
    ```

    `y[…, n] = sum over k of x[…, k] w[n, k]`, where x and w are the values of the
    terms; a bare element type is the tensor itself. How it is summed is part of the
    operation, because quantized arithmetic is integer arithmetic:

    - Both terms affines of integers of at most 8 bits: k is cut wherever a block of
      either ends. Within a piece S = `sum (x - zero_x) (w - zero_w)` is exact in
      i32, then rounded to f32. With one scale of x for all of k, in order of k from
      y = 0, `y = fma(S, scale_w, y)`, and at last `y * scale_x`; with blocks of x
      along k, `y = fma(S * scale_w, scale_x, y)`. Scales that are terms have their
      values in f32.
    - The same, where w's scale is an affine of integers itself with one scale for
      all of k, as x has, and no sum can leave i32 by the types of the codes and the
      length of k: `y = sum of S (code - zero)` of w's scale, exact in i32, then
      `(y * outer scale) * scale_x` (`isScaledInIntegers` in Terms.h).
    - Else the product of values, accumulated in f32 or wider.

    The result is rounded to its type once.

      [C1] both are terms with leaves as in `htq.dequantize`, or an element type
           with one leaf;
      [C2] w is static [n, k] and k is x's last dimension; blocks of x are 1 on
           all other axes;
      [C3] y has x's shape but for its last dimension n;
      [C4] with integers on both sides, no piece of k is so long that S could leave i32.
  }];
  let arguments = (ins AnyAttr:$inputTerm, Variadic<HT_Tensor>:$input, AnyAttr:$weightTerm,
      Variadic<HT_Tensor>:$weight);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = [{
    custom<Term>($inputTerm) `(` $input `)` `by` custom<Term>($weightTerm) `(` $weight `)` attr-dict
    `:` `(` type($input) `)` `by` ` ` `(` type($weight) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif
