//===- Evaluate.cpp - elementwise operators on known values -----------------===//

#include "compiler/Import/ONNX/Operators.h"

#include <cmath>

using namespace mlir;
using halftone::ht::Dim;

namespace halftone::onnx {

namespace {

using Known = std::optional<SymbolicTensor>;
using MaybeDim = std::optional<Dim>;

/// The numpy broadcast of static shapes.
std::optional<SmallVector<int64_t, 2>> broadcastShapes(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs) {
  SmallVector<int64_t, 2> shape(std::max(lhs.size(), rhs.size()), 1);
  for (ArrayRef<int64_t> side : {lhs, rhs}) {
    size_t offset = shape.size() - side.size();
    for (auto [i, size] : llvm::enumerate(side)) {
      int64_t &target = shape[offset + i];
      if (target == 1)
        target = size;
      else if (size != 1 && size != target)
        return std::nullopt;
    }
  }
  if (!countElements(shape, SymbolicTensor::kMaxElements))
    return std::nullopt;
  return shape;
}

/// The element of `tensor` that broadcasting puts at `index` of `shape`.
const Element &elementAt(const SymbolicTensor &tensor, ArrayRef<int64_t> shape, int64_t index) {
  int64_t position = 0, stride = 1;
  size_t offset = shape.size() - tensor.shape.size();
  for (size_t i = shape.size(); i-- > 0;) {
    int64_t coordinate = index % shape[i];
    index /= shape[i];
    if (i < offset)
      continue;
    int64_t size = tensor.shape[i - offset];
    if (size != 1)
      position += coordinate * stride;
    stride *= size;
  }
  return tensor.elements[position];
}

/// Rounds to the precision of `type`, as computing in it would.
double roundTo(double value, Type type) {
  auto floatType = cast<FloatType>(type);
  APFloat number(value);
  bool inexact;
  number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
  return number.convertToDouble();
}

/// An integer constant wraps as its type does; an expression must fit it.
MaybeDim fit(MaybeDim expr, Type type, const Symbols &symbols) {
  if (!expr || type.isSignlessInteger(64))
    return expr;
  unsigned width = type.getIntOrFloatBitWidth();
  bool isUnsigned = type.isUnsignedInteger() || width == 1;
  if (auto constant = ht::getConstant(*expr)) {
    APInt bits = APInt(64, static_cast<uint64_t>(*constant)).trunc(width);
    if (isUnsigned && bits.getActiveBits() == 64) // no expression: those are signed
      return std::nullopt;
    return symbols.constant(isUnsigned ? bits.getZExtValue() : bits.getSExtValue());
  }
  Interval range = symbols.bounds(*expr);
  if (range.low < (isUnsigned ? 0 : -(int64_t(1) << (width - 1))) ||
      (width < 64 && range.high >= int64_t(1) << (isUnsigned ? width : width - 1)))
    return std::nullopt;
  return expr;
}

using IntRule = function_ref<MaybeDim(const Symbols &, Dim, Dim)>;
using FloatRule = function_ref<double(double, double)>;

/// Folds a binary operator over all inputs (two, or more for Min and Max).
Known binary(NodeImporter &node, IntRule ints, FloatRule floats, Type resultType = Type()) {
  const SymbolicTensor *first = node.known(0);
  if (!first)
    return std::nullopt;
  SymbolicTensor result = *first;
  for (unsigned i = 1; i < node.numInputs(); ++i) {
    const SymbolicTensor *next = node.known(i);
    if (!next || next->elementType != first->elementType || (first->isFloat() && !floats))
      return std::nullopt;
    auto shape = broadcastShapes(result.shape, next->shape);
    if (!shape)
      return std::nullopt;
    SymbolicTensor combined;
    combined.shape = *shape;
    combined.elementType = resultType ? resultType : first->elementType;
    int64_t count = *countElements(*shape, SymbolicTensor::kMaxElements);
    for (int64_t k = 0; k < count; ++k) {
      const Element &a = elementAt(result, *shape, k), &b = elementAt(*next, *shape, k);
      Element element;
      if (first->isFloat()) {
        double value = floats(a.number, b.number);
        if (resultType)
          element.expr = node.symbols().constant(value != 0);
        else
          element.number = roundTo(value, first->elementType);
      } else {
        auto value = fit(ints(node.symbols(), a.expr, b.expr), combined.elementType, node.symbols());
        if (!value)
          return std::nullopt;
        element.expr = *value;
      }
      combined.elements.push_back(element);
    }
    result = std::move(combined);
  }
  return result;
}

Known unary(NodeImporter &node, function_ref<MaybeDim(const Symbols &, Dim)> ints,
            function_ref<double(double)> floats) {
  const SymbolicTensor *input = node.known(0);
  if (!input || (input->isFloat() ? !floats : !ints))
    return std::nullopt;
  SymbolicTensor result = *input;
  for (Element &element : result.elements) {
    if (input->isFloat()) {
      element.number = roundTo(floats(element.number), input->elementType);
      continue;
    }
    auto value = fit(ints(node.symbols(), element.expr), input->elementType, node.symbols());
    if (!value)
      return std::nullopt;
    element.expr = *value;
  }
  return result;
}

/// A comparison that holds for the signs of lhs - rhs in `signs` (bit 0: less,
/// bit 1: equal, bit 2: greater).
Known comparison(NodeImporter &node, unsigned signs) {
  Type boolean = IntegerType::get(node.getContext(), 1);
  auto ints = [&](const Symbols &symbols, Dim a, Dim b) -> MaybeDim {
    if (auto sign = symbols.compare(a, b))
      return symbols.constant((signs >> (*sign + 1)) & 1);
    // An interval that touches 0 still decides <= and >=.
    auto difference = symbols.sub(a, b);
    if (!difference)
      return std::nullopt;
    Interval range = symbols.bounds(*difference);
    unsigned possible =
        (range.low < 0 ? 1 : 0) | (range.low <= 0 && range.high >= 0 ? 2 : 0) | (range.high > 0 ? 4 : 0);
    if ((possible & signs) == 0)
      return symbols.constant(0);
    if ((possible & ~signs) == 0)
      return symbols.constant(1);
    return std::nullopt;
  };
  auto floats = [&](double a, double b) -> double {
    return a < b ? signs & 1 : a == b ? (signs >> 1) & 1 : a > b ? signs >> 2 : 0;
  };
  return binary(node, ints, floats, boolean);
}

} // namespace

Known evaluateAdd(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.add(a, b); },
      [](double a, double b) { return a + b; });
}

