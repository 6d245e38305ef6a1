//===- TensorTest.cpp - rounding and conversion -----------------------------===//

#include "test/evaluate/Fixture.h"

#include "compiler/Evaluate/Strided.h"

#include <chrono>

namespace halftone::evaluate {
namespace {

uint16_t f16Bits(double value) { return Codec<ElementKind::F16>::fromDouble(value); }
uint16_t bf16Bits(double value) { return Codec<ElementKind::BF16>::fromDouble(value); }

TEST(TensorTest, F16RoundsHalfToEven) {
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
  EXPECT_TRUE(std::isnan(Codec<ElementKind::F16>::toDouble(f16Bits(kNaN))));
  EXPECT_EQ(f16Bits(std::nextafter(0x1p-14, 0)), 0x0400); // A subnormal that rounds up to a normal.
}

TEST(TensorTest, F16BitsSurviveTheWayThroughDouble) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    double value = Codec<ElementKind::F16>::toDouble(bits);
    if (value == value)
      ASSERT_EQ(f16Bits(value), bits);
    value = Codec<ElementKind::BF16>::toDouble(bits);
    if (value == value)
      ASSERT_EQ(bf16Bits(value), bits);
  }
}

TEST(TensorTest, BF16RoundsOnceFromDouble) {
  // Just above a tie: through f32 it would become the tie and then go down to even.
  EXPECT_EQ(bf16Bits(1.0 + 0x1p-8), 0x3f80);
  EXPECT_EQ(bf16Bits(1.0 + 0x1p-8 + 0x1p-40), 0x3f81);
  EXPECT_EQ(bf16Bits(1.0 + 3 * 0x1p-8), 0x3f82);
  EXPECT_EQ(bf16Bits(3.4e38), 0x7f80);
  EXPECT_EQ(bf16Bits(0x1p-133), 0x0001);
  EXPECT_EQ(bf16Bits(0x1p-134), 0x0000);
}

TEST(TensorTest, FastBF16EqualsTheGeneralRule) {
  uint32_t state = 1;
  for (int i = 0; i < 1 << 20; ++i) {
    state = state * 1664525 + 1013904223;
    float value = llvm::bit_cast<float>(state);
    ASSERT_EQ(encodeBF16(value), bf16Bits(value)) << "of bits " << state;
  }
  for (uint32_t bits : {0x7f800001u, 0xffffffffu, 0x7f7fffffu, 0x7f800000u, 0x00008000u, 0x00018000u})
    EXPECT_EQ(encodeBF16(llvm::bit_cast<float>(bits)), bf16Bits(llvm::bit_cast<float>(bits)));
}

TEST(TensorTest, LargeIntegersRoundOnce) {
  // 2^60 + 2^52 is a bf16 tie (8 bits of significand); one more goes up.
  int64_t tie = (int64_t(1) << 60) + (int64_t(1) << 52);
  EXPECT_EQ(Codec<ElementKind::BF16>::toDouble(Codec<ElementKind::BF16>::fromInt(tie)), 0x1p60);
  EXPECT_EQ(Codec<ElementKind::BF16>::toDouble(Codec<ElementKind::BF16>::fromInt(tie + 1)), 0x1p60 + 0x1p53);
  EXPECT_EQ(Codec<ElementKind::BF16>::toDouble(Codec<ElementKind::BF16>::fromInt(-tie - 1)),
            -0x1p60 - 0x1p53);
  // 2^54 + 2^30 + 1 to f32: through double the last bit is lost.
  Tensor one = i64({1}, (int64_t(1) << 54) + (int64_t(1) << 30) + 1).cast(ElementKind::F32);
  EXPECT_EQ(one.getDouble(0), 0x1p54 + 0x1p31);
}

