//===- VerifyPhase.cpp - check what a phase promises to leave ---------------===//

#include "passes/Verify/Passes.h"

#include "dialects/HTQ/HTQDialect.h"

namespace halftone::verify {
#define GEN_PASS_DEF_VERIFYPHASE
#include "passes/Verify/Passes.h.inc"
} // namespace halftone::verify

using namespace mlir;
using namespace halftone;

namespace {

bool isGraphOperation(Operation *op) {
  return isa<func::ReturnOp>(op) || isa_and_present<ht::HTDialect, htq::HTQDialect>(op->getDialect());
}

bool isKernelOrView(Operation *op) {
  return isa<func::ReturnOp, htk::KernelOp, ht::GetWeightOp, ht::ReshapeOp>(op);
}

/// Reports the first operation of @main that `allowed` refuses.
LogicalResult checkGraph(ModuleOp module, StringRef phase, function_ref<bool(Operation *)> allowed) {
  auto graph = module.lookupSymbol<func::FuncOp>("main");
  if (!graph || graph.isDeclaration())
    return module.emitError() << "phase '" << phase << "' must leave a graph function @main";
  // Operations check their own types: arguments may have no reader that does.
  for (BlockArgument argument : graph.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType());
        !type || llvm::is_contained(ht::getDims(type), ht::Dim()))
      return graph.emitOpError() << "argument " << argument.getArgNumber() << " is " << argument.getType()
                                 << " after phase '" << phase << "', expected a tensor whose dynamic dimensions "
                                 << "have expressions";
  for (Operation &op : graph.getBody().front())
    if (!allowed(&op))
      return op.emitOpError() << "is still in @main after phase '" << phase << "'";
  return success();
}

/// Decisions of earlier phases that `phase` has made true.
LogicalResult checkDone(ModuleOp module, StringRef phase, ArrayRef<StringRef> decisions) {
  WalkResult result = module.walk([&](Operation *op) {
    for (StringRef name : decisions)
      if (op->hasAttr(name)) {
        op->emitOpError() << "still has " << name << " after phase '" << phase << "'";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult checkPacked(ModuleOp module) {
  WalkResult result = module.walk([](ht::LinearOp linear) {
    auto kernel = linear->getParentOfType<htk::KernelOp>();
    auto argument = dyn_cast<BlockArgument>(linear.getWeight());
    if (kernel && argument && kernel.getInputs()[argument.getArgNumber()].getDefiningOp<ht::GetWeightOp>()) {
      linear.emitOpError() << "reads an unpacked weight after phase 'layout'";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult checkLowered(ModuleOp level) {
  for (Operation &op : *level.getBody()) {
    if (auto weight = dyn_cast<ht::WeightOp>(op)) {
      if (!weight->hasAttr(htk::HTKDialect::kPayloadOffsetAttr))
        return weight.emitOpError() << "has no place in the payload after phase 'lower'";
      continue;
    }
    // @main stays as a declaration: emission describes the program by it.
    if (auto function = dyn_cast<func::FuncOp>(op); function && function.isDeclaration())
      continue;
    WalkResult result = op.walk<WalkOrder::PreOrder>([](Operation *inner) {
      if (isa_and_present<LLVM::LLVMDialect>(inner->getDialect()))
        return WalkResult::advance();
      inner->emitOpError() << "is not LLVM dialect after phase 'lower'";
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return failure();
  }
  return success();
}

LogicalResult checkLevels(ModuleOp module) {
  for (Operation &op : *module.getBody()) {
    auto level = dyn_cast<ModuleOp>(op);
    if (!level)
      return op.emitOpError() << "is not in the module of a level after phase 'lower'";
    if (failed(checkLowered(level)))
      return failure();
  }
  return success();
}

struct VerifyPhasePass : verify::impl::VerifyPhaseBase<VerifyPhasePass> {
  using VerifyPhaseBase::VerifyPhaseBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    LogicalResult result = success();
    if (phase == "import" || phase == "raise" || phase == "assign")
      result = checkGraph(module, phase, isGraphOperation);
    else if (phase == "fold")
      result = success(succeeded(checkGraph(module, phase, isGraphOperation)) &&
                       succeeded(checkDone(module, phase, htq::HTQDialect::kRotationAttr)));
    else if (phase == "quantize")
      result = success(succeeded(checkGraph(module, phase, isGraphOperation)) &&
                       succeeded(checkDone(module, phase, {htq::HTQDialect::kWeightsAttr,
                                                           htq::HTQDialect::kActivationsAttr})));
    else if (phase == "fuse")
      result = checkGraph(module, phase, isKernelOrView);
    else if (phase == "layout")
      result = success(succeeded(checkGraph(module, phase, isKernelOrView)) && succeeded(checkPacked(module)));
    else if (phase == "lower")
      result = checkLevels(module);
    else
      result = module.emitError() << "unknown phase '" << phase << "'";
    if (failed(result))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
