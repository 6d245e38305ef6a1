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

#endif
