//===- IndexExpr.cpp - integer tensors that are affine in their position ----===//

#include "passes/Graph/IndexExpr.h"

#include "passes/Graph/Matchers.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;

namespace halftone::graph {

namespace {

/// Deep enough for every exporter, small enough for any stack.
constexpr int kMaxDepth = 64;

Dim zero(MLIRContext *context) { return getAffineConstantExpr(0, context); }

IndexExpr constantExpr(Value value, Dim offset) {
  return {Dims(getDims(value).size(), zero(value.getContext())), offset};
}

bool isConstant(const IndexExpr &expr) {
  return llvm::all_of(expr.strides, [](Dim stride) { return getConstant(stride) == 0; });
}

IndexExpr combine(const IndexExpr &lhs, const IndexExpr &rhs, function_ref<Dim(Dim, Dim)> apply) {
  size_t rank = std::max(lhs.strides.size(), rhs.strides.size());
  IndexExpr a = lhs.alignedTo(rank), b = rhs.alignedTo(rank);
  for (size_t axis = 0; axis < rank; ++axis)
    a.strides[axis] = normalize(apply(a.strides[axis], b.strides[axis]));
  a.offset = normalize(apply(a.offset, b.offset));
  return a;
}

/// A constant that is a splat or an arithmetic progression along one axis.
std::optional<IndexExpr> fromConstant(ConstantOp op) {
  auto elements = dyn_cast<DenseIntElementsAttr>(op.getValue());
  MLIRContext *context = op.getContext();
  if (!elements || elements.empty() || elements.getElementType().isInteger(1))
    return std::nullopt;
  auto first = (*elements.value_begin<APInt>()).getSExtValue();
  IndexExpr expr = constantExpr(op, getAffineConstantExpr(first, context));
  if (elements.isSplat())
    return expr;
  int64_t axis = -1;
  for (auto [i, size] : llvm::enumerate(elements.getType().getShape()))
    if (size != 1) {
      if (axis >= 0)
        return std::nullopt;
      axis = i;
    }
  int64_t step = (*std::next(elements.value_begin<APInt>())).getSExtValue() - first;
  for (auto [i, element] : llvm::enumerate(elements.getValues<APInt>()))
    if (element.getSExtValue() != first + static_cast<int64_t>(i) * step)
      return std::nullopt;
  expr.strides[axis] = getAffineConstantExpr(step, context);
  return expr;
}

/// One question. Every value is looked at once, so that sums of x + x of x + x cost no more than x.
class Analysis {
public:
  explicit Analysis(Assumption assume) : assume(assume) {}

  std::optional<IndexExpr> getIndexExpr(Value value, int depth);
  std::optional<bool> getTruth(Value value, int depth);

private:
  std::optional<IndexExpr> analyse(Value value, int depth);
  std::optional<bool> analyseTruth(Value value, int depth);
  std::optional<bool> analyse(CompareOp compare, int depth);
  std::optional<IndexExpr> getExtreme(Operation *op, const IndexExpr &lhs, const IndexExpr &rhs);

