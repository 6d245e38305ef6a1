//===- ShapeRules.cpp - result shapes shared by evaluation and emission -----===//

#include "compiler/Import/ONNX/ShapeRules.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

std::optional<Dims> getReshapeDims(NodeImporter &node) {
  Dims from = node.dims(0);
  auto target = node.expressions(1, "shape");
  if (!target)
    return std::nullopt;
  bool allowZero = node.integer("allowzero", 0) != 0;
  std::optional<size_t> inferred;
  Dims to;
  for (auto [i, dim] : llvm::enumerate(*target)) {
    auto constant = ht::getConstant(dim);
    if (constant == 0 && !allowZero) {
      if (i >= from.size()) {
        node.error("shape " + node.symbols().toString(*target) + " copies axis " + Twine(i) +
                   " of an input of rank " + Twine(from.size()));
        return std::nullopt;
      }
      to.push_back(from[i]);
    } else if (constant && *constant < 0) {
      if (*constant != -1 || inferred) {
        node.error("shape " + node.symbols().toString(*target) + " is not valid");
        return std::nullopt;
      }
      inferred = i;
      to.push_back(node.symbols().constant(1));
    } else {
      to.push_back(dim);
    }
  }
  if (!inferred)
    return to;
  auto total = node.symbols().product(from), rest = node.symbols().product(to);
  auto size = total && rest ? ht::divideExactly(*total, *rest) : std::nullopt;
  // Zero elements can take any size; 0 is what ONNX infers.
  if (!size && total && ht::getConstant(*total) == 0 && rest && ht::getConstant(*rest) != 0)
    size = node.symbols().constant(0);
  if (!size) {
    node.error("shape " + node.symbols().toString(from) + " does not divide into " +
               node.symbols().toString(*target));
    return std::nullopt;
  }
  to[*inferred] = *size;
  return to;
}

/// The axes of Squeeze and Unsqueeze: an input since opset 13.
static std::optional<SmallVector<int64_t>> getAxes(NodeImporter &node) {
  return node.hasInput(1) ? node.integers(1, "axes") : node.integers("axes");
}

std::optional<Dims> getSqueezeDims(NodeImporter &node) {
  Dims from = node.dims(0), to;
  auto axes = getAxes(node);
  if (node.failed())
    return std::nullopt;
  llvm::SmallBitVector dropped(from.size());
  if (axes)
    for (int64_t axis : node.sortedAxes(*axes, from.size()))
      dropped.set(axis);
  for (auto [i, dim] : llvm::enumerate(from)) {
    bool isOne = ht::getConstant(dim) == 1;
    if (axes && dropped[i] && !isOne)
      node.error("axis " + Twine(i) + " of " + node.symbols().toString(from) + " is not 1");
    if (axes ? !dropped[i] : !isOne)
      to.push_back(dim);
  }
  return node.failed() ? std::nullopt : std::optional<Dims>(to);
}

