//===- Conversions.cpp - element types into each other ----------------------===//
//
// Codes are bytes in memory and in registers. What is converted is first made a
// number that is exact: a signless integer of 8 to 64 bits, or a float of f32 or
// f64; then it is rounded once to the type that is asked for.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/Conversions.h"

using namespace mlir;

namespace halftone::elements {

namespace {

/// One conversion's operations on scalars, or vectors of one width.
class Conversion {
public:
  Conversion(CodeBuilder &kernel, Value value)
      : k(kernel), width(CodeBuilder::getWidth(value)), i32(k.b.getI32Type()), f32(k.b.getF32Type()) {}

  Value toBool(Value x, Type from);
  Value toInteger(Value x, Type from, IntegerType to);
  Value toFloat(Value x, Type from, FloatType to);
  Value toCode(Value x, Type from, FloatType to, bool saturate) {
    return encode(roundOnce(x, from), to, saturate);
  }
  Value decode(Value codes, FloatType type);
  Value encode(Value x, FloatType type, bool saturate);

private:
  template <typename OpTy, typename... Args>
  Value make(Args... args) {
    return OpTy::create(k.b, k.loc, args...);
  }
  template <typename OpTy>
  Value convert(Value x, Type to) {
    return make<OpTy>(k.getType(to, width), x);
  }
  Value integer(uint64_t value, Type type) {
    APInt bits(type.getIntOrFloatBitWidth(), value, /*isSigned=*/false, /*implicitTrunc=*/true);
    return k.splat(make<arith::ConstantOp>(k.b.getIntegerAttr(type, bits)), width);
  }
  Value number(double value, Type type) { return k.floatConstant(value, type, width); }
  Value select(Value condition, Value x, Value y) { return k.select(condition, x, y); }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return make<arith::CmpIOp>(predicate, x, y);
  }

  Value resize(Value x, Type to, bool isUnsigned);
  Value keepLowBits(Value x, IntegerType type);
  Value truncate(Value x, bool isUnsigned);
  Value roundOnce(Value x, Type from);
  Value encodePowerOfTwo(Value magnitude, bool saturate);

