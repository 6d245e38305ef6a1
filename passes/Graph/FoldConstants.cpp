//===- FoldConstants.cpp - evaluation of constant operations ----------------===//
//
// Computes operations on literals with the interpreter, so that a folded graph
// and a run one agree to the bit. Weights are not literals: their recipes are
// theirs to change, and their bytes are not at hand here.
//
//===----------------------------------------------------------------------===//

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Interpreter.h"
#include "dialects/HT/HTOps.h"
#include "passes/Graph/Passes.h"

using namespace mlir;

namespace halftone::graph {

#define GEN_PASS_DEF_FOLDCONSTANTS
#include "passes/Graph/Passes.h.inc"

namespace {

struct FoldConstants : impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    // Definitions come before uses, so one walk folds whole chains.
    SmallVector<Operation *> dead;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<ht::WeightOp>(op))
        return WalkResult::skip();
      if (fold(op))
        dead.push_back(op);
      return WalkResult::advance();
    });
    for (Operation *op : llvm::reverse(dead))
      op->erase();
    // What only folded operations used.
    getOperation().walk([&](ht::ConstantOp op) {
      if (op->use_empty())
        op->erase();
    });
  }

private:
  /// Whether all results of `op` are small literals' worth of bytes. An iota is as short as a
  /// literal and says more: positions and causal masks are recognised by it.
  bool isFoldable(Operation *op) {
    if (!isa_and_present<ht::HTDialect>(op->getDialect()) || op->hasTrait<OpTrait::ConstantLike>() ||
        isa<ht::GetWeightOp, ht::IotaOp>(op) || op->getNumResults() != 1 || op->getNumRegions() != 0 ||
        !isPure(op))
      return false;
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape() || !evaluate::getElementKind(type.getElementType()))
      return false;
    int64_t bytes = evaluate::getSize(*evaluate::getElementKind(type.getElementType()));
    for (int64_t size : type.getShape())
      if (__builtin_mul_overflow(bytes, size, &bytes) || bytes > static_cast<int64_t>(maxBytes))
        return false;
    return llvm::all_of(op->getOperands(),
                        [](Value operand) { return operand.getDefiningOp<ht::ConstantOp>() != nullptr; });
  }

  bool fold(Operation *op) {
    if (!isFoldable(op))
      return false;
    SmallVector<evaluate::Tensor> operands;
    for (Value operand : op->getOperands()) {
      auto literal = evaluate::fromAttribute(operand.getDefiningOp<ht::ConstantOp>().getValue());
      if (!literal)
        return false;
      operands.push_back(*literal);
    }
    auto results = evaluate::interpretOperation(op, operands);
    if (!results) {
      // A division by zero or a bad index is the program's to report, if it ever comes there; an
      // operation on symbols or weights is no constant.
      llvm::consumeError(results.takeError());
      return false;
    }
    OpBuilder builder(op);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    auto constant =
        ht::ConstantOp::create(builder, op->getLoc(), evaluate::toAttribute(results->front(), type));
    op->getResult(0).replaceAllUsesWith(constant.getResult());
    return true;
  }
};

} // namespace

} // namespace halftone::graph