TEST(TensorTest, CastFollowsTheDialect) {
  Tensor x = f32({6}, {-1.9, 1.9, 0.5, -0.0, kNaN, 3e9});
  Tensor ints = x.cast(ElementKind::I32);
  EXPECT_EQ(ints.getInt(0), -1);
  EXPECT_EQ(ints.getInt(1), 1);
  EXPECT_EQ(ints.getInt(2), 0);
  expectInts(x.cast(ElementKind::I1), {1, 1, 1, 0, 1, 1});
  expectInts(i64({3}, {300, -1, 128}).cast(ElementKind::UI8), {44, 255, 128});
  expectInts(i64({3}, {300, -1, 128}).cast(ElementKind::I8), {44, -1, -128});
  expectEqual(i1({2}, {0, 1}).cast(ElementKind::F16), {0, 1});
  expectEqual(f64({2}, {1.0 + 0x1p-24, 1.0 + 3 * 0x1p-24}).cast(ElementKind::F32), {1, 1 + 0x1p-22});
}

TEST(TensorTest, ViewsMayBeUnaligned) {
  alignas(8) char bytes[13] = {};
  float values[] = {1.5f, -2, 3};
  std::memcpy(bytes + 1, values, sizeof(values));
  Tensor view = Tensor::borrow(ElementKind::F32, {3}, bytes + 1);
  expectEqual(view, {1.5, -2, 3});
  expectEqual(view.cast(ElementKind::BF16), {1.5, -2, 3});
  expectEqual(transpose(view.reshaped({3, 1}), {1, 0}), {1.5, -2, 3});
}

TEST(TensorTest, OwnedBytesAreAligned) {
  for (int64_t n : {0, 1, 63, 1000})
    EXPECT_EQ(reinterpret_cast<uintptr_t>(Tensor::allocate(ElementKind::I8, n).data()) % 64, 0u);
}

TEST(TensorTest, TransposeAndCastOfLargeWeightsAreQuick) {
  using Clock = std::chrono::steady_clock;
  auto ms = [](Clock::time_point since) {
    return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
  };
  Tensor table = Tensor::allocate(ElementKind::F32, {30522, 384});
  auto begin = Clock::now();
  Tensor narrow = table.cast(ElementKind::BF16);
  double castTime = ms(begin);
  Tensor weight = Tensor::allocate(ElementKind::F32, {384, 1536});
  for (int64_t i = 0; i < weight.getNumElements(); ++i)
    weight.getMutable<float>()[i] = float(i);
  begin = Clock::now();
  Tensor swapped = transpose(weight, {1, 0});
  double transposeTime = ms(begin);
  EXPECT_EQ(swapped.getDouble(7 * 384 + 5), 5 * 1536 + 7);
  // Generous: the machine may be busy. Quadratic accidents and per-element dispatch would be far over.
  EXPECT_LT(castTime, 1000) << narrow.getNumElements();
  EXPECT_LT(transposeTime, 100);
  RecordProperty("cast_ms", std::to_string(castTime));
  RecordProperty("transpose_ms", std::to_string(transposeTime));
}

TEST(TensorTest, StridedReadsAgreeWithTheDefinition) {
  // All permutations of a rank-4 tensor, with sizes over and under a tile, of every element size.
  Shape shape = {3, 40, 1, 35};
  for (ElementKind kind : {ElementKind::I8, ElementKind::I16, ElementKind::F32, ElementKind::I64}) {
    Tensor x = Tensor::allocate(kind, shape);
    std::vector<int64_t> values(x.getNumElements());
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = kind == ElementKind::I8 ? int8_t(i * 7) : int64_t(i);
    x.write(0, llvm::ArrayRef<int64_t>(values));
    Shape strides = getStrides(shape);
    llvm::SmallVector<int64_t> p = {0, 1, 2, 3};
    do {
      Tensor y = transpose(x, p);
      int64_t at = 0;
      for (int64_t a = 0; a < shape[p[0]]; ++a)
        for (int64_t b = 0; b < shape[p[1]]; ++b)
          for (int64_t c = 0; c < shape[p[2]]; ++c)
            for (int64_t d = 0; d < shape[p[3]]; ++d)
              ASSERT_EQ(
                  y.getInt(at++),
                  values[a * strides[p[0]] + b * strides[p[1]] + c * strides[p[2]] + d * strides[p[3]]]);
    } while (std::next_permutation(p.begin(), p.end()));
  }
}

} // namespace
} // namespace halftone::evaluate
