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

/// Whether `reshape` merges all axes but the last: [b, s, d] -> [b * s, d].
bool isFlatten(ReshapeOp reshape) {
  Dims from = getDims(reshape.getInput()), to = getDims(reshape.getResult());
  return to.size() == 2 && from.size() > 2 && from.back() == to.back() && !isUnitReshape(reshape);
}

/// Whether `reshape` splits the first of two axes.
bool isUnflatten(ReshapeOp reshape) {
  Dims from = getDims(reshape.getInput()), to = getDims(reshape.getResult());
  return from.size() == 2 && to.size() > 2 && from.back() == to.back() && !isUnitReshape(reshape);
}

/// Whether `op` multiplies the rows of its first operand by a matrix.
bool isRowwise(Operation *op) {
  auto product = dyn_cast<MatMulOp>(op);
  return isa<LinearOp>(op) ||
         (product && getDims(product.getRhs()).size() == 2 && getDims(product.getLhs()).size() >= 2);
}

/// Flattened rows (GPT-2's Conv1D, OPT's whole MLP) are an exporter's habit. A flatten
/// moves down and an unflatten up, through linears and elementwise operations, until they
/// meet and fold. First half: f(flatten(x), flatten(y)) -> flatten(f(x, y)).
struct SinkFlatten : RewritePattern {
  SinkFlatten(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isRowwise(op) && !isElementwise(op))
      return failure();
    SmallVector<Value> operands(op->getOperands());
    Dims dims;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      if (i > 0 && (isRowwise(op) || getDims(operand).size() < 2))
        continue; // A weight, or what broadcasts along rows anyway.
      auto flatten = operand.getDefiningOp<ReshapeOp>();
      if (!flatten || !isFlatten(flatten))
        return rewriter.notifyMatchFailure(op, "an operand is not flattened");
      Dims from = getDims(flatten.getInput());
      if (!dims.empty() && dims != from)
        return rewriter.notifyMatchFailure(op, "operands were flattened from different shapes");
      dims = from;
      operand = flatten.getInput();
    }
    if (dims.empty())
      return failure();
    dims.back() = getDims(op->getResult(0)).back();
    Operation *whole = rewriter.clone(*op);
    whole->setOperands(operands);
    whole->getResult(0).setType(getTensorType(dims, getElementTypeOrSelf(op->getResult(0))));
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op->getResult(0).getType(), whole->getResult(0));
    return success();
  }
};

/// Second half: unflatten(f(x, y)) -> f(unflatten(x), unflatten(y)).
struct HoistUnflatten : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp reshape, PatternRewriter &rewriter) const override {
    Operation *op = reshape.getInput().getDefiningOp();
    if (!op || !op->hasOneUse() || !isUnflatten(reshape) || !(isRowwise(op) || isElementwise(op)))
      return failure();
    Dims rows = getDims(reshape.getInput()), to = getDims(reshape.getResult());
    SmallVector<Value> operands(op->getOperands());
    for (auto [i, operand] : llvm::enumerate(operands)) {
      Dims dims = getDims(operand);
      if ((i > 0 && isRowwise(op)) || dims.size() < 2)
        continue; // A weight, or what broadcasts along rows anyway.
      if (dims.size() != 2 || dims.front() != rows.front())
        return rewriter.notifyMatchFailure(op, "an operand has other rows");
      to.back() = dims.back();
      operand = graph::reshape(rewriter, reshape.getLoc(), operand, to);
    }
    Operation *whole = rewriter.clone(*op);
    whole->setOperands(operands);
    whole->getResult(0).setType(reshape.getType());
    rewriter.replaceOp(reshape, whole);
    return success();
  }
};

/// transpose(slice(transpose(x))) -> slice(x), where the two cancel: q, k and v that are
/// split after one transpose (GPT-NeoX).
struct SliceBetweenTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<SliceOp>();
    auto first = slice ? slice.getInput().getDefiningOp<TransposeOp>() : TransposeOp();
    if (!first)
      return failure();
    SmallVector<AffineExpr> starts;
    SmallVector<int64_t> strides;
    for (auto [axis, from] : llvm::enumerate(op.getPermutation())) {
      if (first.getPermutation()[from] != static_cast<int64_t>(axis))
        return rewriter.notifyMatchFailure(op, "the transposes do not cancel");
      starts.push_back(slice.getStarts().getExprs()[from]);
      strides.push_back(slice.getStrides()[from]);
    }
    rewriter.replaceOpWithNewOp<SliceOp>(op, op.getType(), first.getInput(),
                                         DimsAttr::get(getContext(), starts), strides);
    return success();
  }
};

/// transpose(f(transpose(x))) -> f(x), where the two cancel: activations between convolutions,
/// which run on channels-last data.
struct FunctionBetweenTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    Operation *function = op.getInput().getDefiningOp();
    if (!function || !isElementwise(function) || function->getNumOperands() != 1 || !function->hasOneUse())
      return failure();
    auto first = function->getOperand(0).getDefiningOp<TransposeOp>();
    if (!first)
      return failure();
    for (auto [axis, from] : llvm::enumerate(op.getPermutation()))
      if (first.getPermutation()[from] != static_cast<int64_t>(axis))
        return rewriter.notifyMatchFailure(op, "the transposes do not cancel");
    Operation *straight = rewriter.clone(*function);
    straight->setOperand(0, first.getInput());
    straight->getResult(0).setType(op.getType());
    rewriter.replaceOp(op, straight);
    return success();
  }
};

/// A scalar factor moves below reshape and transpose, to the product that takes it in as its scale.
struct SinkScale : RewritePattern {
  SinkScale(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<ReshapeOp, TransposeOp>(op))
      return failure();
    if (auto reshape = dyn_cast<ReshapeOp>(op); reshape && isFlatten(reshape))
      return rewriter.notifyMatchFailure(op, "flattening moves down itself");
    Operation *scale = op->getOperand(0).getDefiningOp();
    if (!scale || !scale->hasOneUse() || !matchScaled(scale->getResult(0)))
      return rewriter.notifyMatchFailure(op, "not of a scaled tensor");
    unsigned base =
        scale->getOperand(0).getType() == scale->getResult(0).getType() && !getSplat(scale->getOperand(0))
            ? 0
            : 1;
    if (scale->getOperand(base).getDefiningOp<MulOp>())
      return rewriter.notifyMatchFailure(op, "a product keeps its factor (gelu)");
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
  set.add<TransposeOfUnits, TransposeOfMerged, SinkFlatten, HoistUnflatten, SliceBetweenTransposes,
          FunctionBetweenTransposes, SinkScale>(set.getContext());
}
