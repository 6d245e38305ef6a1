//===- OperatorsResize.cpp - interpolation, one axis at a time --------------===//
//
// Along an axis each element of the result is a weighted sum of a few neighbours
// ("taps") of a coordinate of the input. Coordinates, positions and weights are
// computed from an iota in f64, so that sizes may depend on symbols and no table
// is stored.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Windows.h"

#include <cmath>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

using ht::ComparePredicate;

/// How one axis is resized.
struct ResizedAxis {
  int64_t axis;
  Dim in, out;
  std::optional<double> scale; ///< None where it depends on a symbol: out / in.
  double roiStart = 0, roiEnd = 1;
};

/// What a node says about all axes alike.
struct Interpolation {
  enum Kind { Nearest, Linear, Cubic } kind = Nearest;
  StringRef coordinates = "half_pixel", nearest = "round_prefer_floor";
  double cubicA = -0.75, extrapolation = 0;
  bool antialias = false, excludeOutside = false;
};

class AxisResizer {
public:
  AxisResizer(NodeImporter &node, const Interpolation &how, const ResizedAxis &axis)
      : node(node), symbols(node.symbols()), how(how), axis(axis), f64(Float64Type::get(node.getContext())),
        i64(node.getBuilder().getI64Type()) {
    scale = axis.scale ? node.scalar(*axis.scale, f64) : node.div(extent(axis.out), extent(axis.in));
  }

  Value emit(Value x) {
    Value at = getCoordinates();
    Value y = how.kind == Interpolation::Nearest ? emitNearest(x, at) : emitTaps(x, at);
    if (how.coordinates != "tf_crop_and_resize")
      return y;
    Value last = node.sub(extent(axis.in), number(1));
    Value isOutside = node.infer<ht::OrOp>({node.compare(ComparePredicate::LT, at, number(0)),
                                            node.compare(ComparePredicate::GT, at, last)});
    return node.where(along(isOutside, node.dimsOf(y).size()), node.scalarLike(how.extrapolation, y), y);
  }

private:
  Value number(double value) { return node.scalar(value, f64); }
  Value extent(Dim dim) { return node.cast(node.dim(dim), f64); }
  Value floor(Value x) { return node.unary<ht::FloorOp>(x); }
  Value ceil(Value x) { return node.unary<ht::CeilOp>(x); }
  Value plus(Value x, double y) { return node.add(x, number(y)); }

  /// [out] or [out, taps] on the axis of a tensor of this rank.
  Value along(Value value, int64_t rank) {
    Dims dims = node.dimsOf(value);
    if (node.failed())
      return {};
    dims.append(std::max<int64_t>(rank - axis.axis - dims.size(), 0), symbols.constant(1));
    return node.reshape(value, dims);
  }

  /// Where in the input each element of the result lies.
  Value getCoordinates() {
    Value o = node.iota(axis.out, 0, 1, f64);
    Value halfPixel = plus(node.div(plus(o, 0.5), scale), -0.5);
    // Of the exact size of the result, which rounding made an integer.
    Value exact = node.mul(scale, extent(axis.in)), isOne = node.compare(ComparePredicate::EQ, exact, number(1));
    Value last = plus(extent(axis.in), -1);
    if (how.coordinates == "asymmetric")
      return node.div(o, scale);
    if (how.coordinates == "align_corners")
      return node.where(isOne, number(0), node.div(node.mul(o, last), plus(exact, -1)));
    if (how.coordinates == "pytorch_half_pixel")
      return node.where(isOne, number(-0.5), halfPixel);
    if (how.coordinates == "half_pixel_symmetric") {
      Value adjustment = node.div(extent(axis.out), exact);
      Value offset = node.mul(node.mul(extent(axis.in), number(0.5)), node.sub(number(1), adjustment));
      return node.add(offset, halfPixel);
    }
    if (how.coordinates == "tf_crop_and_resize") {
      Value span = node.mul(number(axis.roiEnd - axis.roiStart), last);
      Value inside = node.where(isOne, node.mul(span, number(0.5)), node.div(node.mul(o, span), plus(exact, -1)));
      return node.add(inside, node.mul(number(axis.roiStart), last));
    }
    return halfPixel;
  }

