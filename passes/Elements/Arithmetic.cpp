//===- Arithmetic.cpp - numbers of one element type -------------------------===//

#include "passes/Elements/Arithmetic.h"

using namespace mlir;

namespace halftone::elements {

using P = ht::ComparePredicate;

Value Arithmetic::like(double value, Value x) {
  Type element = getElementTypeOrSelf(x.getType());
  int64_t width = CodeBuilder::getWidth(x);
  if (isa<FloatType>(element))
    return k.floatConstant(value, element, width);
  return k.splat(make<arith::ConstantOp>(k.b.getIntegerAttr(element, static_cast<int64_t>(value))), width);
}

Value Arithmetic::getGreatest(Value x) {
  if (isFloat(x))
    return like(std::numeric_limits<double>::infinity(), x);
  unsigned bits = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  APInt value = isUnsigned ? APInt::getMaxValue(bits) : APInt::getSignedMaxValue(bits);
  return k.splat(make<arith::ConstantOp>(k.b.getIntegerAttr(getElementTypeOrSelf(x.getType()), value)),
                 CodeBuilder::getWidth(x));
}

Value Arithmetic::getLeast(Value x) { return isFloat(x) ? neg(getGreatest(x)) : negate(getGreatest(x)); }

Value Arithmetic::add(Value x, Value y) {
  return isFloat(x) ? make<arith::AddFOp>(x, y) : make<arith::AddIOp>(x, y);
}
Value Arithmetic::sub(Value x, Value y) {
  return isFloat(x) ? make<arith::SubFOp>(x, y) : make<arith::SubIOp>(x, y);
}
Value Arithmetic::mul(Value x, Value y) {
  return isFloat(x) ? make<arith::MulFOp>(x, y) : make<arith::MulIOp>(x, y);
}

Value Arithmetic::div(Value x, Value y) {
  if (isFloat(x))
    return make<arith::DivFOp>(x, y);
  Value isZero = compare(P::EQ, y, like(0, y));
  if (isUnsigned)
    return make<arith::DivUIOp>(x, select(isZero, like(1, y), y));
  Value isMinusOne = compare(P::EQ, y, like(-1, y));
  Value safe = select(either(isZero, isMinusOne), like(1, y), y);
  return select(isMinusOne, neg(x), make<arith::DivSIOp>(x, safe));
}

Value Arithmetic::max(Value x, Value y) {
  if (isFloat(x))
    return make<arith::MaximumFOp>(x, y);
  return isUnsigned ? make<arith::MaxUIOp>(x, y) : make<arith::MaxSIOp>(x, y);
}

Value Arithmetic::min(Value x, Value y) {
  if (isFloat(x))
    return make<arith::MinimumFOp>(x, y);
  return isUnsigned ? make<arith::MinUIOp>(x, y) : make<arith::MinSIOp>(x, y);
}

Value Arithmetic::abs(Value x) {
  if (isFloat(x))
    return make<math::AbsFOp>(x);
  return isUnsigned ? x : make<math::AbsIOp>(x);
}

Value Arithmetic::neg(Value x) { return isFloat(x) ? make<arith::NegFOp>(x) : sub(like(0, x), x); }

Value Arithmetic::sign(Value x) {
  Value zero = like(0, x), one = like(1, x);
  if (isUnsigned)
    return min(x, one);
  // x keeps ±0 and NaN.
  return select(compare(P::GT, x, zero), one, select(compare(P::LT, x, zero), neg(one), x));
}

/// x shifted by y where that is a number of its bits, else `beyond`.
template <typename ShiftOp>
Value Arithmetic::shift(Value x, Value y, Value beyond) {
  Value bits = like(getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth(), y);
  Value inside = make<arith::CmpIOp>(arith::CmpIPredicate::ult, y, bits);
  return select(inside, make<ShiftOp>(x, select(inside, y, like(0, y))), beyond);
}

Value Arithmetic::shiftLeft(Value x, Value y) { return shift<arith::ShLIOp>(x, y, like(0, x)); }

Value Arithmetic::shiftRight(Value x, Value y) {
  if (isUnsigned)
    return shift<arith::ShRUIOp>(x, y, like(0, x));
  Value last = like(getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth() - 1, x);
  return shift<arith::ShRSIOp>(x, y, make<arith::ShRSIOp>(x, last));
}

Value Arithmetic::compare(P predicate, Value x, Value y) {
  if (isFloat(x)) {
    using F = arith::CmpFPredicate;
    F p = predicate == P::EQ   ? F::OEQ
          : predicate == P::NE ? F::UNE
          : predicate == P::LT ? F::OLT
          : predicate == P::LE ? F::OLE
          : predicate == P::GT ? F::OGT
                               : F::OGE;
    return make<arith::CmpFOp>(p, x, y);
  }
  using I = arith::CmpIPredicate;
  I p = predicate == P::EQ   ? I::eq
        : predicate == P::NE ? I::ne
        : predicate == P::LT ? (isUnsigned ? I::ult : I::slt)
        : predicate == P::LE ? (isUnsigned ? I::ule : I::sle)
        : predicate == P::GT ? (isUnsigned ? I::ugt : I::sgt)
                             : (isUnsigned ? I::uge : I::sge);
  return make<arith::CmpIOp>(p, x, y);
}

Value Arithmetic::precedes(Value x, Value y, bool descending) {
  Value first = compare(descending ? P::GT : P::LT, x, y);
  if (!isFloat(x))
    return first;
  Value greater = descending ? x : y, other = descending ? y : x;
  return either(first, both(isNaN(greater), compare(P::EQ, other, other)));
}

} // namespace halftone::elements
