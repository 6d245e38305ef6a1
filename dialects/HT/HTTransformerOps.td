//===- HTTransformerOps.td - contractions, reductions, transformer blocks -----===//

#ifndef HALFTONE_DIALECTS_HT_HTTRANSFORMEROPS_TD
#define HALFTONE_DIALECTS_HT_HTTRANSFORMEROPS_TD

include "dialects/HT/HTBase.td"

//===----------------------------------------------------------------------===//
// Contractions and reductions
//===----------------------------------------------------------------------===//

def HT_MatMulOp : HT_InferredOp<"matmul"> {
  let summary = "batched matrix product (numpy.matmul)";
  let description = [{
    `z[…, m, n] = sum over k of x[…, m, k] y[…, k, n]`; leading axes broadcast;
    a one-dimensional operand is a row (x) or a column (y) whose axis is then
    dropped. Floats accumulate in f32 or wider.

      [C1] ranks >= 1, one element type;
      [C2] the contracted dimensions are equal expressions;
      [C3] leading axes broadcast.
  }];
  let arguments = (ins HT_NumberTensor:$lhs, HT_NumberTensor:$rhs);
  let results = (outs HT_NumberTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

def HT_ReduceKind : I32EnumAttr<"ReduceKind", "how elements are combined", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Mean", 1, "mean">,
    I32EnumAttrCase<"Max", 2, "max">, I32EnumAttrCase<"Min", 3, "min">,
    I32EnumAttrCase<"Prod", 4, "prod">]> {
  let cppNamespace = "::halftone::ht";
  let genSpecializedAttr = 0;
}
def HT_ReduceKindAttr : EnumAttr<HT_Dialect, HT_ReduceKind, "reduce_kind"> {
  let assemblyFormat = "$value";
}

def HT_ReduceOp : HT_InferredOp<"reduce"> {
  let summary = "reduction over axes; reduced axes stay with size 1";
  let description = [{
      [C1] `axes` are distinct, ascending, in [0, rank);
      [C2] the result has the operand's type with these dimensions 1.
  }];
  let arguments = (ins HT_ReduceKindAttr:$kind, HT_NumberTensor:$input, DenseI64ArrayAttr:$axes);
  let results = (outs HT_NumberTensor:$result);
  let assemblyFormat = "`` $kind $input $axes attr-dict `:` type($input) `->` type($result)";
}

def HT_ArgReduceOp : HT_InferredOp<"arg_reduce"> {
  let summary = "position of the greatest or least element along an axis, which stays with size 1";
  let description = [{
    Of equal elements the first, with `last` the last. A NaN is greater and less
    than any number.

      [C1] kind is `max` or `min`; 0 <= axis < rank;
      [C2] the result has the operand's shape with 1 along the axis, of i64.
  }];
  let arguments = (ins HT_ReduceKindAttr:$kind, HT_NumberTensor:$input, I64Attr:$axis, UnitAttr:$last);
  let results = (outs TensorOf<[I64]>:$result);
  let assemblyFormat = "`` $kind $input `axis` $axis (`last` $last^)? attr-dict `:` type($input) `->` type($result)";
}

def HT_SoftmaxOp : HT_PureOp<"softmax", [SameOperandsAndResultType]> {
  let summary = "e^(x - max) / sum of e^(x - max) along an axis";
  let description = [{
      [C1] 0 <= axis < rank.
    A row of all -inf gives NaN.
  }];
  let arguments = (ins HT_FloatTensor:$input, I64Attr:$axis);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = "$input `axis` $axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Transformer blocks
//===----------------------------------------------------------------------===//

def HT_LinearOp : HT_InferredOp<"linear"> {
  let summary = "y = x Wᵀ (+ b)";
  let description = [{
    `y[…, n] = sum over k of x[…, k] w[n, k] + b[n]`, accumulated in f32 or
    wider: the layer of PyTorch and of checkpoints, weight [out, in]. The
    weight may be stored narrower than x; it is widened when it is read.

      [C1] w is two-dimensional, static, and its second dimension is x's last;
      [C2] b, when present, is [out] of x's element type;
      [C3] the result has x's shape but for the last dimension, which is `out`,
           and x's element type.
  }];
  let arguments = (ins HT_FloatTensor:$input, HT_FloatTensor:$weight, Optional<HT_FloatTensor>:$bias);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict `:` type($input) `,` type($weight)
    (`,` type($bias)^)? `->` type($result)
  }];
}

