//===- SimplifyPositions.cpp - masks and positions as arithmetic ---------===//

#include "passes/Graph/IndexExpr.h"
#include "passes/Graph/SimplifyPatterns.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

//===----------------------------------------------------------------------===//
// Gathers that only rename positions
//===----------------------------------------------------------------------===//

/// reshape of `source` to `dims`, repeated to `type`.
Value reshapeAndBroadcast(PatternRewriter &rewriter, Location loc, Value source, ArrayRef<Dim> dims,
                          Type type) {
  Value result = graph::reshape(rewriter, loc, source, dims);
  return result.getType() == type ? result : BroadcastOp::create(rewriter, loc, type, result);
}

/// gather whose indices enumerate the axis in row-major order -> reshape. So
/// TorchScript reads a [batch, sequence] mask: flattened, at batch * S + sequence.
struct GatherInOrder : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    auto expr = getIndexExpr(op.getIndices());
    if (!expr || getConstant(expr->offset) != 0)
      return rewriter.notifyMatchFailure(op, "indices are not affine from 0");
    Dims source = getDims(op.getInput()), indices = getDims(op.getIndices());
    Dim one = getAffineConstantExpr(1, getContext()), running = one;
    for (size_t axis = indices.size(); axis-- > 0;) {
      if (getConstant(expr->strides[axis]) == 0) {
        indices[axis] = one; // The same for every position: a broadcast.
        continue;
      }
      if (expr->strides[axis] != running)
        return rewriter.notifyMatchFailure(op, "indices are not in row-major order");
      running = normalize(running * indices[axis]);
    }
    if (running != source[op.getAxis()])
      return rewriter.notifyMatchFailure(op, "indices do not cover the axis");
    Dims dims(source.begin(), source.begin() + op.getAxis());
    dims.append(indices);
    dims.append(source.begin() + op.getAxis() + 1, source.end());
    rewriter.replaceOp(op, reshapeAndBroadcast(rewriter, op.getLoc(), op.getInput(), dims, op.getType()));
    return success();
  }
};

/// gather_nd whose index columns are the coordinates of its own position -> reshape.
/// So dynamo reads a mask with `mask[batch_index, kv_index]`.
struct GatherNDInOrder : OpRewritePattern<GatherNDOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherNDOp op, PatternRewriter &rewriter) const override {
    auto columns = op.getIndices().getDefiningOp<ConcatOp>();
    Dims source = getDims(op.getInput()), indices = getDims(op.getIndices());
    if (!columns || columns.getAxis() != indices.size() - 1)
      return rewriter.notifyMatchFailure(op, "indices are not a concatenation of columns");
    indices.pop_back();
    Dims dims(indices.size(), getAffineConstantExpr(1, getContext()));
    int64_t previous = -1;
    for (auto [column, input] : llvm::enumerate(columns.getInputs())) {
      auto expr = getIndexExpr(input);
      if (!expr || getConstant(getDims(input).back()) != 1 || getConstant(expr->offset) != 0)
        return rewriter.notifyMatchFailure(op, "column is not affine from 0");
      int64_t found = -1;
      for (size_t axis = 0; axis < indices.size(); ++axis) {
        if (getConstant(expr->strides[axis]) == 0)
          continue;
        if (found >= 0 || getConstant(expr->strides[axis]) != 1 || static_cast<int64_t>(axis) <= previous)
          return rewriter.notifyMatchFailure(op, "column is not one coordinate, in order");
        found = axis;
      }
      if (found < 0 ? getConstant(source[column]) != 1 : indices[found] != source[column])
        return rewriter.notifyMatchFailure(op, "column does not cover its axis");
      if (found >= 0) {
        dims[found] = indices[found];
        previous = found;
      }
    }
    dims.append(source.begin() + columns.getInputs().size(), source.end());
    rewriter.replaceOp(op, reshapeAndBroadcast(rewriter, op.getLoc(), op.getInput(), dims, op.getType()));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Integers and booleans
//===----------------------------------------------------------------------===//

/// A table 0, 1, 2, … (position ids of BERT) -> iota, which slices and broadcasts for free.
struct ProgressionToIota : OpRewritePattern<ConstantOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Below this a literal is the more readable form.
  static constexpr int64_t kMinElements = 8;

