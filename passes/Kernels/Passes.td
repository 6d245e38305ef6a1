//===- Passes.td - from a graph to kernels and a step -------------------------===//

#ifndef HALFTONE_PASSES_KERNELS_PASSES_TD
#define HALFTONE_PASSES_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandLinears : Pass<"htk-expand-linears", "::mlir::func::FuncOp"> {
  let summary = "linears whose weight the graph computes become matrix products";
  let description = [{
    Only a parameter of the model can be packed. `ht.linear` by any other value
    becomes `ht.matmul` by its transpose, and an addition of the bias.
  }];
  let dependentDialects = ["::halftone::ht::HTDialect"];
}

def FormKernels : Pass<"htk-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "group operations into kernels";
  let description = [{
    Elementwise chains join the kernel of the contraction, attention or
    normalization that feeds them; what has no root becomes a pointwise kernel.
    Constants and iotas are copied into every kernel that reads them. Reshapes
    and weights stay outside: they cost nothing.

    ```mlir
    %1 = ht.linear %x, %w bias %b : …
    %2 = ht.gelu %1 : …
    // becomes
    %2 = htk.kernel "linear_gelu"(%x, %w, %b) : … { … htk.yield %1 }
    ```

    Linears that multiply the same rows are one kernel with a result each, or one for
    those that meet in it; a dynamic quantization or cast that only they read is
    computed by that kernel, row by row; with `one-root`, for targets that have no code
    for these, each linear is a kernel that reads memory.

    A producer that several kernels read, or that would be computed more often
    than its size asks for, is a kernel of its own; a remark says so.
  }];
  let options = [Option<"oneRoot", "one-root", "bool", /*default=*/"false",
                        "one root a kernel, and nothing before a linear">];
  let dependentDialects = ["::halftone::htk::HTKDialect"];
}

def OutlineKernels : Pass<"htk-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "kernels become functions; equal kernels share one";
  let description = [{
    Every `htk.kernel` becomes an `htk.launch` of a private function marked
    `htk.kernel`. Two kernels are equal if their bodies print the same, so the
    layers of a model share code: its size does not grow with depth. Lookups by
    index are equal only if they come from one node, which a fault names.
  }];
  let dependentDialects = ["::halftone::htk::HTKDialect"];
}

def BuildStep : Pass<"htk-build-step", "::mlir::ModuleOp"> {
  let summary = "values become buffers, with barriers and one planned arena";
  let description = [{
    `@main` on tensors becomes `@step(step, thread)`, which every thread runs.

    Order: launches keep program order and are cut into epochs; a launch that
    reads what its epoch wrote begins the next one, behind a barrier.
    Memory: a value is live from the epoch that writes it to the last that reads
    it; first fit by decreasing size, the largest that the symbols' bounds
    allow, gives each an offset, 64-byte aligned, in one arena. Outputs are written in place where a
    launch makes them. Weights get offsets in the payload in order of use.
  }];
  let dependentDialects = ["::halftone::htk::HTKDialect"];
}

def SplitLevels : Pass<"htk-split-levels", "::mlir::ModuleOp"> {
  let summary = "one module for each level that the program is to have";
  let description = [{
    All that the module holds moves into a module inside it, one for each
    `#htk.cpu` of `htk.levels` (without that list, for `htk.cpu`; without either,
    for x86-64-v4), which carries its name and has it as `htk.cpu`. What comes
    before this pass is the same for all levels, weights and their layouts above
    all; what comes after it runs on each module by itself.
  }];
  let dependentDialects = ["::halftone::htk::HTKDialect"];
}

#endif
