//===- OperatorsDataSize.cpp - results whose size depends on data -----------===//
//
// Programs have shapes that follow from the shapes of their inputs, so these
// operators need the data that decides about the size at import.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"

#include <numeric>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Input `index` as constants; nullopt after an error.
std::optional<SymbolicTensor> getData(NodeImporter &node, unsigned index, StringRef what) {
  auto known = node.constants(index);
  if (known || node.failed())
    return known;
  std::string remedy = node.constantRemedy(index);
  node.error("the size of its result depends on its " + what + ", which is computed when the model runs",
             remedy.empty() ? "move it out of the model, or replace it by a mask (Where) of a fixed size" : remedy);
  return std::nullopt;
}

double toNumber(const SymbolicTensor &tensor, int64_t index) {
  const Element &element = tensor.elements[index];
  return tensor.isFloat() ? element.number : static_cast<double>(*ht::getConstant(element.expr));
}

/// Integers of i64 in a tensor of `shape`.
SymbolicTensor makeIntegers(NodeImporter &node, ArrayRef<int64_t> values, ArrayRef<int64_t> shape) {
  SymbolicTensor result;
  result.elementType = IntegerType::get(node.getContext(), 64);
  result.shape.assign(shape.begin(), shape.end());
  for (int64_t value : values)
    result.elements.push_back({node.symbols().constant(value)});
  return result;
}

/// The coordinates of what is not 0, an axis in each row.
void emitNonZero(NodeImporter &node) {
  auto x = getData(node, 0, "input");
  if (!x)
    return;
  SmallVector<int64_t> positions, values;
  for (int64_t i = 0, count = x->elements.size(); i < count; ++i)
    if (toNumber(*x, i) != 0)
      positions.push_back(i);
  int64_t stride = x->elements.size();
  for (int64_t size : x->shape) {
    stride /= std::max<int64_t>(size, 1);
    for (int64_t position : positions)
      values.push_back(position / stride % size);
  }
  int64_t found = positions.size();
  node.setResult(0, makeIntegers(node, values, {x->rank(), found}));
}

/// A gather of what the condition keeps.
void emitCompress(NodeImporter &node) {
  auto condition = getData(node, 1, "condition");
  Value data = node.input(0);
  if (!condition || !data)
    return;
  int64_t axis = 0;
  if (node.hasAttribute("axis")) {
    axis = node.axis(node.integer("axis", 0), node.rank(0));
  } else {
    auto count = node.symbols().product(node.dims(0));
    if (!count)
      return node.error("its input is too large");
    data = node.reshape(data, *count);
  }
  SmallVector<int64_t> kept;
  for (int64_t i = 0, count = condition->elements.size(); i < count; ++i)
    if (toNumber(*condition, i) != 0)
      kept.push_back(i);
  Binding indices = node.bind(makeIntegers(node, kept, static_cast<int64_t>(kept.size())));
  Builder &b = node.getBuilder();
  node.setResult(0, node.infer<ht::GatherOp>({data, node.materialize(indices)},
                                             b.getNamedAttr("axis", b.getI64IntegerAttr(axis))));
}

/// Distinct elements, or distinct slices along an axis, with the first position
/// of each, the place of each of the input's, and how often each occurs.
void emitUnique(NodeImporter &node) {
  auto x = getData(node, 0, "input");
  if (!x)
    return;
  // Slice k has the elements (outer, k, inner) for all outer and inner.
  int64_t count = x->elements.size(), outer = 1, inner = 1;
  std::optional<int64_t> axis;
  if (node.hasAttribute("axis")) {
    axis = node.axis(node.integer("axis", 0), x->rank());
    if (node.failed())
      return;
    ArrayRef<int64_t> shape = x->shape;
    outer = std::accumulate(shape.begin(), shape.begin() + *axis, int64_t(1), std::multiplies<>());
    inner = std::accumulate(shape.begin() + *axis + 1, shape.end(), int64_t(1), std::multiplies<>());
    count = shape[*axis];
  }
  auto elementOf = [&](int64_t slice, int64_t i) { return (i / inner * count + slice) * inner + i % inner; };
  auto compare = [&](int64_t a, int64_t b) {
    for (int64_t i = 0; i < outer * inner; ++i) {
      double left = toNumber(*x, elementOf(a, i)), right = toNumber(*x, elementOf(b, i));
      if (left != right)
        return left < right ? -1 : 1;
    }
    return 0;
  };
  SmallVector<int64_t> order(count), first, inverse(count), counts;
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    int sign = compare(a, b);
    return sign < 0 || (sign == 0 && a < b);
  });
  for (int64_t i = 0; i < count; ++i) {
    if (i == 0 || compare(order[i - 1], order[i]) != 0) {
      first.push_back(order[i]);
      counts.push_back(0);
    }
    inverse[order[i]] = first.size() - 1;
    ++counts.back();
  }
  int64_t distinct = first.size();
  if (!node.integer("sorted", 1)) {
    // In the order of first occurrence.
    SmallVector<int64_t> places(distinct), rank(distinct);
    std::iota(places.begin(), places.end(), 0);
    llvm::sort(places, [&](int64_t a, int64_t b) { return first[a] < first[b]; });
    SmallVector<int64_t> oldFirst = first, oldCounts = counts;
    for (auto [to, from] : llvm::enumerate(places)) {
      first[to] = oldFirst[from];
      counts[to] = oldCounts[from];
      rank[from] = to;
    }
    for (int64_t &place : inverse)
      place = rank[place];
  }
  SymbolicTensor values;
  values.elementType = x->elementType;
  values.shape = axis ? x->shape : SmallVector<int64_t, 2>{0};
  values.shape[axis.value_or(0)] = distinct;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t slice : first)
      for (int64_t i = 0; i < inner; ++i)
        values.elements.push_back(x->elements[elementOf(slice, o * inner + i)]);
  node.setResult(0, std::move(values));
  node.setResult(1, makeIntegers(node, first, distinct));
  node.setResult(2, makeIntegers(node, inverse, count));
  node.setResult(3, makeIntegers(node, counts, distinct));
}