  LogicalResult matchAndRewrite(ConstantOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    if (!isa<IntegerType>(type.getElementType()) || type.getNumElements() < kMinElements)
      return failure();
    auto expr = getIndexExpr(op);
    if (!expr)
      return rewriter.notifyMatchFailure(op, "not a progression");
    auto varies = llvm::find_if(expr->strides, [](Dim stride) { return getConstant(stride) != 0; });
    if (varies == expr->strides.end())
      return rewriter.notifyMatchFailure(op, "a splat");
    Value iota = IotaOp::create(rewriter, op.getLoc(),
                                RankedTensorType::get({type.getNumElements()}, type.getElementType()),
                                *getConstant(expr->offset), *getConstant(*varies));
    rewriter.replaceOp(op, graph::reshape(rewriter, op.getLoc(), iota, getDims(type)));
    return success();
  }
};

/// slice(iota) -> iota, through a reshape that adds axes of size 1.
struct SliceOfIota : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    Value source = op.getInput();
    if (auto reshape = source.getDefiningOp<ReshapeOp>(); reshape && isUnitReshape(reshape))
      source = reshape.getInput();
    if (!source.getDefiningOp<IotaOp>())
      return failure();
    auto expr = getIndexExpr(op.getResult());
    auto start = expr ? getConstant(expr->offset) : std::nullopt;
    if (!start || getNonUnitDims(op.getResult()).size() != 1)
      return rewriter.notifyMatchFailure(op, "window is not affine along one axis");
    auto varies = llvm::find_if(expr->strides, [](Dim stride) { return getConstant(stride) != 0; });
    if (varies == expr->strides.end())
      return rewriter.notifyMatchFailure(op, "does not vary");
    auto type = getTensorType(getNonUnitDims(op.getResult()), getElementTypeOrSelf(op.getType()));
    Value iota = IotaOp::create(rewriter, op.getLoc(), type, *start, *getConstant(*varies));
    rewriter.replaceOp(op, graph::reshape(rewriter, op.getLoc(), iota, getDims(op.getResult())));
    return success();
  }
};

/// compare of positions that holds everywhere -> true, nowhere -> false.
struct DecideCompare : OpRewritePattern<CompareOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CompareOp op, PatternRewriter &rewriter) const override {
    auto holds = getTruth(op);
    if (!holds)
      return rewriter.notifyMatchFailure(op, "depends on the position");
    Value scalar = makeSplat(rewriter, op.getLoc(), *holds, rewriter.getI1Type());
    rewriter.replaceOp(op, reshapeAndBroadcast(rewriter, op.getLoc(), scalar, {}, op.getType()));
    return success();
  }
};

/// Whether every element of `value` is 0 or 1.
bool isZeroOrOne(Value value) {
  auto cast = value.getDefiningOp<CastOp>();
  return cast && getElementTypeOrSelf(cast.getInput()).isInteger(1);
}

/// x != 0 -> cast to i1; x == 0 -> not of it; b == 1, b > 0 … of a widened i1 -> b.
struct CompareToCast : OpRewritePattern<CompareOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CompareOp op, PatternRewriter &rewriter) const override {
    auto number = getSplat(op.getRhs());
    if (!number || op.getLhs().getType() != withElementType(cast<RankedTensorType>(op.getType()),
                                                            getElementTypeOrSelf(op.getLhs())))
      return rewriter.notifyMatchFailure(op, "not a comparison with a scalar");
    bool isBool = isZeroOrOne(op.getLhs());
    bool truth;
    switch (op.getPredicate()) {
    case ComparePredicate::NE:
      truth = *number == 0;
      break;
    case ComparePredicate::EQ:
      truth = *number == 1;
      break;
    case ComparePredicate::GT:
      truth = isBool && *number >= 0 && *number < 1;
      break;
    case ComparePredicate::GE:
      truth = isBool && *number > 0 && *number <= 1;
      break;
    default:
      truth = false;
    }
    bool falsehood = (op.getPredicate() == ComparePredicate::EQ && *number == 0) ||
                     (isBool && ((op.getPredicate() == ComparePredicate::NE && *number == 1) ||
                                 (op.getPredicate() == ComparePredicate::LT && *number > 0 && *number <= 1)));
    if (op.getPredicate() == ComparePredicate::EQ && truth && !isBool)
      truth = false; // x == 1 says more than x != 0.
    if (!truth && !falsehood)
      return rewriter.notifyMatchFailure(op, "not a test for 0");
    Value bit = rewriter.createOrFold<CastOp>(op.getLoc(), op.getType(), op.getLhs());
    rewriter.replaceOp(op, truth ? bit : NotOp::create(rewriter, op.getLoc(), bit).getResult());
    return success();
  }
};

