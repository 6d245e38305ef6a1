//===- ScalarFunctions.cpp - elementwise operations on scalars and vectors --===//

#include "passes/CPU/ElementEmitter.h"

#include "llvm/ADT/TypeSwitch.h"

#include <numbers>

using namespace mlir;

namespace halftone::cpu {

namespace {

/// Short names for the operations that the table below is made of.
class Math {
public:
  explicit Math(KernelBuilder &kernel) : k(kernel), b(kernel.b), loc(kernel.loc) {}

  Value like(double value, Value x) {
    Type element = getElementTypeOrSelf(x.getType());
    auto vector = dyn_cast<VectorType>(x.getType());
    int64_t width = vector ? vector.getDimSize(0) : 1;
    if (isa<FloatType>(element))
      return k.floatConstant(value, element, width);
    Value scalar = arith::ConstantOp::create(b, loc, b.getIntegerAttr(element, static_cast<int64_t>(value)));
    return k.splat(scalar, width);
  }
  bool isFloat(Value x) { return isa<FloatType>(getElementTypeOrSelf(x.getType())); }

  Value add(Value x, Value y) { return isFloat(x) ? make<arith::AddFOp>(x, y) : make<arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return isFloat(x) ? make<arith::SubFOp>(x, y) : make<arith::SubIOp>(x, y); }
  Value mul(Value x, Value y) { return isFloat(x) ? make<arith::MulFOp>(x, y) : make<arith::MulIOp>(x, y); }
  /// Integers: x / 0 has no meaning and the least number / -1 no place, but
  /// neither may trap: the divisor is data.
  Value div(Value x, Value y) {
    if (isFloat(x))
      return make<arith::DivFOp>(x, y);
    Value isZero = compare(ht::ComparePredicate::EQ, y, like(0, y));
    Value isMinusOne = compare(ht::ComparePredicate::EQ, y, like(-1, y));
    Value safe = select(make<arith::OrIOp>(isZero, isMinusOne), like(1, y), y);
    return select(isMinusOne, neg(x), make<arith::DivSIOp>(x, safe));
  }
  Value max(Value x, Value y) { return isFloat(x) ? make<arith::MaximumFOp>(x, y) : make<arith::MaxSIOp>(x, y); }
  Value min(Value x, Value y) { return isFloat(x) ? make<arith::MinimumFOp>(x, y) : make<arith::MinSIOp>(x, y); }
  Value neg(Value x) { return isFloat(x) ? make<arith::NegFOp>(x) : sub(like(0, x), x); }
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

  Value sign(Value x) {
    Value zero = like(0, x), one = like(1, x);
    Value positive = compare(ht::ComparePredicate::GT, x, zero), negative = compare(ht::ComparePredicate::LT, x, zero);
    return select(positive, one, select(negative, neg(one), x)); // x keeps ±0 and NaN.
  }

  Value compare(ht::ComparePredicate predicate, Value x, Value y) {
    using P = ht::ComparePredicate;
    Type element = getElementTypeOrSelf(x.getType());
    if (isa<FloatType>(element)) {
      using F = arith::CmpFPredicate;
      F p = predicate == P::EQ   ? F::OEQ
            : predicate == P::NE ? F::UNE
            : predicate == P::LT ? F::OLT
            : predicate == P::LE ? F::OLE
            : predicate == P::GT ? F::OGT
                                 : F::OGE;
      return arith::CmpFOp::create(b, loc, p, x, y);
    }
    using I = arith::CmpIPredicate;
    bool isUnsigned = element.isInteger(1);
    I p = predicate == P::EQ   ? I::eq
          : predicate == P::NE ? I::ne
          : predicate == P::LT ? (isUnsigned ? I::ult : I::slt)
          : predicate == P::LE ? (isUnsigned ? I::ule : I::sle)
          : predicate == P::GT ? (isUnsigned ? I::ugt : I::sgt)
                               : (isUnsigned ? I::uge : I::sge);
    return arith::CmpIOp::create(b, loc, p, x, y);
  }

  Value select(Value condition, Value x, Value y) { return k.select(condition, x, y); }

  Value notOf(Value x) { return make<arith::XOrIOp>(x, like(1, x)); }

  Value cast(Value x, Type element) {
    Type from = getElementTypeOrSelf(x.getType());
    if (from == element)
      return x;
    Type to = element;
    if (auto vector = dyn_cast<VectorType>(x.getType()))
      to = vector.cloneWith(std::nullopt, element);
    bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(element);
    if (element.isInteger(1))
      return compare(ht::ComparePredicate::NE, x, like(0, x));
    if (fromFloat && toFloat)
      return k.convertFloat(x, element);
    if (fromFloat)
      return arith::FPToSIOp::create(b, loc, to, x);
    if (toFloat && from.isInteger(1))
      return arith::UIToFPOp::create(b, loc, to, x);
    if (toFloat)
      return arith::SIToFPOp::create(b, loc, to, x);
    if (from.isInteger(1))
      return arith::ExtUIOp::create(b, loc, to, x);
    if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
      return arith::ExtSIOp::create(b, loc, to, x);
    if (from.getIntOrFloatBitWidth() > element.getIntOrFloatBitWidth())
      return arith::TruncIOp::create(b, loc, to, x);
    return x;
  }

  template <typename OpTy, typename... Args>
  Value make(Args... args) {
    return OpTy::create(b, loc, args...);
  }

private:
  KernelBuilder &k;
  OpBuilder &b;
  Location loc;
};

} // namespace

Value emitScalarFunction(KernelBuilder &kernel, Operation *op, ArrayRef<Value> x) {
  Math m(kernel);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](ht::AbsOp) { return m.isFloat(x[0]) ? m.make<math::AbsFOp>(x[0]) : m.make<math::AbsIOp>(x[0]); })
      .Case([&](ht::CeilOp) { return m.make<math::CeilOp>(x[0]); })
      .Case([&](ht::CosOp) { return m.make<math::CosOp>(x[0]); })
      .Case([&](ht::ErfOp) { return m.make<math::ErfOp>(x[0]); })
      .Case([&](ht::ExpOp) { return m.exp(x[0]); })
      .Case([&](ht::FloorOp) { return m.make<math::FloorOp>(x[0]); })
      .Case([&](ht::IsNaNOp) { return m.compare(ht::ComparePredicate::NE, x[0], x[0]); })
      .Case([&](ht::LogOp) { return m.make<math::LogOp>(x[0]); })
      .Case([&](ht::NegOp) { return m.neg(x[0]); })
      .Case([&](ht::NotOp) { return m.notOf(x[0]); })
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
      .Case([&](ht::GeluOp gelu) { return m.gelu(x[0], gelu.getApproximate() == ht::GeluApproximation::Tanh); })
      .Case([&](ht::CastOp cast) {
        Type element = getElementTypeOrSelf(cast.getType());
        return m.cast(x[0], isa<Float16Type, BFloat16Type>(element) ? Float32Type::get(op->getContext()) : element);
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

} // namespace halftone::cpu
