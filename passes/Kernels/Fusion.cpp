//===- Fusion.cpp - which operations run together ---------------------------===//

#include "passes/Kernels/Fusion.h"

#include "dialects/HTK/Roots.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace halftone::kernels {

Role getRole(Operation *op) {
  if (htk::isRoot(op))
    return Role::Root;
  return llvm::TypeSwitch<Operation *, Role>(op)
      .Case<ht::ConstantOp, ht::IotaOp, ht::DimOp>([](auto) { return Role::Source; })
      .Case<ht::ReshapeOp>([](auto) { return Role::View; })
      .Case<ht::TransposeOp, ht::BroadcastOp, ht::SliceOp, ht::WindowOp, ht::ConcatOp, ht::GatherOp, ht::GatherNDOp,
            ht::EmbeddingOp, ht::RopeOp>([](auto) { return Role::Movement; })
      .Case<htq::DequantizeOp>([](auto dequantize) {
        // A codebook is read anywhere.
        return htq::hasLookup(dequantize.getTerm()) ? Role::Movement : Role::Elementwise;
      })
      .Default([](Operation *other) {
        bool isGraphOp = isa_and_present<ht::HTDialect, htq::HTQDialect>(other->getDialect());
        return isGraphOp && !isa<ht::GetWeightOp, ht::WeightOp>(other) ? Role::Elementwise : Role::Outside;
      });
}

bool takesEpilogue(Operation *root) {
  // These make their result in an order of their own.
  return !isa<ht::AttentionOp, ht::ScatterNDOp, ht::UpdateOp, ht::TopKOp, htq::DynamicQuantizeOp>(root);
}

bool readsMemory(Operation *root) {
  return isa<ht::LinearOp, htq::LinearOp, ht::MatMulOp, ht::AttentionOp, ht::ScatterNDOp>(root);
}

/// Operations dear enough that computing one twice costs more than its memory traffic.
static bool isExpensive(Operation *op) {
  return isa<ht::ExpOp, ht::ErfOp, ht::TanhOp, ht::SigmoidOp, ht::SiluOp, ht::GeluOp, ht::GluOp, ht::PowOp,
             ht::LogOp, ht::SinOp, ht::CosOp, ht::GatherOp, ht::GatherNDOp, ht::EmbeddingOp>(op);
}

static ht::Dim getSize(Value value) { return ht::getProduct(ht::getDims(value), value.getContext()); }

/// What one kernel may be in code, so that no graph makes it explode.
static constexpr size_t kMaxCode = 256;

size_t Group::countCopies(Operation *op) const {
  size_t count = 0;
  for (Operation *user : op->getUsers()) // once for each operand
    count += copies.lookup(user);
  return std::max<size_t>(count, 1);
}

Operation *Group::getOutput(Operation *op) const {
  Operation *common = nullptr;
  for (Operation *user : op->getUsers()) {
    Operation *output = outputOf.lookup(user);
    if (!output || (common && common != output))
      return nullptr;
    common = output;
  }
  return common;
}

void Group::insert(Operation *op) {
  size_t count = copies[op] = countCopies(op);
  code += count * op->getNumOperands();
  members.insert(op);
}

void Group::addOutput(Operation *op) {
  outputs.push_back(op);
  outputOf[op] = op;
  if (getRole(op) == Role::Root)
    roots.push_back(op);
  insert(op);
}

void Group::add(Operation *op) {
  outputOf[op] = getOutput(op);
  if (getRole(op) == Role::Root)
    roots.push_back(op);
  insert(op);
}

void Group::addPrologue(Operation *op) { insert(op); }

void Group::take(Group &other) {
  members.insert_range(other.members);
  llvm::append_range(roots, other.roots);
  llvm::append_range(outputs, other.outputs);
  outputOf.insert_range(other.outputOf);
  copies.insert_range(other.copies);
  code += other.code;
  other = Group();
}

