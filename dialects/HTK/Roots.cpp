//===- Roots.cpp - what shapes the loop nest of a kernel --------------------===//

#include "dialects/HTK/Roots.h"

#include "dialects/HTQ/HTQOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halftone;

bool htk::isLinear(Operation *op) { return isa<htk::LinearOp, htq::LinearOp, ht::LinearOp>(op); }

ValueRange htk::getLinearInput(Operation *linear) {
  return llvm::TypeSwitch<Operation *, ValueRange>(linear)
      .Case<htk::LinearOp, htq::LinearOp>([](auto op) -> ValueRange { return op.getInput(); })
      .Default([](Operation *op) -> ValueRange { return op->getOperands().take_front(1); });
}

bool htk::haveSameInput(Operation *linear, Operation *other) {
  auto getTerm = [](Operation *op) {
    return llvm::TypeSwitch<Operation *, Attribute>(op)
        .Case<htk::LinearOp, htq::LinearOp>([](auto op) { return op.getInputTerm(); })
        .Default([](Operation *op) { return TypeAttr::get(getElementTypeOrSelf(op->getOperand(0))); });
  };
  return llvm::equal(getLinearInput(linear), getLinearInput(other)) && getTerm(linear) == getTerm(other);
}

bool htk::isPrologue(Operation *op) {
  return isa<htq::DynamicQuantizeOp, ht::CastOp>(op) && !op->use_empty() &&
         llvm::all_of(op->getUsers(), [&](Operation *user) {
           return isLinear(user) && llvm::equal(getLinearInput(user), op->getResults()) &&
                  llvm::count_if(user->getOperands(),
                                 [&](Value operand) { return operand.getDefiningOp() == op; }) ==
                      op->getNumResults();
         });
}

bool htk::isWidenedState(Operation *op) {
  auto isState = [](Value operand) { return operand.getDefiningOp<ht::UpdateOp>() != nullptr; };
  auto reads = [&](OpOperand &use) {
    auto attention = dyn_cast<ht::AttentionOp>(use.getOwner());
    return attention && (use.get() == attention.getKey() || use.get() == attention.getValue());
  };
  return isa<htq::DequantizeOp, ht::CastOp>(op) && !op->use_empty() && llvm::all_of(op->getUses(), reads) &&
         llvm::all_of(op->getOperands(), isState);
}

SmallVector<Operation *> htk::getRoots(Block &body) {
  SmallVector<Operation *> roots;
  for (Operation &op : body)
    if (isRoot(&op) && !isPrologue(&op))
      roots.push_back(&op);
  return roots;
}
