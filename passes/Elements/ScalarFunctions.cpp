//===- ScalarFunctions.cpp - elementwise operations on scalars and vectors --===//

#include "passes/Elements/Arithmetic.h"
#include "passes/Elements/Conversions.h"
#include "passes/Elements/ElementEmitter.h"

#include "llvm/ADT/TypeSwitch.h"

#include <numbers>

using namespace mlir;

namespace halftone::elements {

namespace {

/// Functions of numbers that several operations share.
class Functions : public Arithmetic {
public:
  using Arithmetic::Arithmetic;

  Value exp(Value x) { return make<math::ExpOp>(x); }
  Value sigmoid(Value x) { return div(like(1, x), add(like(1, x), exp(neg(x)))); }
  Value silu(Value x) { return div(x, add(like(1, x), exp(neg(x)))); }
  Value relu(Value x) { return max(x, like(0, x)); }

  Value gelu(Value x, bool tanhForm) {
    if (!tanhForm && getElementTypeOrSelf(x.getType()).isF32())
      return mul(x, normalDistribution(x));
    Value half = mul(like(0.5, x), x);
    if (!tanhForm)
      return mul(half, add(like(1, x), make<math::ErfOp>(mul(x, like(1 / std::numbers::sqrt2, x)))));
    Value cube = mul(mul(x, x), x);
    Value inner = mul(like(std::sqrt(2 / std::numbers::pi), x), add(x, mul(like(0.044715, x), cube)));
    return mul(half, add(like(1, x), make<math::TanhOp>(inner)));
  }

private:
  /// How much of a normal distribution lies below x, of f32: 1/2 + x p(x^2), without the division that erf
  /// takes. p is fitted on [0, c^2] mapped to [-1, 1], where its powers do not cancel; the error of x times
  /// the result is below 5e-7, or 2^-23 of it. Below -c nothing is left.
  Value normalDistribution(Value x) {
    constexpr double c = 5.2;
    constexpr float coefficients[] = {
        0.135949984f,     -0.0677436218f, 0.0500256158f,   -0.0399319865f, 0.031973917f,
        -0.0246988405f,   0.0180387776f,  -0.0126196612f,  0.00836508349f, -0.00454230979f,
        0.00200519315f,   -0.00146877742f, 0.00118868076f, -0.000388233457f,
    };
    Value bounded = min(max(x, like(-c, x)), like(c, x));
    Value t = make<math::FmaOp>(mul(bounded, bounded), like(2 / (c * c), x), like(-1, x));
    Value p = like(std::end(coefficients)[-1], x);
    for (float coefficient : llvm::reverse(llvm::ArrayRef(coefficients).drop_back()))
      p = make<math::FmaOp>(p, t, like(coefficient, x));
    Value share = make<math::FmaOp>(bounded, p, like(0.5, x));
    return select(compare(ht::ComparePredicate::LT, x, like(-c, x)), like(0, x), share);
  }
};

} // namespace

bool movesBits(Operation *op) { return isa<ht::CastOp, ht::BitcastOp, ht::WhereOp>(op); }

Value emitScalarFunction(CodeBuilder &kernel, Operation *op, ArrayRef<Value> x) {
  Type element = getElementTypeOrSelf(op->getOperand(0).getType());
  Functions m(kernel, element);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](ht::AbsOp) { return m.abs(x[0]); })
      .Case([&](ht::CeilOp) { return m.make<math::CeilOp>(x[0]); })
      .Case([&](ht::CosOp) { return m.make<math::CosOp>(x[0]); })
      .Case([&](ht::ErfOp) { return m.make<math::ErfOp>(x[0]); })
      .Case([&](ht::ExpOp) { return m.exp(x[0]); })
      .Case([&](ht::FloorOp) { return m.make<math::FloorOp>(x[0]); })
      .Case([&](ht::IsNaNOp) { return m.isNaN(x[0]); })
      .Case([&](ht::LogOp) { return m.make<math::LogOp>(x[0]); })
      .Case([&](ht::NegOp) { return m.neg(x[0]); })
      .Case([&](ht::NotOp) { return m.negate(x[0]); })
      .Case([&](ht::ReciprocalOp) { return m.div(m.like(1, x[0]), x[0]); })
      .Case([&](ht::ReluOp) { return m.relu(x[0]); })
      .Case([&](ht::RoundOp) { return m.make<math::RoundEvenOp>(x[0]); })
      .Case([&](ht::RsqrtOp) { return m.div(m.like(1, x[0]), m.make<math::SqrtOp>(x[0])); })
      .Case([&](ht::SigmoidOp) { return m.sigmoid(x[0]); })
      .Case([&](ht::SignOp) { return m.sign(x[0]); })
      .Case([&](ht::SiluOp) { return m.silu(x[0]); })
      .Case([&](ht::SinOp) { return m.make<math::SinOp>(x[0]); })
      .Case([&](ht::SqrtOp) { return m.make<math::SqrtOp>(x[0]); })
      .Case([&](ht::TanhOp) { return m.make<math::TanhOp>(x[0]); })
      .Case(
          [&](ht::GeluOp gelu) { return m.gelu(x[0], gelu.getApproximate() == ht::GeluApproximation::Tanh); })
      .Case([&](ht::CastOp cast) {
        return emitCast(kernel, x[0], element, getElementTypeOrSelf(cast.getType()), cast.getSaturate());
      })
      .Case([&](ht::BitcastOp bitcast) {
        return emitBitcast(kernel, x[0], getElementTypeOrSelf(bitcast.getType()));
      })
      .Case([&](ht::AddOp) { return m.add(x[0], x[1]); })
      .Case([&](ht::SubOp) { return m.sub(x[0], x[1]); })
      .Case([&](ht::MulOp) { return m.mul(x[0], x[1]); })
      .Case([&](ht::DivOp) { return m.div(x[0], x[1]); })
      .Case([&](ht::PowOp pow) {
        // Squares are everywhere in norms; powf would call the C library for them.
        if (auto constant = pow.getRhs().getDefiningOp<ht::ConstantOp>())
          if (auto elements = dyn_cast<DenseFPElementsAttr>(constant.getValue());
              elements && elements.isSplat() && elements.getSplatValue<APFloat>().convertToDouble() == 2)
            return m.mul(x[0], x[0]);
        return m.make<math::PowFOp>(x[0], x[1]);
      })
      .Case([&](ht::MaxOp) { return m.max(x[0], x[1]); })
      .Case([&](ht::MinOp) { return m.min(x[0], x[1]); })
      .Case([&](ht::AndOp) { return m.make<arith::AndIOp>(x[0], x[1]); })
      .Case([&](ht::OrOp) { return m.make<arith::OrIOp>(x[0], x[1]); })
      .Case([&](ht::XorOp) { return m.make<arith::XOrIOp>(x[0], x[1]); })
      .Case([&](ht::ShiftLeftOp) { return m.shiftLeft(x[0], x[1]); })
      .Case([&](ht::ShiftRightOp) { return m.shiftRight(x[0], x[1]); })
      .Case([&](ht::CompareOp compare) { return m.compare(compare.getPredicate(), x[0], x[1]); })
      .Case([&](ht::WhereOp) { return m.select(x[0], x[1], x[2]); })
      .Case([&](ht::GluOp glu) {
        switch (glu.getActivation()) {
        case ht::GluActivation::Silu:
          return m.mul(m.silu(x[0]), x[1]);
        case ht::GluActivation::Gelu:
          return m.mul(m.gelu(x[0], false), x[1]);
        case ht::GluActivation::GeluTanh:
          return m.mul(m.gelu(x[0], true), x[1]);
        case ht::GluActivation::Relu:
          return m.mul(m.relu(x[0]), x[1]);
        case ht::GluActivation::Sigmoid:
          return m.mul(m.sigmoid(x[0]), x[1]);
        }
        llvm_unreachable("all activations are listed");
      })
      .Default([](Operation *) { return Value(); });
}

} // namespace halftone::elements