std::optional<Dims> getUnsqueezeDims(NodeImporter &node) {
  Dims from = node.dims(0);
  auto axes = getAxes(node);
  if (!axes)
    node.error("it has no axes");
  if (node.failed())
    return std::nullopt;
  int64_t rank = from.size() + axes->size();
  llvm::SmallBitVector added(rank);
  for (int64_t axis : node.sortedAxes(*axes, rank))
    added.set(axis);
  if (node.failed())
    return std::nullopt;
  Dims to;
  auto next = from.begin();
  for (int64_t i = 0; i < rank; ++i)
    to.push_back(added[i] ? node.symbols().constant(1) : *next++);
  return to;
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

namespace {

/// Clamps a start or an end of one axis as Slice does.
class Clamp {
public:
  Clamp(NodeImporter &node, Dim extent) : node(node), symbols(node.symbols()), extent(extent) {}

  /// Into [low, extent + highOffset]; nullopt after an error.
  std::optional<Dim> operator()(Dim value, int64_t low, int64_t highOffset, StringRef what) {
    // Sentinels such as INT64_MAX, brought to where sums do not overflow.
    if (auto constant = ht::getConstant(value))
      value = symbols.constant(std::clamp(*constant, -Interval::kUnbounded, Interval::kUnbounded));
    Interval range = symbols.bounds(value);
    if (range.high < 0) {
      Interval whole = symbols.bounds(extent);
      if (range.high + whole.high <= low)
        return symbols.constant(low);
      auto sum = symbols.add(value, extent);
      if (!sum)
        return undecided(value, what);
      value = *sum;
      if (symbols.bounds(value).low < low)
        return atMost(value, low, highOffset, what, /*mayBeBelow=*/true);
    } else if (range.low < 0 && !takeAsNonNegative(value)) {
      return undecided(value, what);
    }
    return atMost(value, low, highOffset, what, false);
  }

private:
  std::optional<Dim> undecided(Dim value, StringRef what) {
    node.error("whether its " + what + " " + symbols.toString(value) + " lies within the dimension " +
               symbols.toString(extent) + " depends on the inputs' shapes; a smaller --max may decide it");
    return std::nullopt;
  }

  std::optional<Dim> atMost(Dim value, int64_t low, int64_t highOffset, StringRef what, bool mayBeBelow) {
    if (mayBeBelow) {
      // Constants decide; what depends on a symbol is taken to be in range only
      // where the bounds say so.
      if (auto larger = symbols.max(value, symbols.constant(low)))
        value = *larger;
      else
        return undecided(value, what);
    }
    auto high = symbols.add(extent, symbols.constant(highOffset));
    if (!high)
      return undecided(value, what);
    if (auto smaller = symbols.min(value, *high))
      return *smaller;
    // A symbol against a constant extent: a table that ends there. Larger
    // values of the symbol would run over its end in later operators anyway.
    if (auto limit = ht::getConstant(*high); limit && bound(value, *limit))
      return value;
    return undecided(value, what);
  }

  /// A position that counts down from the end of a table as a symbol grows.
  bool takeAsNonNegative(Dim value) {
    auto negative = symbols.sub(symbols.constant(0), value);
    return ht::getConstant(extent) && negative && bound(*negative, 0);
  }

  bool bound(Dim value, int64_t limit) {
    return node.importer().boundSymbol(value, limit, node.getLoc(),
                                       "the slice reads a dimension of " + symbols.toString(extent));
  }

  NodeImporter &node;
  Symbols &symbols;
  Dim extent;
};

} // namespace

std::optional<SliceWindow> getSliceWindow(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  Dims from = node.dims(0);
  // Before opset 10 all is in attributes.
  auto getBounds = [&](unsigned index, StringRef attribute, StringRef what) -> std::optional<Dims> {
    auto given = node.opset() < 10 ? node.integers(attribute) : std::nullopt;
    if (!given)
      return node.expressions(index, what);
    Dims bounds;
    for (int64_t value : *given)
      bounds.push_back(symbols.constant(value));
    return bounds;
  };
  auto starts = getBounds(1, "starts", "start"), ends = getBounds(2, "ends", "end");
  if (!starts || !ends)
    return std::nullopt;
  SmallVector<int64_t> axes, steps(starts->size(), 1);
  for (size_t i = 0; i < starts->size(); ++i)
    axes.push_back(i);
  if (node.hasInput(3) || node.hasAttribute("axes")) {
    auto given = node.hasInput(3) ? node.integers(3, "axes") : node.integers("axes");
    if (!given)
      return std::nullopt;
    axes = *given;
  }
  if (node.hasInput(4)) {
    auto given = node.integers(4, "steps");
    if (!given)
      return std::nullopt;
    steps = *given;
  }
  if (ends->size() != starts->size() || axes.size() != starts->size() || steps.size() != starts->size())
    node.error("it has " + Twine(starts->size()) + " starts, " + Twine(ends->size()) + " ends, " +
               Twine(axes.size()) + " axes and " + Twine(steps.size()) + " steps");
  for (int64_t &axis : axes)
    axis = node.axis(axis, from.size());
  if (!node.failed())
    node.sortedAxes(axes, from.size());
  if (node.failed())
    return std::nullopt;

  SliceWindow window;
  window.starts.assign(from.size(), symbols.constant(0));
  window.strides.assign(from.size(), 1);
  window.sizes = from;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t step = steps[i];
    if (step == 0 || step == INT64_MIN) {
      node.error("its step is " + Twine(step));
      return std::nullopt;
    }
    Clamp clamp(node, from[axis]);
    // Backwards, the first element read is at most the last one, and the end
    // may lie before the first.
    auto start = step > 0 ? clamp((*starts)[i], 0, 0, "start") : clamp((*starts)[i], 0, -1, "start");
    auto end = step > 0 ? clamp((*ends)[i], 0, 0, "end") : clamp((*ends)[i], -1, -1, "end");
    if (!start || !end)
      return std::nullopt;
    auto size = getRangeSize(node, *start, *end, step);
    if (!size)
      return std::nullopt;
    window.starts[axis] = *start;
    window.strides[axis] = step;
    window.sizes[axis] = *size;
    // An empty window starts nowhere in particular.
    if (ht::getConstant(*size) == 0)
      window.starts[axis] = symbols.constant(0);
  }
  return window;
}