  Assumption assume;
  llvm::DenseMap<Value, std::optional<IndexExpr>> exprs;
  llvm::DenseMap<Value, std::optional<bool>> truths;
};

std::optional<IndexExpr> Analysis::getIndexExpr(Value value, int depth) {
  if (auto it = exprs.find(value); it != exprs.end())
    return it->second;
  auto known = assume ? assume(value) : std::nullopt;
  if (!known)
    known = analyse(value, depth);
  return exprs[value] = known;
}

std::optional<IndexExpr> Analysis::analyse(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  auto element = dyn_cast<IntegerType>(getElementTypeOrSelf(value));
  if (!op || !element || element.getWidth() < 32 || depth > kMaxDepth)
    return std::nullopt;
  MLIRContext *context = value.getContext();
  auto operand = [&](unsigned index) { return getIndexExpr(op->getOperand(index), depth + 1); };

  if (auto constant = dyn_cast<ConstantOp>(op))
    return fromConstant(constant);
  if (auto dim = dyn_cast<DimOp>(op))
    return IndexExpr{{}, dim.getExpr().getExprs().front()};
  if (auto iota = dyn_cast<IotaOp>(op)) {
    bool isUnit = getConstant(getDims(value).front()) == 1;
    return IndexExpr{{getAffineConstantExpr(isUnit ? 0 : static_cast<int64_t>(iota.getStep()), context)},
                     getAffineConstantExpr(iota.getStart(), context)};
  }
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    auto inner = operand(0);
    if (!inner || (!isUnitReshape(reshape) && !isConstant(*inner)))
      return std::nullopt;
    IndexExpr outer = constantExpr(value, inner->offset);
    if (!isUnitReshape(reshape))
      return outer;
    SmallVector<Dim> strides;
    for (auto [dim, stride] : llvm::zip(getDims(reshape.getInput()), inner->strides))
      if (getConstant(dim) != 1)
        strides.push_back(stride);
    size_t next = 0;
    for (auto [axis, dim] : llvm::enumerate(getDims(value)))
      if (getConstant(dim) != 1)
        outer.strides[axis] = strides[next++];
    return outer;
  }
  if (isa<BroadcastOp>(op)) {
    // Strides of axes of size 1 are 0, so alignment is all that broadcasting needs.
    auto inner = operand(0);
    return inner ? std::optional(inner->alignedTo(getDims(value).size())) : std::nullopt;
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    auto inner = operand(0);
    if (!inner)
      return std::nullopt;
    IndexExpr outer = constantExpr(value, inner->offset);
    for (auto [axis, from] : llvm::enumerate(transpose.getPermutation()))
      outer.strides[axis] = inner->strides[from];
    return outer;
  }
  if (auto slice = dyn_cast<SliceOp>(op)) {
    auto inner = operand(0);
    if (!inner)
      return std::nullopt;
    for (auto [axis, dim] : llvm::enumerate(getDims(value))) {
      Dim &stride = inner->strides[axis];
      inner->offset = normalize(inner->offset + stride * slice.getStarts().getExprs()[axis]);
      stride = getConstant(dim) == 1 ? zero(context) : normalize(stride * slice.getStrides()[axis]);
    }
    return inner;
  }
  if (isa<CastOp>(op))
    return operand(0);
  if (isa<AddOp, SubOp>(op)) {
    auto lhs = operand(0), rhs = operand(1);
    if (!lhs || !rhs)
      return std::nullopt;
    return isa<AddOp>(op) ? combine(*lhs, *rhs, [](Dim a, Dim b) { return a + b; }) : subtract(*lhs, *rhs);
  }
  if (isa<MulOp>(op)) {
    auto lhs = operand(0), rhs = operand(1);
    if (!lhs || !rhs || (!isConstant(*lhs) && !isConstant(*rhs)))
      return std::nullopt;
    if (isConstant(*lhs))
      std::swap(lhs, rhs);
    IndexExpr product = lhs->alignedTo(getDims(value).size());
    for (Dim &stride : product.strides)
      stride = normalize(stride * rhs->offset);
    product.offset = normalize(product.offset * rhs->offset);
    return product;
  }
  if (isa<MaxOp, MinOp>(op)) {
    auto lhs = operand(0), rhs = operand(1);
    return lhs && rhs ? getExtreme(op, *lhs, *rhs) : std::nullopt;
  }
  if (auto where = dyn_cast<WhereOp>(op)) {
    auto truth = getTruth(where.getCondition(), depth + 1);
    auto chosen = truth ? operand(*truth ? 1 : 2) : std::nullopt;
    return chosen ? std::optional(chosen->alignedTo(getDims(value).size())) : std::nullopt;
  }
  // Sums over axes along which nothing changes.
  if (auto reduce = dyn_cast<ReduceOp>(op); reduce && reduce.getKind() == ReduceKind::Sum) {
    auto inner = operand(0);
    Dims dims = getDims(reduce.getInput());
    Dim count = getAffineConstantExpr(1, context);
    for (int64_t axis : reduce.getAxes()) {
      if (!inner || getConstant(inner->strides[axis]) != 0)
        return std::nullopt;
      count = count * dims[axis];
    }
    for (Dim &stride : inner->strides)
      stride = normalize(stride * count);
    inner->offset = normalize(inner->offset * count);
    return inner;
  }
  if (auto sum = dyn_cast<CumSumOp>(op); sum && !sum.getReverse()) {
    auto inner = operand(0);
    if (!inner || !isConstant(*inner))
      return std::nullopt;
    IndexExpr running = constantExpr(value, sum.getExclusive() ? zero(context) : inner->offset);
    if (getConstant(getDims(value)[sum.getAxis()]) != 1)
      running.strides[sum.getAxis()] = inner->offset;
    return running;
  }
  return std::nullopt;
}

/// Whether `expr` is at least 0 whatever the sizes are, none of which is below 0.
bool isNonNegative(Dim expr) {
  if (auto constant = getConstant(expr))
    return *constant >= 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return isa<AffineSymbolExpr>(expr) ||
         (binary && isNonNegative(binary.getLHS()) && isNonNegative(binary.getRHS()));
}

/// The least and the greatest element of a tensor; null where the sign of a stride is unknown.
class Bounds {
public:
  Bounds(const IndexExpr &expr, ArrayRef<Dim> dims) : low(expr.offset), high(expr.offset) {
    for (auto [stride, dim] : llvm::zip_equal(expr.strides, dims)) {
      Dim last = stride * (dim - 1);
      if (isNonNegative(stride))
        high = high ? high + last : high;
      else if (isNonNegative(normalize(stride * -1)))
        low = low ? low + last : low;
      else
        low = high = Dim();
    }
  }

