//===- HTStructureOps.td - constants, shape and data movement, weights --------===//

#ifndef HALFTONE_DIALECTS_HT_HTSTRUCTUREOPS_TD
#define HALFTONE_DIALECTS_HT_HTSTRUCTUREOPS_TD

include "dialects/HT/HTBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

def HT_ConstantOp : HT_PureOp<"constant", [ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "a small literal";
  let description = [{
    Scalars, small tables and shapes. Anything larger than a few hundred bytes
    is an `ht.weight`.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
}

def HT_DimOp : HT_PureOp<"dim"> {
  let summary = "the value of a dimension expression";
  let description = [{
    A scalar i64: `ht.dim <s0 * s1> : tensor<i64>`.

      [C1] exactly one expression.
  }];
  let arguments = (ins HT_DimsAttr:$expr);
  let results = (outs 0DTensorOf<[I64]>:$result);
  let assemblyFormat = "$expr attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def HT_IotaOp : HT_PureOp<"iota"> {
  let summary = "start, start + step, start + 2 step, …";
  let description = [{
    `y[i] = start + i * step`, in integers, then converted.

      [C1] the result is one-dimensional.
  }];
  let arguments = (ins DefaultValuedAttr<I64Attr, "0">:$start, DefaultValuedAttr<I64Attr, "1">:$step);
  let results = (outs 1DTensorOf<[HT_Number]>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

//===----------------------------------------------------------------------===//
// Shape and data movement
//===----------------------------------------------------------------------===//

def HT_ReshapeOp : HT_PureOp<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
      [C1] element types are equal;
      [C2] the products of all dimensions are equal expressions.
  }];
  let arguments = (ins HT_Tensor:$input);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def HT_TransposeOp : HT_InferredOp<"transpose"> {
  let summary = "permutation of axes";
  let description = [{
    Result axis `i` is input axis `permutation[i]`.

      [C1] `permutation` is a permutation of the input's axes.
  }];
  let arguments = (ins HT_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}

def HT_BroadcastOp : HT_PureOp<"broadcast"> {
  let summary = "repetition along axes of size 1 and along new leading axes";
  let description = [{
      [C1] element types are equal;
      [C2] aligned at the last axis, each input dimension is 1 or equals the result's.
  }];
  let arguments = (ins HT_Tensor:$input);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def HT_SliceOp : HT_PureOp<"slice"> {
  let summary = "a strided window";
  let description = [{
    `y[i0, …] = x[start0 + i0 * stride0, …]`; sizes are the result's. A negative
    stride walks backwards from its start.

      [C1] one start and one stride per axis; strides are not 0;
      [C2] element types and ranks are equal;
      [C3] where the start and both dimensions are constant, the window lies inside.
  }];
  let arguments = (ins HT_Tensor:$input, HT_DimsAttr:$starts, DenseI64ArrayAttr:$strides);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input `starts` $starts `strides` $strides attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def HT_WindowOp : HT_PureOp<"window"> {
  let summary = "sliding windows along axes, each axis' window as a new last axis";
  let description = [{
    `y[p…, k0, …] = x[q…]` with `q[axes[j]] = p[axes[j]] * strides[j] + kj * dilations[j]`
    and `q = p` elsewhere: `p` walks over the windows and `k` within one. Sizes
    are the result's. Convolutions and poolings are contractions and reductions
    over the new axes.

      [C1] `axes` are distinct, ascending, in [0, rank); one stride and one
           dilation > 0 for each;
      [C2] the result has the element type, an axis more for each of `axes`, and
           the operand's dimensions on other axes;
      [C3] where its dimensions are constant, the last window lies inside.
  }];
  let arguments = (ins HT_Tensor:$input, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$strides,
      DenseI64ArrayAttr:$dilations);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = [{
    $input `axes` $axes `strides` $strides `dilations` $dilations attr-dict `:` type($input) `to` type($result)
  }];
  let hasVerifier = 1;
}

def HT_ConcatOp : HT_InferredOp<"concat"> {
  let summary = "operands one after the other along an axis";
  let description = [{
      [C1] at least one operand; all have one element type and rank;
      [C2] 0 <= axis < rank; all other dimensions are equal expressions.
  }];
  let arguments = (ins Variadic<HT_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` type($inputs) `->` type($result)";
  let hasFolder = 1;
}

def HT_GatherOp : HT_InferredOp<"gather"> {
  let summary = "slices chosen by index along one axis (ONNX Gather)";
  let description = [{
    `y[p…, q…, r…] = x[p…, indices[q…], r…]` with `axis` leading axes `p`. A
    negative index counts from the end. An index outside `[-n, n)` stops the
    program with an error that names this operation's location.

      [C1] 0 <= axis < rank(x);
      [C2] result shape = x[:axis] ++ shape(indices) ++ x[axis+1:].
  }];
  let arguments = (ins HT_Tensor:$input, HT_IntTensor:$indices, I64Attr:$axis);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input `,` $indices `axis` $axis attr-dict `:` type($input) `,` type($indices) `->` type($result)";
}

def HT_GatherNDOp : HT_InferredOp<"gather_nd"> {
  let summary = "slices chosen by index tuples (ONNX GatherND, batch_dims 0)";
  let description = [{
    `y[q…, r…] = x[indices[q…, 0], …, indices[q…, n-1], r…]`, n the last
    dimension of `indices`. Negative and out-of-range indices as in `ht.gather`.

      [C1] n is constant and at most the rank of x;
      [C2] result shape = shape(indices)[:-1] ++ x[n:].
  }];
  let arguments = (ins HT_Tensor:$input, HT_IntTensor:$indices);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$input `,` $indices attr-dict `:` type($input) `,` type($indices) `->` type($result)";
}

def HT_ScatterReduction : I32EnumAttr<"ScatterReduction", "what an update does to the element it meets", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Add", 1, "add">, I32EnumAttrCase<"Mul", 2, "mul">,
    I32EnumAttrCase<"Max", 3, "max">, I32EnumAttrCase<"Min", 4, "min">]> {
  let cppNamespace = "::halftone::ht";
  let genSpecializedAttr = 0;
}
def HT_ScatterReductionAttr : EnumAttr<HT_Dialect, HT_ScatterReduction, "scatter_reduction"> {
  let assemblyFormat = "$value";
}

def HT_ScatterNDOp : HT_PureOp<"scatter_nd", [AllTypesMatch<["input", "result"]>]> {
  let summary = "slices replaced by index tuples (ONNX ScatterND)";
  let description = [{
    A copy of x with `y[indices[q…, 0], …, indices[q…, n-1], r…]` replaced by
    `updates[q…, r…]`, or combined with it, in row-major order of `q`: of two
    updates of one element the later stays. Negative and out-of-range indices as
    in `ht.gather`.

      [C1] n, the last dimension of `indices`, is constant and at most the rank of x;
      [C2] shape(updates) = shape(indices)[:-1] ++ x[n:];
      [C3] x and `updates` have one element type, a number unless `none`.
  }];
  let arguments = (ins HT_Tensor:$input, HT_IntTensor:$indices, HT_Tensor:$updates,
      DefaultValuedAttr<HT_ScatterReductionAttr, "ScatterReduction::None">:$reduction);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices `,` $updates (`reduction` `` $reduction^)? attr-dict
    `:` type($result) `,` type($indices) `,` type($updates)
  }];
  let hasVerifier = 1;
}

def HT_TopKOp : HT_InferredOp<"topk"> {
  let summary = "the k largest or smallest elements along an axis, in order";
  let description = [{
    `values[…, i, …]` is the i-th largest (or smallest) of `x[…, :, …]` and
    `indices` its position; of equal elements the one that comes first is
    first. NaN is larger than any number.

      [C1] 0 <= axis < rank, k >= 0;
      [C2] k <= the axis' dimension, where that is constant;
      [C3] results have the operand's shape with k along the axis; indices are i64.
  }];
  let arguments = (ins HT_NumberTensor:$input, I64Attr:$k, I64Attr:$axis, UnitAttr:$smallest);
  let results = (outs HT_NumberTensor:$values, TensorOf<[I64]>:$indices);
  let assemblyFormat = [{
    $input `k` $k `axis` $axis (`smallest` $smallest^)? attr-dict `:` type($input) `->` type($values) `,` type($indices)
  }];
}

def HT_CumSumOp : HT_PureOp<"cumsum", [SameOperandsAndResultType]> {
  let summary = "running sum along an axis";
  let description = [{
    `y[…, i, …] = sum over j <= i of x[…, j, …]`; `exclusive`: `j < i`;
    `reverse`: from the end.

      [C1] 0 <= axis < rank.
  }];
  let arguments = (ins HT_NumberTensor:$input, I64Attr:$axis, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs HT_NumberTensor:$result);
  let assemblyFormat = "$input `axis` $axis (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def HT_WeightOp : HT_Op<"weight", [Symbol, IsolatedFromAbove, SingleBlock]> {
  let summary = "a named parameter and the recipe that makes its bytes";
  let description = [{
    The region says how the shipped bytes are made from the user's file. Passes
    rewrite the region (transpose, cast, quantize, pack) and never touch bytes;
    the streaming evaluator runs it once, at emission.

    ```mlir
    ht.weight @encoder.layer.0.query : tensor<384x384xbf16> {
      %0 = ht.load "model.onnx" offset 4096 : tensor<384x384xf32>
      %1 = ht.cast %0 : tensor<384x384xf32> to tensor<384x384xbf16>
      ht.yield %1 : tensor<384x384xbf16>
    }
    ```

      [C1] the type is static and is the yielded value's.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<HT_Tensor>:$type,
      OptionalAttr<StrAttr>:$sym_visibility);
  let regions = (region SizedRegion<1>:$initializer);
  let assemblyFormat = "$sym_name `:` $type attr-dict-with-keyword $initializer";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getWeightType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
    /// The value that the initializer yields.
    ::mlir::Value getYielded();
  }];
}

def HT_GetWeightOp : HT_PureOp<"get_weight", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight";
  let description = [{
      [C1] `name` is an `ht.weight` of the result's type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def HT_LoadOp : HT_PureOp<"load", [HasParent<"WeightOp">]> {
  let summary = "bytes of a file as a tensor";
  let description = [{
    Row-major, little-endian, at byte `offset` of `file`, which is relative to
    the folder of the model unless absolute. An `i1` is one byte; elements of 2
    and 4 bits lie next to each other, from the low bits of the first byte on.
    Only allowed in a weight's initializer; the file is opened at emission.

      [C1] offset >= 0; the result is static.
  }];
  let arguments = (ins StrAttr:$file, I64Attr:$offset);
  let results = (outs HT_Tensor:$result);
  let assemblyFormat = "$file `offset` $offset attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def HT_YieldOp : HT_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"WeightOp">]> {
  let summary = "the bytes of the enclosing weight";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif
