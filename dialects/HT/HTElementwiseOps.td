//===- HTElementwiseOps.td - one scalar function per element ------------------===//

#ifndef HALFTONE_DIALECTS_HT_HTELEMENTWISEOPS_TD
#define HALFTONE_DIALECTS_HT_HTELEMENTWISEOPS_TD

include "dialects/HT/HTBase.td"

//===----------------------------------------------------------------------===//
// Unary: y[i] = f(x[i])
//===----------------------------------------------------------------------===//

class HT_UnaryOp<string mnemonic, string formula, TypeConstraint type,
                 list<Trait> traits = []>
    : HT_PureOp<mnemonic, !listconcat(traits, [SameOperandsAndResultType])> {
  let summary = "elementwise " # formula;
  let description = "`y[i] = " # formula # "`, of the operand's type.";
  let arguments = (ins type:$input);
  let results = (outs type:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def HT_AbsOp : HT_UnaryOp<"abs", "|x|", HT_NumberTensor>;
def HT_CeilOp : HT_UnaryOp<"ceil", "least integer >= x", HT_FloatTensor>;
def HT_CosOp : HT_UnaryOp<"cos", "cos(x), x in radians", HT_FloatTensor>;
def HT_ErfOp : HT_UnaryOp<"erf", "erf(x), the Gauss error function", HT_FloatTensor>;
def HT_ExpOp : HT_UnaryOp<"exp", "e^x", HT_FloatTensor>;
def HT_FloorOp : HT_UnaryOp<"floor", "greatest integer <= x", HT_FloatTensor>;
def HT_IsNaNOp : HT_PureOp<"is_nan", [SameOperandsAndResultShape]> {
  let summary = "elementwise test for NaN";
  let description = "`y[i] = x[i] != x[i]`.";
  let arguments = (ins HT_FloatTensor:$input);
  let results = (outs HT_BoolTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}
def HT_LogOp : HT_UnaryOp<"log", "ln(x)", HT_FloatTensor>;
def HT_NegOp : HT_UnaryOp<"neg", "-x", HT_NumberTensor, [Involution]>;
def HT_NotOp : HT_UnaryOp<"not", "not x (of every bit)", HT_BitsTensor, [Involution]>;
def HT_ReciprocalOp : HT_UnaryOp<"reciprocal", "1 / x", HT_FloatTensor>;
def HT_ReluOp : HT_UnaryOp<"relu", "max(x, 0)", HT_NumberTensor, [Idempotent]>;
def HT_RoundOp : HT_UnaryOp<"round", "x rounded half to even", HT_FloatTensor>;
def HT_RsqrtOp : HT_UnaryOp<"rsqrt", "1 / sqrt(x)", HT_FloatTensor>;
def HT_SigmoidOp : HT_UnaryOp<"sigmoid", "1 / (1 + e^-x)", HT_FloatTensor>;
def HT_SignOp : HT_UnaryOp<"sign", "-1, 0 or 1 as x is negative, zero or positive",
                           HT_NumberTensor>;
def HT_SiluOp : HT_UnaryOp<"silu", "x / (1 + e^-x)", HT_FloatTensor>;
def HT_SinOp : HT_UnaryOp<"sin", "sin(x), x in radians", HT_FloatTensor>;
def HT_SqrtOp : HT_UnaryOp<"sqrt", "sqrt(x)", HT_FloatTensor>;
def HT_TanhOp : HT_UnaryOp<"tanh", "tanh(x)", HT_FloatTensor>;

def HT_GeluApproximation : I32EnumAttr<"GeluApproximation", "form of the Gaussian error linear unit", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Tanh", 1, "tanh">]> {
  let cppNamespace = "::halftone::ht";
  let genSpecializedAttr = 0;
}
def HT_GeluApproximationAttr : EnumAttr<HT_Dialect, HT_GeluApproximation, "gelu_approximation"> {
  let assemblyFormat = "$value";
}

def HT_GeluOp : HT_PureOp<"gelu", [SameOperandsAndResultType]> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `none`: `0.5 x (1 + erf(x / sqrt 2))`;
    `tanh`: `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))` (Hendrycks and
    Gimpel, arXiv 1606.08415).
  }];
  let arguments = (ins HT_FloatTensor:$input,
      DefaultValuedAttr<HT_GeluApproximationAttr, "GeluApproximation::None">:$approximate);
  let results = (outs HT_FloatTensor:$result);
  let assemblyFormat = "$input (`approximate` `` $approximate^)? attr-dict `:` type($result)";
}

def HT_CastOp : HT_PureOp<"cast", [SameOperandsAndResultShape]> {
  let summary = "elementwise conversion of the element type";
  let description = [{
    Float to narrower float rounds half to even; float to integer truncates
    toward zero; integer to narrower integer keeps the low bits; anything to
    `i1` is `x != 0`; `i1` to a number is 0 or 1. A float outside the integer's
    range gives an unspecified value of that type.

    What exceeds the largest finite value of an 8- or 4-bit float becomes its
    infinity, or its NaN where it has none; with `saturate` the largest finite
    value of that sign. `f4E2M1FN`, which has neither, always saturates (its NaN
    is the largest value). `f8E8M0FNU` takes the sign away and rounds up to a
    power of two. (ONNX Cast, "Casting from and to float 8".)
  }];
  let arguments = (ins HT_Tensor:$input, UnitAttr:$saturate);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input (`saturate` $saturate^)? attr-dict `:` type($input) `to` type($result)";
  let hasFolder = 1;
}

