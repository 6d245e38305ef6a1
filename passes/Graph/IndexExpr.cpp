//===- IndexExpr.cpp - integer tensors that are affine in their position ----===//

#include "passes/Graph/IndexExpr.h"

#include "passes/Graph/Matchers.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;

namespace halftone::graph {

namespace {

/// Deep enough for every exporter, small enough that a hostile graph costs nothing.
constexpr int kMaxDepth = 32;

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

std::optional<IndexExpr> analyse(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  auto element = dyn_cast<IntegerType>(getElementTypeOrSelf(value));
  if (!op || !element || element.getWidth() < 32 || depth > kMaxDepth)
    return std::nullopt;
  MLIRContext *context = value.getContext();
  auto operand = [&](unsigned index) { return analyse(op->getOperand(index), depth + 1); };

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

std::optional<IndexExpr> getIndexExpr(Value value) { return analyse(value, 0); }

} // namespace halftone::graph
