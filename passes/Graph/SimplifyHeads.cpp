//===- SimplifyHeads.cpp - attention over [batch * heads, s, d] -------------===//
//
// Older models, and torch's bmm, merge batch and heads before a product and split
// them behind it. A merge moves down and a split up, through products, softmax
// and elementwise operations, until they meet and fold: attention is then written
// over [batch, heads, s, d] whoever exported it.
//
//===----------------------------------------------------------------------===//

#include "passes/Graph/SimplifyPatterns.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

/// Whether `wide` is `narrow` with the leading axis split in two.
bool splitsLeading(ArrayRef<Dim> narrow, ArrayRef<Dim> wide) {
  return narrow.size() == 3 && wide.size() == 4 && narrow.drop_front() == wide.drop_front(2) &&
         getConstant(wide[0]) != 1 && getConstant(wide[1]) != 1;
}

/// Whether `op` treats each matrix of a stack [n, rows, columns] alike.
bool isStackwise(Operation *op) {
  if (auto softmax = dyn_cast<SoftmaxOp>(op))
    return softmax.getAxis() + 1 == getDims(softmax.getResult()).size();
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return transpose.getPermutation() == ArrayRef<int64_t>{0, 2, 1};
  return isa<MatMulOp>(op) || isElementwise(op);
}

/// `op`, whose operands are stacks of matrices, over stacks of rank 4.
Value makeWide(PatternRewriter &rewriter, Operation *op, ValueRange operands, ArrayRef<Dim> leading) {
  if (isa<TransposeOp>(op))
    return graph::transpose(rewriter, op->getLoc(), operands.front(), {0, 1, 3, 2});
  Dims dims(leading);
  Dims narrow = getDims(op->getResult(0));
  dims.append(narrow.begin() + 1, narrow.end());
  Operation *wide = rewriter.clone(*op);
  wide->setOperands(operands);
  if (auto softmax = dyn_cast<SoftmaxOp>(wide))
    softmax.setAxis(dims.size() - 1);
  wide->getResult(0).setType(getTensorType(dims, getElementTypeOrSelf(op->getResult(0))));
  return wide->getResult(0);
}

/// f(merge(x), merge(y)) -> merge(f(x, y)).
struct SinkHeadMerge : RewritePattern {
  SinkHeadMerge(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || !isStackwise(op) || getDims(op->getResult(0)).size() != 3)
      return failure();
    SmallVector<Value> operands(op->getOperands());
    Dims leading;
    for (Value &operand : operands) {
      if (getDims(operand).size() < 3 && !isa<MatMulOp>(op))
        continue; // Broadcasts along the stack.
      auto merge = operand.getDefiningOp<ReshapeOp>();
      if (!merge || !splitsLeading(getDims(operand), getDims(merge.getInput())))
        return rewriter.notifyMatchFailure(op, "an operand is no merge of batch and heads");
      ArrayRef<Dim> outer = ArrayRef<Dim>(getDims(merge.getInput())).take_front(2);
      if (!leading.empty() && ArrayRef<Dim>(leading) != outer)
        return rewriter.notifyMatchFailure(op, "operands were merged from different shapes");
      leading.assign(outer.begin(), outer.end());
      operand = merge.getInput();
    }
    if (leading.empty())
      return failure();
    Value wide = makeWide(rewriter, op, operands, leading);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op->getResult(0).getType(), wide);
    return success();
  }
};

/// split(f(x, y)) -> f(split(x), split(y)).
struct HoistHeadSplit : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp split, PatternRewriter &rewriter) const override {
    Operation *op = split.getInput().getDefiningOp();
    Dims narrow = getDims(split.getInput()), wide = getDims(split.getResult());
    if (!op || !op->hasOneUse() || !splitsLeading(narrow, wide) || !isStackwise(op))
      return failure();
    ArrayRef<Dim> leading = ArrayRef<Dim>(wide).take_front(2);
    SmallVector<Value> operands(op->getOperands());
    for (Value &operand : operands) {
      Dims dims = getDims(operand);
      if (dims.size() < 3 && !isa<MatMulOp>(op))
        continue; // Broadcasts along the stack.
      if (dims.size() != 3 || dims.front() != narrow.front())
        return rewriter.notifyMatchFailure(op, "an operand is another stack");
      Dims outer(leading);
      outer.append(dims.begin() + 1, dims.end());
      operand = graph::reshape(rewriter, split.getLoc(), operand, outer);
    }
    rewriter.replaceOp(split, makeWide(rewriter, op, operands, leading));
    return success();
  }
};

} // namespace

void graph::addHeadPatterns(RewritePatternSet &set) {
  set.add<SinkHeadMerge, HoistHeadSplit>(set.getContext());
}
