//===- Passes.td - passes on the graph form -----------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_PASSES_TD
#define HALFTONE_PASSES_GRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

def Simplify : Pass<"ht-simplify", "::mlir::func::FuncOp"> {
  let summary = "one form for what exporters write in many: masks, broadcasts, data movement";
  let description = [{
    Rewrites that hold exactly and make the graph smaller or more uniform:

    - a broadcast moves below elementwise operations and disappears where they broadcast anyway;
    - a gather or gather_nd whose indices enumerate the source in order is a reshape;
    - a comparison of positions that always holds is `true`;
    - `transpose` between reshapes, or of axes of size 1, is one transpose or a reshape;
    - rows flattened for a product are unflattened again; a scalar factor moves below data
      movement, to the product that takes it in;
    - `1 / x` is reciprocal, `1 / sqrt(x)` and `x ^ -0.5` are rsqrt, `x ^ 2` is `x * x`;
    - comparisons with 0 and casts on the way to `i1` are one cast.

    ```mlir
    %0 = ht.compare ge %positions, %zero : … -> tensor<1x1x?x1xi1, #ht.dims<s1>>
    %1 = ht.and %0, %mask : … -> tensor<?x1x?x?xi1, #ht.dims<s0, s1, s1>>
    // becomes %mask, broadcast where its users need that
    ```
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def RaiseNorm : Pass<"ht-raise-norm", "::mlir::func::FuncOp"> {
  let summary = "layer and RMS normalization from primitives";
  let description = [{
    ```mlir
    %0 = ht.mul %x, %x
    %1 = ht.reduce mean %0 [2]
    %2 = ht.add %1, %epsilon
    %3 = ht.rsqrt %2
    %4 = ht.mul %x, %3
    %5 = ht.mul %gamma, %4
    // becomes
    %5 = ht.rms_norm %x, %gamma epsilon 1.0e-5
    ```
    With `x - mean(x)` in place of `x` (and an optional `+ beta`) it is `ht.layer_norm`. The
    inverse root may be rsqrt, reciprocal, a division or a power; gamma may stand on either
    side; a cast to f32 before and back after the chain (a "cast island") is absorbed, since
    both operations compute in f32 or wider anyway.
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def RaiseActivation : Pass<"ht-raise-activation", "::mlir::func::FuncOp"> {
  let summary = "gelu (erf and tanh forms), silu and gated linear units";
  let description = [{
    ```mlir
    %0 = ht.sigmoid %gate
    %1 = ht.mul %gate, %0
    %2 = ht.mul %1, %up
    // becomes
    %2 = ht.glu silu %gate, %up
    ```
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def RaiseLinear : Pass<"ht-raise-linear", "::mlir::ModuleOp"> {
  let summary = "matmul by a weight (and bias) to ht.linear, weight as [out, in]";
  let description = [{
    The weight's initializer gets an `ht.transpose` where the file holds [in, out]; a weight
    that others read in the file's layout is left alone and a second weight of the same bytes
    is made. A transpose of the weight in the graph (tied embeddings) cancels.

    ```mlir
    %w = ht.get_weight @w : tensor<256x704xf32>
    %0 = ht.matmul %x, %w
    // becomes, with an ht.transpose in @w's initializer,
    %w = ht.get_weight @w : tensor<704x256xf32>
    %0 = ht.linear %x, %w
    ```
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def RaiseEmbedding : Pass<"ht-raise-embedding", "::mlir::func::FuncOp"> {
  let summary = "gather of rows of a two-dimensional weight to ht.embedding";
  let description = [{
    ```mlir
    %0 = ht.gather %table, %ids axis 0
    // becomes
    %0 = ht.embedding %table, %ids
    ```
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def RaiseRope : Pass<"ht-raise-rope", "::mlir::func::FuncOp"> {
  let summary = "rotary position embedding from slices, negation and concatenation";
  let description = [{
    `x * cos + rotate_half(x) * sin` with angles that repeat their first half becomes
    `ht.rope` over the first half, in [batch, sequence, heads, d] layout:

    ```mlir
    %0 = ht.slice %x starts #ht.dims<0, 0, 0, 16> …
    %1 = ht.neg %0
    %2 = ht.slice %x starts #ht.dims<0, 0, 0, 0> …
    %3 = ht.concat %1, %2 axis 3
    %4 = ht.mul %3, %sin
    %5 = ht.mul %x, %cos
    %6 = ht.add %5, %4
    // becomes
    %6 = ht.rope %x, %cos16, %sin16
    ```
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def RaiseAttention : Pass<"ht-raise-attention", "::mlir::func::FuncOp"> {
  let summary = "scaled dot-product attention from matmul, mask, softmax and matmul";
  let description = [{
    ```mlir
    %0 = ht.matmul %q, %kt
    %1 = ht.add %0, %mask
    %2 = ht.softmax %1 axis 3
    %3 = ht.matmul %2, %v
    // becomes
    %3 = ht.attention %q, %k, %v mask %m scale 0.125
    ```
    in [batch, tokens, heads, d] layout, so that the transposes around it cancel. Scales on
    either side of the product are multiplied into `scale`; repeated key and value heads
    are read from before the repetition; a mask is split into its causal part (the
    attribute) and the rest (the operand).

    A mask of -inf, or of any number below -1e4, is taken as "may not attend". A row that may
    attend nowhere then gives zeros, where the graph gives NaN (-inf without a guard) or the
    mean of all values (a finite number, which cancels in softmax). Both are rows of padding
    that no one reads, and the boolean mask is read as bits and lets whole blocks be skipped.
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def KeepPast : Pass<"ht-keep-past", "::mlir::func::FuncOp"> {
  let summary = "keys and values of earlier tokens that go in and come out become states";
  let description = [{
    A decoder that takes keys and values of earlier tokens and gives them back with the new ones behind
    them becomes the program that importers of decoders build, which keeps them itself:

    ```mlir
    func.func @main(%ids, %attention_mask, %position_ids, %past.0.key, %past.0.value, …)
        -> (%logits, %present.0.key, %present.0.value, …)
    // becomes
    func.func @main(%ids, %sequences, %start, %wanted, %past.0.key {ht.state}, %past.0.value {ht.state}, …)
        -> (%logits, %past.0.key {ht.state}, %past.0.value {ht.state}, …)
    ```

    Nothing is padding then: `attention_mask` is all ones, and what counts from the number of earlier
    tokens, `position_ids` among it, counts from `start` for each sequence. The head is computed for
    `wanted` tokens. Inputs and outputs are known by the names that exporters agree on (`input_ids`,
    `attention_mask`, `position_ids`, `logits`), caches by what the graph does with them: a concatenation, or
    an `ht.update` of it, that attention reads and an output is. A sequence has as many tokens as the
    largest past and the most new tokens are together, and no more than tables of positions have rows.

    A graph in which anything else depends on the earlier tokens stays as it is, with a warning.
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def ExpandUpdates : Pass<"ht-expand-updates", "::mlir::func::FuncOp"> {
  let summary = "ht.update of what is no state as a choice between old and new rows";
  let description = [{
    A program changes a state where it lies. What is no state, such as a cache that is an input of the
    program and comes out as an output, is another value afterwards: every row is the old or the new one.

    ```mlir
    %1 = ht.update %past, %key sequences %rows start %start
    // becomes
    %0 = ht.gather_nd %key, %indices
    %1 = ht.where %isNew, %0, %past
    ```
    Row b must be updated by row b: other sequences are an error.
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def TieWeights : Pass<"ht-tie-weights", "::mlir::ModuleOp"> {
  let summary = "read one weight where the files hold the same numbers twice";
  let description = [{
    Weights of one type whose bytes are all equal become one: the output projection that is the
    embedding table (stored turned), a layer that is used many times. A few elements of each
    are compared first, so that no file is read through for nothing. Where a file cannot be
    read the weight is kept, with a remark.

    ```mlir
    %table = ht.get_weight @embed.weight : tensor<2048x256xf32>
    %head = ht.get_weight @head : tensor<2048x256xf32>
    %1 = ht.linear %0, %head
    // becomes
    %1 = ht.linear %0, %table
    ```
  }];
  let options = [
    Option<"modelDirectory", "model-directory", "std::string", /*default=*/"",
           "folder that the files of ht.load are relative to">];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def DropUnusedWeights : Pass<"ht-drop-unused-weights", "::mlir::ModuleOp"> {
  let summary = "erase weights that no function reads";
  let description = [{
    A weight is only ever an input of the program, so that one without `ht.get_weight` is
    dead, whatever its visibility (`symbol-dce` keeps public symbols).
  }];
}

def SortGraph : Pass<"ht-sort-graph", "::mlir::ModuleOp"> {
  let summary = "one order of operations, operands and weights for one graph";
  let description = [{
    Orders operations depth first from the results, producers in operand order; commuting
    operands by depth, deepest first; weights by first use. Two exporters of one model differ in
    exactly these orders, and so do two versions of one exporter.
  }];
}

def CanonicalNames : Pass<"ht-canonical-names", "::mlir::ModuleOp"> {
  let summary = "weights named @w0, @w1, … by first use, so that two modules can be compared";
  let description = [{
    For tests and for `diff`: after this pass (and `ht-sort-graph`) two exports of one model print
    the same text, where raising has brought them to the same graph.
  }];
  let options = [
    Option<"forgetFiles", "forget-files", "bool", /*default=*/"false",
           "drop locations, and file and offset of every ht.load, as well">];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def FoldConstants : Pass<"ht-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "evaluate operations on literals";
  let description = [{
    An operation whose operands are all `ht.constant` and whose result is static and at most
    `max-bytes` large becomes a constant. The interpreter computes it, so folding changes no
    result. Weights are never read, an operation that would fail (a division by zero, an index
    out of range) stays for the program to report, and what depends on a symbol stays too.

    ```mlir
    %0 = ht.constant dense<[1, 2]> : tensor<2xi64>
    %1 = ht.constant dense<3> : tensor<i64>
    %2 = ht.mul %0, %1 : tensor<2xi64>, tensor<i64> -> tensor<2xi64>
    // becomes
    %2 = ht.constant dense<[3, 6]> : tensor<2xi64>
    ```
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "uint64_t", /*default=*/"4096", "largest result that is folded">];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

#endif
