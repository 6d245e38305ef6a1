//===- ElementKind.h - element types of host tensors ------------------------===//
//
// What a stored element is worth as a number and how a number is stored: the
// rounding rules of `ht.cast`, in one place. A float is rounded once, half to
// even, straight from double: going through f32 on the way to bf16 would round
// twice and be wrong near ties.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_ELEMENTKIND_H
#define HALFTONE_COMPILER_EVALUATE_ELEMENTKIND_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace halftone::evaluate {

enum class ElementKind : uint8_t { I1, I8, UI8, I16, I32, I64, F16, BF16, F32, F64 };

inline bool isFloat(ElementKind kind) { return kind >= ElementKind::F16; }

/// Bytes of one element; an `i1` takes one.
inline int64_t getSize(ElementKind kind) {
  switch (kind) {
  case ElementKind::I1:
  case ElementKind::I8:
  case ElementKind::UI8:
    return 1;
  case ElementKind::I16:
  case ElementKind::F16:
  case ElementKind::BF16:
    return 2;
  case ElementKind::I32:
  case ElementKind::F32:
    return 4;
  case ElementKind::I64:
  case ElementKind::F64:
    return 8;
  }
  llvm_unreachable("covered switch");
}

/// The element type as MLIR writes it: "f32", "ui8", ….
llvm::StringRef toString(ElementKind kind);

//===----------------------------------------------------------------------===//
// Numbers to bits and back
//===----------------------------------------------------------------------===//

/// The bits of the 16-bit float with `mantissa` stored bits nearest to `value`, ties to even.
template <int mantissa>
inline uint16_t encode16(double value) {
  constexpr int bias = (1 << (14 - mantissa)) - 1;
  constexpr uint32_t infinity = ((1u << (15 - mantissa)) - 1) << mantissa;
  uint64_t bits = llvm::bit_cast<uint64_t>(value);
  auto sign = static_cast<uint16_t>(bits >> 48 & 0x8000);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  if (exponent == 1024) {
    if (fraction == 0)
      return sign | infinity;
    // A NaN keeps its upper payload and becomes quiet.
    return sign | infinity | 1u << (mantissa - 1) | static_cast<uint16_t>(fraction >> (52 - mantissa));
  }
  if (exponent > bias)
    return sign | infinity;
  uint64_t significand = fraction | uint64_t(1) << 52;
  int shift = 52 - mantissa;
  bool subnormal = exponent < 1 - bias;
  if (subnormal)
    shift += 1 - bias - exponent;
  if (shift > 54)
    return sign;
  uint64_t kept = significand >> shift, rest = significand & ((uint64_t(1) << shift) - 1);
  uint64_t half = uint64_t(1) << (shift - 1);
  kept += rest > half || (rest == half && (kept & 1));
  // The leading bit of a normal significand adds the missing one to the exponent field; a carry of
  // the rounding does the same, up to infinity.
  uint64_t field = subnormal ? kept : (static_cast<uint64_t>(exponent + bias - 1) << mantissa) + kept;
  return sign | static_cast<uint16_t>(field);
}

