//===- LowerKernels.cpp - kernel functions become loops over vectors --------===//

#include "passes/CPU/LoopNests.h"

namespace halftone::cpu {
#define GEN_PASS_DEF_LOWERKERNELS
#include "passes/CPU/Passes.h.inc"
} // namespace halftone::cpu

using namespace mlir;
using namespace halftone;
using namespace halftone::cpu;

namespace {

/// The operation that shapes the loop nest; null in a pointwise kernel.
Operation *findRoot(func::FuncOp kernel) {
  for (Operation &op : kernel.getBody().front())
    if (htk::isRoot(&op))
      return &op;
  return nullptr;
}

LogicalResult lowerKernel(func::FuncOp source, int64_t lanes) {
  if (source.getNumResults() != 1)
    return source.emitOpError() << "expected one result";
  KernelBuilder builder(source, lanes);
  Operation *root = findRoot(source);
  auto type = dyn_cast<RankedTensorType>(source.getResultTypes().front());
  LogicalResult result = failure();
  if (type && llvm::is_contained(type.getShape(), 0))
    result = success(); // Nothing to compute.
  else if (auto linear = dyn_cast_or_null<htk::LinearOp>(root))
    result = lowerLinear(builder, linear);
  else if (auto attention = dyn_cast_or_null<ht::AttentionOp>(root))
    result = lowerAttention(builder, attention);
  else
    result = lowerRows(builder, root);
  source.erase();
  return failure(failed(result) || builder.hasFailed());
}

struct LowerKernelsPass : cpu::impl::LowerKernelsBase<LowerKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = module->getAttrOfType<htk::CpuAttr>(htk::HTKDialect::kCpuAttr);
    int64_t lanes = (target ? target.getVectorBits() : 512) / 32;

    WalkResult built = module.walk([](htk::LaunchOp launch) {
      if (launch.getStep())
        return WalkResult::advance();
      launch.emitOpError() << "is in the value form: run htk-build-step first";
      return WalkResult::interrupt();
    });
    if (built.wasInterrupted())
      return signalPassFailure();

    for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function->hasAttr(htk::HTKDialect::kKernelAttr) && failed(lowerKernel(function, lanes)))
        return signalPassFailure();

    module.walk([](htk::LaunchOp launch) {
      OpBuilder builder(launch);
      SmallVector<Value> operands{launch.getStep(), launch.getThread()};
      llvm::append_range(operands, launch.getInputs());
      llvm::append_range(operands, launch.getOutputs());
      func::CallOp::create(builder, launch.getLoc(), launch.getCallee(), TypeRange(), operands);
      launch.erase();
    });
  }
};

} // namespace
