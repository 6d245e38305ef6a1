//===- TokenWise.cpp - what is computed of each token by itself -------------===//

#include "passes/Graph/TokenWise.h"

#include "passes/Graph/Matchers.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;

namespace halftone::graph {

namespace {

class Tokens {
public:
  Tokens(Dim batch, Dim tokens)
      : symbol(cast<AffineSymbolExpr>(tokens).getPosition()), tokens(tokens),
        rows(normalize(batch * tokens)) {}

  bool areIn(Value value) const {
    return llvm::any_of(getDims(value), [&](Dim dim) { return dim.isFunctionOfSymbol(symbol); });
  }

  /// Their axis, counted from the last, which is 0; nullopt where they are none, or not one.
  std::optional<int64_t> getAxis(Value value) const {
    std::optional<int64_t> found;
    Dims dims = getDims(value);
    for (auto [axis, dim] : llvm::enumerate(llvm::reverse(dims))) {
      if (!dim.isFunctionOfSymbol(symbol))
        continue;
      if (found || (dim != tokens && dim != rows))
        return std::nullopt;
      found = axis;
    }
    return found;
  }

  bool areApart(Operation *op) const;

private:
  unsigned symbol;
  Dim tokens, rows;
};

/// Elements of one token in `value`.
Dim getElementsPerToken(Value value, int64_t axis) {
  return getProduct(ArrayRef(getDims(value)).take_back(axis), value.getContext());
}

bool Tokens::areApart(Operation *op) const {
  bool areRead = llvm::any_of(op->getOperands(), [&](Value operand) { return areIn(operand); });
  if (!areRead || isa<UpdateOp>(op) || op->hasTrait<OpTrait::IsTerminator>())
    return true;
  // The axes that operands and results have them on.
  auto result = getAxis(op->getResult(0));
  if (!result)
    return false;
  SmallVector<std::optional<int64_t>> axes;
  for (Value operand : op->getOperands()) {
    axes.push_back(getAxis(operand));
    if (areIn(operand) && !axes.back())
      return false;
  }
  auto fromFront = [&](Value value, int64_t axis) {
    return static_cast<int64_t>(getDims(value).size()) - 1 - axis;
  };
  Value input = op->getOperand(0);
  auto isAlong = [&](int64_t axis) { return axes[0] && fromFront(input, *axes[0]) == axis; };
  auto areRowsAlone = [&] {
    return axes[0] && *axes[0] > 0 &&
           llvm::none_of(llvm::drop_begin(axes), [](auto axis) { return axis.has_value(); });
  };

  if (isElementwise(op) || isa<BroadcastOp, GluOp>(op))
    return llvm::all_of(axes, [&](auto axis) { return !axis || axis == result; });
  if (auto attention = dyn_cast<AttentionOp>(op))
    return attention.getStart() && attention.getCausal() && !areIn(attention.getKey()) &&
           !areIn(attention.getValue());
  if (isa<LinearOp, RMSNormOp, LayerNormOp, MatMulOp>(op))
    return areRowsAlone();
  if (isa<EmbeddingOp>(op))
    return !axes[0];
  if (auto gather = dyn_cast<GatherOp>(op))
    return !axes[0] || (!axes[1] && !isAlong(gather.getAxis()));
  if (auto softmax = dyn_cast<SoftmaxOp>(op))
    return !isAlong(softmax.getAxis());
  if (auto topK = dyn_cast<TopKOp>(op))
    return !isAlong(topK.getAxis());
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return llvm::none_of(reduce.getAxes(), isAlong);
  if (auto concat = dyn_cast<ConcatOp>(op))
    return llvm::all_equal(axes) && !isAlong(concat.getAxis());
  if (isa<RopeOp, TransposeOp>(op))
    return true;
  if (auto slice = dyn_cast<SliceOp>(op)) {
    int64_t axis = fromFront(input, *axes[0]);
    return getDims(input)[axis] == getDims(slice.getResult())[axis] && slice.getStrides()[axis] == 1;
  }
  if (isa<ReshapeOp>(op))
    return getElementsPerToken(input, *axes[0]) == getElementsPerToken(op->getResult(0), *result);
  return false;
}

} // namespace

Operation *findTokenMixer(Block &block, Dim batch, Dim tokens) {
  if (getConstant(tokens) == 1)
    return nullptr;
  Tokens all(batch, tokens);
  for (Operation &op : block)
    if (!all.areApart(&op))
      return &op;
  return nullptr;
}

} // namespace halftone::graph