/// (1 - m) != 0 -> m != 1, of a widened integer or i1: how masks are inverted.
struct CastOfOneMinus : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CastOp op, PatternRewriter &rewriter) const override {
    auto sub = op.getInput().getDefiningOp<SubOp>();
    if (!getElementTypeOrSelf(op.getType()).isInteger(1) || !sub || getSplat(sub.getLhs()) != 1.0 ||
        sub.getRhs().getType() != sub.getType())
      return failure();
    Value source = sub.getRhs();
    if (auto widen = source.getDefiningOp<CastOp>())
      source = widen.getInput();
    Type element = getElementTypeOrSelf(source);
    if (element.isInteger(1)) {
      rewriter.replaceOpWithNewOp<NotOp>(op, source);
      return success();
    }
    // Exact where the difference is: of integers, but for values that a float cannot tell from 1.
    if (!isa<IntegerType>(element))
      return rewriter.notifyMatchFailure(op, "not an integer");
    Value one = makeSplat(rewriter, op.getLoc(), 1, element);
    rewriter.replaceOpWithNewOp<CompareOp>(op, ComparePredicate::NE, source, one);
    return success();
  }
};

/// cast(cast(x)) -> cast(x) where the inner one loses nothing: i1 or an integer
/// to a wider integer, then to i1 or an integer.
struct CastThroughInteger : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CastOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<CastOp>();
    auto from = inner ? dyn_cast<IntegerType>(getElementTypeOrSelf(inner.getInput())) : IntegerType();
    auto middle = dyn_cast<IntegerType>(getElementTypeOrSelf(op.getInput()));
    if (!from || !middle || from.isUnsigned() || middle.isUnsigned() || middle.getWidth() < from.getWidth())
      return failure();
    rewriter.replaceOpWithNewOp<CastOp>(op, op.getType(), inner.getInput());
    return success();
  }
};

/// where(b, true, x) and its kin -> and, or, not.
struct WhereOfBooleans : OpRewritePattern<WhereOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(WhereOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isInteger(1))
      return failure();
    auto lhs = getSplat(op.getLhs()), rhs = getSplat(op.getRhs());
    Value condition = op.getCondition(), result;
    Location loc = op.getLoc();
    if (lhs == 1.0 && rhs == 0.0)
      result = condition;
    else if (lhs == 0.0 && rhs == 1.0)
      result = NotOp::create(rewriter, loc, condition);
    else if (lhs == 1.0)
      result = OrOp::create(rewriter, loc, condition, op.getRhs());
    else if (rhs == 0.0)
      result = AndOp::create(rewriter, loc, condition, op.getLhs());
    else
      return rewriter.notifyMatchFailure(op, "choices are not constants that decide");
    if (result.getType() != op.getType())
      result = BroadcastOp::create(rewriter, loc, op.getType(), result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// not(compare) of integers -> the opposite comparison. (Not of floats: NaN.)
struct NotOfCompare : OpRewritePattern<NotOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(NotOp op, PatternRewriter &rewriter) const override {
    auto compare = op.getInput().getDefiningOp<CompareOp>();
    if (!compare || !isa<IntegerType>(getElementTypeOrSelf(compare.getLhs())))
      return failure();
    static constexpr ComparePredicate opposites[] = {ComparePredicate::NE, ComparePredicate::EQ,
                                                     ComparePredicate::GE, ComparePredicate::GT,
                                                     ComparePredicate::LE, ComparePredicate::LT};
    auto opposite = opposites[static_cast<uint32_t>(compare.getPredicate())];
    rewriter.replaceOpWithNewOp<CompareOp>(op, opposite, compare.getLhs(), compare.getRhs());
    return success();
  }
};

} // namespace

void graph::addPositionPatterns(RewritePatternSet &set) {
  set.add<GatherInOrder, GatherNDInOrder, ProgressionToIota, SliceOfIota, DecideCompare, CompareToCast,
          CastOfOneMinus, CastThroughInteger, WhereOfBooleans, NotOfCompare>(set.getContext());
}