template <int mantissa>
inline double decode16(uint16_t bits) {
  constexpr int bias = (1 << (14 - mantissa)) - 1;
  constexpr int maxExponent = (1 << (15 - mantissa)) - 1;
  int exponent = bits >> mantissa & maxExponent;
  uint64_t fraction = bits & ((1 << mantissa) - 1);
  uint64_t sign = uint64_t(bits & 0x8000) << 48;
  if (exponent == maxExponent)
    return llvm::bit_cast<double>(sign | uint64_t(0x7ff) << 52 | fraction << (52 - mantissa));
  if (exponent == 0) {
    // 2^(1 - bias - mantissa), exact.
    double unit = llvm::bit_cast<double>(static_cast<uint64_t>(1023 + 1 - bias - mantissa) << 52);
    double magnitude = static_cast<double>(fraction) * unit;
    return sign ? -magnitude : magnitude;
  }
  return llvm::bit_cast<double>(sign | static_cast<uint64_t>(exponent - bias + 1023) << 52 |
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

/// Truncation toward zero; what does not fit (NaN included) gives the least i64, like x86 does.
inline int64_t truncateToInt(double value) {
  if (!(value >= -0x1p63 && value < 0x1p63))
    return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

/// How elements of one kind are read and written as numbers. Integers wrap modulo 2^n.
template <ElementKind kind>
struct Codec;

template <ElementKind elementKind, typename StorageT>
struct IntCodec {
  static constexpr ElementKind kind = elementKind;
  using Storage = StorageT;
  static double toDouble(Storage value) { return static_cast<double>(value); }
  static int64_t toInt(Storage value) { return static_cast<int64_t>(value); }
  static Storage fromDouble(double value) { return static_cast<Storage>(truncateToInt(value)); }
  static Storage fromInt(int64_t value) { return static_cast<Storage>(value); }
};
template <>
struct Codec<ElementKind::I8> : IntCodec<ElementKind::I8, int8_t> {};
template <>
struct Codec<ElementKind::UI8> : IntCodec<ElementKind::UI8, uint8_t> {};
template <>
struct Codec<ElementKind::I16> : IntCodec<ElementKind::I16, int16_t> {};
template <>
struct Codec<ElementKind::I32> : IntCodec<ElementKind::I32, int32_t> {};
template <>
struct Codec<ElementKind::I64> : IntCodec<ElementKind::I64, int64_t> {};

template <>
struct Codec<ElementKind::I1> {
  static constexpr ElementKind kind = ElementKind::I1;
  using Storage = uint8_t;
  static double toDouble(Storage value) { return value != 0; }
  static int64_t toInt(Storage value) { return value != 0; }
  static Storage fromDouble(double value) { return value != 0; }
  static Storage fromInt(int64_t value) { return value != 0; }
};

template <ElementKind elementKind, int mantissa>
struct Float16Codec {
  static constexpr ElementKind kind = elementKind;
  using Storage = uint16_t;
  static double toDouble(Storage value) { return decode16<mantissa>(value); }
  static int64_t toInt(Storage value) { return truncateToInt(toDouble(value)); }
  static Storage fromDouble(double value) { return encode16<mantissa>(value); }
  static Storage fromInt(int64_t value) {
    // Beyond 2^53 the detour over double would round twice; or-ing the dropped bits into the last
    // kept one (round to odd) leaves the second rounding correct.
    if (value > -(int64_t(1) << 53) && value < int64_t(1) << 53)
      return fromDouble(static_cast<double>(value));
    int64_t odd = (value >> 11) | ((value & 0x7ff) != 0);
    return fromDouble(static_cast<double>(odd) * 0x1p11);
  }
};
template <>
struct Codec<ElementKind::F16> : Float16Codec<ElementKind::F16, 10> {};
template <>
struct Codec<ElementKind::BF16> : Float16Codec<ElementKind::BF16, 7> {};

template <ElementKind elementKind, typename StorageT>
struct FloatCodec {
  static constexpr ElementKind kind = elementKind;
  using Storage = StorageT;
  static double toDouble(Storage value) { return value; }
  static int64_t toInt(Storage value) { return truncateToInt(value); }
  static Storage fromDouble(double value) { return static_cast<Storage>(value); }
  static Storage fromInt(int64_t value) { return static_cast<Storage>(value); }
};
template <>
struct Codec<ElementKind::F32> : FloatCodec<ElementKind::F32, float> {};
template <>
struct Codec<ElementKind::F64> : FloatCodec<ElementKind::F64, double> {};

/// Calls `function` with the codec of `kind`, so that loops are compiled per kind.
template <typename Function>
decltype(auto) withCodec(ElementKind kind, Function function) {
  switch (kind) {
  case ElementKind::I1:
    return function(Codec<ElementKind::I1>());
  case ElementKind::I8:
    return function(Codec<ElementKind::I8>());
  case ElementKind::UI8:
    return function(Codec<ElementKind::UI8>());
  case ElementKind::I16:
    return function(Codec<ElementKind::I16>());
  case ElementKind::I32:
    return function(Codec<ElementKind::I32>());
  case ElementKind::I64:
    return function(Codec<ElementKind::I64>());
  case ElementKind::F16:
    return function(Codec<ElementKind::F16>());
  case ElementKind::BF16:
    return function(Codec<ElementKind::BF16>());
  case ElementKind::F32:
    return function(Codec<ElementKind::F32>());
  case ElementKind::F64:
    return function(Codec<ElementKind::F64>());
  }
  llvm_unreachable("covered switch");
}

} // namespace halftone::evaluate

#endif
