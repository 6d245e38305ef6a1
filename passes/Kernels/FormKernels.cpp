//===- FormKernels.cpp - group operations into kernels ----------------------===//

#include "passes/Kernels/Fusion.h"
#include "passes/Kernels/Passes.h"

#include "dialects/HTK/Roots.h"
#include "dialects/HTK/States.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
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

/// The kernel's name: what prepares its input, its root, what follows; without repeats of cheap steps.
std::string getName(ArrayRef<Operation *> body, const Group &group) {
  std::string name;
  auto append = [&](Operation *op) {
    name += (name.empty() ? "" : "_") + op->getName().stripDialect().str();
  };
  auto isPrologue = [&](Operation *op) { return !group.outputOf.lookup(op); };
  llvm::for_each(llvm::make_filter_range(body, isPrologue), append);
  if (Operation *root = group.getRoot())
    append(root);
  if (group.roots.size() > 1)
    name += "_x" + std::to_string(group.roots.size());
  constexpr size_t kLongest = 4; // Names are for people: enough to tell kernels apart.
  size_t named = 0;
  for (Operation *member : body)
    if (!isPrologue(member) && !llvm::is_contained(group.roots, member) && named++ < kLongest)
      append(member);
  return name;
}

void formKernel(const Group &group) {
  auto isBefore = [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); };
  SmallVector<Operation *> body(group.members.getArrayRef()), outputs(ArrayRef(group.outputs));
  llvm::sort(body, isBefore);
  llvm::sort(outputs, isBefore);

  // Sources are copied in; every other value from outside is an operand.
  llvm::SetVector<Value> inputs;
  llvm::SetVector<Operation *> sources;
  for (Operation *op : body)
    for (Value operand : op->getOperands()) {
      Operation *def = operand.getDefiningOp();
      if (def && group.members.contains(def))
        continue;
      bool isPrologue = !group.outputOf.lookup(op);
      bool isMemory = isPrologue || (llvm::is_contained(group.roots, op) && readsMemory(op));
      if (def && getRole(def) == Role::Source && !isMemory)
        sources.insert(def);
      else
        inputs.insert(operand);
    }

  // Where the first of its results was: what it reads that is later is moved (weights) or sorted.
  Operation *place = outputs.front();
  OpBuilder builder(place);
  Location loc = place->getLoc();
  for (Value input : inputs)
    if (auto weight = input.getDefiningOp<ht::GetWeightOp>(); weight && place->isBeforeInBlock(weight))
      weight->moveBefore(place);
  SmallVector<Value> results;
  for (Operation *output : outputs)
    llvm::append_range(results, output->getResults());
  auto kernel = htk::KernelOp::create(builder, loc, ValueRange(results).getTypes(), inputs.getArrayRef(),
                                      getName(body, group));
  Block &block = kernel.getBody().emplaceBlock();
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, block.addArgument(input.getType(), input.getLoc()));
  builder.setInsertionPointToEnd(&block);
  for (Operation *source : sources)
    builder.clone(*source, mapping);
  for (Operation *op : body)
    builder.clone(*op, mapping);
  auto yielded = llvm::map_to_vector(results, [&](Value value) { return mapping.lookup(value); });
  htk::YieldOp::create(builder, loc, yielded);

  for (auto [value, result] : llvm::zip_equal(results, kernel.getResults()))
    value.replaceAllUsesWith(result);
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
    group.addOutput(&op);
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

void report(const Fusion &fusion) {
  auto options = [](StringRef name) { return remark::RemarkOpts::name(name).category("htk-form-kernels"); };
  for (auto [op, reason] : fusion.getMissed())
    remark::missed(op->getLoc(), options("kernel boundary"))
        << op->getName().getStringRef() << " runs apart from its reader: " << reason;
  for (auto [linear, reason] : fusion.getApart())
    remark::missed(linear->getLoc(), options("linears apart"))
        << "runs apart from another linear with the same input: " << reason;
  for (const auto &group : fusion.getGroups()) {
    if (group->roots.size() > 1)
      remark::passed(group->getRoot()->getLoc(), options("linears of one input"))
          << std::to_string(group->roots.size()) << " linears with the same input run as one kernel";
    for (Operation *op : group->members)
      if (!group->outputOf.lookup(op))
        remark::passed(op->getLoc(), options("prologue"))
            << op->getName().getStringRef() << " is computed by the roots that read it";
  }
}

struct FormKernelsPass : kernels::impl::FormKernelsBase<FormKernelsPass> {
  using FormKernelsBase::FormKernelsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || !function.getBody().hasOneBlock())
      return;
    {
      Fusion fusion(function, oneRoot);
      report(fusion);
      for (const auto &group : fusion.getGroups())
        formKernel(*group);
      // A kernel with several results may stand before what one of them needs.
      sortTopologically(&function.getBody().front());
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (op.use_empty() && isMemoryEffectFree(&op) && !op.hasTrait<OpTrait::IsTerminator>())
        op.erase();
    wrapSources(function);
    wrapReturns(function);
  }
};

} // namespace
