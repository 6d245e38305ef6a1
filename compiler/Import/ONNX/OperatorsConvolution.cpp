//===- OperatorsConvolution.cpp - windows and a contraction -----------------===//
//
// There is no convolution in the dialect. By a weight, each window is a row of
// one matrix product, whose weight is [out, in * kernel] as a linear layer's: it
// is raised, packed and tiled as one. In groups, or by what is computed, it is a
// batched product from the left, whose result is in ONNX's order already. Where
// each channel has a kernel of its own, there is nothing to multiply in blocks: it
// is a sum over the window, of which nothing is stored.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Windows.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

using Permutation = SmallVector<int64_t>;

void append(Permutation &axes, int64_t first, int64_t count) { llvm::append_range(axes, llvm::seq(first, first + count)); }

/// A convolution whose weight is [out, in / groups, kernel…].
class Convolution {
public:
  Convolution(NodeImporter &node, WindowAxes axes, int64_t groups)
      : node(node), symbols(node.symbols()), axes(std::move(axes)), rank(this->axes.size()), groups(groups) {}

  /// `bias` may be null. `turn` is what the weight goes through first.
  Value emit(Value x, Value weight, Value bias, function_ref<Value(Value)> turn) {
    if (node.failed() || !x || !weight)
      return {};
    Dims shape = node.dimsOf(weight);
    if (groups > 1 && ht::getConstant(shape[0]) == groups && ht::getConstant(shape[1]) == 1)
      return emitPerChannel(x, node.transformWeight(weight, "conv", [&](Value w) { return asKernels(turn(w)); }), bias);
    Value turned = node.transformWeight(weight, "conv", [&](Value w) { return asMatrices(turn(w), x); });
    if (!turned)
      return {};
    bool byWeight = groups == 1 && turned.getDefiningOp<ht::GetWeightOp>();
    return byWeight ? emitLinear(x, turned, bias) : emitBatched(x, turned, bias);
  }

private:
  /// Whether windows are cut from channels-last data. Then their rows are runs of
  /// channels, else runs of the last kernel axis: the longer ones copy faster.
  bool isChannelsLast(Value x) {
    auto order = symbols.compare(node.dimsOf(x)[1], axes.back().size);
    return !order || *order >= 0;
  }
  Dim product(ArrayRef<Dim> dims) {
    auto result = symbols.product(dims);
    if (!result)
      node.error("its result is too large");
    return result ? *result : symbols.constant(1);
  }

  /// [out, in * kernel] for one group, in the order of the windows; else
  /// [groups, out / groups, in / groups * kernel].
  Value asMatrices(Value w, Value x) {
    Dims dims = node.dimsOf(w);
    if (!w)
      return {};
    if (groups > 1) {
      auto rows = symbols.truncDiv(dims[0], symbols.constant(groups));
      if (!rows)
        return node.error("its channels do not divide into " + Twine(groups) + " groups"), Value();
      return node.reshape(w, {symbols.constant(groups), *rows, product(ArrayRef<Dim>(dims).drop_front())});
    }
    if (isChannelsLast(x) && ownsOrder(w)) {
      Permutation channelsLast{0};
      append(channelsLast, 2, rank);
      channelsLast.push_back(1);
      w = node.transpose(w, channelsLast);
    }
    return node.reshape(w, {dims[0], product(ArrayRef<Dim>(dims).drop_front())});
  }

  /// [channels, 1…, kernel…]: to be multiplied with windows [b, channels, positions…, kernel…].
  Value asKernels(Value w) {
    Dims dims = node.dimsOf(w);
    if (node.failed() || !w)
      return {};
    Dims spread(1 + rank, symbols.constant(1));
    spread[0] = dims[0];
    spread.append(dims.begin() + 2, dims.end());
    return node.reshape(w, spread);
  }

