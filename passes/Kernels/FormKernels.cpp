//===- FormKernels.cpp - group operations into kernels of one root each -----===//

#include "passes/Kernels/Fusion.h"
#include "passes/Kernels/Passes.h"

#include "dialects/HTK/States.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

namespace halftone::kernels {
#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Kernels/Passes.h.inc"
} // namespace halftone::kernels

using namespace mlir;
using namespace halftone;
using namespace halftone::kernels;

namespace {

/// The kernel's name: its root, then what follows, without repeats of cheap steps.
std::string getName(const Group &group) {
  std::string name;
  auto append = [&](Operation *op) {
    name += (name.empty() ? "" : "_") + op->getName().stripDialect().str();
  };
  if (group.root)
    append(group.root);
  constexpr size_t kLongest = 4; // Names are for people: enough to tell kernels apart.
  size_t named = 0;
  for (Operation *member : llvm::reverse(group.members))
    if (member != group.root && named++ < kLongest)
      append(member);
  return name;
}

void formKernel(const Group &group) {
  Operation *last = group.last;
  OpBuilder builder(last);
  SmallVector<Operation *> body(llvm::reverse(group.members));
  llvm::sort(body, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });

  // Sources are copied in; every other value from outside is an operand.
  llvm::SetVector<Value> inputs;
  llvm::SetVector<Operation *> sources;
  for (Operation *op : body)
    for (Value operand : op->getOperands()) {
      Operation *def = operand.getDefiningOp();
      if (def && group.members.contains(def))
        continue;
      if (def && getRole(def) == Role::Source && !(op == group.root && readsMemory(op)))
        sources.insert(def);
      else
        inputs.insert(operand);
    }

  auto kernel = htk::KernelOp::create(builder, last->getLoc(), last->getResultTypes(), inputs.getArrayRef(), getName(group));
  Block &block = kernel.getBody().emplaceBlock();
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, block.addArgument(input.getType(), input.getLoc()));
  builder.setInsertionPointToEnd(&block);
  for (Operation *source : sources)
    builder.clone(*source, mapping);
  for (Operation *op : body)
    builder.clone(*op, mapping);
  SmallVector<Value> results;
  for (Value result : last->getResults())
    results.push_back(mapping.lookup(result));
  htk::YieldOp::create(builder, last->getLoc(), results);

  last->replaceAllUsesWith(kernel.getResults());
  for (Operation *op : llvm::reverse(body))
    op->erase();
}

/// Sources that something outside kernels reads (a returned constant, a
/// reshaped iota) become kernels too, so that only views and launches remain.
void wrapSources(func::FuncOp function) {
  for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
    if (getRole(&op) != Role::Source || op.use_empty())
      continue;
    Group group;
    group.members.insert(&op);
    group.last = &op;
    formKernel(group);
  }
}

/// The operand that a kernel of an `ht.update` changes in place; null for others.
Value getUpdated(htk::KernelOp kernel) {
  auto update = kernel.getBody().front().getTerminator()->getOperand(0).getDefiningOp<ht::UpdateOp>();
  auto argument = update ? dyn_cast<BlockArgument>(update.getState()) : BlockArgument();
  return argument ? kernel.getInputs()[argument.getArgNumber()] : Value();
}

/// Whether a state that comes back is the argument, changed in place or not at all.
bool isInPlace(Value value, Value state) {
  while (auto kernel = value.getDefiningOp<htk::KernelOp>()) {
    value = getUpdated(kernel);
    if (!value)
      return false;
  }
  return value == state;
}

/// A result that is an input, a weight, a state changed in place, or returned twice needs a
/// kernel that copies it to the caller's buffer; one that becomes a state, where it is not
/// that state changed in place, one that copies it when nothing reads the old state any more.
void wrapReturns(func::FuncOp function) {
  Operation *terminator = function.getBody().front().getTerminator();
  llvm::SmallPtrSet<Value, 4> returned;
  llvm::DenseMap<unsigned, Value> states;
  for (const htk::State &state : htk::getStates(function))
    states[state.result] = function.getArgument(state.argument);
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value source = operand.get(), state = states.lookup(operand.getOperandNumber());
    if (state && isInPlace(source, state))
      continue;
    while (auto view = source.getDefiningOp<ht::ReshapeOp>())
      source = view.getInput();
    auto producer = source.getDefiningOp<htk::KernelOp>();
    if (!state && producer && !getUpdated(producer) && returned.insert(source).second)
      continue;
    OpBuilder builder(terminator);
    Value value = operand.get();
    auto kernel = htk::KernelOp::create(builder, terminator->getLoc(), TypeRange{value.getType()}, value, "copy");
    Block &block = kernel.getBody().emplaceBlock();
    Value argument = block.addArgument(value.getType(), value.getLoc());
    builder.setInsertionPointToEnd(&block);
    htk::YieldOp::create(builder, terminator->getLoc(), argument);
    operand.set(kernel.getResult(0));
  }
}

struct FormKernelsPass : kernels::impl::FormKernelsBase<FormKernelsPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || !function.getBody().hasOneBlock())
      return;
    {
      Fusion fusion(function);
      for (const Fusion::Missed &miss : fusion.getMissed())
        remark::missed(miss.op->getLoc(), remark::RemarkOpts::name("kernel boundary").category("htk-form-kernels"))
            << miss.op->getName().getStringRef() << " runs apart from its reader: " << miss.reason;
      for (const auto &group : fusion.getGroups())
        formKernel(*group);
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (op.use_empty() && isMemoryEffectFree(&op) && !op.hasTrait<OpTrait::IsTerminator>())
        op.erase();
    wrapSources(function);
    wrapReturns(function);
  }
};

} // namespace
