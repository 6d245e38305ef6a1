//===- CodecTest.cpp - numbers to bits and back -----------------------------===//

#include "test/evaluate/Fixture.h"

#include "compiler/Evaluate/Codec.h"

#include "llvm/ADT/APFloat.h"

namespace halftone::evaluate {
namespace {

uint16_t f16Bits(double value) { return Codec<ElementKind::F16>::from(value); }
uint16_t bf16Bits(double value) { return Codec<ElementKind::BF16>::from(value); }

TEST(CodecTest, F16RoundsHalfToEven) {
  // numpy: np.array([...]).astype(np.float16).view(np.uint16)
  EXPECT_EQ(f16Bits(1e-8), 0);
  EXPECT_EQ(f16Bits(0x1p-25), 0);   // Halfway between 0 and the least: to even.
  EXPECT_EQ(f16Bits(0x1.8p-24), 2); // Halfway between 1 and 2 units.
  EXPECT_EQ(f16Bits(std::nextafter(0x1p-25, 1)), 1);
  EXPECT_EQ(f16Bits(65519), 31743);  // The largest finite value.
  EXPECT_EQ(f16Bits(65520), 0x7c00); // Halfway to the next: infinity.
  EXPECT_EQ(f16Bits(2049), 26624);
  EXPECT_EQ(f16Bits(2051), 26626);
  EXPECT_EQ(f16Bits(0.1), 11878);
  EXPECT_EQ(f16Bits(-0.0), 0x8000);
  EXPECT_EQ(f16Bits(-kInfinity), 0xfc00);
  EXPECT_TRUE(std::isnan(Codec<ElementKind::F16>::to<double>(f16Bits(kNaN))));
  EXPECT_EQ(f16Bits(std::nextafter(0x1p-14, 0)), 0x0400); // A subnormal that rounds up to a normal.
}

TEST(CodecTest, F16BitsSurviveTheWayThroughDouble) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    double value = Codec<ElementKind::F16>::to<double>(bits);
    if (value == value)
      ASSERT_EQ(f16Bits(value), bits);
    value = Codec<ElementKind::BF16>::to<double>(bits);
    if (value == value)
      ASSERT_EQ(bf16Bits(value), bits);
  }
}

TEST(CodecTest, BF16RoundsOnceFromDouble) {
  // Just above a tie: through f32 it would become the tie and then go down to even.
  EXPECT_EQ(bf16Bits(1.0 + 0x1p-8), 0x3f80);
  EXPECT_EQ(bf16Bits(1.0 + 0x1p-8 + 0x1p-40), 0x3f81);
  EXPECT_EQ(bf16Bits(1.0 + 3 * 0x1p-8), 0x3f82);
  EXPECT_EQ(bf16Bits(3.4e38), 0x7f80);
  EXPECT_EQ(bf16Bits(0x1p-133), 0x0001);
  EXPECT_EQ(bf16Bits(0x1p-134), 0x0000);
}

TEST(CodecTest, FastBF16EqualsTheGeneralRule) {
  uint32_t state = 1;
  for (int i = 0; i < 1 << 20; ++i) {
    state = state * 1664525 + 1013904223;
    float value = llvm::bit_cast<float>(state);
    ASSERT_EQ(encodeBF16(value), bf16Bits(value)) << "of bits " << state;
  }
  for (uint32_t bits : {0x7f800001u, 0xffffffffu, 0x7f7fffffu, 0x7f800000u, 0x00008000u, 0x00018000u})
    EXPECT_EQ(encodeBF16(llvm::bit_cast<float>(bits)), bf16Bits(llvm::bit_cast<float>(bits)));
}

TEST(CodecTest, FastF16EqualsTheGeneralRule) {
  for (unsigned code = 0; code < 0x10000; ++code) {
    auto value = static_cast<float>(Codec<ElementKind::F16>::to<double>(code));
    ASSERT_EQ(llvm::bit_cast<uint32_t>(decodeF16(code)), llvm::bit_cast<uint32_t>(value)) << "of code " << code;
  }
}

TEST(CodecTest, LargeIntegersRoundOnce) {
  // 2^60 + 2^52 is a bf16 tie (8 bits of significand); one more goes up.
  int64_t tie = (int64_t(1) << 60) + (int64_t(1) << 52);
  EXPECT_EQ(Codec<ElementKind::BF16>::to<double>(Codec<ElementKind::BF16>::from(tie)), 0x1p60);
  EXPECT_EQ(Codec<ElementKind::BF16>::to<double>(Codec<ElementKind::BF16>::from(tie + 1)), 0x1p60 + 0x1p53);
  EXPECT_EQ(Codec<ElementKind::BF16>::to<double>(Codec<ElementKind::BF16>::from(-tie - 1)), -0x1p60 - 0x1p53);
  // 2^54 + 2^30 + 1 to f32: through double the last bit is lost.
  Tensor one = i64({1}, (int64_t(1) << 54) + (int64_t(1) << 30) + 1).cast(ElementKind::F32);
  EXPECT_EQ(one.getDouble(0), 0x1p54 + 0x1p31);
}

