//===- Fusion.cpp - which operations run together ---------------------------===//

#include "passes/Kernels/Fusion.h"

#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTQ/HTQOps.h"

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
        bool isLookup = dequantize.getTerm().walk([](htq::LookupAttr) { return WalkResult::interrupt(); }).wasInterrupted();
        return isLookup ? Role::Movement : Role::Elementwise;
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

void Group::add(Operation *op) {
  size_t count = copies[op] = countCopies(op);
  code += count * op->getNumOperands();
  members.insert(op);
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
  bool visitedOnce = (isa_and_present<ht::ReduceOp>(group.root) && combinesWindows(op)) ||
                     isa_and_present<ht::UpdateOp>(group.root) || isa<htq::HadamardOp>(op);
  for (Operation *user : op->getUsers()) {
    if (user == group.root && !visitedOnce)
      return "its reader visits it several times";
    if (isa<ht::WindowOp>(user) && getSize(user->getResult(0)) != getSize(op->getResult(0)))
      return "windows overlap: it would be computed once for each that reads it";
  }
  if (!isRoot && isExpensive(op) && getSize(op->getResult(0)) != getSize(group.getOutput()))
    return "it would be computed once for every reader of a broadcast";
  if (group.code + group.countCopies(op) * op->getNumOperands() > kMaxCode)
    return "the kernel would grow without bound";
  if (!isRoot)
    return nullptr;
  if (group.root)
    return "the kernel has a root already";
  if (!takesEpilogue(op))
    return "the root makes its result in an order of its own";
  if (op->getResult(0).getType() != group.getOutput().getType() &&
      ht::getDims(op->getResult(0)) != ht::getDims(group.getOutput()))
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

Fusion::Fusion(func::FuncOp function) {
  for (Operation &op : llvm::reverse(function.getBody().front())) {
    Role role = getRole(&op);
    if (role == Role::Source || role == Role::View || role == Role::Outside || op.use_empty())
      continue;
    if (Group *group = findCommonReader(&op)) {
      const char *reason = whyNotJoin(&op, *group);
      if (!reason) {
        group->add(&op);
        if (role == Role::Root)
          group->root = &op;
        groupOf[&op] = group;
        continue;
      }
      missed.push_back({&op, reason});
    }
    auto group = std::make_unique<Group>();
    group->add(&op);
    group->last = &op;
    if (role == Role::Root)
      group->root = &op;
    groupOf[&op] = group.get();
    groups.push_back(std::move(group));
  }
  std::reverse(groups.begin(), groups.end());
}

} // namespace halftone::kernels