  bool isAtLeast(int64_t number) const { return low && isNonNegative(normalize(low - number)); }
  bool isAtMost(int64_t number) const { return high && isNonNegative(normalize(high * -1 + number)); }

private:
  Dim low, high;
};

/// A maximum or minimum that is always the same operand.
std::optional<IndexExpr> Analysis::getExtreme(Operation *op, const IndexExpr &lhs, const IndexExpr &rhs) {
  Dims dims = getDims(op->getResult(0));
  Bounds difference(subtract(lhs, rhs).alignedTo(dims.size()), dims);
  bool isLhsGreater = difference.isAtLeast(0);
  if (!isLhsGreater && !difference.isAtMost(0))
    return std::nullopt;
  return (isa<MaxOp>(op) == isLhsGreater ? lhs : rhs).alignedTo(dims.size());
}

std::optional<bool> Analysis::analyse(CompareOp compare, int depth) {
  auto lhs = getIndexExpr(compare.getLhs(), depth), rhs = getIndexExpr(compare.getRhs(), depth);
  if (!lhs || !rhs)
    return std::nullopt;
  Dims dims = getDims(compare.getResult());
  Bounds difference(subtract(*lhs, *rhs).alignedTo(dims.size()), dims);
  auto decide = [](bool always, bool never) {
    return always || never ? std::optional(always) : std::nullopt;
  };
  bool isZero = difference.isAtLeast(0) && difference.isAtMost(0);
  bool isNotZero = difference.isAtLeast(1) || difference.isAtMost(-1);
  switch (compare.getPredicate()) {
  case ComparePredicate::GE:
    return decide(difference.isAtLeast(0), difference.isAtMost(-1));
  case ComparePredicate::GT:
    return decide(difference.isAtLeast(1), difference.isAtMost(0));
  case ComparePredicate::LE:
    return decide(difference.isAtMost(0), difference.isAtLeast(1));
  case ComparePredicate::LT:
    return decide(difference.isAtMost(-1), difference.isAtLeast(0));
  case ComparePredicate::EQ:
    return decide(isZero, isNotZero);
  case ComparePredicate::NE:
    return decide(isNotZero, isZero);
  }
  llvm_unreachable("covered switch");
}

std::optional<bool> Analysis::getTruth(Value value, int depth) {
  if (auto it = truths.find(value); it != truths.end())
    return it->second;
  auto known = analyseTruth(value, depth);
  return truths[value] = known;
}

std::optional<bool> Analysis::analyseTruth(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > kMaxDepth || !getElementTypeOrSelf(value).isInteger(1))
    return std::nullopt;
  if (auto number = getSplat(value))
    return *number != 0;
  auto operand = [&](unsigned index) { return getTruth(op->getOperand(index), depth + 1); };
  if (isa<ReshapeOp, BroadcastOp, TransposeOp, SliceOp, GatherOp, GatherNDOp>(op))
    return operand(0); // Some of its elements.
  if (auto compare = dyn_cast<CompareOp>(op))
    return analyse(compare, depth + 1);
  if (auto cast = dyn_cast<CastOp>(op)) {
    auto number = getIndexExpr(cast.getInput(), depth + 1);
    auto constant = number && isConstant(*number) ? getConstant(number->offset) : std::nullopt;
    return constant ? std::optional(*constant != 0) : std::nullopt;
  }
  if (isa<NotOp>(op)) {
    auto inner = operand(0);
    return inner ? std::optional(!*inner) : std::nullopt;
  }
  if (isa<AndOp, OrOp>(op)) {
    auto lhs = operand(0), rhs = operand(1);
    bool decisive = isa<OrOp>(op);
    if (lhs == decisive || rhs == decisive)
      return decisive;
    return lhs && rhs ? std::optional(!decisive) : std::nullopt;
  }
  return std::nullopt;
}

} // namespace

IndexExpr IndexExpr::alignedTo(size_t rank) const {
  IndexExpr aligned{Dims(rank, zero(offset.getContext())), offset};
  llvm::copy(strides, aligned.strides.begin() + (rank - strides.size()));
  return aligned;
}

IndexExpr subtract(const IndexExpr &lhs, const IndexExpr &rhs) {
  return combine(lhs, rhs, [](Dim a, Dim b) { return a - b; });
}

std::optional<IndexExpr> getIndexExpr(Value value, Assumption assume) {
  return Analysis(assume).getIndexExpr(value, 0);
}

std::optional<bool> getTruth(Value value, Assumption assume) { return Analysis(assume).getTruth(value, 0); }

} // namespace halftone::graph