  /// Elements of x at these positions, those outside taken to its ends.
  Value gather(Value x, Value positions) {
    DimArithmetic a(symbols);
    Value low = node.infer<ht::MaxOp>({positions, node.scalar(0, i64)});
    Value inside = node.infer<ht::MinOp>({low, node.dim(a.add(axis.in, -1))});
    OpBuilder &b = node.getBuilder();
    return node.infer<ht::GatherOp>({x, inside}, b.getNamedAttr("axis", b.getI64IntegerAttr(axis.axis)));
  }

  Value emitNearest(Value x, Value at) {
    Value rounded = how.nearest == "floor"               ? floor(at)
                    : how.nearest == "ceil"              ? ceil(at)
                    : how.nearest == "round_prefer_ceil" ? floor(plus(at, 0.5))
                                                         : ceil(plus(at, -0.5));
    return gather(x, node.cast(rounded, i64));
  }

  /// The interpolation kernel at this distance.
  Value kernel(Value distance) {
    Value d = node.unary<ht::AbsOp>(distance);
    if (how.kind == Interpolation::Linear)
      return node.infer<ht::MaxOp>({node.sub(number(1), d), number(0)});
    double A = how.cubicA;
    auto polynomial = [&](double c3, double c2, double c1, double c0) {
      return plus(node.mul(plus(node.mul(plus(node.mul(d, number(c3)), c2), d), c1), d), c0);
    };
    auto within = [&](double limit) { return node.compare(ComparePredicate::LE, d, number(limit)); };
    return node.where(within(1), polynomial(A + 2, -A - 3, 0, 1),
                      node.where(within(2), polynomial(A, -5 * A, 8 * A, -4 * A), number(0)));
  }

  Value emitTaps(Value x, Value at) {
    // A shrinking scale widens the kernel, so that every element counts.
    double width = how.kind == Interpolation::Linear ? 1 : 2, stretch = 1;
    if (how.antialias) {
      if (!axis.scale)
        return node.error("antialias needs a scale that does not depend on the inputs' shapes"), Value();
      stretch = std::min(*axis.scale, 1.0);
    }
    double first = std::floor(-width / stretch) + 1;
    if (first < -1e6)
      return node.error("its scale is too small"), Value();
    int64_t count = 2 - 2 * static_cast<int64_t>(first);
    Value column = node.reshape(at, {axis.out, symbols.constant(1)});
    Value taps = node.add(floor(column), node.iota(symbols.constant(count), static_cast<int64_t>(first), 1, f64));
    Value weights = kernel(node.mul(node.sub(taps, column), number(stretch)));
    if (how.excludeOutside) {
      Value isInside = node.infer<ht::AndOp>({node.compare(ComparePredicate::GE, taps, number(0)),
                                              node.compare(ComparePredicate::LT, taps, extent(axis.in))});
      weights = node.where(isInside, weights, number(0));
    }
    if (how.antialias || how.excludeOutside)
      weights = node.div(weights, node.reduce(ht::ReduceKind::Sum, weights, 1));
    Value neighbours = gather(x, node.cast(taps, i64));
    Dims dims = node.dimsOf(neighbours);
    if (node.failed())
      return {};
    Value weighted = node.mul(neighbours, along(node.cast(weights, getElementTypeOrSelf(x)), dims.size()));
    dims.erase(dims.begin() + axis.axis + 1);
    return node.reshape(node.reduce(ht::ReduceKind::Sum, weighted, axis.axis + 1), dims);
  }

  NodeImporter &node;
  Symbols &symbols;
  const Interpolation &how;
  const ResizedAxis &axis;
  Type f64, i64;
  Value scale; ///< f64
};

/// All elements of input `index` as numbers.
std::optional<SmallVector<double>> getNumbers(NodeImporter &node, unsigned index, StringRef what) {
  const SymbolicTensor *known = node.known(index);
  if (!known || !known->isFloat())
    return node.error("its " + what + " must be constant", node.constantRemedy(index)), std::nullopt;
  SmallVector<double> values;
  for (const Element &element : known->elements)
    values.push_back(element.number);
  return values;
}

/// floor(extent * scale).
std::optional<Dim> scaleExtent(Symbols &symbols, Dim extent, double scale) {
  if (auto constant = ht::getConstant(extent)) {
    double size = std::floor(static_cast<double>(*constant) * scale);
    return size < 9e15 ? std::optional(symbols.constant(static_cast<int64_t>(size))) : std::nullopt;
  }
  // Of a symbol where the scale is exactly a fraction.
  for (int64_t divisor : {1, 2, 4, 8, 16, 32, 64}) {
    double factor = scale * divisor;
    if (factor < 1e6 && factor == std::floor(factor)) {
      auto product = symbols.mul(extent, symbols.constant(static_cast<int64_t>(factor)));
      return product ? symbols.floorDiv(*product, divisor) : std::nullopt;
    }
  }
  return std::nullopt;
}

