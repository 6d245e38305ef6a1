//===- FoldConstants.cpp - evaluation of constant operations ----------------===//
//
// Computes operations on literals with the interpreter, so that a folded graph
// and a run one agree to the bit. Weights are not literals: their recipes are
// theirs to change, and their bytes are not at hand here.
//
//===----------------------------------------------------------------------===//

#include "compiler/Evaluate/FoldOperation.h"
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
  bool fold(Operation *op) {
    auto literals = evaluate::foldOperation(op, maxBytes);
    OpBuilder builder(op);
    for (auto [result, literal] : llvm::zip(op->getResults(), literals))
      result.replaceAllUsesWith(ht::ConstantOp::create(builder, op->getLoc(), literal));
    return !literals.empty();
  }
};

} // namespace

} // namespace halftone::graph