def HT_EmbeddingOp : HT_InferredOp<"embedding"> {
  let summary = "rows of a table";
  let description = [{
    `y[…, d] = table[ids[…], d]`. An id outside `[-n, n)` stops the program
    with an error, as in `ht.gather`.

      [C1] table is two-dimensional and static;
      [C2] the result is shape(ids) ++ [d] of `f32` when the table is stored
           narrower, else of the table's element type.
  }];
  let arguments = (ins HT_FloatTensor:$table, HT_IntTensor:$ids);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = "$table `,` $ids attr-dict `:` type($table) `,` type($ids) `->` type($result)";
}

class HT_NormOp<string mnemonic> : HT_PureOp<mnemonic, [AllTypesMatch<["input", "result"]>]> {
  let results = (outs HT_FloatTensor:$result);
  let hasVerifier = 1;
}

def HT_LayerNormOp : HT_NormOp<"layer_norm"> {
  let summary = "layer normalization over the last axis";
  let description = [{
    `y = (x - mean(x)) / sqrt(var(x) + epsilon) * gamma + beta`, mean and
    (biased) variance over the last axis, in f32 or wider (Ba et al., arXiv
    1607.06450).

      [C1] gamma and beta are one-dimensional, of x's last dimension;
      [C2] epsilon >= 0.
  }];
  let arguments = (ins HT_FloatTensor:$input, HT_FloatTensor:$gamma,
      Optional<HT_FloatTensor>:$beta, F64Attr:$epsilon);
  let assemblyFormat = [{
    $input `,` $gamma (`,` $beta^)? `epsilon` $epsilon attr-dict `:` type($result) `,` type($gamma)
    (`,` type($beta)^)?
  }];
}

def HT_RMSNormOp : HT_NormOp<"rms_norm"> {
  let summary = "root mean square normalization over the last axis";
  let description = [{
    `y = x / sqrt(mean(x^2) + epsilon) * gamma` over the last axis, in f32 or
    wider (Zhang and Sennrich, arXiv 1910.07467).

      [C1] gamma is one-dimensional, of x's last dimension;
      [C2] epsilon >= 0.
  }];
  let arguments = (ins HT_FloatTensor:$input, HT_FloatTensor:$gamma, F64Attr:$epsilon);
  let assemblyFormat = "$input `,` $gamma `epsilon` $epsilon attr-dict `:` type($result) `,` type($gamma)";
}

def HT_RopeOp : HT_PureOp<"rope", [AllTypesMatch<["input", "result"]>]> {
  let summary = "rotary position embedding";
  let description = [{
    Rotates pairs of the last axis of x [batch, sequence, heads, d] by the
    angles whose cosines and sines are given, r = last dimension of cos:

      half-split (default): pairs (i, i + r),  y[i] = x[i] c[i] - x[i+r] s[i],
                            y[i+r] = x[i+r] c[i] + x[i] s[i], for i < r;
      interleaved:          pairs (2i, 2i+1), the same rule.

    Elements from 2 r on pass through (Su et al., arXiv 2104.09864).

      [C1] x has rank 4; cos and sin have one type, of rank 3 [b, sequence, r]
           with b = 1 or batch;
      [C2] 2 r <= d.
  }];
  let arguments = (ins HT_FloatTensor:$input, HT_FloatTensor:$cos, HT_FloatTensor:$sin,
      UnitAttr:$interleaved);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $cos `,` $sin (`interleaved` $interleaved^)? attr-dict `:` type($result) `,` type($cos) `,` type($sin)
  }];
  let hasVerifier = 1;
}

