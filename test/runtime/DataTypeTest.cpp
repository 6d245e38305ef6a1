//===- DataTypeTest.cpp - conversions and sizes ---------------------------===//

#include "runtime/support/DataType.h"
#include "halftone/abi.h"
#include "runtime/support/FloatFormat.h"
#include "runtime/support/Text.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace halftone::rt;

TEST(DataType, EveryHalfSurvivesARoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double value = decodeFloat<formatF16>(static_cast<uint16_t>(bits));
    if (std::isnan(value))
      EXPECT_TRUE(
          std::isnan(decodeFloat<formatF16>(encodeFloat<formatF16>(value))));
    else
      EXPECT_EQ(encodeFloat<formatF16>(value), bits);
  }
}

TEST(DataType, EveryBfloatSurvivesARoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double value = decodeFloat<formatBF16>(static_cast<uint16_t>(bits));
    if (std::isnan(value))
      EXPECT_TRUE(
          std::isnan(decodeFloat<formatBF16>(encodeFloat<formatBF16>(value))));
    else
      EXPECT_EQ(encodeFloat<formatBF16>(value), bits);
  }
}

TEST(DataType, RoundsHalfToEven) {
  EXPECT_EQ(encodeFloat<formatF16>(1 + 0x1p-11), 0x3c00); // Tie: down to even.
  EXPECT_EQ(encodeFloat<formatF16>(1 + 0x3p-11), 0x3c02); // Tie: up to even.
  EXPECT_EQ(encodeFloat<formatF16>(1 + 0x1p-11 + 0x1p-40),
            0x3c01); // Just above the tie.
  EXPECT_EQ(encodeFloat<formatF16>(65519.99), 0x7bff);
  EXPECT_EQ(encodeFloat<formatF16>(65520), 0x7c00);
  EXPECT_EQ(encodeFloat<formatF16>(0x1p-25), 0x0000);
  EXPECT_EQ(encodeFloat<formatF16>(0x1.8p-24), 0x0002);
  EXPECT_EQ(encodeFloat<formatF16>(1024 * 0x1p-24), 0x0400);
  EXPECT_EQ(encodeFloat<formatBF16>(1 + 0x1p-8), 0x3f80);
  EXPECT_EQ(encodeFloat<formatBF16>(1 + 0x3p-8), 0x3f82);
  EXPECT_EQ(encodeFloat<formatBF16>(-1e300), 0xff80);
}

TEST(DataType, SizesThatOverflowAreRefused) {
  size_t bytes;
  int64_t fits[] = {3, 0, 5};
  EXPECT_TRUE(tensorBytes(HALFTONE_F32, fits, 3, bytes));
  EXPECT_EQ(bytes, 0u);
  int64_t large[] = {int64_t(1) << 31, int64_t(1) << 31};
  EXPECT_FALSE(tensorBytes(HALFTONE_F32, large, 2, bytes));
  int64_t withZero[] = {INT64_MAX, INT64_MAX, 0};
  EXPECT_FALSE(tensorBytes(HALFTONE_I8, withZero, 3, bytes));
  int64_t negative[] = {-1};
  EXPECT_FALSE(tensorBytes(HALFTONE_I8, negative, 1, bytes));
  EXPECT_TRUE(tensorBytes(HALFTONE_I8, nullptr, 0, bytes));
  EXPECT_EQ(bytes, 1u);
}

TEST(DataType, IntegerBounds) {
  int64_t least, greatest;
  integerBounds(HALFTONE_I8, least, greatest);
  EXPECT_EQ(least, -128);
  EXPECT_EQ(greatest, 127);
  integerBounds(HALFTONE_I64, least, greatest);
  EXPECT_EQ(least, INT64_MIN);
  EXPECT_EQ(greatest, INT64_MAX);
  integerBounds(HALFTONE_U32, least, greatest);
  EXPECT_EQ(least, 0);
  EXPECT_EQ(greatest, UINT32_MAX);
  integerBounds(HALFTONE_I4, least, greatest);
  EXPECT_EQ(least, -8);
  EXPECT_EQ(greatest, 7);
  uint8_t nibble = 0x0f;
  EXPECT_EQ(loadInteger(HALFTONE_I4, &nibble, 0), -1);
  EXPECT_EQ(loadInteger(HALFTONE_U4, &nibble, 0), 15);
  uint64_t large = UINT64_MAX;
  EXPECT_EQ(loadElement(HALFTONE_U64, &large, 0), 0x1p64);
  int16_t stored;
  storeInteger(HALFTONE_I16, &stored, 0, -300);
  EXPECT_EQ(loadInteger(HALFTONE_I16, &stored, 0), -300);
}

TEST(DataType, FloatsThatHaveNoSuchNumber) {
  uint8_t code;
  EXPECT_TRUE(storeFloat(HALFTONE_F8E4M3FN, &code, 0, -448));
  EXPECT_EQ(loadElement(HALFTONE_F8E4M3FN, &code, 0), -448);
  EXPECT_FALSE(storeFloat(HALFTONE_F8E4M3FN, &code, 0, 500));
  EXPECT_TRUE(storeFloat(HALFTONE_F8E5M2, &code, 0, INFINITY));
  EXPECT_TRUE(storeFloat(HALFTONE_F4E2M1FN, &code, 0, 6.9));
  EXPECT_EQ(loadElement(HALFTONE_F4E2M1FN, &code, 0), 6);
  EXPECT_FALSE(storeFloat(HALFTONE_F4E2M1FN, &code, 0, -7));
  EXPECT_FALSE(storeFloat(HALFTONE_F4E2M1FN, &code, 0, NAN));
  EXPECT_TRUE(storeFloat(HALFTONE_F8E8M0FNU, &code, 0, 0x1p-100));
  EXPECT_EQ(loadElement(HALFTONE_F8E8M0FNU, &code, 0), 0x1p-100);
}

TEST(Text, QuotesWhatATerminalWouldObey) {
  EXPECT_STREQ(quoted("plain é 漢").c_str(), "\"plain é 漢\"");
  EXPECT_STREQ(quoted("\x1b[31m\n").c_str(), "\"\\x1b[31m\\x0a\"");
  EXPECT_STREQ(quoted("\xc2\x9b"
                      "31m")
                   .c_str(),
               "\"\\xc2\\x9b31m\"");
  EXPECT_STREQ(quoted("\xff\xe6\xbc").c_str(), "\"\\xff\\xe6\\xbc\"");
  Text quotedLong = quoted(std::string(1000, 'x').c_str());
  EXPECT_LT(quotedLong.size(), 220u);
}

TEST(Text, JsonAndSizes) {
  EXPECT_STREQ(jsonText("a\"b\\\x01").c_str(), "\"a\\\"b\\\\\\u0001\"");
  EXPECT_STREQ(sizeText(512).c_str(), "512 bytes");
  EXPECT_STREQ(sizeText(3 << 20).c_str(), "3.0 MiB");
}