  /// The sum over each window of its elements times the channel's kernel.
  Value emitPerChannel(Value x, Value kernels, Value bias) {
    if (node.failed() || !kernels)
      return {};
    // Half-precision products are added in f32.
    Type type = getElementTypeOrSelf(x);
    bool isHalf = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
    Type wide = isHalf ? Float32Type::get(node.getContext()) : type;
    x = node.cast(x, wide);
    Value windows = cutWindows(node, x, 2, axes, node.scalarLike(0, x)); // [b, c, o…, k…]
    Permutation kernelAxes;
    append(kernelAxes, 2 + rank, rank);
    Value y = node.reduce(ht::ReduceKind::Sum, node.mul(windows, node.cast(kernels, wide)), kernelAxes);
    Dims dims = node.dimsOf(y);
    if (node.failed())
      return {};
    if (bias) {
      Dims perChannel(1 + 2 * rank, symbols.constant(1));
      perChannel[0] = dims[1];
      y = node.add(y, node.cast(node.reshape(bias, perChannel), wide));
    }
    dims.truncate(2 + rank);
    return node.cast(node.reshape(y, dims), type);
  }

  /// Whether `w` is inside a weight's recipe, so that its product is a linear layer.
  bool ownsOrder(Value w) {
    Operation *parent = w.getParentBlock()->getParentOp();
    return isa<ht::WeightOp>(parent);
  }

  /// Windows as rows.
  Value emitLinear(Value x, Value weight, Value bias) {
    Value fill = node.scalarLike(0, x);
    Permutation order{0};
    Value windows;
    if (isChannelsLast(x)) { // [b, s…, c] -> [b, o…, c, k…] -> [b, o…, k…, c]
      Permutation channelsLast{0};
      append(channelsLast, 2, rank);
      channelsLast.push_back(1);
      windows = cutWindows(node, node.transpose(x, channelsLast), 1, axes, fill);
      append(order, 1, rank);
      append(order, 2 + rank, rank);
      order.push_back(1 + rank);
    } else { // [b, c, s…] -> [b, c, o…, k…] -> [b, o…, c, k…]
      windows = cutWindows(node, x, 2, axes, fill);
      append(order, 2, rank);
      order.push_back(1);
      append(order, 2 + rank, rank);
    }
    windows = node.transpose(windows, order);
    Dims dims = node.dimsOf(windows);
    if (node.failed())
      return {};
    Dims rows(dims.begin(), dims.begin() + 1 + rank);
    rows.push_back(product(ArrayRef<Dim>(dims).drop_front(1 + rank)));
    Value y = node.matmul(node.reshape(windows, rows), node.transpose(weight, {1, 0}));
    if (bias)
      y = node.add(y, bias);
    Permutation back{0, 1 + rank};
    append(back, 1, rank);
    return node.transpose(y, back);
  }

  /// Windows as columns: weight [g, m, n] times [b, g, n, positions].
  Value emitBatched(Value x, Value weight, Value bias) {
    Value windows = cutWindows(node, x, 2, axes, node.scalarLike(0, x)); // [b, c, o…, k…]
    Permutation order{0, 1};
    append(order, 2 + rank, rank);
    append(order, 2, rank);
    windows = node.transpose(windows, order); // [b, c, k…, o…]
    Dims dims = node.dimsOf(windows);
    if (node.failed())
      return {};
    auto channels = symbols.truncDiv(dims[1], symbols.constant(groups));
    if (!channels)
      return node.error("its channels do not divide into " + Twine(groups) + " groups"), Value();
    Dims inner(dims.begin() + 2, dims.begin() + 2 + rank), positions(dims.begin() + 2 + rank, dims.end());
    inner.push_back(*channels);
    Dims columns{dims[0]};
    if (groups > 1)
      columns.push_back(symbols.constant(groups));
    columns.push_back(product(inner));
    columns.push_back(product(positions));
    Value y = node.matmul(weight, node.reshape(windows, columns));
    Dims to{dims[0], product(ArrayRef<Dim>(node.dimsOf(weight)).drop_back())};
    llvm::append_range(to, positions);
    y = node.reshape(y, to);
    if (!bias)
      return y;
    Dims perChannel(1 + rank, symbols.constant(1));
    perChannel[0] = to[1];
    return node.add(y, node.reshape(bias, perChannel));
  }

  NodeImporter &node;
  Symbols &symbols;
  WindowAxes axes;
  int64_t rank; ///< Number of spatial axes.
  int64_t groups;
};

/// The operands of a convolution, where they fit each other.
struct Operands {
  Value x, weight, bias;
  int64_t groups;
  Dims kernel; ///< The weight's spatial dimensions.
};