def HT_AttentionOp : HT_PureOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "scaled dot-product attention over token-major heads";
  let description = [{
    q [batch, s, heads, d], k and v [batch, t, kv_heads, d]: head h attends with
    kv head h / (heads / kv_heads) (MHA, GQA, MQA in one form):

      score[b, h, i, j] = scale * sum over e of q[b, i, h, e] k[b, j, g, e]
      y[b, i, h, e] = sum over j of softmax_j(score + mask)[b, h, i, j] v[b, j, g, e]

    `softcap` c > 0: scores become c tanh(score / c) first (Gemma 2, arXiv
    2408.00118). `mask`: i1, true = may attend, else -inf is added. `bias`: a
    float that is added. A key whose score is -inf has no part in the row, whatever
    its value. A row that may attend nowhere gives zeros; with `uniform` the mean of
    all values, which is what a graph computes that masks by a large finite number:
    all scores of the row share it, so softmax cancels it.

    `causal`: query i, which is token p of its sequence, may attend tokens j <= p;
    with a `window` w > 0 only those of p - w < j <= p. p is i + (t - s), or
    `start`[b] + i. With `sequences`, k and v are caches [n, t, kv_heads, d] and
    row b attends row `sequences`[b] of them; an index outside [-n, n) stops the
    program with an error, as in `ht.gather`.

      [C1] q, k, v have rank 4 and one element type; batch (without `sequences`) and
           d agree; k and v agree but for the last dimension;
      [C2] heads is a multiple of kv_heads;
      [C3] mask and bias have rank 4 and broadcast to [batch, heads, s, t];
      [C4] the result is [batch, s, heads, last dimension of v], of q's element type, or f32 where
           that is f16 or bf16;
      [C5] softcap is finite and >= 0;
      [C6] start and sequences are [batch];
      [C7] start and a window need `causal`; window >= 0.
  }];
  let arguments = (ins HT_FloatTensor:$query, HT_FloatTensor:$key, HT_FloatTensor:$value,
      Optional<HT_IntTensor>:$sequences, Optional<HT_IntTensor>:$start,
      Optional<HT_BoolTensor>:$mask, Optional<HT_FloatTensor>:$bias,
      F64Attr:$scale, UnitAttr:$causal, DefaultValuedAttr<F64Attr, "0.0">:$softcap,
      UnitAttr:$uniform, DefaultValuedAttr<I64Attr, "0">:$window);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`sequences` $sequences^ `:` type($sequences))? (`start` $start^ `:` type($start))?
    (`mask` $mask^ `:` type($mask))? (`bias` $bias^ `:` type($bias))?
    `scale` $scale (`softcap` $softcap^)? (`causal` $causal^)? (`window` $window^)? (`uniform` $uniform^)?
    attr-dict `:` type($query) `,` type($key) `,` type($value) `->` type($result)
  }];
  let hasVerifier = 1;
}

def HT_UpdateOp : HT_PureOp<"update", [AllTypesMatch<["state", "result"]>]> {
  let summary = "new tokens of some sequences in a cache";
  let description = [{
    A copy of state [n, t, …] with

        y[sequences[b], start[b] + i, …] = x[b, i, …]

    for x [batch, s, …]. Sequences are distinct: of two rows for one place any may
    stay. Sequences and positions are indices as in `ht.gather`. A state that a step keeps for the next is an argument and a result
    of the graph ([F4]); programs update it in place.

      [C1] ranks are equal, >= 2; dimensions from the third on agree, element types too;
      [C2] start and sequences are [batch].
  }];
  let arguments = (ins HT_Tensor:$state, HT_Tensor:$input, HT_IntTensor:$sequences, HT_IntTensor:$start);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = [{
    $state `,` $input `sequences` $sequences `start` $start attr-dict
    `:` type($result) `,` type($input) `,` type($sequences) `,` type($start)
  }];
  let hasVerifier = 1;
}

def HT_GluActivation : I32EnumAttr<"GluActivation", "activation of the gate", [
    I32EnumAttrCase<"Silu", 0, "silu">, I32EnumAttrCase<"Gelu", 1, "gelu">,
    I32EnumAttrCase<"GeluTanh", 2, "gelu_tanh">, I32EnumAttrCase<"Relu", 3, "relu">,
    I32EnumAttrCase<"Sigmoid", 4, "sigmoid">]> {
  let cppNamespace = "::halftone::ht";
  let genSpecializedAttr = 0;
}
def HT_GluActivationAttr : EnumAttr<HT_Dialect, HT_GluActivation, "glu_activation"> {
  let assemblyFormat = "$value";
}

def HT_GluOp : HT_PureOp<"glu", [SameOperandsAndResultType]> {
  let summary = "gated linear unit: activation(gate) * up";
  let description = [{
    `y = f(gate) * up`, elementwise (Shazeer, arXiv 2002.05202): the middle of a
    gated MLP, between `ht.linear`s.
  }];
  let arguments = (ins HT_GluActivationAttr:$activation, HT_FloatTensor:$gate, HT_FloatTensor:$up);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = "`` $activation $gate `,` $up attr-dict `:` type($result)";
}

#endif
