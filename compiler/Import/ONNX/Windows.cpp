//===- Windows.cpp - padding and sliding windows ----------------------------===//

#include "compiler/Import/ONNX/Windows.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

bool WindowAxis::isTrivial() const {
  return ht::getConstant(size) == 1 && stride == 1 && ht::getConstant(before) == 0 && ht::getConstant(after) == 0;
}

std::optional<SmallVector<int64_t>> spatialIntegers(NodeImporter &node, StringRef name, size_t count, int64_t low,
                                                    int64_t absent) {
  auto given = node.integers(name);
  if (node.failed())
    return std::nullopt;
  if (!given)
    return SmallVector<int64_t>(count, absent);
  if (given->size() != count) {
    node.error(name + " has " + Twine(given->size()) + " numbers, expected " + Twine(count));
    return std::nullopt;
  }
  for (int64_t value : *given)
    if (value < low || value > INT32_MAX) {
      node.error(name + " of " + Twine(value) + " is out of range");
      return std::nullopt;
    }
  return given;
}

namespace {

/// `pads` for auto_pad = SAME_*: as many windows as strides fit, with the padding
/// split evenly. false where the padding is no expression.
bool padAlike(Symbols &symbols, WindowAxis &axis, Dim span, bool upper) {
  DimArithmetic a(symbols);
  axis.count = a.ceilDiv(axis.extent, axis.stride);
  // (count - 1) stride + span - extent, written so that its bounds can be seen.
  Dim missing = a.mod(a.mul(axis.extent, axis.stride - 1), axis.stride);
  Dim total = a.add(a.add(span, -axis.stride), missing);
  if (!total || !axis.count)
    return false;
  auto padded = symbols.max(total, a.number(0));
  if (!padded)
    return false;
  Dim smaller = a.floorDiv(*padded, 2), larger = a.ceilDiv(*padded, 2);
  axis.before = upper ? smaller : larger;
  axis.after = upper ? larger : smaller;
  return smaller && larger;
}

/// The number of windows, and with ceil_mode the padding that the last one needs.
bool countWindows(Symbols &symbols, WindowAxis &axis, Dim span, bool ceil) {
  DimArithmetic a(symbols);
  int64_t stride = axis.stride;
  Dim room = a.sub(a.add(axis.extent, a.add(axis.before, axis.after)), span);
  if (!ceil) {
    axis.count = a.floorDiv(a.add(room, stride), stride);
    return bool(axis.count);
  }
  // A window must start before the padding at the end.
  Dim tail = a.sub(span, axis.after);
  auto order = tail ? symbols.compare(tail, a.number(stride)) : std::nullopt;
  if (!order)
    return false;
  axis.count = *order >= 0 ? a.ceilDiv(a.add(room, stride), stride)
                           : a.ceilDiv(a.add(axis.extent, axis.before), stride);
  Dim beyond = a.sub(a.add(a.mul(a.add(axis.count, -1), stride), span),
                     a.add(axis.extent, a.add(axis.before, axis.after)));
  if (!beyond)
    return false;
  // At most stride - 1; where it depends on a symbol, that many.
  auto constant = ht::getConstant(beyond);
  axis.beyond = a.number(constant ? std::max<int64_t>(*constant, 0) : stride - 1);
  axis.after = a.add(axis.after, axis.beyond);
  return bool(axis.after);
}

} // namespace