/// One size for all axes that are resized, so that none is distorted.
bool keepAspectRatio(NodeImporter &node, MutableArrayRef<ResizedAxis> axes, StringRef policy) {
  if (policy == "stretch")
    return true;
  if (policy != "not_larger" && policy != "not_smaller")
    return node.error("keep_aspect_ratio_policy '" + policy + "' is not defined"), false;
  std::optional<double> common;
  for (const ResizedAxis &axis : axes) {
    if (!axis.scale)
      return node.error("keep_aspect_ratio_policy needs sizes that do not depend on the inputs' shapes"), false;
    common = !common                  ? *axis.scale
             : policy == "not_larger" ? std::min(*common, *axis.scale)
                                      : std::max(*common, *axis.scale);
  }
  for (ResizedAxis &axis : axes) {
    axis.scale = *common;
    double size = std::floor(*common * static_cast<double>(*ht::getConstant(axis.in)) + 0.5);
    if (!(size < 9e15))
      return node.error("its result is too large"), false;
    axis.out = node.symbols().constant(static_cast<int64_t>(size));
  }
  return true;
}

void resize(NodeImporter &node, const Interpolation &how, ArrayRef<ResizedAxis> axes) {
  Value x = node.input(0);
  if (node.failed())
    return;
  Type type = node.elementType(0);
  // Sums of integers and of half precision are in f32.
  bool computes = how.kind != Interpolation::Nearest;
  Type wide = type.isF64() || !computes ? type : Type(Float32Type::get(node.getContext()));
  Value y = node.cast(x, wide);
  for (const ResizedAxis &axis : axes) {
    if (node.symbols().bounds(axis.in).low < 1 || node.symbols().bounds(axis.out).low < 0)
      return node.error("an axis of " + node.symbols().toString(axis.in) + " elements cannot become one of " +
                        node.symbols().toString(axis.out));
    bool isWhole = how.coordinates != "tf_crop_and_resize" || (axis.roiStart == 0 && axis.roiEnd == 1);
    if (axis.in != axis.out || (axis.scale && *axis.scale != 1) || !isWhole)
      y = AxisResizer(node, how, axis).emit(y);
  }
  if (y && computes && !isa<FloatType>(type)) {
    unsigned width = type.getIntOrFloatBitWidth();
    double least = type.isUnsignedInteger() ? 0 : -std::ldexp(1.0, width - 1);
    double most = std::ldexp(1.0, type.isUnsignedInteger() ? width : width - 1) - 1;
    y = node.infer<ht::MaxOp>({node.infer<ht::MinOp>({y, node.scalarLike(most, y)}), node.scalarLike(least, y)});
  }
  if (y)
    node.setResult(0, node.cast(y, type));
}

std::optional<Interpolation::Kind> getKind(NodeImporter &node) {
  StringRef mode = node.string("mode", "nearest");
  if (mode == "nearest")
    return Interpolation::Nearest;
  if (mode == "linear" || mode == "bilinear")
    return Interpolation::Linear;
  if (mode == "cubic")
    return Interpolation::Cubic;
  return node.error("mode '" + mode + "' is not defined"), std::nullopt;
}

