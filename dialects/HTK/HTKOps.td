//===- HTKOps.td - operations of the kernel dialect ---------------------------===//

#ifndef HALFTONE_DIALECTS_HTK_HTKOPS_TD
#define HALFTONE_DIALECTS_HTK_HTKOPS_TD

include "dialects/HTK/HTKDialect.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class HTK_Op<string mnemonic, list<Trait> traits = []> : Op<HTK_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Value form
//===----------------------------------------------------------------------===//

def HTK_KernelOp : HTK_Op<"kernel", [Pure, IsolatedFromAbove, SingleBlock]> {
  let summary = "a group of graph operations that runs as one loop nest";
  let description = [{
    The body holds one root (the contraction, attention, normalization or
    reduction the loop nest is shaped by) and elementwise operations or data
    movement around it; a body without such a root is pointwise.

    Linears that multiply the same rows are roots of one kernel: each has a result
    (q, k, v), or several meet in one (gate and up). A dynamic quantization or a
    cast whose results nothing but their input is (a prologue) prepares the rows
    that they are about to multiply.

    ```mlir
    %q, %k = htk.kernel "dynamic_quantize_linear_x2"(%x, %wq, %sq, %wk, %sk) : (…) -> (…) {
    ^bb0(…):
      %codes, %scale = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x1) : …
      %0 = htk.linear affine<i8, …>(%codes, %scale) by affine<i8, …>(%wq1, %sq1) : …
      %1 = htk.linear affine<i8, …>(%codes, %scale) by affine<i8, …>(%wk1, %sk1) : …
      htk.yield %0, %1 : …
    }
    ```

      [C1] the block's arguments have the operands' types;
      [C2] exactly the yielded values are the results, of the same types;
      [C3] of several roots all are linears with the same input.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, StrAttr:$name);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$name `(` $inputs `)` attr-dict `:` functional-type($inputs, $results) $body";
  let hasRegionVerifier = 1;
}

def HTK_YieldOp : HTK_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"KernelOp">]> {
  let summary = "the results of a kernel";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def HTK_PackOp : HTK_Op<"pack", [Pure]> {
  let summary = "rows of a weight interleaved for vector loads";
  let description = [{
    The layout that `htk.linear` reads: panels of 64 rows, and in a panel `group`
    neighbouring columns of each row beside each other, so that a step of `group`
    columns is 64 groups: 256 bytes of f32 (group 1), bf16 (group 2) and bytes
    (group 4) alike, which is what FMA, vdpbf16ps, vpdpbusd and AMX's tiles read.

        y[p, k / group, i * group + k % group] = x[p * 64 + i, k]

    In groups of 4, integers of up to 8 bits become their bits only; else a code takes a byte. A signed code c of b
    bits is stored as c + 2^(b-1). The b bits are split into planes of 4, 2 and 1
    bits, the widest first (8 bits are one plane), and P = 8 / (width of the
    narrowest plane) steps make a period. A plane of w bits takes w P / 8 slabs of
    256 bytes; byte i * 4 + t of slab s holds for each r < 8 / w, from bit r w on,
    the plane's bits of row i, column (s * 8 / w + r) * 4 + t of the period. So a
    shift and a mask of a vector of slab s give that of one step.

    What is past the last row or column is 0. Runs in a weight's recipe.

      [C1] x is static [n, k];
      [C2] the group is 1 or more;
      [C3] y is as `htk::Packing` says.
  }];
  let arguments = (ins AnyStaticShapeTensor:$input, DefaultValuedAttr<I64Attr, "1">:$group);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$input (`group` $group^)? attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
}

def HTK_LinearOp : HTK_Op<"linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "y = x Wᵀ with packed weights";
  let description = [{
    ```mlir
    %y = htk.linear f32(%x) by bf16(%w) : (tensor<?x8xf32, #ht.dims<s0>>) by (tensor<2x4x128xbf16>)
        -> tensor<?x100xf32, #ht.dims<s0>>
    ```

    `htq.linear` whose weight's leaves `htk.pack` laid out: codes in their group,
    scales and zeros in group 1, codebooks as they are. Bias and everything after
    it are elementwise operations of the same kernel.

      [C1] both are terms; the leaves of x are as in `htq.linear`;
      [C2] the leaves of w are packed as `htk::getPackedLeaves` says for x's last
           dimension k and y's last dimension n;
      [C3] y has x's shape but for its last dimension.
  }];
  let arguments = (ins AnyAttr:$inputTerm, Variadic<AnyRankedTensor>:$input, AnyAttr:$weightTerm,
      Variadic<AnyStaticShapeTensor>:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    custom<Term>($inputTerm) `(` $input `)` `by` custom<Term>($weightTerm) `(` $weight `)` attr-dict
    `:` `(` type($input) `)` `by` ` ` `(` type($weight) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

def HTK_LaunchOp : HTK_Op<"launch", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one kernel on its data";
  let description = [{
    Value form: tensors in, tensors out. Memory form: buffers in (`inputs`) and
    out (`outputs`), and the step and thread that run it.

      [C1] the callee is a function marked `htk.kernel`;
      [C2] operands, and results or outputs, match it in number.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee,
      Variadic<AnyTypeOf<[AnyRankedTensor, AnyMemRef]>>:$inputs, Variadic<AnyMemRef>:$outputs,
      Optional<LLVM_AnyPointer>:$step, Optional<Index>:$thread);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $callee `(` $inputs `)` (`outs` `(` $outputs^ `)`)? (`on` $step^)? (`thread` $thread^)? attr-dict
    `:` functional-type($inputs, $results) (`outs` type($outputs)^)? (`on` type($step)^)?
  }];
}