std::optional<WindowAxes> getWindows(NodeImporter &node, ArrayRef<Dim> extents, ArrayRef<Dim> sizes) {
  Symbols &symbols = node.symbols();
  DimArithmetic a(symbols);
  size_t count = extents.size();
  auto strides = spatialIntegers(node, "strides", count, 1, 1);
  auto dilations = spatialIntegers(node, "dilations", count, 1, 1);
  StringRef automatic = node.string("auto_pad", "NOTSET");
  bool upper = automatic == "SAME_UPPER", same = upper || automatic == "SAME_LOWER";
  bool ceil = node.integer("ceil_mode", 0) != 0;
  if (!same && automatic != "NOTSET" && automatic != "VALID" && !automatic.empty())
    node.error("auto_pad '" + automatic + "' is not defined");
  // With another auto_pad, pads mean nothing.
  bool explicitPads = !same && automatic != "VALID";
  std::optional<SmallVector<int64_t>> pads = SmallVector<int64_t>(2 * count, 0);
  if (explicitPads)
    pads = spatialIntegers(node, "pads", 2 * count, 0, 0);
  if (node.failed() || !strides || !dilations || !pads)
    return std::nullopt;

  WindowAxes axes;
  for (size_t i = 0; i < count; ++i) {
    WindowAxis axis;
    axis.extent = extents[i];
    axis.size = sizes[i];
    axis.stride = (*strides)[i];
    axis.dilation = (*dilations)[i];
    axis.before = a.number((*pads)[i]);
    axis.after = a.number((*pads)[count + i]);
    axis.beyond = a.number(0);
    Dim span = a.span(axis.size, axis.dilation);
    if (symbols.bounds(axis.size).low < 1) {
      node.error("a kernel of " + symbols.toString(sizes) + " is not valid");
      return std::nullopt;
    }
    if (!span || !(same ? padAlike(symbols, axis, span, upper) : countWindows(symbols, axis, span, ceil))) {
      node.error("how its windows of " + symbols.toString(axis.size) + " lie over " +
                 symbols.toString(axis.extent) + " elements depends on the inputs' shapes");
      return std::nullopt;
    }
    // No window at all is an error where it is certain, and a lower bound of the
    // symbol where it depends on one.
    if (!node.importer().boundBelow(axis.count, 1, node.getLoc(), "a window must fit")) {
      node.error("its windows of " + symbols.toString(axis.size) + " do not fit into " +
                 symbols.toString(axis.extent) + " elements");
      return std::nullopt;
    }
    axes.push_back(axis);
  }
  return axes;
}

Value padAxis(NodeImporter &node, Value x, int64_t axis, Dim before, Dim after, Value fill) {
  Symbols &symbols = node.symbols();
  Dims dims = node.dimsOf(x);
  if (node.failed() || !x)
    return {};
  // What is cut off first: the rest is padded.
  Dims starts(dims.size(), symbols.constant(0));
  Dim zero = symbols.constant(0);
  for (Dim *pad : {&before, &after}) {
    Interval range = symbols.bounds(*pad);
    if (range.low >= 0)
      continue;
    auto cut = range.high <= 0 ? symbols.mul(*pad, symbols.constant(-1)) : std::nullopt;
    auto rest = cut ? symbols.sub(dims[axis], *cut) : std::nullopt;
    if (!rest || !node.importer().boundBelow(*rest, 0, node.getLoc(), "as many are cut off")) {
      node.error("a pad of " + symbols.toString(*pad) + " does not fit " + symbols.toString(dims[axis]) + " elements");
      return {};
    }
    dims[axis] = *rest;
    if (pad == &before)
      starts[axis] = *cut;
    *pad = zero;
  }
  x = node.slice(x, starts, SmallVector<int64_t>(dims.size(), 1), dims);
  SmallVector<Value> parts;
  auto addBlock = [&](Dim size) {
    if (ht::getConstant(size) == 0)
      return;
    Dims block = dims;
    block[axis] = size;
    parts.push_back(node.broadcastTo(fill, block));
  };
  addBlock(before);
  parts.push_back(x);
  addBlock(after);
  return node.concat(parts, axis);
}

Value cutWindows(NodeImporter &node, Value x, int64_t first, ArrayRef<WindowAxis> axes, Value fill) {
  for (auto [i, axis] : llvm::enumerate(axes))
    x = padAxis(node, x, first + i, axis.before, axis.after, fill);
  Dims dims = node.dimsOf(x);
  if (node.failed() || !x)
    return {};
  SmallVector<int64_t> numbers, strides, dilations;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    numbers.push_back(first + i);
    strides.push_back(axis.stride);
    dilations.push_back(axis.dilation);
    dims[first + i] = axis.count;
    dims.push_back(axis.size);
  }
  if (llvm::all_of(axes, [](const WindowAxis &axis) { return axis.isTrivial(); }))
    return node.reshape(x, dims);
  OpBuilder &b = node.getBuilder();
  auto window = ht::WindowOp::create(b, node.getLoc(), ht::getTensorType(dims, getElementTypeOrSelf(x)), x,
                                     b.getDenseI64ArrayAttr(numbers), b.getDenseI64ArrayAttr(strides),
                                     b.getDenseI64ArrayAttr(dilations));
  return node.verify(window) ? window.getResult() : Value();
}

} // namespace halftone::onnx