/// Dimensions that depend on symbols take their size from the other operand, or
/// from `kernel_shape`; axis `weightAxis` of the weight counts channels, of one
/// group or of all.
std::optional<Operands> getOperands(NodeImporter &node, Value x, Value weight, Value bias, int64_t weightAxis,
                                    bool ofOneGroup) {
  Symbols &symbols = node.symbols();
  Operands operands{x, weight, bias, node.integer("group", 1), {}};
  if (node.failed())
    return std::nullopt;
  Dims image = node.dimsOf(operands.x), w = node.dimsOf(operands.weight);
  if (image.size() < 3 || w.size() != image.size())
    return node.error("operands of rank " + Twine(image.size()) + " and " + Twine(w.size()) +
                      " are no image and its kernel"),
           std::nullopt;
  if (operands.groups < 1 || operands.groups > INT32_MAX)
    return node.error("group of " + Twine(operands.groups) + " is not valid"), std::nullopt;
  auto shape = node.integers("kernel_shape");
  if (node.failed())
    return std::nullopt;
  if (shape && shape->size() != image.size() - 2)
    return node.error("kernel_shape has " + Twine(shape->size()) + " numbers, expected " + Twine(image.size() - 2)),
           std::nullopt;
  if (shape)
    for (auto [i, size] : llvm::enumerate(*shape))
      operands.weight = node.refine(operands.weight, 2 + i, size);
  auto channels = symbols.mul(w[weightAxis], symbols.constant(ofOneGroup ? operands.groups : 1));
  auto size = channels ? ht::getConstant(*channels) : std::nullopt;
  if (size)
    operands.x = node.refine(operands.x, 1, *size);
  w = node.dimsOf(operands.weight);
  if (node.failed())
    return std::nullopt;
  if (!channels || *channels != node.dimsOf(operands.x)[1])
    return node.error("its weight " + symbols.toString(w) + " in " + Twine(operands.groups) +
                      " groups does not fit " + symbols.toString(image)),
           std::nullopt;
  operands.kernel.assign(w.begin() + 2, w.end());
  if (shape)
    for (auto [dim, size] : llvm::zip(operands.kernel, *shape))
      if (ht::getConstant(dim) != size)
        return node.error("kernel_shape is not that of its weight, " + symbols.toString(w)), std::nullopt;
  return operands;
}

void emitConv(NodeImporter &node) {
  node.setResult(0, emitConvolution(node, node.input(0), node.input(1), node.optionalInput(2)));
}

/// x with `stride - 1` zeros after each element of `axis`.
Value spread(NodeImporter &node, Value x, int64_t axis, int64_t stride) {
  Dims dims = node.dimsOf(x);
  if (stride == 1 || node.failed())
    return x;
  auto extent = node.symbols().mul(dims[axis], node.symbols().constant(stride));
  if (!extent)
    return node.error("its result is too large"), Value();
  Dims split = dims;
  split.insert(split.begin() + axis + 1, node.symbols().constant(1));
  Value padded = padAxis(node, node.reshape(x, split), axis + 1, node.symbols().constant(0),
                         node.symbols().constant(stride - 1), node.scalarLike(0, x));
  dims[axis] = *extent;
  return node.reshape(padded, dims);
}

/// [in, out / groups, kernel…] -> [out, in / groups, kernel…], kernels backwards.
Value turnKernel(NodeImporter &node, Value w, int64_t groups) {
  Symbols &symbols = node.symbols();
  Dims dims = node.dimsOf(w), starts(dims.size(), symbols.constant(0));
  if (node.failed())
    return {};
  SmallVector<int64_t> strides(dims.size(), 1);
  for (size_t i = 2; i < dims.size(); ++i) {
    strides[i] = -1;
    auto last = symbols.sub(dims[i], symbols.constant(1));
    starts[i] = last ? *last : dims[i];
  }
  w = node.slice(w, starts, strides, dims);
  auto in = symbols.truncDiv(dims[0], symbols.constant(groups));
  auto out = symbols.mul(dims[1], symbols.constant(groups));
  if (!in || !out)
    return node.error("its channels do not divide into " + Twine(groups) + " groups"), Value();
  Dims grouped = dims, merged = dims;
  grouped[0] = *in;
  grouped.insert(grouped.begin(), symbols.constant(groups));
  merged[0] = *out;
  merged[1] = *in;
  Permutation permutation{0, 2, 1};
  append(permutation, 3, dims.size() - 2);
  return node.reshape(node.transpose(node.reshape(w, grouped), permutation), merged);
}