/// The group that holds all readers of `op`, if there is one.
Group *Fusion::findCommonReader(Operation *op) {
  Group *common = nullptr;
  for (Operation *user : op->getUsers()) {
    Group *group = groupOf.lookup(user);
    if (!group || (common && common != group))
      return nullptr;
    common = group;
  }
  return common;
}

/// Whether `op` is windows, or computed from windows.
static bool combinesWindows(Operation *op) {
  return isa<ht::WindowOp>(op) ||
         (getRole(op) == Role::Elementwise && llvm::any_of(op->getOperands(), [](Value operand) {
            return operand.getDefiningOp<ht::WindowOp>();
          }));
}

/// Null if `op`, whose readers are all in `group`, may join it.
const char *Fusion::whyNotJoin(Operation *op, const Group &group) {
  bool isRoot = getRole(op) == Role::Root;
  // What a root reads comes from memory: it visits its operands several times.
  // (A reduction visits each once: windows that it combines, and products of them, are never stored.)
  // New tokens are computed where they are stored. Quantization keeps a rotated row where it visits it.
  bool visitedOnce = (isa_and_present<ht::ReduceOp>(group.getRoot()) && combinesWindows(op)) ||
                     isa_and_present<ht::UpdateOp>(group.getRoot()) || isa<htq::HadamardOp>(op);
  for (Operation *user : op->getUsers()) {
    bool isPrologue = !group.outputOf.lookup(user);
    if (isPrologue || (llvm::is_contained(group.roots, user) && !visitedOnce))
      return "its reader visits it several times";
    if (isa<ht::WindowOp>(user) && getSize(user->getResult(0)) != getSize(op->getResult(0)))
      return "windows overlap: it would be computed once for each that reads it";
  }
  Operation *output = group.getOutput(op);
  if (!output)
    return "several results of its readers' kernel would each compute it";
  if (!isRoot && isExpensive(op) && getSize(op->getResult(0)) != getSize(output->getResult(0)))
    return "it would be computed once for every reader of a broadcast";
  if (group.code + group.countCopies(op) * op->getNumOperands() > kMaxCode)
    return "the kernel would grow without bound";
  if (!isRoot)
    return nullptr;
  bool isSecond = !oneRoot && group.getRoot() && htk::isLinear(op) && htk::isLinear(group.getRoot()) &&
                  htk::haveSameInput(op, group.getRoot());
  if (group.getRoot() && !isSecond)
    return "the kernel has a root already";
  if (!takesEpilogue(op))
    return "the root makes its result in an order of its own";
  if (op->getResult(0).getType() != output->getResult(0).getType() &&
      ht::getDims(op->getResult(0)) != ht::getDims(output->getResult(0)))
    return "the kernel's result has another shape than the root's";
  // Everything between the root and the output must work in place.
  llvm::SmallPtrSet<Operation *, 8> after;
  for (Operation *user : op->getUsers())
    after.insert(user);
  for (Operation *member : llvm::reverse(group.members)) { // program order
    bool depends = after.contains(member);
    for (Value operand : member->getOperands())
      if (Operation *def = operand.getDefiningOp())
        depends |= def == op || (after.contains(def) && group.members.contains(def));
    if (!depends)
      continue;
    after.insert(member);
    if (getRole(member) != Role::Elementwise)
      return "an operation after the root moves data";
    if (ht::getDims(member->getResult(0)) != ht::getDims(op->getResult(0)))
      return "an operation after the root changes the shape";
  }
  return nullptr;
}

/// Whether what makes the operand of a cast can write it converted.
static bool isConvertedByProducer(Operation *op) {
  Operation *producer = isa<ht::CastOp>(op) ? op->getOperand(0).getDefiningOp() : nullptr;
  if (!producer || !producer->hasOneUse())
    return false;
  Role role = getRole(producer);
  return role == Role::Elementwise || role == Role::Movement ||
         (role == Role::Root && takesEpilogue(producer));
}

