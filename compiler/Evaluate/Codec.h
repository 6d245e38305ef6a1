//===- Codec.h - numbers to bits and back -----------------------------------===//
//
// What a stored element is worth as a number and how a number is stored: the
// rounding rules of `ht.cast`, in one place.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_CODEC_H
#define HALFTONE_COMPILER_EVALUATE_CODEC_H

#include "compiler/Evaluate/ElementKind.h"
#include "runtime/support/FloatFormat.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace halftone::evaluate {

/// The rounding of floats of at most 16 bits is the runtime's too.
using rt::decodeE8M0, rt::decodeFloat, rt::encodeE8M0, rt::encodeFloat, rt::FloatFormat;

/// float to bfloat16 without the detour over double; vectorizes.
inline uint16_t encodeBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  uint32_t quiet = bits >> 16 | 0x40;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

/// The same way back from IEEE half precision.
inline float decodeF16(uint16_t bits) {
  uint32_t magnitude = bits & 0x7fffu, sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  // A subnormal is what it adds to 2^-14, exactly.
  float small = llvm::bit_cast<float>(0x38800000u + (magnitude << 13)) - 0x1p-14f;
  uint32_t normal = (magnitude << 13) + 0x38000000u;
  uint32_t special = 0x7f800000u | magnitude << 13 | (magnitude > 0x7c00u ? 0x400000u : 0u);
  uint32_t value = magnitude < 0x400u    ? llvm::bit_cast<uint32_t>(small)
                   : magnitude < 0x7c00u ? normal
                                         : special;
  return llvm::bit_cast<float>(sign | value);
}

inline float decodeBF16(uint16_t bits) { return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

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
struct Codec<ElementKind::I3> : IntCodec<int8_t, 3> {};
template <>
struct Codec<ElementKind::I4> : IntCodec<int8_t, 4> {};
template <>
struct Codec<ElementKind::I5> : IntCodec<int8_t, 5> {};
template <>
struct Codec<ElementKind::I6> : IntCodec<int8_t, 6> {};
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
struct Codec<ElementKind::UI3> : IntCodec<uint8_t, 3> {};
template <>
struct Codec<ElementKind::UI4> : IntCodec<uint8_t, 4> {};
template <>
struct Codec<ElementKind::UI5> : IntCodec<uint8_t, 5> {};
template <>
struct Codec<ElementKind::UI6> : IntCodec<uint8_t, 6> {};
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
struct Codec<ElementKind::F16> : FormatCodec<uint16_t, rt::formatF16> {};
template <>
struct Codec<ElementKind::BF16> : FormatCodec<uint16_t, rt::formatBF16> {};
template <>
struct Codec<ElementKind::F8E4M3FN> : FormatCodec<uint8_t, rt::formatF8E4M3FN> {};
template <>
struct Codec<ElementKind::F8E4M3FNUZ> : FormatCodec<uint8_t, rt::formatF8E4M3FNUZ> {};
template <>
struct Codec<ElementKind::F8E5M2> : FormatCodec<uint8_t, rt::formatF8E5M2> {};
template <>
struct Codec<ElementKind::F8E5M2FNUZ> : FormatCodec<uint8_t, rt::formatF8E5M2FNUZ> {};
template <>
struct Codec<ElementKind::F8E8M0FNU> : CodeCodec<uint8_t, encodeE8M0, decodeE8M0> {};
template <>
struct Codec<ElementKind::F4E2M1FN> : FormatCodec<uint8_t, rt::formatF4E2M1FN> {};

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
