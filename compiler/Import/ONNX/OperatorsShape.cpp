//===- OperatorsShape.cpp - operators that move elements --------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/ShapeRules.h"
#include "compiler/Import/ONNX/Windows.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

void emitReshape(NodeImporter &node) {
  if (auto dims = getReshapeDims(node))
    node.setResult(0, node.reshape(node.input(0), *dims));
}

void emitSqueeze(NodeImporter &node) {
  if (auto dims = getSqueezeDims(node))
    node.setResult(0, node.reshape(node.input(0), *dims));
}

void emitUnsqueeze(NodeImporter &node) {
  if (auto dims = getUnsqueezeDims(node))
    node.setResult(0, node.reshape(node.input(0), *dims));
}

void emitFlatten(NodeImporter &node) {
  Dims from = node.dims(0);
  int64_t axis = node.integer("axis", 1), rank = from.size();
  // One more than other axes: `rank` puts everything in the rows.
  if (axis != rank)
    axis = node.axis(axis, rank);
  if (node.failed())
    return;
  auto rows = node.symbols().product(ArrayRef<Dim>(from).take_front(axis));
  auto columns = node.symbols().product(ArrayRef<Dim>(from).drop_front(axis));
  if (!rows || !columns)
    return node.error("its result is too large");
  node.setResult(0, node.reshape(node.input(0), {*rows, *columns}));
}

void emitTranspose(NodeImporter &node) {
  SmallVector<int64_t> permutation = getPermutation(node);
  if (!node.failed())
    node.setResult(0, node.transpose(node.input(0), permutation));
}

void emitExpand(NodeImporter &node) {
  auto target = node.expressions(1, "shape");
  if (!target)
    return;
  // Both ways: the input's dimensions may be larger than the target's.
  auto both = ht::broadcast(node.dims(0), *target);
  if (!both)
    return node.error("shape " + node.symbols().toString(node.dims(0)) + " and " +
                      node.symbols().toString(*target) + " do not broadcast");
  node.setResult(0, node.broadcastTo(node.input(0), *both));
}

/// Repetition as a new axis before each repeated one.
void emitTile(NodeImporter &node) {
  auto repeats = node.expressions(1, "repeats");
  Dims from = node.dims(0);
  if (node.failed())
    return;
  if (repeats->size() != from.size())
    return node.error("it has " + Twine(repeats->size()) + " repeats for rank " + Twine(from.size()));
  Dims split, wide, to;
  for (auto [dim, repeat] : llvm::zip(from, *repeats)) {
    auto product = node.symbols().mul(dim, repeat);
    if (!product || node.symbols().bounds(repeat).low < 0)
      return node.error("a repeat of " + node.symbols().toString(repeat) + " is not valid");
    bool once = ht::getConstant(repeat) == 1;
    if (!once) {
      split.push_back(node.symbols().constant(1));
      wide.push_back(repeat);
    }
    split.push_back(dim);
    wide.push_back(dim);
    to.push_back(*product);
  }
  node.setResult(0, node.reshape(node.broadcastTo(node.reshape(node.input(0), split), wide), to));
}

void emitConcat(NodeImporter &node) {
  int64_t axis = node.axis(node.requiredInteger("axis"), node.rank(0));
  SmallVector<Value> parts;
  for (unsigned i = 0; i < node.numInputs(); ++i)
    parts.push_back(node.input(i));
  if (node.failed())
    return;
  // An empty part changes nothing, and often is a placeholder of another shape.
  llvm::erase_if(parts, [&](Value part) {
    Dims dims = node.dimsOf(part);
    return parts.size() > 1 && axis < static_cast<int64_t>(dims.size()) && ht::getConstant(dims[axis]) == 0;
  });
  if (parts.empty())
    return node.forward(0, 0);
  // Of very many parts first groups are joined: a kernel has code for each of its parts.
  constexpr size_t kMaxParts = 128;
  while (parts.size() > kMaxParts && !node.failed()) {
    SmallVector<Value> joined;
    for (size_t i = 0; i < parts.size(); i += kMaxParts)
      joined.push_back(node.concat(ArrayRef(parts).slice(i, std::min(kMaxParts, parts.size() - i)), axis));
    parts = std::move(joined);
  }
  node.setResult(0, node.concat(parts, axis));
}

