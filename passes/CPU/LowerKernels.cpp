//===- LowerKernels.cpp - kernel functions become loops over vectors --------===//

#include "passes/CPU/LoopNests.h"

#include "dialects/HTK/Roots.h"

#include "llvm/ADT/TypeSwitch.h"

namespace halftone::cpu {
#define GEN_PASS_DEF_LOWERKERNELS
#include "passes/CPU/Passes.h.inc"
} // namespace halftone::cpu

using namespace mlir;
using namespace halftone;
using namespace halftone::cpu;

namespace {

bool isInnerSoftmax(ht::SoftmaxOp softmax) {
  return static_cast<int64_t>(softmax.getAxis()) != cast<RankedTensorType>(softmax.getType()).getRank() - 1;
}

LogicalResult lowerRoot(KernelBuilder &builder, Operation *root) {
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
  SmallVector<Operation *> roots = htk::getRoots(source.getBody().front());
  Operation *root = roots.empty() ? nullptr : roots.front();
  size_t results = isa_and_present<ht::TopKOp, htq::DynamicQuantizeOp>(root) ? root->getNumResults() : 1;
  if (!isa_and_present<htk::LinearOp>(root) && source.getNumResults() != results)
    return source.emitOpError() << "expected the results of its root, or one";
  KernelBuilder builder(source, cpu, tables);
  auto isEmpty = [](Type type) { return llvm::is_contained(cast<RankedTensorType>(type).getShape(), 0); };
  LogicalResult result = success();
  if (!llvm::all_of(source.getResultTypes(), isEmpty)) // Else there is nothing to compute.
    result = root ? lowerRoot(builder, root) : lowerRows(builder, nullptr);
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
