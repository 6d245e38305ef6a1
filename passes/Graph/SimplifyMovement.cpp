//===- SimplifyMovement.cpp - reshapes and transposes --------------------===//

#include "passes/Graph/SimplifyPatterns.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

/// Transpose that only moves axes of size 1 -> reshape.
struct TransposeOfUnits : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    Dims dims = getDims(op.getInput());
    int64_t previous = -1;
    for (int64_t axis : op.getPermutation()) {
      if (getConstant(dims[axis]) == 1)
        continue;
      if (axis < previous)
        return rewriter.notifyMatchFailure(op, "moves axes that are not 1");
      previous = axis;
    }
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getInput());
    return success();
  }
};

/// Splits `fine` into consecutive groups whose products are `coarse`; the groups' ends, or nullopt.
std::optional<SmallVector<size_t>> getGroups(ArrayRef<Dim> fine, ArrayRef<Dim> coarse, MLIRContext *context) {
  SmallVector<size_t> ends;
  size_t next = 0;
  for (auto [i, dim] : llvm::enumerate(coarse)) {
    Dim product = getAffineConstantExpr(1, context);
    size_t begin = next;
    while (next < fine.size() && (next == begin || product != dim))
      product = normalize(product * fine[next++]);
    if (product != dim)
      return std::nullopt;
    if (i + 1 == coarse.size())
      while (next < fine.size() && getConstant(fine[next]) == 1)
        ++next;
    ends.push_back(next);
  }
  return next == fine.size() ? std::optional(ends) : std::nullopt;
}

/// reshape(transpose(reshape(x))), where the last only splits axes, -> transpose(reshape(x)).
/// So dynamo transposes [b, h, s, d] keys as [b * h, s, d]; the two reshapes then fold.
struct TransposeOfMerged : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    auto merge = transpose ? transpose.getInput().getDefiningOp<ReshapeOp>() : ReshapeOp();
    if (!merge || isUnitReshape(op))
      return failure();
    Dims to = getDims(op.getResult()), split;
    auto ends = getGroups(to, getDims(transpose.getResult()), getContext());
    if (!ends)
      return rewriter.notifyMatchFailure(op, "second reshape does more than split axes");
    // The split axes in the order before the transpose, and where each group begins there.
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<int64_t> begins(permutation.size()), splitPermutation;
    for (size_t axis = 0; axis < permutation.size(); ++axis) {
      size_t position = llvm::find(permutation, static_cast<int64_t>(axis)) - permutation.begin();
      begins[position] = split.size();
      split.append(to.begin() + (position ? (*ends)[position - 1] : 0), to.begin() + (*ends)[position]);
    }
    for (size_t position = 0; position < permutation.size(); ++position)
      for (size_t i = position ? (*ends)[position - 1] : 0; i < (*ends)[position]; ++i)
        splitPermutation.push_back(begins[position]++);
    Value source = graph::reshape(rewriter, op.getLoc(), merge.getInput(), split);
    rewriter.replaceOp(op, graph::transpose(rewriter, op.getLoc(), source, splitPermutation));
    return success();
  }
};

/// linear(reshape(x)), where the reshape keeps the last axis, -> reshape(linear(x)).
/// So GPT-2 multiplies [b * s, d]; the reshape after it then folds.
struct LinearOfReshape : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op, PatternRewriter &rewriter) const override {
    auto reshape = op.getInput().getDefiningOp<ReshapeOp>();
    if (!reshape)
      return failure();
    Dims from = getDims(reshape.getInput());
    if (from.empty() || from.back() != getDims(op.getInput()).back())
      return rewriter.notifyMatchFailure(op, "reshape changes the last axis");
    Value narrow = LinearOp::create(rewriter, op.getLoc(), reshape.getInput(), op.getWeight(), op.getBias());
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), narrow);
    return success();
  }
};

/// A scalar factor moves below reshape and transpose, to the product that takes it in as its scale.
struct SinkScale : RewritePattern {
  SinkScale(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<ReshapeOp, TransposeOp>(op))
      return failure();
    Operation *scale = op->getOperand(0).getDefiningOp();
    if (!scale || !scale->hasOneUse() || !matchScaled(scale->getResult(0)))
      return rewriter.notifyMatchFailure(op, "not of a scaled tensor");
    unsigned base = scale->getOperand(0).getType() == scale->getResult(0).getType() && !getSplat(scale->getOperand(0)) ? 0 : 1;
    Value factor = scale->getOperand(1 - base);
    if (!getDims(factor).empty())
      return rewriter.notifyMatchFailure(op, "factor is not a scalar yet");
    Operation *moved = rewriter.clone(*op);
    moved->setOperand(0, scale->getOperand(base));
    Operation *scaled = rewriter.clone(*scale);
    scaled->setOperand(base, moved->getResult(0));
    scaled->getResult(0).setType(moved->getResult(0).getType());
    rewriter.replaceOp(op, scaled);
    return success();
  }
};

} // namespace

void graph::addMovementPatterns(RewritePatternSet &set) {
  set.add<TransposeOfUnits, TransposeOfMerged, LinearOfReshape, SinkScale>(set.getContext());
}
