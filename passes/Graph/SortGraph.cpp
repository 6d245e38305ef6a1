//===- SortGraph.cpp - one order for one graph ------------------------------===//

#include "passes/Graph/Passes.h"

#include "dialects/HT/HTOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace halftone::graph {
#define GEN_PASS_DEF_SORTGRAPH
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone::ht;

namespace {

/// Commuting operands: deepest first, so `linear + residual`, whoever wrote it; constants last.
void sortOperands(Block &block) {
  llvm::DenseMap<Value, int64_t> depths;
  for (Operation &op : block) {
    int64_t depth = 0;
    for (Value operand : op.getOperands())
      depth = std::max(depth, depths.lookup(operand) + 1);
    for (Value result : op.getResults())
      depths[result] = depth;
    if (!op.hasTrait<OpTrait::IsCommutative>() || op.getNumOperands() != 2)
      continue;
    Value lhs = op.getOperand(0), rhs = op.getOperand(1);
    if (depths.lookup(lhs) < depths.lookup(rhs))
      op.setOperands({rhs, lhs});
  }
}

/// Depth first from operations without uses (the terminator, and any effect), producers in
/// operand order. Iterative: graphs are thousands of operations deep.
void sortOperations(Block &block) {
  SmallVector<Operation *> order;
  llvm::DenseSet<Operation *> seen;
  SmallVector<std::pair<Operation *, unsigned>> stack;
  for (Operation &root : block) {
    if (!root.use_empty())
      continue;
    stack.push_back({&root, 0});
    while (!stack.empty()) {
      auto &[op, next] = stack.back();
      if (next == op->getNumOperands()) {
        order.push_back(op);
        stack.pop_back();
        continue;
      }
      Operation *producer = op->getOperand(next++).getDefiningOp();
      if (producer && producer->getBlock() == &block && seen.insert(producer).second)
        stack.push_back({producer, 0});
    }
  }
  for (Operation *op : order)
    op->moveBefore(&block, block.end());
}

/// Weights in the order in which functions read them; unread ones after those.
void sortWeights(ModuleOp module) {
  llvm::StringMap<WeightOp> weights;
  for (auto weight : module.getOps<WeightOp>())
    weights[weight.getSymName()] = weight;
  SmallVector<WeightOp> order;
  module.walk([&](GetWeightOp get) {
    auto weight = weights.find(get.getName());
    if (weight == weights.end())
      return;
    order.push_back(weight->second);
    weights.erase(weight);
  });
  for (WeightOp weight : llvm::reverse(order))
    weight->moveBefore(module.getBody(), module.getBody()->begin());
}

struct SortGraph : halftone::graph::impl::SortGraphBase<SortGraph> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || !function.getBody().hasOneBlock())
        continue;
      sortOperands(function.getBody().front());
      sortOperations(function.getBody().front());
    }
    sortWeights(getOperation());
  }
};

} // namespace