/// Whether `op` is a rotation of what a group's prologue quantizes.
static bool isRotatedInput(Operation *op, const Group &group) {
  return isa<htq::HadamardOp>(op) && op->hasOneUse() && isa<htq::DynamicQuantizeOp>(*op->user_begin()) &&
         !group.outputOf.lookup(*op->user_begin());
}

/// Whether `op`, whose readers are all in `group`, joins it.
bool Fusion::takes(Operation *op, Group &group) {
  if (!oneRoot && ((htk::isPrologue(op) && !isConvertedByProducer(op)) || isRotatedInput(op, group) ||
                   htk::isWidenedState(op))) {
    group.addPrologue(op);
    return true;
  }
  if (const char *reason = whyNotJoin(op, group)) {
    missed.push_back({op, reason});
    return false;
  }
  group.add(op);
  return true;
}

//===----------------------------------------------------------------------===//
// Linears of one input
//===----------------------------------------------------------------------===//

/// Whether anything outside of `from` that needs its results is needed by `to`, or `to` itself is.
bool Fusion::reaches(const Group &from, const Group &to) {
  llvm::SmallPtrSet<Operation *, 32> visited;
  SmallVector<Operation *> queue(ArrayRef(from.outputs));
  while (!queue.empty())
    for (Operation *user : queue.pop_back_val()->getUsers()) {
      Group *group = groupOf.lookup(user);
      if (group == &to)
        return true;
      if (group == &from || !visited.insert(user).second)
        continue;
      if (group)
        llvm::append_range(queue, group->outputs);
      else
        queue.push_back(user);
    }
  return false;
}

/// Null if `group` may take the linears of `other`, which have the same input.
const char *Fusion::whyNotTake(const Group &group, const Group &other) {
  if (group.code + other.code > kMaxCode)
    return "the kernel would grow without bound";
  if (reaches(group, other) || reaches(other, group))
    return "one needs the other's result";
  return nullptr;
}

/// Joins the groups of linears whose input begins with one of `inputs`.
void Fusion::joinLinears(ValueRange inputs) {
  if (oneRoot)
    return;
  for (Value input : inputs) {
    llvm::SetVector<Operation *> linears;
    for (Operation *user : input.getUsers())
      if (htk::isLinear(user) && htk::getLinearInput(user).front() == input && groupOf.contains(user))
        linears.insert(user);
    SmallVector<Operation *> inOrder = linears.takeVector();
    llvm::sort(inOrder, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    for (auto [i, linear] : llvm::enumerate(inOrder))
      for (Operation *before : ArrayRef(inOrder).take_front(i)) {
        Group &group = *groupOf[before], &other = *groupOf[linear];
        if (&group == &other)
          break;
        if (!htk::haveSameInput(before, linear))
          continue;
        if (const char *reason = whyNotTake(group, other)) {
          apart.push_back({linear, reason});
          continue;
        }
        for (Operation *member : other.members)
          groupOf[member] = &group;
        group.take(other);
        break;
      }
  }
}

Fusion::Fusion(func::FuncOp function, bool oneRoot) : oneRoot(oneRoot) {
  Block &block = function.getBody().front();
  for (Operation &op : llvm::reverse(block)) {
    joinLinears(op.getResults()); // All their readers are in groups by now.
    Role role = getRole(&op);
    if (role == Role::Source || role == Role::View || role == Role::Outside || op.use_empty())
      continue;
    Group *reader = findCommonReader(&op);
    if (reader && takes(&op, *reader)) {
      groupOf[&op] = reader;
      continue;
    }
    auto group = std::make_unique<Group>();
    group->addOutput(&op);
    groupOf[&op] = group.get();
    groups.push_back(std::move(group));
  }
  joinLinears(block.getArguments());
  llvm::erase_if(groups, [](const auto &group) { return group->members.empty(); });
  std::reverse(groups.begin(), groups.end());
}

} // namespace halftone::kernels