//===----------------------------------------------------------------------===//
// 8- and 4-bit floats: APFloat is the other implementation
//===----------------------------------------------------------------------===//

double decodeByAPFloat(const llvm::fltSemantics &semantics, uint64_t code) {
  llvm::APFloat value(semantics, llvm::APInt(llvm::APFloat::getSizeInBits(semantics), code));
  bool inexact;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &inexact);
  return value.convertToDouble();
}

uint64_t encodeByAPFloat(const llvm::fltSemantics &semantics, double number) {
  llvm::APFloat value(number);
  bool inexact;
  value.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &inexact);
  return value.bitcastToAPInt().getZExtValue();
}

template <ElementKind kind>
void expectCodesOf(const llvm::fltSemantics &semantics) {
  using C = Codec<kind>;
  unsigned count = 1u << llvm::APFloat::getSizeInBits(semantics);
  for (unsigned code = 0; code < count; ++code) {
    double expected = decodeByAPFloat(semantics, code), value = C::template to<double>(code);
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(value)) << code;
    else
      EXPECT_EQ(llvm::bit_cast<uint64_t>(value), llvm::bit_cast<uint64_t>(expected)) << code;
  }
  // Every code, every middle between two, and what lies next to that on either side.
  for (unsigned a = 0; a < count; ++a)
    for (unsigned b : {a, a + 1}) {
      double x = decodeByAPFloat(semantics, a), y = decodeByAPFloat(semantics, b % count),
             middle = (x + y) / 2;
      for (double number :
           {middle, std::nextafter(middle, -kInfinity), std::nextafter(middle, kInfinity), x * 1.1})
        if (!std::isnan(number))
          EXPECT_EQ(C::from(number), encodeByAPFloat(semantics, number)) << number;
    }
  for (double number : {0.0, -0.0, 1e-300, -1e-300, 1e300, 1e5, -470.0, 464.0, 5e-324})
    EXPECT_EQ(C::from(number), encodeByAPFloat(semantics, number)) << number;
  // APFloat has no rule for the infinity of a type that has neither that nor NaN.
  bool isFinite = !llvm::APFloat::semanticsHasNaN(semantics);
  for (double number : {kInfinity, -kInfinity})
    EXPECT_EQ(C::from(number), encodeByAPFloat(semantics, isFinite ? std::copysign(1e5, number) : number));
}

TEST(CodecTest, EveryCodeAndEveryTie) {
  expectCodesOf<ElementKind::F8E4M3FN>(llvm::APFloat::Float8E4M3FN());
  expectCodesOf<ElementKind::F8E4M3FNUZ>(llvm::APFloat::Float8E4M3FNUZ());
  expectCodesOf<ElementKind::F8E5M2>(llvm::APFloat::Float8E5M2());
  expectCodesOf<ElementKind::F8E5M2FNUZ>(llvm::APFloat::Float8E5M2FNUZ());
  expectCodesOf<ElementKind::F4E2M1FN>(llvm::APFloat::Float4E2M1FN());
}

TEST(CodecTest, NaN) {
  EXPECT_EQ(Codec<ElementKind::F8E4M3FN>::from(kNaN), 0x7f);
  EXPECT_EQ(Codec<ElementKind::F8E4M3FN>::from(-kNaN), 0xff);
  EXPECT_EQ(Codec<ElementKind::F8E4M3FNUZ>::from(-kNaN), 0x80);
  EXPECT_EQ(Codec<ElementKind::F8E5M2>::from(kNaN), 0x7e);
  EXPECT_EQ(Codec<ElementKind::F8E5M2FNUZ>::from(kNaN), 0x80);
  EXPECT_EQ(Codec<ElementKind::F8E8M0FNU>::from(kNaN), 0xff);
  // There is none: the largest value.
  EXPECT_EQ(Codec<ElementKind::F4E2M1FN>::from(-kNaN), 0x7);
}

TEST(CodecTest, PowersOfTwoRoundUp) {
  using C = Codec<ElementKind::F8E8M0FNU>;
  for (unsigned code = 0; code < 255; ++code) {
    double power = std::ldexp(1.0, int(code) - 127);
    EXPECT_EQ(C::to<double>(code), power);
    EXPECT_EQ(C::from(power), code);
    EXPECT_EQ(C::from(-power), code);
    EXPECT_EQ(C::from(std::nextafter(power, 0)), code);
    EXPECT_EQ(C::from(std::nextafter(power, kInfinity)), code + 1);
  }
  EXPECT_TRUE(std::isnan(C::to<double>(255)));
  EXPECT_EQ(C::from(0.0), 0);
  EXPECT_EQ(C::from(1e-300), 0);
  EXPECT_EQ(C::from(kInfinity), 255);
  EXPECT_EQ(C::from((int64_t(1) << 53) + 1), 127 + 54);
}

} // namespace
} // namespace halftone::evaluate