/// The convolution of the input with zeros between its elements, by the kernel backwards.
void emitConvTranspose(NodeImporter &node) {
  auto operands = getOperands(node, node.input(0), node.input(1), node.optionalInput(2), 0, /*ofOneGroup=*/false);
  if (!operands)
    return;
  Symbols &symbols = node.symbols();
  Dims dims = node.dimsOf(operands->x);
  size_t count = operands->kernel.size();
  auto strides = spatialIntegers(node, "strides", count, 1, 1);
  auto dilations = spatialIntegers(node, "dilations", count, 1, 1);
  auto pads = spatialIntegers(node, "pads", 2 * count, 0, 0);
  auto extra = spatialIntegers(node, "output_padding", count, 0, 0);
  auto shape = node.integers("output_shape");
  StringRef automatic = node.string("auto_pad", "NOTSET");
  bool same = automatic.starts_with("SAME_");
  if (node.failed())
    return;
  if (shape && shape->size() == count + 2) // some writers give the whole shape
    shape->erase(shape->begin(), shape->begin() + 2);
  if (shape && shape->size() != count)
    return node.error("output_shape has " + Twine(shape->size()) + " numbers, expected " + Twine(count));
  DimArithmetic a(symbols);
  Value x = operands->x;
  WindowAxes axes;
  for (size_t i = 0; i < count; ++i) {
    int64_t stride = (*strides)[i];
    Dim extent = dims[2 + i], none = a.number(0), before = none, after = none, padding = a.number((*extra)[i]);
    WindowAxis axis;
    axis.size = operands->kernel[i];
    axis.dilation = (*dilations)[i];
    axis.beyond = none;
    Dim span = a.span(axis.size, axis.dilation);
    if (same || shape) {
      // The size of the output decides what is cut from it, or else is missing at its end.
      Dim wanted = shape ? a.number((*shape)[i]) : a.mul(extent, stride);
      Dim cut = a.sub(a.add(a.add(a.mul(extent, stride), -stride), a.add(span, padding)), wanted);
      Interval range = cut ? symbols.bounds(cut) : Interval{-1, 1};
      if (range.low < 0 && range.high > 0)
        return node.error("its padding depends on the inputs' shapes");
      if (range.low < 0) {
        padding = a.sub(padding, cut);
        cut = none;
      }
      Dim smaller = a.floorDiv(cut, 2), larger = a.ceilDiv(cut, 2);
      before = automatic == "SAME_UPPER" ? smaller : larger;
      after = automatic == "SAME_UPPER" ? larger : smaller;
    } else if (automatic != "VALID") {
      before = a.number((*pads)[i]);
      after = a.number((*pads)[count + i]);
    }
    axis.extent = a.mul(extent, stride);
    axis.before = a.sub(a.add(span, -1), before);
    axis.after = a.add(a.add(a.sub(span, after), padding), -stride);
    axis.count = a.add(a.sub(a.add(axis.extent, a.add(axis.before, axis.after)), span), 1);
    if (!axis.count || !node.importer().boundBelow(axis.count, 1, node.getLoc(), "its result must not be empty"))
      return node.error("its result is empty");
    x = spread(node, x, 2 + i, stride);
    axes.push_back(axis);
  }
  Convolution convolution(node, axes, operands->groups);
  node.setResult(0, convolution.emit(x, operands->weight, operands->bias,
                                     [&](Value w) { return turnKernel(node, w, operands->groups); }));
}

const Operator kOperators[] = {
    {"", "Conv", 1, kNewest, emitConv},
    {"", "ConvTranspose", 1, kNewest, emitConvTranspose},
};

} // namespace

Value emitConvolution(NodeImporter &node, Value x, Value weight, Value bias) {
  auto operands = getOperands(node, x, weight, bias, 1, /*ofOneGroup=*/true);
  if (!operands)
    return {};
  auto axes = getWindows(node, ArrayRef<Dim>(node.dimsOf(operands->x)).drop_front(2), operands->kernel);
  if (!axes)
    return {};
  Convolution convolution(node, *axes, operands->groups);
  return convolution.emit(operands->x, operands->weight, operands->bias, [](Value w) { return w; });
}

ArrayRef<Operator> convolutionOperators() { return kOperators; }

} // namespace halftone::onnx
