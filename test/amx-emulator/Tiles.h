//===- Tiles.h - the tile registers of AMX, in software --------------------===//
//
// What the tile instructions do, after Intel's manual (volume 2, chapter 3; tile
// architecture palette 1). An operation returns why the processor would fault,
// or null when it is done.
//
//===----------------------------------------------------------------------===//

#pragma once

#include <cstddef>
#include <cstdint>

namespace halftone::amx {

inline constexpr unsigned numTiles = 8, maxRows = 16, maxRowBytes = 64;

/// What LDTILECFG reads and STTILECFG writes.
struct TileConfig {
  uint8_t palette, startRow, reserved0[14];
  uint16_t rowBytes[numTiles], reserved1[8];
  uint8_t rows[numTiles], reserved2[8];
};
static_assert(sizeof(TileConfig) == 64);

/// The types of the two sides of a product.
enum class Product { S8S8, S8U8, U8S8, U8U8, BF16, F16 };

class Tiles {
public:
  const char *loadConfig(const void *from);
  void storeConfig(void *to) const;
  void release();
  const char *zero(unsigned tile);
  /// Row i is at base + i * stride.
  const char *load(unsigned tile, const char *base, ptrdiff_t stride);
  const char *store(unsigned tile, char *base, ptrdiff_t stride);
  /// dest += lhs * rhs; rhs has groups of rows interleaved in dwords.
  const char *multiply(Product product, unsigned dest, unsigned lhs, unsigned rhs);

private:
  union Tile {
    uint8_t u8[maxRows][maxRowBytes];
    uint16_t u16[maxRows][maxRowBytes / 2];
    uint32_t u32[maxRows][maxRowBytes / 4];
    float f32[maxRows][maxRowBytes / 4];
  };

  const char *checkTile(unsigned tile) const;
  const char *checkTransfer(unsigned tile) const;
  template <typename Lhs, typename Rhs>
  void multiplyBytes(Tile &dest, const Tile &lhs, const Tile &rhs, unsigned rows, unsigned depth);
  template <typename ToFloat>
  void multiplyHalves(Tile &dest, const Tile &lhs, const Tile &rhs, unsigned rows, unsigned depth,
                      unsigned columns, ToFloat toFloat);

  TileConfig config = {};
  alignas(64) Tile tiles[numTiles] = {};
};

} // namespace halftone::amx
