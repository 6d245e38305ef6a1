//===- TilesTest.cpp - what tile operations do, and what they refuse -------===//

#include "Reference.h"

#include <cfenv>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace halftone::amx;

namespace {
constexpr unsigned stride = 80, bytes = maxRows * stride;

class AmxTiles : public testing::Test {
protected:
  void SetUp() override {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
      GTEST_SKIP() << "the emulator needs AVX2 and FMA, which this CPU lacks";
  }

  void configure(ProductShape shape) {
    TileConfig config = makeConfig(shape);
    ASSERT_STREQ(tiles.loadConfig(&config), nullptr);
  }

  Tiles tiles;
  RandomBytes random;
};

class AmxProducts : public AmxTiles, public testing::WithParamInterface<Product> {
protected:
  void compare(ProductShape shape, bool special = false) {
    uint8_t a[bytes], b[bytes], got[bytes], want[bytes];
    random.fillOperand(GetParam(), special, a, bytes);
    random.fillOperand(GetParam(), special, b, bytes);
    random.fillSum(GetParam(), special, got, bytes);
    memcpy(want, got, bytes);
    configure(shape);
    ASSERT_STREQ(tiles.load(0, reinterpret_cast<char *>(got), stride), nullptr);
    ASSERT_STREQ(tiles.load(1, reinterpret_cast<char *>(a), stride), nullptr);
    ASSERT_STREQ(tiles.load(2, reinterpret_cast<char *>(b), stride), nullptr);
    ASSERT_STREQ(tiles.multiply(GetParam(), 0, 1, 2), nullptr);
    ASSERT_STREQ(tiles.store(0, reinterpret_cast<char *>(got), stride), nullptr);
    referenceProduct(GetParam(), shape, want, a, b, stride);
    for (unsigned i = 0; i < bytes; i += 4) {
      float x, y;
      memcpy(&x, got + i, 4);
      memcpy(&y, want + i, 4);
      bool bothNaN = GetParam() >= Product::BF16 && std::isnan(x) && std::isnan(y);
      ASSERT_TRUE(bothNaN || memcmp(got + i, want + i, 4) == 0)
          << shape.m << "x" << shape.k << "x" << shape.n << ", row " << i / stride << ", byte " << i % stride;
    }
  }
};
} // namespace

// Bytes beyond the tile's own belong to others: the comparison covers them too.
TEST_P(AmxProducts, EqualTheManualsLoopsAtEveryShape) {
  for (unsigned m = 1; m <= maxRows; ++m)
    for (unsigned k = 1; k <= maxRows; ++k)
      for (unsigned n = 1; n <= maxRowBytes / 4; ++n)
        ASSERT_NO_FATAL_FAILURE(compare({m, k, n}));
}

TEST_P(AmxProducts, EqualTheManualsLoopsOnSpecialValues) {
  for (unsigned i = 0; i < 200; ++i) {
    ASSERT_NO_FATAL_FAILURE(compare({16, 16, 16}, /*special=*/true));
    ASSERT_NO_FATAL_FAILURE(compare({3, 5, 7}, /*special=*/true));
  }
}

TEST_P(AmxProducts, RoundToEvenWhateverTheCallerDoes) {
  uint8_t a[bytes], b[bytes], results[2][bytes] = {};
  random.fillOperand(GetParam(), false, a, bytes);
  random.fillOperand(GetParam(), false, b, bytes);
  for (int mode : {FE_TONEAREST, FE_UPWARD}) {
    fesetround(mode);
    configure({5, 16, 9});
    tiles.load(1, reinterpret_cast<char *>(a), stride);
    tiles.load(2, reinterpret_cast<char *>(b), stride);
    tiles.multiply(GetParam(), 0, 1, 2);
    tiles.store(0, reinterpret_cast<char *>(results[mode == FE_UPWARD]), stride);
    EXPECT_EQ(fegetround(), mode);
  }
  fesetround(FE_TONEAREST);
  EXPECT_EQ(memcmp(results[0], results[1], bytes), 0);
}