std::optional<Interpolation> getInterpolation(NodeImporter &node) {
  auto kind = getKind(node);
  Interpolation how;
  how.coordinates = node.string("coordinate_transformation_mode", "half_pixel");
  how.nearest = node.string("nearest_mode", "round_prefer_floor");
  how.cubicA = node.real("cubic_coeff_a", -0.75);
  how.extrapolation = node.real("extrapolation_value", 0);
  how.antialias = node.integer("antialias", 0) != 0;
  how.excludeOutside = node.integer("exclude_outside", 0) != 0;
  if (!llvm::is_contained({"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                           "tf_crop_and_resize", "tf_half_pixel_for_nn"},
                          how.coordinates))
    node.error("coordinate_transformation_mode '" + how.coordinates + "' is not defined");
  if (!llvm::is_contained({"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}, how.nearest))
    node.error("nearest_mode '" + how.nearest + "' is not defined");
  if (!kind || node.failed())
    return std::nullopt;
  how.kind = *kind;
  return how;
}

/// Each axis scaled by a number.
std::optional<SmallVector<ResizedAxis>> scaleAxes(NodeImporter &node, ArrayRef<int64_t> axes, ArrayRef<double> scales) {
  Dims dims = node.dims(0);
  if (scales.size() != axes.size())
    return node.error("it has " + Twine(scales.size()) + " scales for " + Twine(axes.size()) + " axes"), std::nullopt;
  SmallVector<ResizedAxis> resized;
  for (auto [given, scale] : llvm::zip(axes, scales)) {
    int64_t axis = node.axis(given, dims.size());
    if (node.failed())
      return std::nullopt;
    auto out = scale > 0 ? scaleExtent(node.symbols(), dims[axis], scale) : std::nullopt;
    if (!out)
      return node.error("the size of " + node.symbols().toString(dims[axis]) + " elements scaled by " +
                        std::to_string(scale) + " is no expression of the inputs' shapes"),
             std::nullopt;
    resized.push_back({axis, dims[axis], *out, scale});
  }
  return resized;
}

SmallVector<int64_t> allAxes(int64_t rank) {
  SmallVector<int64_t> axes;
  for (int64_t i = 0; i < rank; ++i)
    axes.push_back(i);
  return axes;
}

void emitResize(NodeImporter &node) {
  auto how = getInterpolation(node);
  Dims dims = node.dims(0);
  SmallVector<int64_t> axes = node.integers("axes").value_or(allAxes(dims.size()));
  if (!how || node.failed())
    return;
  auto isEmpty = [&](unsigned index) {
    const SymbolicTensor *known = node.known(index);
    return !node.hasInput(index) || (known && known->elements.empty());
  };
  SmallVector<ResizedAxis> resized;
  if (!isEmpty(2)) {
    auto scales = getNumbers(node, 2, "scales");
    auto scaled = scales ? scaleAxes(node, axes, *scales) : std::nullopt;
    if (!scaled)
      return;
    resized = *scaled;
  } else {
    auto sizes = node.expressions(3, "sizes");
    if (!sizes)
      return;
    if (sizes->size() != axes.size())
      return node.error("it has " + Twine(sizes->size()) + " sizes for " + Twine(axes.size()) + " axes");
    for (auto [given, out] : llvm::zip(axes, *sizes)) {
      int64_t axis = node.axis(given, dims.size());
      if (node.failed())
        return;
      ResizedAxis entry{axis, dims[axis], out, std::nullopt};
      auto from = ht::getConstant(entry.in), to = ht::getConstant(out);
      if (from && to && *from > 0)
        entry.scale = static_cast<double>(*to) / static_cast<double>(*from);
      resized.push_back(entry);
    }
    if (!keepAspectRatio(node, resized, node.string("keep_aspect_ratio_policy", "stretch")))
      return;
  }
  if (how->coordinates == "tf_crop_and_resize") {
    auto roi = getNumbers(node, 1, "roi");
    if (!roi)
      return;
    if (roi->size() != 2 * axes.size())
      return node.error("roi has " + Twine(roi->size()) + " numbers for " + Twine(axes.size()) + " axes");
    for (auto [i, axis] : llvm::enumerate(resized)) {
      axis.roiStart = (*roi)[i];
      axis.roiEnd = (*roi)[axes.size() + i];
    }
  }
  resize(node, *how, resized);
}

/// Upsample, and Resize of opset 10: scales alone, coordinates from the corner.
void emitScale(NodeImporter &node) {
  auto kind = getKind(node);
  Interpolation how;
  how.coordinates = "asymmetric";
  how.nearest = "floor";
  std::optional<SmallVector<double>> scales;
  if (const Attribute *attribute = node.findAttribute("scales")) // Upsample of opset 7
    scales.emplace(attribute->floats.begin(), attribute->floats.end());
  else
    scales = getNumbers(node, 1, "scales");
  if (!kind || !scales || node.failed())
    return;
  how.kind = *kind;
  if (auto axes = scaleAxes(node, allAxes(node.rank(0)), *scales))
    resize(node, how, *axes);
}

const Operator kOperators[] = {
    {"", "Resize", 10, 10, emitScale},
    {"", "Resize", 11, kNewest, emitResize, nullptr,
     "scales and roi that are computed; antialias by a scale that depends on the inputs' shapes"},
    {"", "Upsample", 7, 9, emitScale},
};

} // namespace

ArrayRef<Operator> resizeOperators() { return kOperators; }

} // namespace halftone::onnx
