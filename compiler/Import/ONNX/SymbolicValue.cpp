//===- SymbolicValue.cpp - small tensors known at import --------------------===//

#include "compiler/Import/ONNX/SymbolicValue.h"

#include "runtime/support/Checked.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

bool SymbolicTensor::isConstant() const {
  return isFloat() || llvm::all_of(elements, [](const Element &e) { return ht::getConstant(e.expr); });
}

std::optional<SmallVector<int64_t>> SymbolicTensor::asIntegers() const {
  SmallVector<int64_t> values;
  if (isFloat())
    return std::nullopt;
  for (const Element &element : elements) {
    auto constant = ht::getConstant(element.expr);
    if (!constant)
      return std::nullopt;
    values.push_back(*constant);
  }
  return values;
}

std::optional<Dims> SymbolicTensor::asDims() const {
  if (isFloat())
    return std::nullopt;
  Dims dims;
  for (const Element &element : elements)
    dims.push_back(element.expr);
  return dims;
}

std::optional<int64_t> countElements(ArrayRef<int64_t> shape, int64_t limit) {
  // A zero anywhere makes an empty tensor, whose other sizes are loops all the same.
  constexpr int64_t kMaxAroundNothing = 1 << 20;
  bool isEmpty = llvm::is_contained(shape, 0);
  int64_t most = isEmpty ? std::max(limit, kMaxAroundNothing) : limit;
  Checked<int64_t> product = 1;
  for (int64_t size : shape) {
    product *= std::max<int64_t>(size, 1);
    if (size < 0 || !product.isAtMost(most))
      return std::nullopt;
  }
  int64_t count;
  return product.get(count) ? std::optional<int64_t>(isEmpty ? 0 : count) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

Dim Symbols::get(StringRef name) {
  if (auto it = defined.find(name); it != defined.end())
    return it->second;
  for (auto [i, symbol] : llvm::enumerate(symbols))
    if (symbol.name == name)
      return getAffineSymbolExpr(i, context);
  symbols.push_back({name.str()});
  return getAffineSymbolExpr(symbols.size() - 1, context);
}

bool Symbols::contains(StringRef name) const {
  return defined.contains(name) || llvm::any_of(symbols, [&](const Symbol &symbol) { return symbol.name == name; });
}

SmallVector<StringRef> Symbols::names() const {
  SmallVector<StringRef> all;
  for (const Symbol &symbol : symbols)
    all.push_back(symbol.name);
  return all;
}

static int64_t saturate(__int128 value) {
  constexpr __int128 limit = Interval::kUnbounded;
  return static_cast<int64_t>(value > limit ? limit : value < -limit ? -limit : value);
}

Interval Symbols::bounds(Dim expr) const {
  if (auto constant = ht::getConstant(expr))
    return {saturate(*constant), saturate(*constant)};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    const Symbol &s = symbols[symbol.getPosition()];
    return {s.min, s.max};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return {-Interval::kUnbounded, Interval::kUnbounded};
  Interval a = bounds(binary.getLHS()), b = bounds(binary.getRHS());
  auto wide = [](int64_t value) { return static_cast<__int128>(value); };
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return {saturate(wide(a.low) + b.low), saturate(wide(a.high) + b.high)};
  case AffineExprKind::Mul: {
    __int128 corners[] = {wide(a.low) * b.low, wide(a.low) * b.high, wide(a.high) * b.low,
                          wide(a.high) * b.high};
    return {saturate(*llvm::min_element(corners)), saturate(*llvm::max_element(corners))};
  }
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv: {
    if (b.low <= 0)
      break;
    bool floor = expr.getKind() == AffineExprKind::FloorDiv;
    auto divide = [&](int64_t x, int64_t y) {
      return floor ? llvm::divideFloorSigned(x, y) : llvm::divideCeilSigned(x, y);
    };
    return {std::min(divide(a.low, b.low), divide(a.low, b.high)),
            std::max(divide(a.high, b.low), divide(a.high, b.high))};
  }
  case AffineExprKind::Mod:
    if (b.low > 0)
      return {0, b.high - 1};
    break;
  default:
    break;
  }
  return {-Interval::kUnbounded, Interval::kUnbounded};
}

/// An upper bound of the absolute value of the expression and of every
/// coefficient that normalizing it can produce.
double Symbols::magnitude(Dim expr) const {
  if (auto constant = ht::getConstant(expr))
    return std::abs(static_cast<double>(*constant));
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return std::max<double>(2, symbols[symbol.getPosition()].max);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  double lhs = magnitude(binary.getLHS()), rhs = magnitude(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Add)
    return lhs + rhs;
  return lhs * std::max(rhs, 1.0);
}

/// Refuses an expression that is too large in value; since a symbol counts as
/// at least 2, this bounds degrees and term counts as well.
std::optional<Dim> Symbols::checked(Dim expr) const {
  if (magnitude(expr) > std::ldexp(1.0, 61))
    return std::nullopt;
  return ht::normalize(expr);
}

/// Whether both can be combined without signed overflow inside AffineExpr.
static bool bothModest(double left, double right) {
  return left * std::max(right, 1.0) < std::ldexp(1.0, 61) && left + right < std::ldexp(1.0, 61);
}

