//===- GpuToNVVM.cpp - GPU kernels become LLVM dialect ----------------------===//

#include "passes/CUDA/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace halftone::cuda {
#define GEN_PASS_DEF_GPUTONVVM
#include "passes/CUDA/Passes.h.inc"
} // namespace halftone::cuda

using namespace mlir;
using namespace halftone;

namespace {

/// Buffers become pointers. Only what they are used as stays a memref, for the conversions to come.
void passPointers(gpu::GPUFuncOp kernel, const LLVMTypeConverter &converter) {
  OpBuilder b(kernel.getContext());
  Location loc = kernel.getLoc();
  Block &entry = kernel.getBody().front();
  b.setInsertionPointToStart(&entry);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  for (BlockArgument argument : kernel.getArguments()) {
    auto buffer = dyn_cast<MemRefType>(argument.getType());
    if (!buffer)
      continue;
    argument.setType(pointer);
    auto descriptor = MemRefDescriptor::poison(b, loc, converter.convertType(buffer));
    Value zero = LLVM::ConstantOp::create(b, loc, converter.getIndexType(), 0);
    Value one = LLVM::ConstantOp::create(b, loc, converter.getIndexType(), 1);
    descriptor.setAllocatedPtr(b, loc, argument);
    descriptor.setAlignedPtr(b, loc, argument);
    descriptor.setOffset(b, loc, zero);
    descriptor.setSize(b, loc, 0, zero);
    descriptor.setStride(b, loc, 0, one);
    Value whole = descriptor;
    auto cast = UnrealizedConversionCastOp::create(b, loc, buffer, whole);
    argument.replaceUsesWithIf(cast.getResult(0), [&](OpOperand &use) {
      return !isa<LLVM::InsertValueOp>(use.getOwner());
    });
  }
  kernel.setFunctionType(b.getFunctionType(entry.getArgumentTypes(), {}));
}

struct GpuToNVVMPass : cuda::impl::GpuToNVVMBase<GpuToNVVMPass> {
  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    LowerToLLVMOptions options(&getContext());
    LLVMTypeConverter converter(&getContext(), options);
    configureGpuToNVVMTypeConverter(converter);
    for (auto kernel : module.getOps<gpu::GPUFuncOp>())
      passPointers(kernel, converter);
    if (failed(expandMath(module)) || failed(checkMath(module)) || failed(lowerLoops(module)) ||
        failed(convert(module, converter)))
      signalPassFailure();
  }

private:
  /// As on the CPU, bit for bit.
  LogicalResult expandMath(gpu::GPUModuleOp module) {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return llvm::is_contained({"math.exp", "math.erf", "math.tanh"}, name);
    });
    arith::populateExpandBFloat16Patterns(patterns);
    return applyPatternsGreedily(module, std::move(patterns), GreedyRewriteConfig().enableFolding());
  }

  LogicalResult checkMath(gpu::GPUModuleOp module) {
    bool isKnown = true;
    module.walk([&](Operation *op) {
      if (!isa<math::MathDialect>(op->getDialect()) ||
          isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::FloorOp, math::FmaOp, math::RoundEvenOp,
              math::SqrtOp>(op))
        return;
      auto kernel = op->getParentOfType<gpu::GPUFuncOp>();
      op->emitError() << "kernel '" << kernel.getName() << "' has no GPU form: PTX has no instruction for "
                      << op->getName() << " of " << op->getResult(0).getType();
      isKnown = false;
    });
    return success(isKnown);
  }

  LogicalResult lowerLoops(gpu::GPUModuleOp module) {
    RewritePatternSet patterns(&getContext());
    populateSCFToControlFlowConversionPatterns(patterns);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalDialect<scf::SCFDialect>();
    return applyPartialConversion(module, target, std::move(patterns));
  }

  LogicalResult convert(gpu::GPUModuleOp module, const LLVMTypeConverter &converter) {
    RewritePatternSet patterns(&getContext());
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateGpuToNVVMConversionPatterns(converter, patterns);
    // Before what upstream has for GPUs, which calls libdevice for what PTX has instructions for.
    populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(getContext());
    target.addLegalDialect<NVVM::NVVMDialect>();
    target.addLegalOp<gpu::GPUModuleOp, UnrealizedConversionCastOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return false; });
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      return failure();
    SmallVector<UnrealizedConversionCastOp> casts;
    module.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
    reconcileUnrealizedCasts(casts);
    return success();
  }
};

} // namespace
