//===- Passes.td - kernels as x86 vector code ---------------------------------===//

#ifndef HALFTONE_PASSES_CPU_PASSES_TD
#define HALFTONE_PASSES_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerKernels : Pass<"htk-lower-kernels", "::mlir::ModuleOp"> {
  let summary = "kernel functions become loops over vectors on flat buffers";
  let description = [{
    Every function marked `htk.kernel` is rewritten from tensors to buffers, its
    work split over the step's threads, its innermost axis over vector lanes;
    launches become calls. The loop nest follows the root:

      linear      register tiles of rows x one panel of 64 outputs, epilogue on
                  the tile while it is in cache;
      attention   one (batch, head, block of queries) at a time with running
                  softmax: no score matrix, no transposed copy of its operands;
      matmul      the same tiles over its operands where they are;
      norm, softmax  row by row, statistics first;
      cumsum, softmax of an inner axis  column by column along the axis;
      scatter_nd  all updates, each thread to its own range of the result;
      topk        a heap per row;
      other       the result's elements, each computed from its operands.

    The module's `htk.cpu` gives the vector length; 512 bits when absent.
  }];
  let dependentDialects = ["::halftone::htk::HTKDialect", "::mlir::arith::ArithDialect",
      "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ConvertToLLVM : Pass<"htk-convert-to-llvm", "::mlir::ModuleOp"> {
  let summary = "lowered kernels and the step function become LLVM dialect";
  let description = [{
    `htk` reads of the run's `halftone_step` become loads at the offsets of
    runtime/include/halftone/abi.h, barriers and faults follow that contract,
    and everything else goes through the upstream conversions. exp, erf and tanh
    become polynomials (within a few units in the last place), so no kernel
    calls a scalar function for each lane of them.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
      "::mlir::cf::ControlFlowDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

#endif
