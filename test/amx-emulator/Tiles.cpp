//===- Tiles.cpp - the tile registers of AMX, in software ------------------===//

#include "Tiles.h"

#include <bit>
#include <cstring>
#include <immintrin.h>
#include <initializer_list>
#include <type_traits>

namespace halftone::amx {

const char *Tiles::loadConfig(const void *from) {
  TileConfig wanted;
  memcpy(&wanted, from, sizeof(wanted));
  if (wanted.palette == 0) {
    release();
    return nullptr;
  }
  if (wanted.palette != 1)
    return "the palette is neither 0 nor 1";
  auto anySet = [](const auto &bytes) {
    for (auto byte : bytes)
      if (byte)
        return true;
    return false;
  };
  if (anySet(wanted.reserved0) || anySet(wanted.reserved1) || anySet(wanted.reserved2))
    return "reserved bytes of the configuration are not zero";
  for (unsigned tile = 0; tile < numTiles; ++tile) {
    if (wanted.rowBytes[tile] > maxRowBytes)
      return "a tile's rows have more than 64 bytes";
    if (wanted.rows[tile] > maxRows)
      return "a tile has more than 16 rows";
    if (!wanted.rowBytes[tile] != !wanted.rows[tile])
      return "a tile has rows without bytes, or bytes without rows";
  }
  memset(tiles, 0, sizeof(tiles));
  config = wanted;
  return nullptr;
}

void Tiles::storeConfig(void *to) const { memcpy(to, &config, sizeof(config)); }

void Tiles::release() {
  config = {};
  memset(tiles, 0, sizeof(tiles));
}

const char *Tiles::checkTile(unsigned tile) const {
  if (!config.palette)
    return "no tiles are configured";
  return config.rows[tile] ? nullptr : "the configuration leaves this tile out";
}

const char *Tiles::checkTransfer(unsigned tile) const {
  if (const char *fault = checkTile(tile))
    return fault;
  if (config.rowBytes[tile] % 4)
    return "the bytes of a row are not a multiple of four";
  return config.startRow < config.rows[tile] ? nullptr : "the first row is behind the last";
}

const char *Tiles::zero(unsigned tile) {
  if (const char *fault = checkTile(tile))
    return fault;
  memset(&tiles[tile], 0, sizeof(Tile));
  config.startRow = 0;
  return nullptr;
}

const char *Tiles::load(unsigned tile, const char *base, ptrdiff_t stride) {
  if (const char *fault = checkTransfer(tile))
    return fault;
  unsigned first = config.startRow;
  memset(tiles[tile].u8[first], 0, (maxRows - first) * maxRowBytes);
  for (unsigned row = first; row < config.rows[tile]; ++row)
    memcpy(tiles[tile].u8[row], base + row * stride, config.rowBytes[tile]);
  config.startRow = 0;
  return nullptr;
}

const char *Tiles::store(unsigned tile, char *base, ptrdiff_t stride) {
  if (const char *fault = checkTransfer(tile))
    return fault;
  for (unsigned row = config.startRow; row < config.rows[tile]; ++row)
    memcpy(base + row * stride, tiles[tile].u8[row], config.rowBytes[tile]);
  config.startRow = 0;
  return nullptr;
}

/// Sixteen bytes as 16-bit numbers.
template <typename Byte>
static __m256i widen(const uint8_t *sixteenBytes) {
  __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(sixteenBytes));
  return std::is_signed_v<Byte> ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

/// Columns that the tiles lack are zero on the right, so that whole rows are
/// worked on. VPMADDWD sums the products of two bytes exactly; sums of those wrap.
template <typename Lhs, typename Rhs>
void Tiles::multiplyBytes(Tile &dest, const Tile &lhs, const Tile &rhs, unsigned rows, unsigned depth) {
  constexpr unsigned quarters = 4, bytes = maxRowBytes / quarters;
  __m256i right[maxRows][quarters];
  for (unsigned k = 0; k < depth; ++k)
    for (unsigned quarter = 0; quarter < quarters; ++quarter)
      right[k][quarter] = widen<Rhs>(&rhs.u8[k][quarter * bytes]);
  for (unsigned m = 0; m < rows; ++m) {
    alignas(32) int64_t left[maxRowBytes / 4];
    for (unsigned quarter = 0; quarter < quarters; ++quarter)
      _mm256_store_si256(reinterpret_cast<__m256i *>(&left[4 * quarter]),
                         widen<Lhs>(&lhs.u8[m][quarter * bytes]));
    __m256i sums[quarters] = {};
    for (unsigned k = 0; k < depth; ++k)
      for (unsigned quarter = 0; quarter < quarters; ++quarter)
        sums[quarter] = _mm256_add_epi32(sums[quarter],
                                         _mm256_madd_epi16(_mm256_set1_epi64x(left[k]), right[k][quarter]));
    uint32_t pairs[2 * maxRowBytes / 4];
    static_assert(sizeof(pairs) == sizeof(sums));
    memcpy(pairs, sums, sizeof(sums));
    for (unsigned n = 0; n < maxRowBytes / 4; ++n)
      dest.u32[m][n] += pairs[2 * n] + pairs[2 * n + 1];
  }
}

/// The products of even and of odd elements are summed apart, each by fused
/// multiply-adds from zero in order of k; then both, and then the destination.
template <typename ToFloat>
[[gnu::noinline]] void Tiles::multiplyHalves(Tile &dest, const Tile &lhs, const Tile &rhs, unsigned rows,
                                             unsigned depth, unsigned columns, ToFloat toFloat) {
  constexpr unsigned width = maxRowBytes / 4;
  float widened[maxRows][2][width];
  for (unsigned k = 0; k < depth; ++k)
    for (unsigned part = 0; part < 2; ++part)
      for (unsigned n = 0; n < width; ++n)
        widened[k][part][n] = toFloat(rhs.u16[k][2 * n + part]);
  for (unsigned m = 0; m < rows; ++m) {
    float sums[2][width] = {};
    for (unsigned k = 0; k < depth; ++k)
      for (unsigned part = 0; part < 2; ++part) {
        float scalar = toFloat(lhs.u16[m][2 * k + part]);
        for (unsigned n = 0; n < width; ++n)
          sums[part][n] = __builtin_fmaf(scalar, widened[k][part][n], sums[part][n]);
      }
    // Not beyond the columns: infinity times the zeros there is no number.
    for (unsigned n = 0; n < columns; ++n)
      dest.f32[m][n] += sums[0][n] + sums[1][n];
  }
}

const char *Tiles::multiply(Product product, unsigned dest, unsigned lhs, unsigned rhs) {
  if (dest == lhs || lhs == rhs || dest == rhs)
    return "the three tiles are not different";
  for (unsigned tile : {dest, lhs, rhs}) {
    if (const char *fault = checkTile(tile))
      return fault;
    if (config.rowBytes[tile] % 4)
      return "the bytes of a row are not a multiple of four";
  }
  if (config.rows[dest] != config.rows[lhs])
    return "the result and its left side differ in rows";
  if (config.rowBytes[dest] != config.rowBytes[rhs])
    return "the result and its right side differ in columns";
  if (config.rowBytes[lhs] != config.rows[rhs] * 4)
    return "the left side's columns are not the right side's rows";

  Tile &result = tiles[dest];
  const Tile &left = tiles[lhs], &right = tiles[rhs];
  unsigned rows = config.rows[dest], depth = config.rows[rhs], columns = config.rowBytes[dest] / 4;
  // Rounds to nearest even, takes denormals for zero and flushes them; no traps.
  constexpr unsigned tileControl = 0x9fc0;
  unsigned before = _mm_getcsr();
  _mm_setcsr(tileControl);
  switch (product) {
  case Product::S8S8:
    multiplyBytes<int8_t, int8_t>(result, left, right, rows, depth);
    break;
  case Product::S8U8:
    multiplyBytes<int8_t, uint8_t>(result, left, right, rows, depth);
    break;
  case Product::U8S8:
    multiplyBytes<uint8_t, int8_t>(result, left, right, rows, depth);
    break;
  case Product::U8U8:
    multiplyBytes<uint8_t, uint8_t>(result, left, right, rows, depth);
    break;
  case Product::BF16:
    multiplyHalves(result, left, right, rows, depth, columns,
                   [](uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); });
    break;
  case Product::F16: // whose denormals count, whatever the control says
    multiplyHalves(result, left, right, rows, depth, columns, [](uint16_t bits) { return _cvtsh_ss(bits); });
    break;
  }
  _mm_setcsr(before);
  config.startRow = 0;
  return nullptr;
}

} // namespace halftone::amx
