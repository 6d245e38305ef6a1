//===- DataType.cpp - element types: names, sizes, conversions ------------===//

#include "runtime/support/DataType.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace halftone::rt {

namespace {
struct TypeRow {
  const char *name;
  size_t bytes;
};
} // namespace

static constexpr TypeRow typeRows[] = {
    {nullptr, 0}, {"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2}, {"i8", 1},
    {"u8", 1},    {"i16", 2}, {"i32", 4}, {"i64", 8}, {"bool", 1},
};

static constexpr size_t numTypes = sizeof(typeRows) / sizeof(typeRows[0]);

const char *typeName(uint32_t dtype) {
  return dtype > 0 && dtype < numTypes ? typeRows[dtype].name : "unknown";
}

size_t typeBytes(uint32_t dtype) {
  return dtype < numTypes ? typeRows[dtype].bytes : 0;
}

bool isFloat(uint32_t dtype) {
  return dtype >= HALFTONE_F32 && dtype <= HALFTONE_BF16;
}

bool tensorBytes(uint32_t dtype, const int64_t *dims, size_t rank,
                 size_t &bytes) {
  int64_t product = static_cast<int64_t>(typeBytes(dtype));
  bool empty = false;
  for (size_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return false;
    // Zeros are left out of the product, so that [huge, huge, 0] is refused
    // too: strides and partial products would overflow.
    if (dims[i] == 0)
      empty = true;
    else if (__builtin_mul_overflow(product, dims[i], &product))
      return false;
  }
  bytes = empty ? 0 : static_cast<size_t>(product);
  return true;
}

double bfloatToDouble(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  memcpy(&value, &wide, sizeof(value));
  return value;
}

double halfToDouble(uint16_t bits) {
  int exponent = (bits >> 10) & 31;
  int fraction = bits & 1023;
  double magnitude;
  if (exponent == 31)
    magnitude = fraction ? std::numeric_limits<double>::quiet_NaN()
                         : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    magnitude = ldexp(fraction, -24);
  else
    magnitude = ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// Rounds to a 16-bit format with `fractionBits` and the exponent `bias`, once.
/// nearbyint rounds half to even, as MXCSR starts.
static uint16_t roundTo16(double value, int fractionBits, int bias) {
  const int maxExponent = 2 * bias + 1;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = fabs(value);
  auto pack = [&](int exponent, int64_t fraction) {
    return static_cast<uint16_t>(sign | (exponent << fractionBits) | fraction);
  };
  if (magnitude != magnitude)
    return pack(maxExponent, int64_t(1) << (fractionBits - 1));
  if (std::isinf(magnitude))
    return pack(maxExponent, 0);
  if (magnitude == 0)
    return sign;
  int exponent = ilogb(magnitude);
  if (exponent < 1 - bias)
    exponent = 1 - bias;
  int64_t scaled = static_cast<int64_t>(
      nearbyint(ldexp(magnitude, fractionBits - exponent)));
  const int64_t one = int64_t(1) << fractionBits;
  if (scaled < one) // Subnormal.
    return pack(0, scaled);
  if (scaled == 2 * one) {
    scaled = one;
    ++exponent;
  }
  if (exponent > bias)
    return pack(maxExponent, 0);
  return pack(exponent + bias, scaled - one);
}

uint16_t doubleToHalf(double value) { return roundTo16(value, 10, 15); }
uint16_t doubleToBfloat(double value) { return roundTo16(value, 7, 127); }

template <typename T>
static T load(const void *data, size_t index) {
  T value;
  memcpy(&value, static_cast<const char *>(data) + index * sizeof(T),
         sizeof(T));
  return value;
}

template <typename T>
static void store(void *data, size_t index, T value) {
  memcpy(static_cast<char *>(data) + index * sizeof(T), &value, sizeof(T));
}

int64_t loadInteger(uint32_t dtype, const void *data, size_t index) {
  switch (dtype) {
  case HALFTONE_I8:
    return load<int8_t>(data, index);
  case HALFTONE_I16:
    return load<int16_t>(data, index);
  case HALFTONE_I32:
    return load<int32_t>(data, index);
  case HALFTONE_I64:
    return load<int64_t>(data, index);
  default:
    return load<uint8_t>(data, index);
  }
}

double loadElement(uint32_t dtype, const void *data, size_t index) {
  switch (dtype) {
  case HALFTONE_F32:
    return load<float>(data, index);
  case HALFTONE_F64:
    return load<double>(data, index);
  case HALFTONE_F16:
    return halfToDouble(load<uint16_t>(data, index));
  case HALFTONE_BF16:
    return bfloatToDouble(load<uint16_t>(data, index));
  default:
    return static_cast<double>(loadInteger(dtype, data, index));
  }
}

void loadElements(uint32_t dtype, const void *data, size_t first, size_t count,
                  double *values) {
  // Logits are mostly f32, and there are many: no call for each of those.
  if (dtype == HALFTONE_F32)
    for (size_t i = 0; i < count; ++i)
      values[i] = load<float>(data, first + i);
  else
    for (size_t i = 0; i < count; ++i)
      values[i] = loadElement(dtype, data, first + i);
}

void integerBounds(uint32_t dtype, int64_t &least, int64_t &greatest) {
  if (dtype == HALFTONE_BOOL || dtype == HALFTONE_U8) {
    least = 0;
    greatest = dtype == HALFTONE_BOOL ? 1 : 255;
    return;
  }
  greatest = std::numeric_limits<int64_t>::max() >> (64 - 8 * typeBytes(dtype));
  least = -greatest - 1;
}

void storeInteger(uint32_t dtype, void *data, size_t index, int64_t value) {
  // Little-endian: the low bytes of the 64-bit value are the narrow value.
  memcpy(static_cast<char *>(data) + index * typeBytes(dtype), &value,
         typeBytes(dtype));
}

void storeFloat(uint32_t dtype, void *data, size_t index, double value) {
  switch (dtype) {
  case HALFTONE_F64:
    return store<double>(data, index, value);
  case HALFTONE_F16:
    return store<uint16_t>(data, index, doubleToHalf(value));
  case HALFTONE_BF16:
    return store<uint16_t>(data, index, doubleToBfloat(value));
  default:
    return store<float>(data, index, static_cast<float>(value));
  }
}

} // namespace halftone::rt