  CodeBuilder &k;
  int64_t width;
  Type i32, f32;
};

bool isCode(Type type) {
  return type.getIntOrFloatBitWidth() <= 8 && (isa<FloatType>(type) || !type.isInteger(8));
}

/// Integers of other widths: low bits, or the sign (or zeros) in front.
Value Conversion::resize(Value x, Type to, bool isUnsigned) {
  unsigned from = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth(),
           bits = to.getIntOrFloatBitWidth();
  if (from == bits)
    return x;
  if (from > bits)
    return convert<arith::TruncIOp>(x, to);
  return isUnsigned ? convert<arith::ExtUIOp>(x, to) : convert<arith::ExtSIOp>(x, to);
}

/// The number that the low bits of a byte are as an integer of fewer than 8 bits.
Value Conversion::keepLowBits(Value x, IntegerType type) {
  unsigned bits = type.getWidth();
  if (bits >= 8)
    return x;
  if (type.isUnsigned())
    return make<arith::AndIOp>(x, integer((1u << bits) - 1, k.b.getI8Type()));
  Value shift = integer(8 - bits, k.b.getI8Type());
  return make<arith::ShRSIOp>(make<arith::ShLIOp>(x, shift), shift);
}

/// A float as an i64, toward zero. What does not fit, and NaN, gives the least i64, as on x86.
Value Conversion::truncate(Value x, bool isUnsigned) {
  Type element = getElementTypeOrSelf(x.getType()), i64 = k.b.getI64Type();
  Value low = number(-0x1p63, element), high = number(0x1p63, element);
  Value fits = make<arith::AndIOp>(Value(make<arith::CmpFOp>(arith::CmpFPredicate::OGE, x, low)),
                                   Value(make<arith::CmpFOp>(arith::CmpFPredicate::OLT, x, high)));
  Value signedPart = convert<arith::FPToSIOp>(select(fits, x, number(0, element)), i64);
  Value least = integer(uint64_t(1) << 63, i64);
  if (!isUnsigned)
    return select(fits, signedPart, least);
  // The upper half of ui64.
  Value above = make<arith::SubFOp>(x, high);
  Value fitsAbove =
      make<arith::AndIOp>(Value(make<arith::CmpFOp>(arith::CmpFPredicate::OGE, above, number(0, element))),
                          Value(make<arith::CmpFOp>(arith::CmpFPredicate::OLT, above, high)));
  Value upper = convert<arith::FPToSIOp>(select(fitsAbove, above, number(0, element)), i64);
  return select(fits, signedPart, make<arith::XOrIOp>(upper, least));
}

/// `to` has 8 bits or more, or is a code, whose byte then holds the number.
Value Conversion::toInteger(Value x, Type from, IntegerType to) {
  Type storage = k.getType(to, 1);
  Value bits;
  if (isa<FloatType>(from)) {
    x = isCode(from) ? decode(x, cast<FloatType>(from)) : k.widen(x);
    bits = resize(truncate(x, to.isUnsigned() && to.getWidth() == 64), storage, /*isUnsigned=*/false);
  } else if (from.isInteger(1)) {
    bits = convert<arith::ExtUIOp>(x, storage);
  } else {
    auto type = cast<IntegerType>(from);
    bits = resize(keepLowBits(x, type), storage, type.isUnsigned());
  }
  return keepLowBits(bits, to);
}

/// An f32 that rounds to narrower floats as x itself does.
Value Conversion::roundOnce(Value x, Type from) {
  if (isa<FloatType>(from)) {
    if (isCode(from))
      return decode(x, cast<FloatType>(from));
    return from.isF64() ? k.roundToOdd(x) : k.widen(x);
  }
  unsigned bits = from.getIntOrFloatBitWidth();
  bool isUnsigned = from.isUnsignedInteger();
  if (bits <= 16)
    return toFloat(x, from, cast<FloatType>(f32));
  if (bits == 64) {
    // Bits that f64 has no place for leave a one in the last place that it has.
    Type i64 = k.b.getI64Type();
    Value eleven = integer(11, i64);
    Value kept = isUnsigned ? make<arith::ShRUIOp>(x, eleven) : make<arith::ShRSIOp>(x, eleven);
    Value rest = make<arith::AndIOp>(x, integer(0x7ff, i64));
    Value sticky = convert<arith::ExtUIOp>(compare(arith::CmpIPredicate::ne, rest, integer(0, i64)), i64);
    Value odd = make<arith::ShLIOp>(make<arith::OrIOp>(kept, sticky), eleven);
    Value magnitude = isUnsigned ? x : make<math::AbsIOp>(x);
    Value fits = compare(arith::CmpIPredicate::ult, magnitude, integer(uint64_t(1) << 53, i64));
    x = select(fits, x, odd);
  }
  return k.roundToOdd(toFloat(x, from, k.b.getF64Type()));
}

/// `to` has 16 bits or more.
Value Conversion::toFloat(Value x, Type from, FloatType to) {
  if (isa<FloatType>(from) || to.getWidth() < 32)
    return k.convertFloat(from.isF64() ? x : roundOnce(x, from), to);
  if (from.isInteger(1))
    return convert<arith::UIToFPOp>(x, to);
  x = keepLowBits(x, cast<IntegerType>(from));
  return from.isUnsignedInteger() ? convert<arith::UIToFPOp>(x, to) : convert<arith::SIToFPOp>(x, to);
}

Value Conversion::toBool(Value x, Type from) {
  if (auto integer = dyn_cast<IntegerType>(from)) {
    x = keepLowBits(x, integer);
    return compare(arith::CmpIPredicate::ne, x, k.getZero(getElementTypeOrSelf(x.getType()), width));
  }
  x = from.isF64() ? x : roundOnce(x, from);
  return make<arith::CmpFOp>(arith::CmpFPredicate::UNE, x, number(0, getElementTypeOrSelf(x.getType())));
}

//===----------------------------------------------------------------------===//
// Floats of 8 and 4 bits
//===----------------------------------------------------------------------===//

/// Where the fields of a float type are.
struct Format {
  explicit Format(FloatType type) : semantics(type.getFloatSemantics()) {
    mantissa = APFloat::semanticsPrecision(semantics) - 1;
    minExponent = APFloat::semanticsMinExponent(semantics);
    signBit = type.getWidth() - 1;
    largest = getBits(APFloat::getLargest(semantics));
    hasNaN = APFloat::semanticsHasNaN(semantics);
    nan = hasNaN ? getBits(APFloat::getNaN(semantics)) : largest;
    infinity = APFloat::semanticsHasInf(semantics) ? getBits(APFloat::getInf(semantics)) : nan;
    // FNUZ: the code of -0 is the only NaN.
    nanIsNegativeZero = hasNaN && nan == 1 << signBit;
  }
  int64_t getBits(const APFloat &value) {
    return static_cast<int64_t>(value.bitcastToAPInt().getZExtValue());
  }

