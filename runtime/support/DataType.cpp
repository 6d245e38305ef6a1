//===- DataType.cpp - element types: names, sizes, conversions ------------===//

#include "runtime/support/DataType.h"
#include "runtime/support/Checked.h"
#include "runtime/support/FloatFormat.h"

#include <cmath>
#include <cstring>

namespace halftone::rt {

namespace {
enum class Class : uint8_t { Float, Signed, Unsigned };

struct TypeRow {
  const char *name;
  uint8_t bits, bytes;
  Class kind;
};
} // namespace

static constexpr TypeRow typeRows[] = {
    {nullptr, 0, 0, Class::Signed},    {"f32", 32, 4, Class::Float},
    {"f64", 64, 8, Class::Float},      {"f16", 16, 2, Class::Float},
    {"bf16", 16, 2, Class::Float},     {"i8", 8, 1, Class::Signed},
    {"u8", 8, 1, Class::Unsigned},     {"i16", 16, 2, Class::Signed},
    {"i32", 32, 4, Class::Signed},     {"i64", 64, 8, Class::Signed},
    {"bool", 8, 1, Class::Unsigned},   {"u16", 16, 2, Class::Unsigned},
    {"u32", 32, 4, Class::Unsigned},   {"u64", 64, 8, Class::Unsigned},
    {"i2", 2, 1, Class::Signed},       {"i4", 4, 1, Class::Signed},
    {"u2", 2, 1, Class::Unsigned},     {"u4", 4, 1, Class::Unsigned},
    {"f8e4m3fn", 8, 1, Class::Float},  {"f8e4m3fnuz", 8, 1, Class::Float},
    {"f8e5m2", 8, 1, Class::Float},    {"f8e5m2fnuz", 8, 1, Class::Float},
    {"f8e8m0fnu", 8, 1, Class::Float}, {"f4e2m1fn", 4, 1, Class::Float},
};

static constexpr size_t numTypes = sizeof(typeRows) / sizeof(typeRows[0]);

/// That of no type for a number that is no halftone_dtype.
static const TypeRow &rowOf(uint32_t dtype) {
  return typeRows[dtype < numTypes ? dtype : 0];
}

const char *typeName(uint32_t dtype) {
  const char *name = rowOf(dtype).name;
  return name ? name : "unknown";
}

size_t typeBytes(uint32_t dtype) { return rowOf(dtype).bytes; }
unsigned typeBits(uint32_t dtype) { return rowOf(dtype).bits; }
bool isFloat(uint32_t dtype) { return rowOf(dtype).kind == Class::Float; }
bool isUnsigned(uint32_t dtype) { return rowOf(dtype).kind == Class::Unsigned; }

bool tensorBytes(uint32_t dtype, const int64_t *dims, size_t rank,
                 size_t &bytes) {
  Checked<int64_t> product = static_cast<int64_t>(typeBytes(dtype));
  bool empty = false;
  for (size_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return false;
    // Zeros are left out of the product, so that [huge, huge, 0] is refused
    // too: strides and partial products would overflow.
    if (dims[i] == 0)
      empty = true;
    else
      product *= dims[i];
  }
  int64_t whole;
  if (!product.get(whole))
    return false;
  bytes = empty ? 0 : static_cast<size_t>(whole);
  return true;
}

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

/// The low bits of `value` as a number of that type.
static int64_t extend(uint32_t dtype, uint64_t value) {
  unsigned spare = 64 - typeBits(dtype);
  value <<= spare;
  return isUnsigned(dtype) ? static_cast<int64_t>(value >> spare)
                           : static_cast<int64_t>(value) >> spare;
}

int64_t loadInteger(uint32_t dtype, const void *data, size_t index) {
  // Little-endian: the low bytes come first.
  uint64_t value = 0;
  memcpy(&value, static_cast<const char *>(data) + index * typeBytes(dtype),
         typeBytes(dtype));
  return extend(dtype, value);
}

double loadElement(uint32_t dtype, const void *data, size_t index) {
  auto code = [&] { return load<uint8_t>(data, index); };
  switch (dtype) {
  case HALFTONE_F32:
    return load<float>(data, index);
  case HALFTONE_F64:
    return load<double>(data, index);
  case HALFTONE_F16:
    return decodeFloat<formatF16>(load<uint16_t>(data, index));
  case HALFTONE_BF16:
    return decodeFloat<formatBF16>(load<uint16_t>(data, index));
  case HALFTONE_F8E4M3FN:
    return decodeFloat<formatF8E4M3FN>(code());
  case HALFTONE_F8E4M3FNUZ:
    return decodeFloat<formatF8E4M3FNUZ>(code());
  case HALFTONE_F8E5M2:
    return decodeFloat<formatF8E5M2>(code());
  case HALFTONE_F8E5M2FNUZ:
    return decodeFloat<formatF8E5M2FNUZ>(code());
  case HALFTONE_F8E8M0FNU:
    return decodeE8M0(code());
  case HALFTONE_F4E2M1FN:
    return decodeFloat<formatF4E2M1FN>(code());
  case HALFTONE_U64:
    return static_cast<double>(load<uint64_t>(data, index));
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
  least = 0;
  if (dtype == HALFTONE_BOOL) {
    greatest = 1;
    return;
  }
  unsigned bits = typeBits(dtype) - !isUnsigned(dtype);
  greatest = bits < 63 ? (int64_t(1) << bits) - 1 : INT64_MAX;
  if (!isUnsigned(dtype))
    least = -greatest - 1;
}

void storeInteger(uint32_t dtype, void *data, size_t index, int64_t value) {
  // Little-endian: the low bytes of the 64-bit value are the narrow value.
  memcpy(static_cast<char *>(data) + index * typeBytes(dtype), &value,
         typeBytes(dtype));
}

static uint16_t encodeCode(uint32_t dtype, double value) {
  switch (dtype) {
  case HALFTONE_F8E4M3FN:
    return encodeFloat<formatF8E4M3FN>(value);
  case HALFTONE_F8E4M3FNUZ:
    return encodeFloat<formatF8E4M3FNUZ>(value);
  case HALFTONE_F8E5M2:
    return encodeFloat<formatF8E5M2>(value);
  case HALFTONE_F8E5M2FNUZ:
    return encodeFloat<formatF8E5M2FNUZ>(value);
  case HALFTONE_F8E8M0FNU:
    return encodeE8M0(value);
  default:
    return encodeFloat<formatF4E2M1FN>(value);
  }
}

bool storeFloat(uint32_t dtype, void *data, size_t index, double value) {
  switch (dtype) {
  case HALFTONE_F32:
    store<float>(data, index, static_cast<float>(value));
    return true;
  case HALFTONE_F64:
    store<double>(data, index, value);
    return true;
  case HALFTONE_F16:
    store<uint16_t>(data, index, encodeFloat<formatF16>(value));
    return true;
  case HALFTONE_BF16:
    store<uint16_t>(data, index, encodeFloat<formatBF16>(value));
    return true;
  default:
    break;
  }
  store(data, index, static_cast<uint8_t>(encodeCode(dtype, value)));
  double stored = loadElement(dtype, data, index);
  // The last one saturates: half of its last step beyond the largest, 6, is 7.
  return std::isnan(stored) == std::isnan(value) &&
         (dtype != HALFTONE_F4E2M1FN || fabs(value) < 7);
}

void normalizeElements(uint32_t dtype, void *data, size_t count) {
  if (typeBits(dtype) == 8 * typeBytes(dtype))
    return;
  auto *bytes = static_cast<uint8_t *>(data);
  // A float's other bits are zeros.
  uint32_t asInteger = isFloat(dtype) ? uint32_t(HALFTONE_U4) : dtype;
  for (size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<uint8_t>(extend(asInteger, bytes[i]));
}

} // namespace halftone::rt
