//===- KernelBuilder.h - what GPU kernels are written with ------------------===//

#ifndef HALFTONE_PASSES_CUDA_KERNELBUILDER_H
#define HALFTONE_PASSES_CUDA_KERNELBUILDER_H

#include "passes/CUDA/Passes.h"
#include "passes/Elements/CodeBuilder.h"

namespace halftone::cuda {

using namespace elements;

/// Emits one kernel, `(inputs…, outputs…, symbols…)`, as the scalar code of one thread.
class KernelBuilder : public CodeBuilder {
public:
  /// Makes the kernel of the tensor form `source` at the end of `module`, for blocks of `width` by
  /// `height` threads.
  KernelBuilder(mlir::func::FuncOp source, mlir::gpu::GPUModuleOp module, int64_t width, int64_t height,
                Tables &tables);

  /// The thread's place in its block.
  mlir::Value x, y;

  /// Blocks take work items `[0, total)` in turns.
  void forEachItem(mlir::Value total, llvm::function_ref<void(mlir::Value)> body);

  /// An error: kernels cannot report faults.
  mlir::Value checkIndex(mlir::Value index, mlir::Value bound, mlir::Location site) override;

private:
  llvm::StringRef name;
};

/// Begins the error that says why kernel `name` has no GPU form.
mlir::InFlightDiagnostic emitRefusal(mlir::Location loc, llvm::StringRef name);

/// y = x Wᵀ, a tile of rows by a panel for each block.
mlir::LogicalResult lowerLinear(KernelBuilder &kernel, htk::LinearOp root);

/// Blocks of threads that `lowerLinear` is written for.
constexpr int64_t kLinearWidth = 64, kLinearHeight = 4;

} // namespace halftone::cuda

#endif