  const llvm::fltSemantics &semantics;
  int mantissa, minExponent, signBit;
  int64_t largest, nan, infinity;
  bool hasNaN, nanIsNegativeZero;
};

constexpr int kF32Mantissa = 23, kF32Bias = 127;

/// f32 that equals the code.
Value Conversion::decode(Value codes, FloatType type) {
  Value code = make<arith::ExtUIOp>(k.getType(i32, width), codes);
  auto shiftLeft = [&](Value x, int64_t bits) { return make<arith::ShLIOp>(x, integer(bits, i32)); };
  auto asFloat = [&](Value bits) { return convert<arith::BitcastOp>(bits, f32); };
  auto equals = [&](Value x, int64_t bits) {
    return compare(arith::CmpIPredicate::eq, x, integer(bits, i32));
  };
  Value quiet = number(std::numeric_limits<double>::quiet_NaN(), f32);
  if (isa<Float8E8M0FNUType>(type)) {
    // The exponent field itself; 2^-127 is a subnormal f32.
    Value power =
        select(equals(code, 0), integer(1 << (kF32Mantissa - 1), i32), shiftLeft(code, kF32Mantissa));
    return select(equals(code, 255), quiet, asFloat(power));
  }
  Format format(type);
  Value magnitude = make<arith::AndIOp>(code, integer((1 << format.signBit) - 1, i32));
  // With its fields in place the code is off by the difference of the exponents' biases only, subnormal or
  // not.
  Value scaled = asFloat(shiftLeft(magnitude, kF32Mantissa - format.mantissa));
  Value value = make<arith::MulFOp>(scaled, number(std::ldexp(1.0, kF32Bias - 1 + format.minExponent), f32));
  if (format.infinity != format.nan)
    value = select(equals(magnitude, format.infinity), number(std::numeric_limits<double>::infinity(), f32),
                   value);
  if (format.nanIsNegativeZero)
    value = select(equals(code, format.nan), quiet, value);
  else if (format.hasNaN)
    value = select(
        compare(arith::CmpIPredicate::ugt, magnitude,
                integer(std::max(format.largest, format.infinity == format.nan ? 0 : format.infinity), i32)),
        quiet, value);
  Value sign = make<arith::AndIOp>(code, integer(1 << format.signBit, i32));
  Value bits = convert<arith::BitcastOp>(value, i32);
  return asFloat(make<arith::OrIOp>(bits, shiftLeft(sign, 31 - format.signBit)));
}

/// Up to the next power of two; `magnitude` are the bits of |x|.
Value Conversion::encodePowerOfTwo(Value magnitude, bool saturate) {
  constexpr int64_t least = 1 << (kF32Mantissa - 1); // 2^-127
  Value up = make<arith::AddIOp>(magnitude, integer((1 << kF32Mantissa) - 1, i32));
  Value code = make<arith::ShRUIOp>(up, integer(kF32Mantissa, i32));
  code = select(compare(arith::CmpIPredicate::ule, magnitude, integer(least, i32)), integer(0, i32), code);
  Value infinity = integer(uint64_t(255) << kF32Mantissa, i32);
  Value isNaN = compare(arith::CmpIPredicate::ugt, magnitude, infinity);
  code = make<arith::MinUIOp>(code, integer(saturate ? 254 : 255, i32));
  return select(isNaN, integer(255, i32), code);
}

/// The code nearest to an f32, ties to even.
Value Conversion::encode(Value x, FloatType type, bool saturate) {
  Value bits = convert<arith::BitcastOp>(x, i32);
  Value magnitude = make<arith::AndIOp>(bits, integer(0x7fffffff, i32));
  if (isa<Float8E8M0FNUType>(type))
    return convert<arith::TruncIOp>(encodePowerOfTwo(magnitude, saturate), k.b.getI8Type());

  Format format(type);
  int shift = kF32Mantissa - format.mantissa;
  // Normal: the bits that are dropped round the rest, a carry goes into the exponent.
  Value last =
      make<arith::AndIOp>(Value(make<arith::ShRUIOp>(magnitude, integer(shift, i32))), integer(1, i32));
  Value rounded =
      make<arith::AddIOp>(magnitude, make<arith::AddIOp>(last, integer((1 << (shift - 1)) - 1, i32)));
  int64_t bias = (kF32Bias - 1 + format.minExponent) << format.mantissa;
  Value normal =
      make<arith::SubIOp>(Value(make<arith::ShRUIOp>(rounded, integer(shift, i32))), integer(bias, i32));
  // Subnormal: adding a power of two whose last place is theirs rounds likewise.
  double unit = std::ldexp(1.0, format.minExponent - format.mantissa + kF32Mantissa);
  Value sum = make<arith::AddFOp>(convert<arith::BitcastOp>(magnitude, f32), number(unit, f32));
  Value subnormal = make<arith::SubIOp>(convert<arith::BitcastOp>(sum, i32),
                                        convert<arith::BitcastOp>(number(unit, f32), i32));
  int64_t firstNormal = static_cast<int64_t>(kF32Bias + format.minExponent) << kF32Mantissa;
  Value code =
      select(compare(arith::CmpIPredicate::ult, magnitude, integer(firstNormal, i32)), subnormal, normal);

  int64_t beyond = saturate || !format.hasNaN ? format.largest : format.infinity;
  code = select(compare(arith::CmpIPredicate::ugt, code, integer(format.largest, i32)), integer(beyond, i32),
                code);
  Value isNaN = compare(arith::CmpIPredicate::ugt, magnitude, integer(uint64_t(255) << kF32Mantissa, i32));
  code = select(isNaN, integer(format.nan, i32), code);
  Value sign =
      make<arith::ShLIOp>(Value(make<arith::ShRUIOp>(bits, integer(31, i32))), integer(format.signBit, i32));
  if (format.nanIsNegativeZero)
    sign = select(compare(arith::CmpIPredicate::eq, code, integer(0, i32)), integer(0, i32), sign);
  if (!format.hasNaN)
    sign = select(isNaN, integer(0, i32), sign);
  return convert<arith::TruncIOp>(make<arith::OrIOp>(code, sign), k.b.getI8Type());
}

} // namespace

Value emitCast(CodeBuilder &k, Value x, Type from, Type to, bool saturate) {
  if (from == to)
    return x;
  Conversion conversion(k, x);
  if (to.isInteger(1))
    return conversion.toBool(x, from);
  if (auto integer = dyn_cast<IntegerType>(to))
    return conversion.toInteger(x, from, integer);
  auto target = cast<FloatType>(to);
  return isCode(to) ? conversion.toCode(x, from, target, saturate) : conversion.toFloat(x, from, target);
}

Value emitBitcast(CodeBuilder &k, Value x, Type to) {
  if (isCode(to)) {
    // A byte holds a signed code with its sign, any other with zeros in front.
    bool isSigned = to.isSignlessInteger();
    auto code = IntegerType::get(to.getContext(), to.getIntOrFloatBitWidth(),
                                 isSigned ? IntegerType::Signless : IntegerType::Unsigned);
    return Conversion(k, x).toInteger(x, k.b.getI8Type(), code);
  }
  int64_t width = k.getWidth(x);
  Type type = k.getType(to, width);
  return type == x.getType() ? x : Value(arith::BitcastOp::create(k.b, k.loc, type, x));
}

} // namespace halftone::elements
