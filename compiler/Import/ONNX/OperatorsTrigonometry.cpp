//===- OperatorsTrigonometry.cpp - circular and hyperbolic functions --------===//
//
// Composed of what the dialect has, in forms that stay accurate near zero and
// far from it. Half precision is computed in f32 and rounded once.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"

#include <limits>
#include <numbers>

using namespace mlir;

namespace halftone::onnx {

namespace {

using ht::ComparePredicate;

Value abs(NodeImporter &node, Value x) { return node.unary<ht::AbsOp>(x); }
Value sqrt(NodeImporter &node, Value x) { return node.unary<ht::SqrtOp>(x); }
Value exp(NodeImporter &node, Value x) { return node.unary<ht::ExpOp>(x); }
Value plus(NodeImporter &node, Value x, double y) { return node.add(x, node.scalarLike(y, x)); }
Value times(NodeImporter &node, Value x, double y) { return node.mul(x, node.scalarLike(y, x)); }
Value above(NodeImporter &node, Value x, double y) {
  return node.compare(ComparePredicate::GT, x, node.scalarLike(y, x));
}
/// `magnitude` with the sign of x.
Value withSign(NodeImporter &node, Value magnitude, Value x) {
  return node.where(node.compare(ComparePredicate::LT, x, node.scalarLike(0, x)), node.unary<ht::NegOp>(magnitude),
                    magnitude);
}

/// c[0] x^n + … + c[n], by Horner's rule.
Value polynomial(NodeImporter &node, Value x, ArrayRef<double> coefficients) {
  Value sum = node.scalarLike(coefficients.front(), x);
  for (double coefficient : coefficients.drop_front())
    sum = plus(node, node.mul(sum, x), coefficient);
  return sum;
}

/// log(1 + y) for y >= 0: what rounding 1 + y loses is put back by a factor
/// (Kahan; Goldberg, "What every computer scientist should know", theorem 4).
Value log1p(NodeImporter &node, Value y) {
  Value u = plus(node, y, 1);
  Value kept = node.div(y, plus(node, u, -1));
  Value value = node.mul(node.unary<ht::LogOp>(u), kept);
  value = node.where(node.compare(ComparePredicate::EQ, u, node.scalarLike(1, u)), y, value);
  Value infinity = node.scalarLike(std::numeric_limits<double>::infinity(), u);
  return node.where(node.compare(ComparePredicate::EQ, u, infinity), u, value);
}

/// Reduction to [0, 0.66] by pi/2 and pi/4, then a rational function (Cephes).
Value atan(NodeImporter &node, Value x) {
  constexpr double pi = std::numbers::pi;
  Value a = abs(node, x);
  Value isLarge = above(node, a, 1 + std::numbers::sqrt2), isMiddle = above(node, a, 0.66);
  auto choose = [&](Value large, Value middle, Value small) {
    return node.where(isLarge, large, node.where(isMiddle, middle, small));
  };
  Value r = choose(node.unary<ht::NegOp>(node.unary<ht::ReciprocalOp>(a)),
                   node.div(plus(node, a, -1), plus(node, a, 1)), a);
  Value z = node.mul(r, r);
  Value numerator = polynomial(node, z,
                               {-8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1,
                                -1.228866684490136173410e2, -6.485021904942025371773e1});
  Value denominator =
      polynomial(node, z,
                 {1, 2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2,
                  4.853903996359136964868e2, 1.945506571482613964425e2});
  Value tail = node.mul(r, node.div(node.mul(z, numerator), denominator));
  Value offset = choose(node.scalarLike(pi / 2, x), node.scalarLike(pi / 4, x), node.scalarLike(0, x));
  return withSign(node, node.add(offset, node.add(r, tail)), x);
}

Value asin(NodeImporter &node, Value x) {
  Value one = node.scalarLike(1, x);
  return atan(node, node.div(x, sqrt(node, node.mul(node.sub(one, x), node.add(one, x)))));
}

Value acos(NodeImporter &node, Value x) {
  Value one = node.scalarLike(1, x);
  return times(node, atan(node, sqrt(node, node.div(node.sub(one, x), node.add(one, x)))), 2);
}

Value tan(NodeImporter &node, Value x) { return node.div(node.unary<ht::SinOp>(x), node.unary<ht::CosOp>(x)); }

/// (e^x - e^-x) / 2, near zero its series; e^(|x| - ln 2) does not overflow before the result does.
Value sinh(NodeImporter &node, Value x) {
  Value a = abs(node, x), z = node.mul(x, x);
  Value series = node.mul(a, polynomial(node, z,
                                        {1 / 6227020800.0, 1 / 39916800.0, 1 / 362880.0, 1 / 5040.0, 1 / 120.0,
                                         1 / 6.0, 1}));
  Value far = node.sub(exp(node, plus(node, a, -std::numbers::ln2)),
                       exp(node, plus(node, node.unary<ht::NegOp>(a), -std::numbers::ln2)));
  return withSign(node, node.where(above(node, a, 1), far, series), x);
}

Value cosh(NodeImporter &node, Value x) {
  Value a = abs(node, x);
  return node.add(exp(node, plus(node, a, -std::numbers::ln2)),
                  exp(node, plus(node, node.unary<ht::NegOp>(a), -std::numbers::ln2)));
}

/// log(a + sqrt(a^2 + 1)), a = |x|; where a^2 overflows, log(2 a).
Value asinh(NodeImporter &node, Value x) {
  Value a = abs(node, x), square = node.mul(a, a);
  Value near = log1p(node, node.add(a, node.div(square, plus(node, sqrt(node, plus(node, square, 1)), 1))));
  Value far = plus(node, node.unary<ht::LogOp>(a), std::numbers::ln2);
  return withSign(node, node.where(above(node, a, 1e9), far, near), x);
}

/// log(x + sqrt(x^2 - 1)).
Value acosh(NodeImporter &node, Value x) {
  Value below = plus(node, x, -1);
  return log1p(node, node.add(below, node.mul(sqrt(node, below), sqrt(node, plus(node, x, 1)))));
}

/// log((1 + a) / (1 - a)) / 2, a = |x|.
Value atanh(NodeImporter &node, Value x) {
  Value a = abs(node, x);
  Value ratio = node.div(times(node, a, 2), node.sub(node.scalarLike(1, a), a));
  return withSign(node, times(node, log1p(node, ratio), 0.5), x);
}

const Operator kOperators[] = {
    {"", "Acos", 7, kNewest, emitRoundedOnce<acos>},   {"", "Acosh", 9, kNewest, emitRoundedOnce<acosh>},
    {"", "Asin", 7, kNewest, emitRoundedOnce<asin>},   {"", "Asinh", 9, kNewest, emitRoundedOnce<asinh>},
    {"", "Atan", 7, kNewest, emitRoundedOnce<atan>},   {"", "Atanh", 9, kNewest, emitRoundedOnce<atanh>},
    {"", "Cosh", 9, kNewest, emitRoundedOnce<cosh>},   {"", "Sinh", 9, kNewest, emitRoundedOnce<sinh>},
    {"", "Tan", 7, kNewest, emitRoundedOnce<tan>},
};

} // namespace

ArrayRef<Operator> trigonometryOperators() { return kOperators; }

} // namespace halftone::onnx
