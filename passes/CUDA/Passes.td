//===- Passes.td - kernels for NVIDIA GPUs ------------------------------------===//

#ifndef HALFTONE_PASSES_CUDA_PASSES_TD
#define HALFTONE_PASSES_CUDA_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerToGpu : Pass<"htk-lower-to-gpu", "::mlir::ModuleOp"> {
  let summary = "kernel functions become kernels of a gpu.module on flat buffers";
  let description = [{
    Every function marked `htk.kernel` gets its GPU form, a `gpu.func` of the same
    name in `gpu.module @kernels`, called with

      the buffers of inputs, then those of results: flat and row-major, weights as
      `htk.pack` laid them out, as on the CPU;
      one index for each symbol of `ht.symbols`, in order.

    Blocks have the size of `known_block_size` and take work items in turns, so that
    any number of them is right. The items are

      linear      16 rows by one panel of 64 outputs: a thread has an output, and 4 rows;
      pointwise   256 elements of the result, one a thread.

    The functions stay: launches, which are still those of tensors, refer to them.

    A kernel with any other root, or with an index that must be checked when it runs, is
    an error that names both.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
      "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::math::MathDialect",
      "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def GpuToNVVM : Pass<"htk-gpu-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "kernels of a gpu.module become LLVM dialect with NVVM operations";
  let description = [{
    A buffer becomes one pointer to global memory: its size is never asked for, and a
    launch needs no descriptors. exp, erf and tanh of f32 become the polynomials that
    the CPU has; everything else goes through the upstream conversions.

    Functions that PTX has no instruction for are errors: a kernel has no library to call.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
      "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::math::MathDialect",
      "::mlir::vector::VectorDialect"];
}

#endif