std::optional<Dim> getRangeSize(NodeImporter &node, Dim start, Dim limit, int64_t step) {
  Symbols &symbols = node.symbols();
  auto distance = step > 0 ? symbols.sub(limit, start) : symbols.sub(start, limit);
  auto size = distance ? symbols.ceilDiv(*distance, std::abs(step)) : std::nullopt;
  if (!size) {
    node.error("its size is out of range");
    return std::nullopt;
  }
  Interval range = symbols.bounds(*size);
  if (range.low >= 0)
    return size;
  if (range.high <= 0)
    return symbols.constant(0);
  node.error("whether it is empty depends on the inputs' shapes (" + symbols.toString(*size) + " elements)");
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

SmallVector<int64_t> getPermutation(NodeImporter &node) {
  int64_t rank = node.rank(0);
  SmallVector<int64_t> permutation;
  if (auto given = node.integers("perm")) {
    permutation = *given;
  } else {
    for (int64_t i = rank; i-- > 0;)
      permutation.push_back(i);
  }
  for (int64_t &axis : permutation)
    axis = node.axis(axis, rank);
  if (static_cast<int64_t>(permutation.size()) != rank)
    node.error("perm has " + Twine(permutation.size()) + " axes for an input of rank " + Twine(rank));
  if (!node.failed())
    node.sortedAxes(permutation, rank);
  return node.failed() ? SmallVector<int64_t>() : permutation;
}

std::optional<FlatDims> flattenFrom(NodeImporter &node, int64_t axis) {
  FlatDims dims;
  dims.whole = node.dims(0);
  dims.axis = node.axis(axis, dims.whole.size());
  if (node.failed())
    return std::nullopt;
  auto width = node.symbols().product(ArrayRef<Dim>(dims.whole).drop_front(dims.axis));
  if (!width) {
    node.error("its axes are too large");
    return std::nullopt;
  }
  dims.flat.assign(dims.whole.begin(), dims.whole.begin() + dims.axis);
  dims.flat.push_back(*width);
  return dims;
}

std::optional<SmallVector<int64_t>> getReductionAxes(NodeImporter &node) {
  int64_t rank = node.rank(0);
  std::optional<SmallVector<int64_t>> axes =
      node.hasInput(1) ? node.integers(1, "axes") : node.integers("axes");
  if (node.failed())
    return std::nullopt;
  if (!axes || axes->empty()) {
    axes.emplace();
    if (!node.integer("noop_with_empty_axes", 0))
      for (int64_t i = 0; i < rank; ++i)
        axes->push_back(i);
  }
  SmallVector<int64_t> sorted = node.sortedAxes(*axes, rank);
  return node.failed() ? std::nullopt : std::optional(sorted);
}

std::optional<SymbolicTensor> getFillValue(NodeImporter &node) {
  if (!node.hasAttribute("value")) {
    SymbolicTensor zero;
    zero.elementType = Float32Type::get(node.getContext());
    zero.elements.push_back({Dim(), 0.0});
    return zero;
  }
  const Tensor *tensor = node.tensor("value");
  Binding binding;
  if (!tensor || failed(node.importer().bindTensor(binding, *tensor, node.getLoc(), "its value"))) {
    node.error("its value cannot be read");
    return std::nullopt;
  }
  if (!binding.known || binding.known->elements.size() != 1) {
    node.error("its value must have one element");
    return std::nullopt;
  }
  return binding.known;
}

} // namespace halftone::onnx