/// The corners (y1, x1, y2, x2) of a box, from two corners or from its centre.
std::array<double, 4> getCorners(const SymbolicTensor &boxes, int64_t index, bool centre) {
  double v[4];
  for (int i = 0; i < 4; ++i)
    v[i] = toNumber(boxes, 4 * index + i);
  if (centre) // x, y, width, height
    return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

double getOverlap(const std::array<double, 4> &a, const std::array<double, 4> &b) {
  double height = std::min(a[2], b[2]) - std::max(a[0], b[0]), width = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  double shared = std::max(height, 0.0) * std::max(width, 0.0);
  double total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared;
  return total > 0 ? shared / total : 0;
}

/// Of boxes that overlap the one with the best score: (batch, class, box).
void emitNonMaxSuppression(NodeImporter &node) {
  auto boxes = getData(node, 0, "boxes"), scores = boxes ? getData(node, 1, "scores") : std::nullopt;
  double limits[3] = {0, 0, -std::numeric_limits<double>::infinity()};
  for (unsigned i = 0; scores && i < 3; ++i) {
    auto limit = node.hasInput(i + 2) ? getData(node, i + 2, "limits") : std::nullopt;
    if (limit && limit->elements.size() == 1)
      limits[i] = toNumber(*limit, 0);
  }
  if (node.failed())
    return;
  if (boxes->rank() != 3 || scores->rank() != 3 || boxes->shape[2] != 4 || boxes->shape[0] != scores->shape[0] ||
      boxes->shape[1] != scores->shape[2])
    return node.error("its boxes and scores do not fit each other");
  bool centre = node.integer("center_point_box", 0) != 0;
  int64_t classes = scores->shape[1], count = boxes->shape[1];
  SmallVector<int64_t> found;
  for (int64_t row = 0; row < scores->shape[0] * classes; ++row) {
    int64_t batch = row / classes;
    SmallVector<int64_t> order, taken;
    for (int64_t i = 0; i < count; ++i)
      if (toNumber(*scores, row * count + i) > limits[2])
        order.push_back(i);
    llvm::sort(order, [&](int64_t a, int64_t b) {
      double left = toNumber(*scores, row * count + a), right = toNumber(*scores, row * count + b);
      return left > right || (left == right && a < b);
    });
    for (int64_t box : order) {
      auto corners = getCorners(*boxes, batch * count + box, centre);
      bool covered = llvm::any_of(taken, [&](int64_t other) {
        return getOverlap(corners, getCorners(*boxes, batch * count + other, centre)) > limits[1];
      });
      if (static_cast<double>(taken.size()) >= limits[0])
        break;
      if (covered)
        continue;
      taken.push_back(box);
      found.append({batch, row % classes, box});
    }
  }
  int64_t rows = found.size() / 3;
  node.setResult(0, makeIntegers(node, found, {rows, 3}));
}

const char *const kNote = "what decides about the size of the result must be known at import";

const Operator kOperators[] = {
    {"", "Compress", 9, kNewest, emitCompress, nullptr, kNote},
    {"", "NonMaxSuppression", 10, kNewest, emitNonMaxSuppression, nullptr, kNote},
    {"", "NonZero", 9, kNewest, emitNonZero, nullptr, kNote},
    {"", "Unique", 11, kNewest, emitUnique, nullptr, kNote},
};

} // namespace

ArrayRef<Operator> dataSizeOperators() { return kOperators; }

} // namespace halftone::onnx
