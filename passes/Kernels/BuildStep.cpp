//===- BuildStep.cpp - values become buffers, with barriers and an arena ----===//

#include "passes/Kernels/Passes.h"
#include "passes/Kernels/StepPlan.h"

#include "dialects/HTK/States.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

namespace halftone::kernels {
#define GEN_PASS_DEF_BUILDSTEP
#include "passes/Kernels/Passes.h.inc"
} // namespace halftone::kernels

using namespace mlir;
using namespace halftone;
using namespace halftone::kernels;

namespace {

/// Writes the step function for a planned graph.
class StepBuilder {
public:
  StepBuilder(func::FuncOp graph, const StepPlan &plan) : graph(graph), plan(plan), builder(graph.getContext()) {}

  func::FuncOp build() {
    MLIRContext *context = graph.getContext();
    Location loc = graph.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(context);
    builder.setInsertionPointAfter(graph);
    auto function =
        func::FuncOp::create(builder, loc, "step", builder.getFunctionType({pointer, builder.getIndexType()}, {}));
    function->setAttr(htk::HTKDialect::kArenaBytesAttr, builder.getI64IntegerAttr(plan.getArenaBytes()));
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToEnd(block);
    step = block->getArgument(0);
    thread = block->getArgument(1);

    describeArguments(loc);

    unsigned epoch = 0;
    for (auto launch : graph.getOps<htk::LaunchOp>()) {
      if (plan.getEpoch(launch) != epoch) {
        htk::BarrierOp::create(builder, launch.getLoc(), step, thread);
        epoch = plan.getEpoch(launch);
      }
      SmallVector<Value> inputs, outputs;
      for (Value input : launch.getInputs())
        inputs.push_back(getBuffer(plan.getStorage(input)));
      for (Value result : launch.getResults())
        outputs.push_back(getBuffer(plan.getStorage(result)));
      htk::LaunchOp::create(builder, launch.getLoc(), TypeRange(), launch.getCallee(), inputs, outputs, step, thread);
    }
    func::ReturnOp::create(builder, loc);
    return function;
  }

private:
  /// Inputs and outputs are counted without the states, which only the session sees.
  void describeArguments(Location loc) {
    for (const htk::State &state : htk::getStates(graph)) {
      Value argument = graph.getArgument(state.argument);
      buffers[argument] = htk::StateOp::create(builder, argument.getLoc(), htk::getBufferType(argument.getType()),
                                               step, state.offset);
    }
    int64_t inputs = 0, outputs = 0;
    for (Value argument : graph.getArguments())
      if (Value &buffer = buffers[argument]; !buffer)
        buffer = htk::InputOp::create(builder, argument.getLoc(), htk::getBufferType(argument.getType()), step,
                                      inputs++);
    for (Value result : graph.getBody().front().getTerminator()->getOperands())
      if (Value &buffer = buffers[plan.getStorage(result)]; !buffer)
        buffer = htk::OutputOp::create(builder, loc, htk::getBufferType(result.getType()), step, outputs++);
  }

  Value getBuffer(Value value) {
    Value &buffer = buffers[value];
    if (!buffer) {
      MemRefType type = htk::getBufferType(value.getType());
      if (auto weight = value.getDefiningOp<ht::GetWeightOp>())
        buffer = htk::PayloadOp::create(builder, value.getLoc(), type, step, weight.getNameAttr());
      else
        buffer = htk::ArenaOp::create(builder, value.getLoc(), type, step, plan.getOffset(value));
    }
    return buffer;
  }

  func::FuncOp graph;
  const StepPlan &plan;
  OpBuilder builder;
  Value step, thread;
  llvm::DenseMap<Value, Value> buffers;
};

/// Payload offsets in order of first use; weights that nothing uses are dropped.
void placeWeights(ModuleOp module, func::FuncOp graph) {
  SymbolTable symbols(module);
  Builder builder(module.getContext());
  int64_t offset = 0;
  llvm::SmallPtrSet<Operation *, 16> used;
  for (auto get : graph.getOps<ht::GetWeightOp>()) {
    auto weight = symbols.lookup<ht::WeightOp>(get.getName());
    if (!used.insert(weight).second)
      continue;
    weight->setAttr(htk::HTKDialect::kPayloadOffsetAttr, builder.getI64IntegerAttr(offset));
    int64_t bytes = weight.getWeightType().getNumElements() * htk::getStorageBytes(weight.getWeightType().getElementType());
    offset = llvm::alignTo(offset + bytes, htk::kAlignment);
  }
  for (auto weight : llvm::make_early_inc_range(module.getOps<ht::WeightOp>()))
    if (!used.contains(weight))
      weight.erase();
}

struct BuildStepPass : kernels::impl::BuildStepBase<BuildStepPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto graph = module.lookupSymbol<func::FuncOp>("main");
    if (!graph) {
      module.emitError() << "expected a graph function @main";
      return signalPassFailure();
    }
    for (Operation &op : graph.getBody().front())
      if (!isa<htk::LaunchOp, ht::GetWeightOp, ht::ReshapeOp, func::ReturnOp>(op)) {
        op.emitOpError() << "is not in a kernel: run htk-form-kernels and htk-outline-kernels first";
        return signalPassFailure();
      }

    placeWeights(module, graph);
    auto plan = StepPlan::create(graph);
    if (failed(plan))
      return signalPassFailure();
    StepBuilder(graph, *plan).build();

    // The signature stays as a declaration: emission describes inputs and outputs by it.
    graph.eraseBody();
    graph.setPrivate();
  }
};

} // namespace
