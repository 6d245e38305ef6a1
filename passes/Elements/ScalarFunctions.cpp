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
    Value half = mul(like(0.5, x), x);
    if (!tanhForm)
      return mul(half, add(like(1, x), make<math::ErfOp>(mul(x, like(1 / std::numbers::sqrt2, x)))));
    Value cube = mul(mul(x, x), x);
    Value inner = mul(like(std::sqrt(2 / std::numbers::pi), x), add(x, mul(like(0.044715, x), cube)));
    return mul(half, add(like(1, x), make<math::TanhOp>(inner)));
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