static std::string nameProduct(const testing::TestParamInfo<Product> &info) {
  static constexpr const char *names[] = {"S8S8", "S8U8", "U8S8", "U8U8", "BF16", "F16"};
  return names[static_cast<int>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(, AmxProducts,
                         testing::Values(Product::S8S8, Product::S8U8, Product::U8S8, Product::U8U8,
                                         Product::BF16, Product::F16),
                         nameProduct);

TEST_F(AmxTiles, RefuseProductsOfTilesThatDoNotFit) {
  configure({4, 3, 2});
  EXPECT_STREQ(tiles.multiply(Product::S8S8, 0, 1, 1), "the three tiles are not different");
  EXPECT_STREQ(tiles.multiply(Product::S8S8, 0, 1, 3), "the configuration leaves this tile out");
  EXPECT_STREQ(tiles.multiply(Product::S8S8, 2, 1, 0), "the result and its left side differ in rows");
  EXPECT_STREQ(tiles.multiply(Product::S8S8, 1, 0, 2), "the result and its right side differ in columns");
  TileConfig config = makeConfig({4, 3, 2});
  config.rowBytes[1] = 8;
  tiles.loadConfig(&config);
  EXPECT_STREQ(tiles.multiply(Product::S8S8, 0, 1, 2),
               "the left side's columns are not the right side's rows");
}

TEST_F(AmxTiles, RefuseConfigurations) {
  const TileConfig right = makeConfig({16, 16, 16});
  auto refusal = [&](auto damage) {
    TileConfig config = right;
    damage(config);
    return tiles.loadConfig(&config);
  };
  EXPECT_STREQ(refusal([](TileConfig &c) { c.palette = 2; }), "the palette is neither 0 nor 1");
  EXPECT_STREQ(refusal([](TileConfig &c) { c.reserved1[7] = 1; }),
               "reserved bytes of the configuration are not zero");
  EXPECT_STREQ(refusal([](TileConfig &c) { c.rowBytes[1] = 65; }), "a tile's rows have more than 64 bytes");
  EXPECT_STREQ(refusal([](TileConfig &c) { c.rows[1] = 17; }), "a tile has more than 16 rows");
  EXPECT_STREQ(refusal([](TileConfig &c) { c.rows[5] = 1; }),
               "a tile has rows without bytes, or bytes without rows");
  EXPECT_STREQ(tiles.zero(0), "no tiles are configured") << "a refused configuration must leave none";
}

TEST_F(AmxTiles, StoreTheConfigurationUntilReleased) {
  TileConfig config = makeConfig({3, 2, 5}), stored;
  tiles.loadConfig(&config);
  tiles.storeConfig(&stored);
  EXPECT_EQ(memcmp(&config, &stored, sizeof(config)), 0);
  tiles.release();
  tiles.storeConfig(&stored);
  EXPECT_EQ(stored.palette, 0);
  EXPECT_EQ(stored.rows[0], 0);
}

TEST_F(AmxTiles, LoadFromTheRowWhereATransferWasInterrupted) {
  TileConfig config = makeConfig({4, 1, 2});
  config.startRow = 2;
  tiles.loadConfig(&config);
  uint8_t from[bytes], to[bytes] = {};
  random.fill(from, bytes);
  tiles.load(0, reinterpret_cast<char *>(from), stride);
  tiles.storeConfig(&config);
  EXPECT_EQ(config.startRow, 0);
  tiles.store(0, reinterpret_cast<char *>(to), stride);
  for (unsigned row = 0; row < 4; ++row)
    EXPECT_EQ(memcmp(to + row * stride, from + row * stride, 8) == 0, row >= 2) << "row " << row;
}

TEST_F(AmxTiles, StepBackwardsOrNowhere) {
  configure({3, 1, 2});
  int32_t from[48], to[3][2];
  random.fill(reinterpret_cast<uint8_t *>(from), sizeof(from));
  for (ptrdiff_t step : {-32, 0}) {
    tiles.load(0, reinterpret_cast<char *>(from + 40), step);
    tiles.store(0, reinterpret_cast<char *>(to), sizeof(to[0]));
    for (int row = 0; row < 3; ++row)
      EXPECT_EQ(memcmp(to[row], from + 40 + row * step / 4, sizeof(to[0])), 0)
          << "step " << step << ", row " << row;
  }
}