std::optional<Dim> Symbols::add(Dim lhs, Dim rhs) const {
  if (magnitude(lhs) + magnitude(rhs) > std::ldexp(1.0, 61))
    return std::nullopt;
  return checked(lhs + rhs);
}

std::optional<Dim> Symbols::sub(Dim lhs, Dim rhs) const {
  auto negative = mul(rhs, constant(-1));
  return negative ? add(lhs, *negative) : std::nullopt;
}

std::optional<Dim> Symbols::mul(Dim lhs, Dim rhs) const {
  if (ht::getConstant(lhs) == 0 || ht::getConstant(rhs) == 0)
    return constant(0);
  if (!bothModest(magnitude(lhs), magnitude(rhs)))
    return std::nullopt;
  return checked(lhs * rhs);
}

std::optional<Dim> Symbols::truncDiv(Dim lhs, Dim rhs) const {
  auto a = ht::getConstant(lhs), b = ht::getConstant(rhs);
  if (b == 0)
    return std::nullopt;
  if (a && b)
    return *a == INT64_MIN && *b == -1 ? std::optional<Dim>() : constant(*a / *b);
  Interval denominator = bounds(rhs);
  if (denominator.low <= 0)
    return std::nullopt;
  if (auto exact = ht::divideExactly(lhs, rhs))
    return exact;
  if (bounds(lhs).low < 0 || !b)
    return std::nullopt;
  return checked(lhs.floorDiv(static_cast<uint64_t>(*b)));
}

std::optional<Dim> Symbols::floorDiv(Dim lhs, int64_t rhs) const {
  if (rhs <= 0 || magnitude(lhs) > std::ldexp(1.0, 61))
    return std::nullopt;
  if (auto constantValue = ht::getConstant(lhs))
    return constant(llvm::divideFloorSigned(*constantValue, rhs));
  if (auto exact = ht::divideExactly(lhs, constant(rhs)))
    return exact;
  return checked(lhs.floorDiv(static_cast<uint64_t>(rhs)));
}

std::optional<Dim> Symbols::ceilDiv(Dim lhs, int64_t rhs) const {
  if (rhs <= 0 || magnitude(lhs) > std::ldexp(1.0, 61))
    return std::nullopt;
  if (auto constantValue = ht::getConstant(lhs))
    return constant(llvm::divideCeilSigned(*constantValue, rhs));
  if (auto exact = ht::divideExactly(lhs, constant(rhs)))
    return exact;
  return checked(lhs.ceilDiv(static_cast<uint64_t>(rhs)));
}

std::optional<Dim> Symbols::floorMod(Dim lhs, Dim rhs) const {
  auto b = ht::getConstant(rhs);
  if (!b || *b <= 0)
    return std::nullopt;
  if (auto a = ht::getConstant(lhs))
    return constant(llvm::mod(*a, *b));
  if (ht::divideExactly(lhs, rhs))
    return constant(0);
  return checked(lhs % static_cast<uint64_t>(*b));
}

bool Symbols::canExist(ArrayRef<Dim> dims) const {
  constexpr double limit = static_cast<double>(int64_t(1) << 48);
  double count = 1;
  for (Dim dim : dims)
    count *= std::max<double>(bounds(dim).high, 1); // an empty tensor's other dimensions count too
  return count <= limit;
}

std::optional<int> Symbols::compare(Dim lhs, Dim rhs) const {
  auto a = ht::getConstant(lhs), b = ht::getConstant(rhs);
  if (a && b)
    return *a < *b ? -1 : *a > *b ? 1 : 0;
  // One side may be a sentinel such as INT64_MAX, whose difference overflows.
  Interval left = bounds(lhs), right = bounds(rhs);
  if (left.low > right.high)
    return 1;
  if (left.high < right.low)
    return -1;
  auto difference = sub(lhs, rhs);
  if (!difference)
    return std::nullopt;
  Interval range = bounds(*difference);
  if (range.low > 0)
    return 1;
  if (range.high < 0)
    return -1;
  if (range.low == 0 && range.high == 0)
    return 0;
  return std::nullopt;
}

std::optional<Dim> Symbols::min(Dim lhs, Dim rhs) const {
  if (lhs == rhs || bounds(lhs).high <= bounds(rhs).low)
    return lhs;
  if (bounds(rhs).high <= bounds(lhs).low)
    return rhs;
  auto difference = sub(lhs, rhs);
  if (!difference)
    return std::nullopt;
  Interval range = bounds(*difference);
  return range.high <= 0 ? std::optional<Dim>(lhs) : range.low >= 0 ? std::optional<Dim>(rhs) : std::nullopt;
}

std::optional<Dim> Symbols::max(Dim lhs, Dim rhs) const {
  auto smaller = min(lhs, rhs);
  if (!smaller)
    return std::nullopt;
  return *smaller == lhs ? rhs : lhs;
}

std::optional<Dim> Symbols::product(ArrayRef<Dim> dims) const {
  Dim result = constant(1);
  for (Dim dim : dims) {
    auto next = mul(result, dim);
    if (!next)
      return std::nullopt;
    result = *next;
  }
  return result;
}

} // namespace halftone::onnx
