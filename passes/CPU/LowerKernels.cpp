//===- LowerKernels.cpp - kernel functions become loops over vectors --------===//

#include "passes/CPU/LoopNests.h"

#include "llvm/ADT/TypeSwitch.h"

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

bool isInnerSoftmax(ht::SoftmaxOp softmax) {
  return static_cast<int64_t>(softmax.getAxis()) != cast<RankedTensorType>(softmax.getType()).getRank() - 1;
}

LogicalResult lowerBody(KernelBuilder &builder, Operation *root) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(root)
      .Case([&](htk::LinearOp linear) { return lowerLinear(builder, linear); })
      .Case([&](htq::DynamicQuantizeOp quantize) { return lowerQuantize(builder, quantize); })
      .Case([&](ht::MatMulOp product) { return lowerMatMul(builder, product); })
      .Case([&](ht::AttentionOp attention) { return lowerAttention(builder, attention); })
      .Case([&](ht::ScatterNDOp scatter) { return lowerScatter(builder, scatter); })
      .Case([&](ht::UpdateOp update) { return lowerUpdate(builder, update); })
      .Case([&](ht::TopKOp top) { return lowerTopK(builder, top); })
      .Case([&](ht::CumSumOp sum) { return lowerColumns(builder, sum); })
      .Case([&](ht::SoftmaxOp softmax) {
        return isInnerSoftmax(softmax) ? lowerColumns(builder, softmax) : lowerRows(builder, softmax);
      })
      .Default([&](Operation *other) { return lowerRows(builder, other); });
}

LogicalResult lowerKernel(func::FuncOp source, htk::CpuAttr cpu, Tables &tables) {
  Operation *root = findRoot(source);
  bool hasSeveral = isa_and_present<ht::TopKOp, htq::DynamicQuantizeOp>(root);
  if (source.getNumResults() != (hasSeveral ? root->getNumResults() : 1))
    return source.emitOpError() << "expected the results of its root, or one";
  KernelBuilder builder(source, cpu, tables);
  auto type = dyn_cast<RankedTensorType>(source.getResultTypes().front());
  LogicalResult result = success();
  if (!type || !llvm::is_contained(type.getShape(), 0)) // Else there is nothing to compute.
    result = root ? lowerBody(builder, root) : lowerRows(builder, nullptr);
  source.erase();
  return failure(failed(result) || builder.hasFailed());
}

struct LowerKernelsPass : cpu::impl::LowerKernelsBase<LowerKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto cpu = module->getAttrOfType<htk::CpuAttr>(htk::HTKDialect::kCpuAttr);
    if (!cpu)
      cpu = htk::CpuAttr::get(&getContext(), "x86-64-v4", 512, {});

    WalkResult built = module.walk([](htk::LaunchOp launch) {
      if (launch.getStep())
        return WalkResult::advance();
      launch.emitOpError() << "is in the value form: run htk-build-step first";
      return WalkResult::interrupt();
    });
    if (built.wasInterrupted())
      return signalPassFailure();

    Tables tables(module);
    for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function->hasAttr(htk::HTKDialect::kKernelAttr) && failed(lowerKernel(function, cpu, tables)))
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
