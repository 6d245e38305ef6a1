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

      [C1] the block's arguments have the operands' types;
      [C2] exactly the yielded values are the results, of the same types.
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
    `y[p, k, i] = x[p * panel + i, k]`, zero where `p * panel + i` is past the
    last row: panels of `panel` output rows, the layout that `ht.linear` reads
    column block by column block. Runs in a weight's initializer.

      [C1] x is static [n, k]; y is [ceil(n / panel), k, panel] of its element type.
  }];
  let arguments = (ins AnyStaticShapeTensor:$input);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
}

def HTK_LinearOp : HTK_Op<"linear", [Pure]> {
  let summary = "y = x Wᵀ with packed weights";
  let description = [{
    `ht.linear` whose weight `htk.pack` laid out: `y[…, n] = sum over k of
    x[…, k] w[n / panel, k, n % panel]`, accumulated in f32 or wider. Bias and everything
    after it are elementwise operations of the same kernel.

      [C1] w is static [p, k, panel], k is x's last dimension;
      [C2] y has x's shape but for its last dimension n, (p-1) panel < n <= p panel.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyStaticShapeTensor:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input) `,` type($weight) `->` type($result)";
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
