//===- Reference.cpp - products of tiles, as the manual writes them --------===//

#include "Reference.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace halftone::amx {

TileConfig makeConfig(ProductShape shape) {
  TileConfig config = {};
  config.palette = 1;
  auto set = [&](unsigned tile, unsigned rows, unsigned columns) {
    config.rows[tile] = static_cast<uint8_t>(rows);
    config.rowBytes[tile] = static_cast<uint16_t>(4 * columns);
  };
  set(0, shape.m, shape.n);
  set(1, shape.m, shape.k);
  set(2, shape.k, shape.n);
  return config;
}

template <typename T>
static T load(const uint8_t *from) {
  T value;
  memcpy(&value, from, sizeof(value));
  return value;
}

/// Denormals are taken for zero, and made zero.
static float flush(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

static float fromBF16(uint16_t bits) {
  return flush(std::bit_cast<float>(static_cast<uint32_t>(bits) << 16));
}

static float fromF16(uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float magnitude = exponent == 31  ? (mantissa ? NAN : INFINITY)
                    : exponent == 0 ? std::ldexp(mantissa, -24)
                                    : std::ldexp(mantissa + 1024, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

static uint32_t sumBytes(Product product, unsigned k, const uint8_t *row, const uint8_t *column,
                         unsigned stride, uint32_t sum) {
  bool lhsSigned = product == Product::S8S8 || product == Product::S8U8;
  bool rhsSigned = product == Product::S8S8 || product == Product::U8S8;
  for (unsigned i = 0; i < 4 * k; ++i) {
    uint8_t x = row[i], y = column[i / 4 * stride + i % 4];
    sum += (lhsSigned ? static_cast<int8_t>(x) : x) * (rhsSigned ? static_cast<int8_t>(y) : y);
  }
  return sum;
}

static float sumHalves(Product product, unsigned k, const uint8_t *row, const uint8_t *column,
                       unsigned stride, float sum) {
  auto toFloat = product == Product::BF16 ? fromBF16 : fromF16;
  float parts[2] = {0, 0};
  // The processor flushes before it rounds, this after: products at the border,
  // where that differs, are as good as never drawn.
  for (unsigned i = 0; i < 2 * k; ++i)
    parts[i % 2] =
        flush(std::fma(toFloat(load<uint16_t>(row + 2 * i)),
                       toFloat(load<uint16_t>(column + i / 2 * stride + i % 2 * 2)), parts[i % 2]));
  return flush(flush(sum) + flush(parts[0] + parts[1]));
}

void referenceProduct(Product product, ProductShape shape, uint8_t *c, const uint8_t *a, const uint8_t *b,
                      unsigned stride) {
  bool isFloat = product == Product::BF16 || product == Product::F16;
  for (unsigned i = 0; i < shape.m; ++i)
    for (unsigned j = 0; j < shape.n; ++j) {
      uint8_t *element = c + i * stride + 4 * j;
      const uint8_t *row = a + i * stride, *column = b + 4 * j;
      if (isFloat) {
        float sum = sumHalves(product, shape.k, row, column, stride, load<float>(element));
        memcpy(element, &sum, sizeof(sum));
      } else {
        uint32_t sum = sumBytes(product, shape.k, row, column, stride, load<uint32_t>(element));
        memcpy(element, &sum, sizeof(sum));
      }
    }
}

uint32_t RandomBytes::next() {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<uint32_t>(state >> 11);
}

void RandomBytes::fill(uint8_t *bytes, unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    bytes[i] = static_cast<uint8_t>(next());
}

void RandomBytes::fillOperand(Product product, bool special, uint8_t *bytes, unsigned count) {
  fill(bytes, count);
  bool isBF16 = product == Product::BF16;
  if (special || (!isBF16 && product != Product::F16))
    return;
  uint16_t kept = isBF16 ? 0x81ff : 0x8fff, added = isBF16 ? 0x3e00 : 0x3000;
  for (unsigned i = 0; i + 1 < count; i += 2) {
    uint16_t half = static_cast<uint16_t>((load<uint16_t>(bytes + i) & kept) + added);
    memcpy(bytes + i, &half, sizeof(half));
  }
}

void RandomBytes::fillSum(Product product, bool special, uint8_t *bytes, unsigned count) {
  fill(bytes, count);
  if (product != Product::BF16 && product != Product::F16)
    return;
  for (unsigned i = 0; i + 3 < count; i += 4) {
    float value = special ? std::ldexp(next() & 255, static_cast<int>(next() % 300) - 160)
                          : static_cast<float>(static_cast<int32_t>(next())) / 1e9f;
    memcpy(bytes + i, &value, sizeof(value));
  }
}

} // namespace halftone::amx