Known evaluateSub(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.sub(a, b); },
      [](double a, double b) { return a - b; });
}

Known evaluateMul(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.mul(a, b); },
      [](double a, double b) { return a * b; });
}

Known evaluateDiv(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.truncDiv(a, b); },
      [](double a, double b) { return a / b; });
}

Known evaluateMod(NodeImporter &node) {
  if (node.integer("fmod", 0))
    return std::nullopt;
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.floorMod(a, b); }, nullptr);
}

Known evaluateMin(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.min(a, b); },
      [](double a, double b) { return std::isnan(a)            ? a
                                      : std::isnan(b) || b < a ? b
                                                               : a; });
}

Known evaluateMax(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.max(a, b); },
      [](double a, double b) { return std::isnan(a)            ? a
                                      : std::isnan(b) || b > a ? b
                                                               : a; });
}

Known evaluatePow(NodeImporter &node) {
  const SymbolicTensor *base = node.known(0);
  if (!base || !base->isFloat())
    return std::nullopt;
  return binary(node, nullptr, [](double a, double b) { return std::pow(a, b); });
}

Known evaluateNeg(NodeImporter &node) {
  return unary(
      node, [](const Symbols &s, Dim a) { return s.mul(a, s.constant(-1)); }, [](double a) { return -a; });
}

Known evaluateSqrt(NodeImporter &node) {
  return unary(node, nullptr, [](double a) { return std::sqrt(a); });
}

Known evaluateFloor(NodeImporter &node) {
  return unary(node, nullptr, [](double a) { return std::floor(a); });
}

