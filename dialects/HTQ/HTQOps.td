//===- HTQOps.td - operations that apply a term -------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_HTQOPS_TD
#define HALFTONE_DIALECTS_HTQ_HTQOPS_TD

include "dialects/HT/HTBase.td"
include "dialects/HTQ/HTQDialect.td"
include "mlir/IR/EnumAttr.td"

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

def HTQ_Rule : I32EnumAttr<"Rule", "how parameters follow from data", [
    I32EnumAttrCase<"Absmax", 0, "absmax">, I32EnumAttrCase<"SignedMax", 1, "signed_max">,
    I32EnumAttrCase<"Minmax", 2, "minmax">]> {
  let cppNamespace = "::halftone::htq";
  let genSpecializedAttr = 0;
}
def HTQ_RuleAttr : EnumAttr<HTQ_Dialect, HTQ_Rule, "rule">;

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

    With q and p the least and the greatest code, the parameters of a block are, by
    `rule` and in f32:

    - `absmax`: scale = max |x| / p; codes in [-p, p]. With a codebook p is its
      entry of greatest magnitude;
    - `signed_max`: scale = m / q, where m is the x of greatest magnitude with its
      sign, so that m has the least code: one more step on that side;
    - `minmax`: scale = (max(x, 0) - min(x, 0)) / (p - q),
      zero = clamp(round(q - min(x, 0) / scale)).

    The scale is then rounded to its type; where it is a term, it is quantized by
    `absmax` in turn. A code is `clamp(round(x * (1 / scale)) + zero)` by the rounded
    scale, half to even, clamped before it is narrowed; or the nearest entry of the
    codebook to `x * (1 / scale)`, the first of two as near. Where a scale is 0 the
    codes are those for 0. NaN is ignored for parameters and has the code for 0.

      [C1] the term is an affine of integer codes, or of a lookup of unsigned
           codes, with one codebook operand, by `absmax`;
      [C2] its zero is of the codes' type and there if and only if the rule is
           minmax; codes without a zero or codebook are signed;
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

    - Both terms affines of integer codes: k is cut wherever a block of either ends.
      Within a piece `sum (x - zero_x) (w - zero_w)` is exact in i32. Pieces are
      scaled by w's scale, then x's where it has blocks along k, and added in f32;
      a scale of x for all of k multiplies the sum last. A scale of w that is an
      affine of integers itself with one scale for all of k is applied in i32.
    - Else the product of values, accumulated in f32 or wider.

      [C1] both are terms with leaves as in `htq.dequantize`, or an element type
           with one leaf;
      [C2] w is static [n, k] and k is x's last dimension; blocks of x are 1 on
           all other axes;
      [C3] y has x's shape but for its last dimension n;
      [C4] with integer codes on both sides no piece of k is longer than 65536: sums fit i32.
  }];
  let arguments = (ins AnyAttr:$inputTerm, Variadic<HT_Tensor>:$input, AnyAttr:$weightTerm,
      Variadic<HT_Tensor>:$weight);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = [{
    custom<Term>($inputTerm) `(` $input `)` `by` custom<Term>($weightTerm) `(` $weight `)` attr-dict
    `:` `(` type($input) `)` `by` `(` type($weight) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif
