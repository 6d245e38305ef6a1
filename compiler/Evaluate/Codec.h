//===- Codec.h - numbers to bits and back -----------------------------------===//
//
// What a stored element is worth as a number and how a number is stored: the
// rounding rules of `ht.cast`, in one place. A float is rounded once, half to
// even, straight from double: going through f32 on the way to bf16 would round
// twice and be wrong near ties.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_CODEC_H
#define HALFTONE_COMPILER_EVALUATE_CODEC_H

#include "compiler/Evaluate/ElementKind.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace halftone::evaluate {

//===----------------------------------------------------------------------===//
// Floats of at most 16 bits
//===----------------------------------------------------------------------===//

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
  constexpr uint64_t allOnes() const { return (uint64_t(1) << signShift()) - 1; }
  constexpr uint64_t infinity() const { return allOnes() >> mantissaBits << mantissaBits; }
  /// The code of the largest finite number.
  constexpr uint64_t largest() const {
    return special == Special::IEEE ? infinity() - 1 : special == Special::FN ? allOnes() - 1 : allOnes();
  }
};

/// The code of what is not in the format: a NaN, or a number whose magnitude rounds beyond the largest.
template <FloatFormat format>
inline uint64_t encodeSpecial(bool isNaN, uint64_t sign, uint64_t payload) {
  switch (format.special) {
  case Special::IEEE:
    // A NaN keeps its upper payload and becomes quiet.
    return sign | format.infinity() | (isNaN ? uint64_t(1) << (format.mantissaBits - 1) | payload : 0);
  case Special::FN:
    return sign | format.allOnes();
  case Special::FNUZ:
    return uint64_t(1) << format.signShift();
  case Special::None:
    return isNaN ? format.largest() : sign | format.largest();
  }
  llvm_unreachable("covered switch");
}

/// The code nearest to `value`, ties to even.
template <FloatFormat format>
inline uint64_t encodeFloat(double value) {
  constexpr int mantissa = format.mantissaBits, bias = format.bias;
  uint64_t bits = llvm::bit_cast<uint64_t>(value);
  uint64_t sign = bits >> 63 << format.signShift();
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  if (exponent == 1024)
    return encodeSpecial<format>(fraction != 0, sign, fraction >> (52 - mantissa));
  // Anything with so great an exponent is beyond the largest number, and would not fit its field.
  if (exponent > (1 << format.exponentBits) - bias)
    return encodeSpecial<format>(false, sign, 0);
  uint64_t significand = fraction | uint64_t(1) << 52;
  int shift = 52 - mantissa;
  bool subnormal = exponent < 1 - bias;
  if (subnormal)
    shift += 1 - bias - exponent;
  uint64_t field = 0;
  if (shift <= 54) {
    uint64_t kept = significand >> shift, rest = significand & ((uint64_t(1) << shift) - 1);
    uint64_t half = uint64_t(1) << (shift - 1);
    kept += rest > half || (rest == half && (kept & 1));
    // The leading bit of a normal significand adds the missing one to the exponent field; a carry
    // of the rounding does the same, up to what is no number.
    field = subnormal ? kept : (static_cast<uint64_t>(exponent + bias - 1) << mantissa) + kept;
  }
  if (field > format.largest())
    return encodeSpecial<format>(false, sign, 0);
  // Where -0 would be there is NaN.
  return field == 0 && format.special == Special::FNUZ ? 0 : sign | field;
}

template <FloatFormat format>
inline double decodeFloat(uint64_t code) {
  constexpr int mantissa = format.mantissaBits, bias = format.bias;
  uint64_t sign = code >> format.signShift() & 1, magnitude = code & format.allOnes();
  uint64_t fraction = magnitude & ((uint64_t(1) << mantissa) - 1);
  bool isNaN = format.special == Special::FNUZ
                   ? sign && magnitude == 0
                   : format.special == Special::FN && magnitude == format.allOnes();
  if (isNaN)
    return std::copysign(std::numeric_limits<double>::quiet_NaN(), sign ? -1.0 : 1.0);
  if (format.special == Special::IEEE && magnitude >= format.infinity())
    return llvm::bit_cast<double>(sign << 63 | uint64_t(0x7ff) << 52 | fraction << (52 - mantissa));
  int exponent = static_cast<int>(magnitude >> mantissa);
  if (exponent == 0) {
    // 2^(1 - bias - mantissa), exact.
    double unit = llvm::bit_cast<double>(static_cast<uint64_t>(1023 + 1 - bias - mantissa) << 52);
    double value = static_cast<double>(fraction) * unit;
    return sign ? -value : value;
  }
  return llvm::bit_cast<double>(sign << 63 | static_cast<uint64_t>(exponent - bias + 1023) << 52 |
                                fraction << (52 - mantissa));
}

