//===- TensorTest.cpp - rounding and conversion -----------------------------===//

#include "test/evaluate/Fixture.h"

#include "compiler/Evaluate/Strided.h"

#include <chrono>

namespace halftone::evaluate {
namespace {

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
  expectInts(i64({4}, {7, 8, -9, 31}).cast(ElementKind::I4), {7, -8, 7, -1});
  expectInts(i64({4}, {7, 16, -9, 31}).cast(ElementKind::UI4), {7, 0, 7, 15});
  expectInts(i64({4}, {1, 2, -3, 7}).cast(ElementKind::I2), {1, -2, 1, -1});
  expectInts(i64({4}, {1, 2, -3, 7}).cast(ElementKind::UI2), {1, 2, 1, 3});
  expectInts(i64({2}, {-1, 70000}).cast(ElementKind::UI16), {65535, 4464});
  expectInts(f64({2}, {4e9, 1}).cast(ElementKind::UI32), {4000000000, 1});
}

TEST(TensorTest, UnsignedIntegersOf64BitsAreNotSigned) {
  uint64_t large = (uint64_t(1) << 63) + (uint64_t(1) << 11) + 1;
  Tensor x = Tensor::of<uint64_t>(ElementKind::UI64, {2}, {large, 3});
  expectEqual(x.cast(ElementKind::F64), {0x1p63 + 0x1p11, 3});
  expectEqual(x.cast(ElementKind::BF16), {0x1p63, 3});
  EXPECT_EQ(f64({1}, {0x1.8p63}).cast(ElementKind::UI64).toVector<uint64_t>().front(), uint64_t(3) << 62);
}

TEST(TensorTest, SaturatingCasts) {
  // onnx.reference, Cast with saturate = 1 and 0; the table of Inf in the operator's description.
  Tensor x = f32({6}, {464, 465, -1e9, kInfinity, -kInfinity, 250});
  expectEqual(x.cast(ElementKind::F8E4M3FN, true), {448, 448, -448, 448, -448, 256});
  expectEqual(x.cast(ElementKind::F8E4M3FN), {448, kNaN, kNaN, kNaN, kNaN, 256});
  expectEqual(x.cast(ElementKind::F8E4M3FNUZ, true), {240, 240, -240, 240, -240, 240});
  expectEqual(x.cast(ElementKind::F8E5M2, true), {448, 448, -57344, 57344, -57344, 256});
  expectEqual(x.cast(ElementKind::F8E5M2), {448, 448, -kInfinity, kInfinity, -kInfinity, 256});
  expectEqual(x.cast(ElementKind::F8E8M0FNU, true), {512, 512, 0x1p30, 0x1p127, 0x1p127, 256});
  expectEqual(x.cast(ElementKind::F4E2M1FN), {6, 6, -6, 6, -6, 6});
  // Integers saturate as numbers, not as their bits.
  expectEqual(i64({3}, {1000, -1000, 17}).cast(ElementKind::F8E4M3FN, true), {448, -448, 16});
  expectEqual(Tensor::of<uint64_t>(ElementKind::UI64, {1}, {~uint64_t(0)}).cast(ElementKind::F4E2M1FN), {6});
}

TEST(TensorTest, FilesPackWhatIsNarrowerThanAByte) {
  // Low bits first, and an odd count leaves bits of the last byte unused.
  const char nibbles[] = {'\x8f', '\x21', '\xf7'}, pairs[] = {'\xe4', '\x03'};
  expectInts(Tensor::unpack(ElementKind::UI4, {5}, nibbles), {15, 8, 1, 2, 7});
  expectInts(Tensor::unpack(ElementKind::I4, {5}, nibbles), {-1, -8, 1, 2, 7});
  expectEqual(Tensor::unpack(ElementKind::F4E2M1FN, {5}, nibbles), {-6, -0.0, 0.5, 1, 6});
  expectInts(Tensor::unpack(ElementKind::UI2, {5}, pairs), {0, 1, 2, 3, 3});
  expectInts(Tensor::unpack(ElementKind::I2, {5}, pairs), {0, 1, -2, -1, -1});
  expectInts(Tensor::unpack(ElementKind::UI8, {2}, pairs), {0xe4, 3});
  // numpy: np.packbits((v[:, None] >> np.arange(bits) & 1).ravel(), bitorder="little")
  const char threes[] = {'\x88', '\xc6', '\xfa', '\x03'}, fives[] = {'\x20', '\x04', '\xfe', '\x0d'},
             sixes[] = {'\xc1', '\x0f', '\x82', '\x2a'};
  expectInts(Tensor::unpack(ElementKind::UI3, {9}, threes), {0, 1, 2, 3, 4, 5, 6, 7, 3});
  expectInts(Tensor::unpack(ElementKind::I3, {9}, threes), {0, 1, 2, 3, -4, -3, -2, -1, 3});
  expectInts(Tensor::unpack(ElementKind::UI5, {6}, fives), {0, 1, 1, 28, 31, 6});
  expectInts(Tensor::unpack(ElementKind::I5, {6}, fives), {0, 1, 1, -4, -1, 6});
  expectInts(Tensor::unpack(ElementKind::UI6, {5}, sixes), {1, 63, 32, 32, 42});
  expectInts(Tensor::unpack(ElementKind::I6, {5}, sixes), {1, -1, -32, -32, -22});
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