void emitSlice(NodeImporter &node) {
  if (auto window = getSliceWindow(node))
    node.setResult(0, node.slice(node.input(0), window->starts, window->strides, window->sizes));
}

void emitSplit(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  Dims from = node.dims(0);
  int64_t axis = node.axis(node.integer("axis", 0), from.size());
  if (node.failed())
    return;
  Dims sizes;
  if (node.hasInput(1)) {
    auto given = node.expressions(1, "split");
    if (!given)
      return;
    sizes = *given;
  } else if (auto attribute = node.integers("split")) { // before opset 13
    for (int64_t size : *attribute)
      sizes.push_back(symbols.constant(size));
  } else {
    // Equal parts; since opset 18 the last may be smaller.
    int64_t parts = node.hasAttribute("num_outputs") ? node.integer("num_outputs", 0) : node.numOutputs();
    if (parts != node.numOutputs())
      return node.error("num_outputs is " + Twine(parts) + ", but it has " + Twine(node.numOutputs()) +
                        " outputs");
    auto size = symbols.ceilDiv(from[axis], parts);
    if (!size)
      return node.error("dimension " + symbols.toString(from[axis]) + " does not split into " + Twine(parts));
    sizes.assign(parts - 1, *size);
    auto rest = symbols.mul(*size, symbols.constant(parts - 1));
    rest = rest ? symbols.sub(from[axis], *rest) : std::nullopt;
    if (!rest || symbols.bounds(*rest).low < 0)
      return node.error("dimension " + symbols.toString(from[axis]) + " does not split into " + Twine(parts) +
                        " parts");
    sizes.push_back(*rest);
  }
  if (sizes.size() < node.numOutputs())
    return node.error("it has " + Twine(node.numOutputs()) + " outputs but " + Twine(sizes.size()) +
                      " sizes");

  Dims starts(from.size(), symbols.constant(0));
  SmallVector<int64_t> strides(from.size(), 1);
  Value input = node.input(0);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    Dims to = from;
    to[axis] = size;
    if (node.wants(i))
      node.setResult(i, node.slice(input, starts, strides, to));
    auto next = symbols.add(starts[axis], size);
    if (!next || symbols.bounds(size).low < 0)
      return node.error("a part of size " + symbols.toString(size) + " is not valid");
    starts[axis] = *next;
  }
  if (starts[axis] != from[axis])
    node.error("its parts have " + symbols.toString(starts[axis]) + " elements, but the dimension has " +
               symbols.toString(from[axis]));
}

/// The lower or upper triangle: rows and columns are compared, the rest is 0.
void emitTrilu(NodeImporter &node) {
  Value x = node.input(0);
  Dims dims = node.dims(0);
  if (node.failed())
    return;
  if (dims.size() < 2)
    return node.error("its input has rank " + Twine(dims.size()));
  Dim k = node.symbols().constant(0);
  if (node.hasInput(1)) {
    auto given = node.expressions(1, "diagonal");
    if (!given || given->size() != 1)
      return node.error("its diagonal must be one number");
    k = given->front();
  }
  Type index = IntegerType::get(node.getContext(), 64);
  Dim rows = dims[dims.size() - 2], columns = dims.back();
  Value row = node.reshape(node.iota(rows, 0, 1, index), {rows, node.symbols().constant(1)});
  Value column = node.iota(columns, 0, 1, index);
  Value diagonal = ht::getConstant(k) == 0 ? row : node.add(row, node.dim(k));
  // Upper: column >= row + k. Lower: column <= row + k.
  bool upper = node.integer("upper", 1) != 0;
  Value keep = node.compare(upper ? ht::ComparePredicate::GE : ht::ComparePredicate::LE, column, diagonal);
  node.setResult(0, node.where(keep, x, node.scalarLike(0, x)));
}

