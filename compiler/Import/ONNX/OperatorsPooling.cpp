//===- OperatorsPooling.cpp - windows and a reduction -----------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Windows.h"

#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <limits>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

SmallVector<int64_t> axesFrom(int64_t first, int64_t count) {
  return llvm::to_vector(llvm::seq(first, first + count));
}

/// The windows of a pooling over the axes from 2 on.
std::optional<WindowAxes> getPool(NodeImporter &node) {
  Dims dims = node.dims(0);
  if (node.failed())
    return std::nullopt;
  if (dims.size() < 3)
    return node.error("its input has rank " + Twine(dims.size()) + ", expected 3 or more"), std::nullopt;
  size_t count = dims.size() - 2;
  if (!node.hasAttribute("kernel_shape"))
    return node.error("attribute 'kernel_shape' is missing"), std::nullopt;
  auto kernel = spatialIntegers(node, "kernel_shape", count, 1, 1);
  if (!kernel)
    return std::nullopt;
  Dims sizes;
  for (int64_t size : *kernel)
    sizes.push_back(node.symbols().constant(size));
  return getWindows(node, ArrayRef<Dim>(dims).drop_front(2), sizes);
}

/// `windows` of `axes` combined: their last axes go.
Value reduceWindows(NodeImporter &node, ht::ReduceKind kind, Value windows, size_t count) {
  Dims dims = node.dimsOf(windows);
  if (node.failed())
    return {};
  Value reduced = node.reduce(kind, windows, axesFrom(dims.size() - count, count));
  dims.resize(dims.size() - count);
  return node.reshape(reduced, dims);
}

/// The least value of a type: what maxima are padded with.
Value leastLike(NodeImporter &node, Value x) {
  Type type = getElementTypeOrSelf(x);
  if (isa<FloatType>(type))
    return node.scalar(-std::numeric_limits<double>::infinity(), type);
  return node.scalar(type.isUnsignedInteger() ? 0 : -std::ldexp(1.0, type.getIntOrFloatBitWidth() - 1), type);
}

/// Where the greatest elements lie in the whole input: the position within each
/// window, found on its flat axis, taken apart into coordinates.
Value getPositions(NodeImporter &node, Value windows, ArrayRef<WindowAxis> axes, bool columnMajor) {
  Symbols &symbols = node.symbols();
  Dims dims = node.dimsOf(windows), input = node.dims(0);
  size_t count = axes.size();
  if (node.failed())
    return {};
  auto size = symbols.product(ArrayRef<Dim>(dims).take_back(count));
  if (!size)
    return node.error("its windows are too large"), Value();
  Dims flat(dims.begin(), dims.end() - count);
  Dims shape = flat;
  flat.push_back(*size);
  OpBuilder &b = node.getBuilder();
  Value best = node.infer<ht::ArgReduceOp>(
      node.reshape(windows, flat),
      {b.getNamedAttr("kind", ht::ReduceKindAttr::get(b.getContext(), ht::ReduceKind::Max)),
       b.getNamedAttr("axis", b.getI64IntegerAttr(flat.size() - 1))});
  Value within = node.reshape(best, shape);
  Type i64 = b.getI64Type();
  /// An iota along one axis of the result.
  auto coordinate = [&](size_t axis, int64_t start, int64_t step) {
    Dims along(shape.size(), symbols.constant(1));
    along[axis] = shape[axis];
    return node.reshape(node.iota(shape[axis], start, step, i64), along);
  };
  // Planes are numbered by batch and channel.
  auto plane = symbols.product(ArrayRef<Dim>(input).drop_front(2));
  if (!plane)
    return node.error("its input is too large"), Value();
  Value position =
      node.mul(node.add(node.mul(coordinate(0, 0, 1), node.dim(shape[1])), coordinate(1, 0, 1)), node.dim(*plane));
  for (size_t i = 0; i < count; ++i) {
    auto stride = symbols.product(columnMajor ? ArrayRef<Dim>(input).slice(2, i)
                                              : ArrayRef<Dim>(input).drop_front(3 + i));
    auto rest = symbols.product(ArrayRef<Dim>(dims).take_back(count - 1 - i));
    auto before = ht::getConstant(axes[i].before);
    if (!stride || !rest || !before)
      return node.error("its windows depend on the inputs' shapes"), Value();
    Value quotient = node.div(within, node.dim(*rest));
    within = node.sub(within, node.mul(quotient, node.dim(*rest)));
    Value at = node.add(node.mul(quotient, node.scalar(axes[i].dilation, i64)),
                        coordinate(2 + i, -*before, axes[i].stride));
    position = node.add(position, node.mul(at, node.dim(*stride)));
  }
  return position;
}

void emitMaxPool(NodeImporter &node) {
  auto axes = getPool(node);
  Value x = node.input(0);
  if (!axes || !x)
    return;
  Value windows = cutWindows(node, x, 2, *axes, leastLike(node, x));
  node.setResult(0, reduceWindows(node, ht::ReduceKind::Max, windows, axes->size()));
  if (node.wants(1))
    node.setResult(1, getPositions(node, windows, *axes, node.integer("storage_order", 0) != 0));
}

