//===- FloatFormat.h - floats of at most 16 bits --------------------------===//
//
// Bits to numbers and back, for the runtime and the compiler's interpreter. A
// number is rounded once, half to even, straight from double: going through f32
// on the way to bf16 would round twice and be wrong near ties.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_SUPPORT_FLOATFORMAT_H
#define HALFTONE_RUNTIME_SUPPORT_FLOATFORMAT_H

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace halftone::rt {

/// What the codes beyond the finite numbers of a float format are.
enum class Special {
  IEEE, ///< the greatest exponent is infinity and NaN
  FN,   ///< all bits but the sign set is NaN
  FNUZ, ///< what would be -0 is NaN
  None, ///< there are none
};

struct FloatFormat {
  int exponentBits, mantissaBits, bias;
  Special special;

  constexpr int signShift() const { return exponentBits + mantissaBits; }
  constexpr uint64_t allOnes() const {
    return (uint64_t(1) << signShift()) - 1;
  }
  constexpr uint64_t infinity() const {
    return allOnes() >> mantissaBits << mantissaBits;
  }
  /// The code of the largest finite number.
  constexpr uint64_t largest() const {
    return special == Special::IEEE ? infinity() - 1
           : special == Special::FN ? allOnes() - 1
                                    : allOnes();
  }
};

/// The code of what is not in the format: a NaN, or a number whose magnitude
/// rounds beyond the largest.
template <FloatFormat format>
inline uint16_t encodeSpecial(bool isNaN, uint64_t sign, uint64_t payload) {
  uint64_t code = 0;
  switch (format.special) {
  case Special::IEEE:
    // A NaN keeps its upper payload and becomes quiet.
    code = format.infinity();
    if (isNaN)
      code |= uint64_t(1) << (format.mantissaBits - 1) | payload;
    break;
  case Special::FN:
    code = format.allOnes();
    break;
  case Special::FNUZ:
    return static_cast<uint16_t>(1u << format.signShift());
  case Special::None:
    if (isNaN)
      sign = 0;
    code = format.largest();
    break;
  }
  return static_cast<uint16_t>(sign | code);
}

/// The code nearest to `value`, ties to even.
template <FloatFormat format>
inline uint16_t encodeFloat(double value) {
  constexpr int mantissa = format.mantissaBits, bias = format.bias;
  uint64_t bits = std::bit_cast<uint64_t>(value);
  uint64_t sign = bits >> 63 << format.signShift();
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  if (exponent == 1024)
    return encodeSpecial<format>(fraction != 0, sign,
                                 fraction >> (52 - mantissa));
  // Anything with so great an exponent is beyond the largest number, and would
  // not fit its field.
  if (exponent > (1 << format.exponentBits) - bias)
    return encodeSpecial<format>(false, sign, 0);
  uint64_t significand = fraction | uint64_t(1) << 52;
  int shift = 52 - mantissa;
  bool subnormal = exponent < 1 - bias;
  if (subnormal)
    shift += 1 - bias - exponent;
  uint64_t field = 0;
  if (shift <= 54) {
    uint64_t kept = significand >> shift,
             rest = significand & ((uint64_t(1) << shift) - 1);
    uint64_t half = uint64_t(1) << (shift - 1);
    kept += rest > half || (rest == half && (kept & 1));
    // The leading bit of a normal significand adds the missing one to the
    // exponent field; a carry of the rounding does the same, up to what is no
    // number.
    field =
        subnormal
            ? kept
            : (static_cast<uint64_t>(exponent + bias - 1) << mantissa) + kept;
  }
  if (field > format.largest())
    return encodeSpecial<format>(false, sign, 0);
  // Where -0 would be there is NaN.
  if (field == 0 && format.special == Special::FNUZ)
    return 0;
  return static_cast<uint16_t>(sign | field);
}

template <FloatFormat format>
inline double decodeFloat(uint64_t code) {
  constexpr int mantissa = format.mantissaBits, bias = format.bias;
  uint64_t sign = code >> format.signShift() & 1,
           magnitude = code & format.allOnes();
  uint64_t fraction = magnitude & ((uint64_t(1) << mantissa) - 1);
  bool isNaN =
      format.special == Special::FNUZ
          ? sign && magnitude == 0
          : format.special == Special::FN && magnitude == format.allOnes();
  if (isNaN)
    return std::copysign(std::numeric_limits<double>::quiet_NaN(),
                         sign ? -1.0 : 1.0);
  if (format.special == Special::IEEE && magnitude >= format.infinity())
    return std::bit_cast<double>(sign << 63 | uint64_t(0x7ff) << 52 |
                                 fraction << (52 - mantissa));
  int exponent = static_cast<int>(magnitude >> mantissa);
  if (exponent == 0) {
    // 2^(1 - bias - mantissa), exact.
    double unit = std::bit_cast<double>(
        static_cast<uint64_t>(1023 + 1 - bias - mantissa) << 52);
    double value = static_cast<double>(fraction) * unit;
    return sign ? -value : value;
  }
  return std::bit_cast<double>(
      sign << 63 | static_cast<uint64_t>(exponent - bias + 1023) << 52 |
      fraction << (52 - mantissa));
}

inline constexpr FloatFormat formatF16 = {5, 10, 15, Special::IEEE};
inline constexpr FloatFormat formatBF16 = {8, 7, 127, Special::IEEE};
inline constexpr FloatFormat formatF8E4M3FN = {4, 3, 7, Special::FN};
inline constexpr FloatFormat formatF8E4M3FNUZ = {4, 3, 8, Special::FNUZ};
inline constexpr FloatFormat formatF8E5M2 = {5, 2, 15, Special::IEEE};
inline constexpr FloatFormat formatF8E5M2FNUZ = {5, 2, 16, Special::FNUZ};
inline constexpr FloatFormat formatF4E2M1FN = {2, 1, 1, Special::None};

/// The least power of two that is at least |value|, from 2^-127 to 2^127; NaN
/// beyond.
inline uint8_t encodeE8M0(double value) {
  constexpr uint8_t nan = 0xff;
  double magnitude = std::fabs(value);
  if (magnitude <= 0x1p-127)
    return 0;
  if (!(magnitude <= 0x1p127))
    return nan;
  uint64_t bits = std::bit_cast<uint64_t>(magnitude);
  bool between = bits & ((uint64_t(1) << 52) - 1);
  return static_cast<uint8_t>((bits >> 52) + between - 1023 + 127);
}

inline double decodeE8M0(uint8_t code) {
  if (code == 0xff)
    return std::numeric_limits<double>::quiet_NaN();
  return std::bit_cast<double>(static_cast<uint64_t>(code - 127 + 1023) << 52);
}

} // namespace halftone::rt

#endif