//===----------------------------------------------------------------------===//
// Memory form: the run's step (runtime/include/halftone/abi.h)
//===----------------------------------------------------------------------===//

class HTK_StepOp<string mnemonic, list<Trait> traits = []> : HTK_Op<mnemonic, traits>;

def HTK_SymbolOp : HTK_StepOp<"symbol", [Pure]> {
  let summary = "the value of a symbolic dimension in this run";
  let arguments = (ins LLVM_AnyPointer:$step, I64Attr:$index);
  let results = (outs Index:$result);
  let assemblyFormat = "$step `[` $index `]` attr-dict `:` type($step)";
}

def HTK_NumThreadsOp : HTK_StepOp<"num_threads", [Pure]> {
  let summary = "how many threads run this step";
  let arguments = (ins LLVM_AnyPointer:$step);
  let results = (outs Index:$result);
  let assemblyFormat = "$step attr-dict `:` type($step)";
}

class HTK_BufferOp<string mnemonic> : HTK_StepOp<mnemonic, [Pure]> {
  let results = (outs MemRefRankOf<[AnyType], [1]>:$result);
}

def HTK_InputOp : HTK_BufferOp<"input"> {
  let summary = "the caller's buffer of an input";
  let arguments = (ins LLVM_AnyPointer:$step, I64Attr:$index);
  let assemblyFormat = "$step `[` $index `]` attr-dict `:` type($step) `->` type($result)";
}

def HTK_OutputOp : HTK_BufferOp<"output"> {
  let summary = "the caller's buffer of an output";
  let arguments = (ins LLVM_AnyPointer:$step, I64Attr:$index);
  let assemblyFormat = "$step `[` $index `]` attr-dict `:` type($step) `->` type($result)";
}

def HTK_ArenaOp : HTK_BufferOp<"arena"> {
  let summary = "a planned range of the arena, from byte `offset`";
  let arguments = (ins LLVM_AnyPointer:$step, I64Attr:$offset);
  let assemblyFormat = "$step `[` $offset `]` attr-dict `:` type($step) `->` type($result)";
}

def HTK_StateOp : HTK_BufferOp<"state"> {
  let summary = "a state of the session, from byte `offset` of its states";
  let arguments = (ins LLVM_AnyPointer:$step, I64Attr:$offset);
  let assemblyFormat = "$step `[` $offset `]` attr-dict `:` type($step) `->` type($result)";
}

def HTK_PayloadOp : HTK_BufferOp<"payload"> {
  let summary = "the bytes of a weight in the mapped payload";
  let arguments = (ins LLVM_AnyPointer:$step, FlatSymbolRefAttr:$weight);
  let assemblyFormat = "$step `[` $weight `]` attr-dict `:` type($step) `->` type($result)";
}

def HTK_BarrierOp : HTK_StepOp<"barrier"> {
  let summary = "all threads of the step meet";
  let arguments = (ins LLVM_AnyPointer:$step, Index:$thread);
  let assemblyFormat = "$step `thread` $thread attr-dict `:` type($step)";
}

def HTK_CheckIndexOp : HTK_StepOp<"check_index"> {
  let summary = "an index brought into [0, bound), or a fault";
  let description = [{
    A negative index counts from the end. One that is still out of range sets
    the step's `fault` to this site and yields 0, so that no memory outside the
    operand is touched; the runtime reports the site after the step.
  }];
  let arguments = (ins LLVM_AnyPointer:$step, Index:$index, Index:$bound, StrAttr:$site);
  let results = (outs Index:$result);
  let assemblyFormat = "$step `,` $index `in` $bound `at` $site attr-dict `:` type($step)";
}

#endif