def HT_BitcastOp : HT_PureOp<"bitcast", [SameOperandsAndResultShape]> {
  let summary = "the same bits as another element type";
  let description = [{
      [C1] both element types have the same number of bits, and neither is i1.
  }];
  let arguments = (ins HT_Tensor:$input);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Binary and ternary, with numpy broadcasting
//===----------------------------------------------------------------------===//

class HT_BinaryOp<string mnemonic, string formula, TypeConstraint type,
                  list<Trait> traits = []>
    : HT_InferredOp<mnemonic, traits> {
  let summary = "elementwise " # formula;
  let description = "`z = " # formula # [{`, elementwise with numpy broadcasting.

      [C1] both operands have one element type, which is the result's;
      [C2] shapes broadcast: aligned at the last axis, dimensions are equal
           expressions or one of them is 1.
  }];
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

def HT_AddOp : HT_BinaryOp<"add", "x + y", HT_NumberTensor, [Commutative]> { let hasFolder = 1; }
def HT_SubOp : HT_BinaryOp<"sub", "x - y", HT_NumberTensor> { let hasFolder = 1; }
def HT_MulOp : HT_BinaryOp<"mul", "x * y", HT_NumberTensor, [Commutative]> { let hasFolder = 1; }
def HT_DivOp : HT_BinaryOp<"div", "x / y (integers truncate toward zero)", HT_NumberTensor> { let hasFolder = 1; }
def HT_PowOp : HT_BinaryOp<"pow", "x ^ y", HT_FloatTensor>;
def HT_MaxOp : HT_BinaryOp<"max", "max(x, y), NaN if either is", HT_NumberTensor, [Commutative]>;
def HT_MinOp : HT_BinaryOp<"min", "min(x, y), NaN if either is", HT_NumberTensor, [Commutative]>;
def HT_AndOp : HT_BinaryOp<"and", "x and y (of every bit)", HT_BitsTensor, [Commutative]> { let hasFolder = 1; }
def HT_OrOp : HT_BinaryOp<"or", "x or y (of every bit)", HT_BitsTensor, [Commutative]> { let hasFolder = 1; }
def HT_XorOp : HT_BinaryOp<"xor", "x xor y (of every bit)", HT_BitsTensor, [Commutative]>;
def HT_ShiftLeftOp : HT_BinaryOp<"shift_left", "x << y (0 unless 0 <= y < bits)", HT_IntTensor>;
def HT_ShiftRightOp : HT_BinaryOp<"shift_right",
    "x >> y (of signed integers with the sign; y outside [0, bits) shifts every bit out)", HT_IntTensor>;

def HT_ComparePredicate : I32EnumAttr<"ComparePredicate", "relation of two numbers", [
    I32EnumAttrCase<"EQ", 0, "eq">, I32EnumAttrCase<"NE", 1, "ne">,
    I32EnumAttrCase<"LT", 2, "lt">, I32EnumAttrCase<"LE", 3, "le">,
    I32EnumAttrCase<"GT", 4, "gt">, I32EnumAttrCase<"GE", 5, "ge">]> {
  let cppNamespace = "::halftone::ht";
  let genSpecializedAttr = 0;
}
def HT_ComparePredicateAttr : EnumAttr<HT_Dialect, HT_ComparePredicate, "compare_predicate"> {
  let assemblyFormat = "$value";
}

def HT_CompareOp : HT_InferredOp<"compare"> {
  let summary = "elementwise comparison";
  let description = [{
    `z = x <predicate> y` with numpy broadcasting; every relation with a NaN is
    false but `ne`.

      [C1] both operands have one element type, the result's is i1;
      [C2] shapes broadcast as in `ht.add`.
  }];
  let arguments = (ins HT_ComparePredicateAttr:$predicate, HT_ScalarTensor:$lhs, HT_ScalarTensor:$rhs);
  let results = (outs HT_BoolTensor:$result);
  let assemblyFormat = "`` $predicate $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

def HT_WhereOp : HT_InferredOp<"where"> {
  let summary = "elementwise choice";
  let description = [{
    `z = condition ? x : y` with numpy broadcasting of all three.

      [C1] x and y have one element type, which is the result's;
      [C2] the three shapes broadcast.
  }];
  let arguments = (ins HT_BoolTensor:$condition, HT_Tensor:$lhs, HT_Tensor:$rhs);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = [{
    $condition `,` $lhs `,` $rhs attr-dict `:` type($condition) `,` type($lhs) `,` type($rhs)
    `->` type($result)
  }];
  let hasFolder = 1;
}

#endif