/// [b, c, h, w] -> [b, c / n^2, h n, w n]: n x n blocks out of channels.
void emitDepthToSpace(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  Dims dims = node.dims(0);
  int64_t size = node.requiredInteger("blocksize");
  StringRef mode = node.string("mode", "DCR");
  if (node.failed())
    return;
  if (dims.size() != 4 || size < 1 || size > INT32_MAX)
    return node.error("a blocksize of " + Twine(size) + " does not fit " + symbols.toString(dims));
  Dim n = symbols.constant(size);
  auto channels = symbols.truncDiv(dims[1], symbols.constant(size * size));
  auto height = symbols.mul(dims[2], n), width = symbols.mul(dims[3], n);
  if (!channels || !height || !width || (mode != "DCR" && mode != "CRD"))
    return node.error("a blocksize of " + Twine(size) + " does not fit " + symbols.toString(dims));
  bool depthFirst = mode == "DCR";
  Dims split = depthFirst ? Dims{dims[0], n, n, *channels, dims[2], dims[3]}
                          : Dims{dims[0], *channels, n, n, dims[2], dims[3]};
  SmallVector<int64_t> order = depthFirst ? SmallVector<int64_t>{0, 3, 4, 1, 5, 2} : SmallVector<int64_t>{0, 1, 4, 2, 5, 3};
  Value blocks = node.transpose(node.reshape(node.input(0), split), order);
  node.setResult(0, node.reshape(blocks, {dims[0], *channels, *height, *width}));
}

/// [b, c, h n, w n] -> [b, c n^2, h, w]. Channels vary fastest (DCR), or blocks (CRD).
void emitSpaceToDepth(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  Dims dims = node.dims(0);
  int64_t size = node.requiredInteger("blocksize");
  StringRef mode = node.string("mode", "DCR");
  if (node.failed())
    return;
  if (dims.size() != 4 || size < 1 || size > INT32_MAX)
    return node.error("a blocksize of " + Twine(size) + " does not fit " + symbols.toString(dims));
  Dim n = symbols.constant(size);
  auto channels = symbols.mul(dims[1], symbols.constant(size * size));
  if (!channels || (mode != "DCR" && mode != "CRD"))
    return node.error("a blocksize of " + Twine(size) + " does not fit " + symbols.toString(dims));
  // Windows side by side: [b, c, h, w, n, n].
  WindowAxes axes;
  for (Dim extent : {dims[2], dims[3]}) {
    WindowAxis axis{extent, n, size, 1, symbols.constant(0), symbols.constant(0), Dim(), symbols.constant(0)};
    auto count = symbols.truncDiv(extent, n);
    if (!count)
      return node.error("blocks of " + Twine(size) + " do not fit " + symbols.toString(dims));
    axis.count = *count;
    axes.push_back(axis);
  }
  SmallVector<int64_t> order =
      mode == "DCR" ? SmallVector<int64_t>{0, 4, 5, 1, 2, 3} : SmallVector<int64_t>{0, 1, 4, 5, 2, 3};
  Value blocks = node.transpose(cutWindows(node, node.input(0), 2, axes, Value()), order);
  node.setResult(0, node.reshape(blocks, {dims[0], *channels, axes[0].count, axes[1].count}));
}

const Operator kOperators[] = {
    {"", "Concat", 4, kNewest, emitConcat, evaluateConcat},
    {"", "DepthToSpace", 1, kNewest, emitDepthToSpace},
    {"", "Expand", 8, kNewest, emitExpand, evaluateExpand},
    {"", "Flatten", 1, kNewest, emitFlatten},
    {"", "Reshape", 5, kNewest, emitReshape, evaluateReshape},
    {"", "Slice", 1, kNewest, emitSlice, evaluateSlice},
    {"", "SpaceToDepth", 1, kNewest, emitSpaceToDepth},
    {"", "Split", 2, kNewest, emitSplit},
    {"", "Squeeze", 1, kNewest, emitSqueeze, evaluateSqueeze},
    {"", "Tile", 6, kNewest, emitTile},
    {"", "Transpose", 1, kNewest, emitTranspose, evaluateTranspose},
    {"", "Trilu", 14, kNewest, emitTrilu},
    {"", "Unsqueeze", 1, kNewest, emitUnsqueeze, evaluateUnsqueeze},
};

} // namespace

ArrayRef<Operator> shapeOperators() { return kOperators; }

} // namespace halftone::onnx