/// How many elements each window along `axis` counts: those inside and, where
/// they count, those of its pads.
Value countAlong(NodeImporter &node, WindowAxis axis, bool countPads, Type type) {
  Symbols &symbols = node.symbols();
  Dim zero = symbols.constant(0);
  Value ones = node.broadcastTo(node.scalar(1, type), axis.extent);
  if (countPads) {
    auto after = symbols.sub(axis.after, axis.beyond);
    ones = padAxis(node, ones, 0, axis.before, after.value_or(zero), node.scalar(1, type));
    axis.before = zero;
    axis.after = axis.beyond;
  }
  return reduceWindows(node, ht::ReduceKind::Sum, cutWindows(node, ones, 0, axis, node.scalar(0, type)), 1);
}

void emitAveragePool(NodeImporter &node) {
  auto axes = getPool(node);
  Value x = node.input(0);
  if (!axes || !x)
    return;
  bool countPads = node.integer("count_include_pad", 0) != 0;
  Value windows = cutWindows(node, x, 2, *axes, node.scalarLike(0, x));
  auto isZero = [](Dim dim) { return ht::getConstant(dim) == 0; };
  bool allCount = llvm::all_of(*axes, [&](const WindowAxis &axis) {
    return isZero(axis.beyond) && (countPads || (isZero(axis.before) && isZero(axis.after)));
  });
  if (allCount)
    return node.setResult(0, reduceWindows(node, ht::ReduceKind::Mean, windows, axes->size()));
  Value y = reduceWindows(node, ht::ReduceKind::Sum, windows, axes->size());
  for (auto [i, axis] : llvm::enumerate(*axes)) {
    Value counts = countAlong(node, axis, countPads, node.elementType(0));
    Dims along(axes->size() - i, node.symbols().constant(1));
    along[0] = axis.count;
    y = node.div(y, node.reshape(counts, along));
  }
  node.setResult(0, y);
}

/// |x|^p; p = 1 and 2 without a power.
Value power(NodeImporter &node, Value x, double p) {
  if (p == 2)
    return node.mul(x, x);
  Value magnitude = node.unary<ht::AbsOp>(x);
  return p == 1 ? magnitude : node.infer<ht::PowOp>({magnitude, node.scalarLike(p, x)});
}

Value root(NodeImporter &node, Value sum, double p) {
  if (p == 1)
    return sum;
  return p == 2 ? node.unary<ht::SqrtOp>(sum) : node.infer<ht::PowOp>({sum, node.scalarLike(1 / p, sum)});
}

/// The exponent of a p-norm; before opset 2 a float.
double getExponent(NodeImporter &node) {
  double p = static_cast<double>(node.integer("p", 2));
  if (p < 1)
    node.error("p of " + Twine(static_cast<int64_t>(p)) + " is not valid");
  return p;
}

void emitLpPool(NodeImporter &node) {
  auto axes = getPool(node);
  Value x = node.input(0);
  double p = getExponent(node);
  if (!axes || !x || node.failed())
    return;
  Value windows = cutWindows(node, power(node, x, p), 2, *axes, node.scalarLike(0, x));
  node.setResult(0, root(node, reduceWindows(node, ht::ReduceKind::Sum, windows, axes->size()), p));
}

/// The spatial axes of `x`; an error where there are none.
SmallVector<int64_t> getSpatialAxes(NodeImporter &node) {
  int64_t rank = node.rank(0);
  if (rank < 3)
    node.error("its input has rank " + Twine(rank) + ", expected 3 or more");
  return axesFrom(2, std::max<int64_t>(rank - 2, 0));
}

template <ht::ReduceKind kind>
void emitGlobalPool(NodeImporter &node) {
  auto axes = getSpatialAxes(node);
  node.setResult(0, node.reduce(kind, node.input(0), axes));
}

void emitGlobalLpPool(NodeImporter &node) {
  auto axes = getSpatialAxes(node);
  double p = getExponent(node);
  if (Value x = node.input(0))
    node.setResult(0, root(node, node.reduce(ht::ReduceKind::Sum, power(node, x, p), axes), p));
}

const Operator kOperators[] = {
    {"", "AveragePool", 1, kNewest, emitAveragePool},
    {"", "GlobalAveragePool", 1, kNewest, emitGlobalPool<ht::ReduceKind::Mean>},
    {"", "GlobalLpPool", 2, kNewest, emitGlobalLpPool},
    {"", "GlobalMaxPool", 1, kNewest, emitGlobalPool<ht::ReduceKind::Max>},
    {"", "LpPool", 2, kNewest, emitLpPool},
    {"", "MaxPool", 1, kNewest, emitMaxPool},
};

} // namespace

ArrayRef<Operator> poolingOperators() { return kOperators; }

} // namespace halftone::onnx