Known evaluateCeil(NodeImporter &node) {
  return unary(node, nullptr, [](double a) { return std::ceil(a); });
}

Known evaluateReciprocal(NodeImporter &node) {
  return unary(node, nullptr, [](double a) { return 1 / a; });
}

Known evaluateEqual(NodeImporter &node) { return comparison(node, 0b010); }
Known evaluateLess(NodeImporter &node) { return comparison(node, 0b001); }
Known evaluateLessOrEqual(NodeImporter &node) { return comparison(node, 0b011); }
Known evaluateGreater(NodeImporter &node) { return comparison(node, 0b100); }
Known evaluateGreaterOrEqual(NodeImporter &node) { return comparison(node, 0b110); }

Known evaluateAnd(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.mul(a, b); }, nullptr);
}

Known evaluateOr(NodeImporter &node) {
  return binary(
      node, [](const Symbols &s, Dim a, Dim b) { return s.max(a, b); }, nullptr);
}

Known evaluateNot(NodeImporter &node) {
  return unary(
      node, [](const Symbols &s, Dim a) { return s.sub(s.constant(1), a); }, nullptr);
}

Known evaluateWhere(NodeImporter &node) {
  const SymbolicTensor *condition = node.known(0), *lhs = node.known(1), *rhs = node.known(2);
  if (!condition || !lhs || !rhs || lhs->elementType != rhs->elementType ||
      !condition->elementType.isInteger(1) || !condition->isConstant())
    return std::nullopt;
  auto shape = broadcastShapes(lhs->shape, rhs->shape);
  if (shape)
    shape = broadcastShapes(*shape, condition->shape);
  if (!shape)
    return std::nullopt;
  SymbolicTensor result;
  result.shape = *shape;
  result.elementType = lhs->elementType;
  int64_t count = *countElements(*shape, SymbolicTensor::kMaxElements);
  for (int64_t k = 0; k < count; ++k) {
    bool first = ht::getConstant(elementAt(*condition, *shape, k).expr) != 0;
    result.elements.push_back(elementAt(first ? *lhs : *rhs, *shape, k));
  }
  return result;
}

Known evaluateCast(NodeImporter &node) {
  const SymbolicTensor *input = node.known(0);
  Type to = getElementType(static_cast<DataType>(node.requiredInteger("to")), node.getContext());
  // Conversions to codes have rules of their own, which are the operation's.
  if (!input || !to || to.getIntOrFloatBitWidth() < (isa<FloatType>(to) ? 16 : to.isInteger(1) ? 1 : 8))
    return std::nullopt;
  SymbolicTensor result = *input;
  result.elementType = to;
  for (Element &element : result.elements) {
    if (input->isFloat() && result.isFloat()) {
      element.number = roundTo(element.number, to);
    } else if (input->isFloat()) {
      double value = element.number;
      if (to.isInteger(1))
        value = value != 0;
      if (!(std::abs(value) < 9e15))
        return std::nullopt;
      // Only values that fit: what others become is not defined.
      Dim expr = node.symbols().constant(static_cast<int64_t>(value));
      if (fit(expr, to, node.symbols()) != MaybeDim(expr))
        return std::nullopt;
      element = {expr};
    } else if (result.isFloat()) {
      auto constant = ht::getConstant(element.expr);
      if (!constant)
        return std::nullopt;
      element.number = roundTo(static_cast<double>(*constant), to);
      element.expr = Dim();
    } else if (to.isInteger(1)) {
      auto sign = node.symbols().compare(element.expr, node.symbols().constant(0));
      if (!sign)
        return std::nullopt;
      element.expr = node.symbols().constant(*sign != 0);
    } else {
      auto value = fit(element.expr, to, node.symbols());
      if (!value)
        return std::nullopt;
      element.expr = *value;
    }
  }
  return result;
}

Known evaluateIdentity(NodeImporter &node) {
  const SymbolicTensor *input = node.known(0);
  return input ? Known(*input) : std::nullopt;
}

} // namespace halftone::onnx