/// float to bfloat16 without the detour over double; vectorizes.
inline uint16_t encodeBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  uint32_t quiet = bits >> 16 | 0x40;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

inline float decodeBF16(uint16_t bits) { return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// The least power of two that is at least |value|, from 2^-127 to 2^127; NaN beyond.
inline uint8_t encodeE8M0(double value) {
  constexpr uint8_t nan = 0xff;
  double magnitude = std::fabs(value);
  if (magnitude <= 0x1p-127)
    return 0;
  if (!(magnitude <= 0x1p127))
    return nan;
  uint64_t bits = llvm::bit_cast<uint64_t>(magnitude);
  bool between = bits & ((uint64_t(1) << 52) - 1);
  return static_cast<uint8_t>((bits >> 52) + between - 1023 + 127);
}

inline double decodeE8M0(uint8_t code) {
  if (code == 0xff)
    return std::numeric_limits<double>::quiet_NaN();
  return llvm::bit_cast<double>(static_cast<uint64_t>(code - 127 + 1023) << 52);
}

//===----------------------------------------------------------------------===//
// Codecs: how elements of one kind are read and written as numbers
//===----------------------------------------------------------------------===//

/// Truncation toward zero; what does not fit (NaN included) gives the least i64, like x86 does.
template <typename T>
inline T truncateTo(double value) {
  if (std::is_unsigned_v<T> && value >= 0x1p63 && value < 0x1p64)
    return static_cast<T>(static_cast<uint64_t>(value));
  if (!(value >= -0x1p63 && value < 0x1p63))
    return static_cast<T>(std::numeric_limits<int64_t>::min());
  return static_cast<T>(static_cast<int64_t>(value));
}

/// A double that the float formats of at most 16 bits round as they would round `value` itself.
/// Beyond 2^53 a conversion would round a first time; or-ing the dropped bits into the last kept one
/// (round to odd) leaves the second rounding correct.
template <typename T>
inline double toStickyDouble(T value) {
  T high = value >> 53;
  if (high == 0 || (std::is_signed_v<T> && high == T(-1)))
    return static_cast<double>(value);
  return static_cast<double>((value >> 11) | T((value & 0x7ff) != 0)) * 0x1p11;
}

/// `Storage` holds one element. `to<T>` and `from` convert it to and from double, int64_t and
/// uint64_t; 64-bit integers stand for their value modulo 2^64, and integers wrap modulo 2^n.
template <ElementKind kind>
struct Codec;

/// `bits` of the storage count; the rest repeats the sign or is zero.
template <typename StorageT, int bits = 8 * sizeof(StorageT)>
struct IntCodec {
  using Storage = StorageT;
  static Storage normalize(Storage value) {
    constexpr int spare = 8 * sizeof(Storage) - bits;
    return static_cast<Storage>(
        static_cast<Storage>(static_cast<std::make_unsigned_t<Storage>>(value) << spare) >> spare);
  }
  template <typename T>
  static T to(Storage value) {
    return static_cast<T>(normalize(value));
  }
  static Storage from(double value) { return normalize(truncateTo<Storage>(value)); }
  static Storage from(int64_t value) { return normalize(static_cast<Storage>(value)); }
  static Storage from(uint64_t value) { return normalize(static_cast<Storage>(value)); }
};
template <>
struct Codec<ElementKind::I2> : IntCodec<int8_t, 2> {};
template <>
struct Codec<ElementKind::I4> : IntCodec<int8_t, 4> {};
template <>
struct Codec<ElementKind::I8> : IntCodec<int8_t> {};
template <>
struct Codec<ElementKind::I16> : IntCodec<int16_t> {};
template <>
struct Codec<ElementKind::I32> : IntCodec<int32_t> {};
template <>
struct Codec<ElementKind::I64> : IntCodec<int64_t> {};
template <>
struct Codec<ElementKind::UI2> : IntCodec<uint8_t, 2> {};
template <>
struct Codec<ElementKind::UI4> : IntCodec<uint8_t, 4> {};
template <>
struct Codec<ElementKind::UI8> : IntCodec<uint8_t> {};
template <>
struct Codec<ElementKind::UI16> : IntCodec<uint16_t> {};
template <>
struct Codec<ElementKind::UI32> : IntCodec<uint32_t> {};
template <>
struct Codec<ElementKind::UI64> : IntCodec<uint64_t> {};

template <>
struct Codec<ElementKind::I1> {
  using Storage = uint8_t;
  static Storage normalize(Storage value) { return value != 0; }
  template <typename T>
  static T to(Storage value) {
    return value != 0;
  }
  template <typename T>
  static Storage from(T value) {
    return value != 0;
  }
};

template <typename StorageT>
struct FloatCodec {
  using Storage = StorageT;
  static Storage normalize(Storage value) { return value; }
  template <typename T>
  static T to(Storage value) {
    if constexpr (std::is_floating_point_v<T>)
      return value;
    else
      return truncateTo<T>(value);
  }
  template <typename T>
  static Storage from(T value) {
    return static_cast<Storage>(value);
  }
};
template <>
struct Codec<ElementKind::F32> : FloatCodec<float> {};
template <>
struct Codec<ElementKind::F64> : FloatCodec<double> {};

/// Floats that are computed by `encode` and `decode`.
template <typename StorageT, auto encode, auto decode, StorageT mask = static_cast<StorageT>(-1)>
struct CodeCodec {
  using Storage = StorageT;
  static Storage normalize(Storage value) { return value & mask; }
  template <typename T>
  static T to(Storage value) {
    if constexpr (std::is_floating_point_v<T>)
      return decode(value);
    else
      return truncateTo<T>(decode(value));
  }
  static Storage from(double value) { return static_cast<Storage>(encode(value)); }
  static Storage from(int64_t value) { return from(toStickyDouble(value)); }
  static Storage from(uint64_t value) { return from(toStickyDouble(value)); }
};
template <typename StorageT, FloatFormat format>
using FormatCodec = CodeCodec<StorageT, encodeFloat<format>, decodeFloat<format>,
                              static_cast<StorageT>((uint64_t(2) << format.signShift()) - 1)>;
template <>
struct Codec<ElementKind::F16> : FormatCodec<uint16_t, FloatFormat{5, 10, 15, Special::IEEE}> {};
template <>
struct Codec<ElementKind::BF16> : FormatCodec<uint16_t, FloatFormat{8, 7, 127, Special::IEEE}> {};
template <>
struct Codec<ElementKind::F8E4M3FN> : FormatCodec<uint8_t, FloatFormat{4, 3, 7, Special::FN}> {};
template <>
struct Codec<ElementKind::F8E4M3FNUZ> : FormatCodec<uint8_t, FloatFormat{4, 3, 8, Special::FNUZ}> {};
template <>
struct Codec<ElementKind::F8E5M2> : FormatCodec<uint8_t, FloatFormat{5, 2, 15, Special::IEEE}> {};
template <>
struct Codec<ElementKind::F8E5M2FNUZ> : FormatCodec<uint8_t, FloatFormat{5, 2, 16, Special::FNUZ}> {};
template <>
struct Codec<ElementKind::F8E8M0FNU> : CodeCodec<uint8_t, encodeE8M0, decodeE8M0> {};
template <>
struct Codec<ElementKind::F4E2M1FN> : FormatCodec<uint8_t, FloatFormat{2, 1, 1, Special::None}> {};

/// Calls `function` with the codec of `kind`, so that loops are compiled per kind.
template <typename Function>
decltype(auto) withCodec(ElementKind kind, Function function) {
  switch (kind) {
#define HALFTONE_KIND(name, text, bits, bytes)                                                               \
  case ElementKind::name:                                                                                    \
    return function(Codec<ElementKind::name>());
    HALFTONE_ELEMENT_KINDS(HALFTONE_KIND)
#undef HALFTONE_KIND
  }
  llvm_unreachable("covered switch");
}

/// Calls `function` with a value of the type that elements of `kind` are computed in: double,
/// int64_t, or uint64_t.
template <typename Function>
decltype(auto) withArithmetic(ElementKind kind, Function function) {
  if (isFloat(kind))
    return function(double());
  if (isUnsigned(kind))
    return function(uint64_t());
  return function(int64_t());
}

} // namespace halftone::evaluate

#endif
