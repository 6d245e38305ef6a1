//===- ElementwiseTest.cpp - one scalar function per element ----------------===//

#include "test/evaluate/Fixture.h"

namespace halftone::evaluate {
namespace {

using ElementwiseTest = EvaluateTest;

// numpy: x = np.array([-2.5, -1.0, -0.0, 0.5, 3.0])
const double kX[] = {-2.5, -1.0, -0.0, 0.5, 3.0};

TEST_F(ElementwiseTest, FloatFunctions) {
  Tensor x = f64({5}, kX);
  expectEqual(runUnary("abs", x), {2.5, 1, 0, 0.5, 3});
  expectEqual(runUnary("ceil", x), {-2, -1, -0.0, 1, 3});
  expectEqual(runUnary("floor", x), {-3, -1, -0.0, 0, 3});
  expectEqual(runUnary("neg", x), {2.5, 1, 0, -0.5, -3});
  expectEqual(runUnary("relu", x), {0, 0, 0, 0.5, 3});
  expectEqual(runUnary("sign", x), {-1, -1, 0, 1, 1});
  expectEqual(runUnary("reciprocal", f64({3}, {4, -0.5, 0})), {0.25, -2, kInfinity});
  expectEqual(runUnary("sqrt", f64({3}, {4, 2.25, -1})), {2, 1.5, kNaN});
  expectEqual(runUnary("rsqrt", f64({3}, {4, 0.25, 0})), {0.5, 2, kInfinity});
  // numpy: np.exp(x), np.tanh(x), 1 / (1 + np.exp(-x)), x / (1 + np.exp(-x)); math.erf
  expectNear(runUnary("exp", x),
             {0.0820849986238988, 0.36787944117144233, 1.0, 1.6487212707001282, 20.085536923187668}, 1e-15);
  expectNear(runUnary("tanh", x),
             {-0.9866142981514303, -0.7615941559557649, -0.0, 0.46211715726000974, 0.9950547536867305},
             1e-15);
  expectNear(runUnary("erf", x),
             {-0.999593047982555, -0.8427007929497149, -0.0, 0.5204998778130465, 0.9999779095030014}, 1e-15);
  expectNear(runUnary("sigmoid", x),
             {0.07585818002124355, 0.2689414213699951, 0.5, 0.6224593312018546, 0.9525741268224334}, 1e-15);
  expectNear(runUnary("silu", x),
             {-0.18964545005310887, -0.2689414213699951, -0.0, 0.3112296656009273, 2.8577223804672998},
             1e-15);
  expectNear(runUnary("sin", f64({2}, {0, 1})), {0, 0.8414709848078965}, 1e-15);
  expectNear(runUnary("cos", f64({2}, {0, 1})), {1, 0.5403023058681398}, 1e-15);
  expectNear(runUnary("log", f64({3}, {1, 10, 0})), {0, 2.302585092994046, -kInfinity}, 1e-15);
}

TEST_F(ElementwiseTest, Gelu) {
  Tensor x = f64({5}, kX);
  // numpy: 0.5 * x * (1 + erf(x / sqrt(2)))
  expectNear(runUnary("gelu", x),
             {-0.015524163314440398, -0.15865525393145707, -0.0, 0.34573123063700656, 2.99595030590511},
             1e-15);
  // numpy: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
  expectNear(runOp("ht.gelu %0 approximate tanh : tensor<5xf64>", x, "tensor<5xf64>"),
             {-0.015084266089998577, -0.1588080093917233, -0.0, 0.34571400982514394, 2.996362607918227},
             1e-15);
}

TEST_F(ElementwiseTest, RoundTiesToEven) {
  expectEqual(runUnary("round", f32({7}, {0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, kNaN})),
              {0, 2, 2, -0.0, -2, 2, kNaN});
}

TEST_F(ElementwiseTest, SpecialValues) {
  Tensor x = f32({3}, {kNaN, kInfinity, -kInfinity});
  expectEqual(runUnary("relu", x), {kNaN, kInfinity, 0});
  expectEqual(runUnary("sigmoid", x), {kNaN, 1, 0});
  expectEqual(runUnary("tanh", x), {kNaN, 1, -1});
  expectEqual(runUnary("exp", x), {kNaN, kInfinity, 0});
  expectInts(runOp("ht.is_nan %0 : tensor<3xf32> -> tensor<3xi1>", x, "tensor<3xi1>"), {1, 0, 0});
  expectEqual(runBinary("max", x, f32({3}, {1, 2, kNaN})), {kNaN, kInfinity, kNaN});
  expectEqual(runBinary("min", f32({3}, {1, 2, 3}), f32({3}, {kNaN, 1, 4})), {kNaN, 1, 3});
}

TEST_F(ElementwiseTest, ResultsAreRoundedOnceToTheirType) {
  // 1 + 2^-8 is a tie in bf16; 256 + 1 likewise.
  Tensor one = Tensor::of<double>(ElementKind::BF16, {2}, {256, 258});
  Tensor small = Tensor::of<double>(ElementKind::BF16, {2}, {1, 1});
  expectEqual(runBinary("add", one, small), {256, 260});
  expectEqual(runBinary("div", f32({1}, 1), f32({1}, 3)), {double(1.0f / 3.0f)});
  expectEqual(runBinary("mul", f32({1}, 3e38), f32({1}, 2)), {kInfinity});
  expectEqual(runBinary("pow", f32({3}, {2, 4, -8}), f32({3}, {10, 0.5, 3})), {1024, 2, -512});
}

TEST_F(ElementwiseTest, IntegersWrapAndDivideTowardZero) {
  auto i8 = [](llvm::ArrayRef<int64_t> v) {
    return Tensor::of<int64_t>(ElementKind::I8, int64_t(v.size()), v);
  };
  expectInts(runBinary("add", i8({127, -128}), i8({1, -1})), {-128, 127});
  expectInts(runBinary("mul", i8({100, -5}), i8({3, 7})), {44, -35});
  expectInts(runBinary("sub", i8({-128, 5}), i8({1, 7})), {127, -2});
  expectInts(runBinary("div", i8({-7, 7, -128}), i8({2, -2, -1})), {-3, -3, -128});
  expectInts(runUnary("abs", i8({-128, -3})), {-128, 3});
  expectInts(runUnary("neg", i8({-128, 3})), {-128, -3});
  expectInts(runUnary("sign", i8({-128, 0, 9})), {-1, 0, 1});
  expectInts(runUnary("relu", i8({-128, 0, 9})), {0, 0, 9});
  int64_t least = std::numeric_limits<int64_t>::min();
  expectInts(runBinary("div", i64({2}, {least, 7}), i64({2}, {-1, -2})), {least, -3});
  // Beyond 2^53 a detour over double would lose the one.
  expectInts(runBinary("max", i64({1}, (int64_t(1) << 60) + 1), i64({1}, int64_t(1) << 60)),
             {(int64_t(1) << 60) + 1});
}

TEST_F(ElementwiseTest, UnsignedBytes) {
  Tensor x = Tensor::of<int64_t>(ElementKind::UI8, {2}, {200, 1}),
         y = Tensor::of<int64_t>(ElementKind::UI8, {2}, {100, 2});
  expectInts(runBinary("add", x, y), {44, 3});
  expectInts(runBinary("sub", x, y), {100, 255});
  expectInts(runBinary("div", x, y), {2, 0});
  expectInts(
      runOp("ht.compare gt %0, %1 : tensor<2xui8>, tensor<2xui8> -> tensor<2xi1>", {x, y}, "tensor<2xi1>"),
      {1, 0});
}

TEST_F(ElementwiseTest, UnsignedIntegersOf64Bits) {
  auto u64 = [](llvm::ArrayRef<uint64_t> v) {
    return Tensor::of<uint64_t>(ElementKind::UI64, int64_t(v.size()), v);
  };
  auto expectUnsigned = [](const Tensor &actual, llvm::ArrayRef<uint64_t> expected) {
    EXPECT_EQ(actual.toVector<uint64_t>(), expected.vec());
  };
  uint64_t large = ~uint64_t(0);
  Tensor x = u64({large, 7}), y = u64({2, 9});
  expectUnsigned(runBinary("div", x, y), {large / 2, 0});
  expectUnsigned(runBinary("div", y, x), {0, 1});
  expectUnsigned(runBinary("max", x, y), {large, 9});
  expectUnsigned(runBinary("min", x, y), {2, 7});
  expectUnsigned(runBinary("add", x, y), {1, 16});
  expectUnsigned(runUnary("abs", x), {large, 7});
  expectUnsigned(runUnary("sign", x), {1, 1});
  expectUnsigned(runUnary("relu", x), {large, 7});
  expectInts(
      runOp("ht.compare lt %0, %1 : tensor<2xui64>, tensor<2xui64> -> tensor<2xi1>", {x, y}, "tensor<2xi1>"),
      {0, 1});
  expectUnsigned(runOp("ht.reduce max %0 [0] : tensor<2xui64> -> tensor<1xui64>", x, "tensor<1xui64>"),
                 {large});
  expectUnsigned(runOp("ht.reduce mean %0 [0] : tensor<2xui64> -> tensor<1xui64>", u64({large - 3, 2}),
                       "tensor<1xui64>"),
                 {large / 2});
}

TEST_F(ElementwiseTest, BitsOfIntegers) {
  auto make = [](ElementKind kind, llvm::ArrayRef<int64_t> v) {
    return Tensor::of<int64_t>(kind, int64_t(v.size()), v);
  };
  // numpy: np.bitwise_and(x, y), …; np.left_shift of uint8 and int8 arrays
  Tensor x = make(ElementKind::UI8, {0xf0, 0x3c, 255}), y = make(ElementKind::UI8, {0x3c, 1, 7});
  expectInts(runBinary("and", x, y), {0x30, 0, 7});
  expectInts(runBinary("or", x, y), {0xfc, 0x3d, 255});
  expectInts(runBinary("xor", x, y), {0xcc, 0x3d, 248});
  expectInts(runUnary("not", x), {0x0f, 0xc3, 0});
  expectInts(runUnary("not", make(ElementKind::I32, {0, -1, 5})), {-1, 0, -6});
  expectInts(runBinary("shift_left", x, make(ElementKind::UI8, {1, 7, 8})), {0xe0, 0, 0});
  expectInts(runBinary("shift_right", x, make(ElementKind::UI8, {1, 7, 8})), {0x78, 0, 0});
  Tensor s = make(ElementKind::I8, {-128, 64, -1, -5});
  expectInts(runBinary("shift_right", s, make(ElementKind::I8, {1, 7, 9, -1})), {-64, 0, -1, -1});
  expectInts(runBinary("shift_left", s, make(ElementKind::I8, {1, 1, 7, -1})), {0, -128, -128, 0});
  uint64_t top = uint64_t(1) << 63;
  Tensor u = Tensor::of<uint64_t>(ElementKind::UI64, {2}, {top, 1});
  EXPECT_EQ(runBinary("shift_right", u, make(ElementKind::UI64, {63, 0})).toVector<uint64_t>(),
            (std::vector<uint64_t>{1, 1}));
}

TEST_F(ElementwiseTest, Bitcast) {
  // numpy: np.array([1.5, -2], np.float32).view(np.int32)
  expectInts(runOp("ht.bitcast %0 : tensor<2xf32> to tensor<2xi32>", f32({2}, {1.5, -2}), "tensor<2xi32>"),
             {1069547520, -1073741824});
  Tensor nibbles = Tensor::of<int64_t>(ElementKind::UI4, {3}, {15, 8, 3});
  expectInts(runOp("ht.bitcast %0 : tensor<3xui4> to tensor<3xi4>", nibbles, "tensor<3xi4>"), {-1, -8, 3});
  expectEqual(runOp("ht.bitcast %0 : tensor<3xui4> to tensor<3xf4E2M1FN>", nibbles, "tensor<3xf4E2M1FN>"),
              {-6, -0.0, 1.5});
}

TEST_F(ElementwiseTest, IntegerDivisionByZeroNamesTheOperation) {
  std::string text = R"(func.func @f(%0: tensor<1xi64>, %1: tensor<1xi64>) -> tensor<1xi64> {
    %r = ht.div %0, %1 : tensor<1xi64>, tensor<1xi64> -> tensor<1xi64> loc("/layer/Div")
    return %r : tensor<1xi64>
  })";
  EXPECT_EQ(getError(text, {i64({1}, 1), i64({1}, 0)}), "'ht.div' at /layer/Div: integer division by zero");
}

TEST_F(ElementwiseTest, Broadcasting) {
  // numpy: (np.arange(2).reshape(2, 1) * 10 + np.arange(3))
  Tensor column = f32({2, 1}, {0, 10}), row = f32({3}, {0, 1, 2});
  Tensor sum = runOp("ht.add %0, %1 : tensor<2x1xf32>, tensor<3xf32> -> tensor<2x3xf32>", {column, row},
                     "tensor<2x3xf32>");
  expectShape(sum, {2, 3});
  expectEqual(sum, {0, 1, 2, 10, 11, 12});
  Tensor chosen = runOp("ht.where %0, %1, %2 : tensor<3xi1>, tensor<2x1xf32>, tensor<f32> -> tensor<2x3xf32>",
                        {i1({3}, {1, 0, 1}), column, f32({}, kNaN)}, "tensor<2x3xf32>");
  expectEqual(chosen, {0, kNaN, 0, 10, kNaN, 10});
}

TEST_F(ElementwiseTest, ComparisonsWithNaN) {
  Tensor x = f32({4}, {1, kNaN, 2, -0.0}), y = f32({4}, {1, kNaN, 1, 0});
  auto compare = [&](llvm::StringRef predicate) {
    return runOp(("ht.compare " + predicate + " %0, %1 : tensor<4xf32>, tensor<4xf32> -> tensor<4xi1>").str(),
                 {x, y}, "tensor<4xi1>");
  };
  expectInts(compare("eq"), {1, 0, 0, 1});
  expectInts(compare("ne"), {0, 1, 1, 0});
  expectInts(compare("lt"), {0, 0, 0, 0});
  expectInts(compare("le"), {1, 0, 0, 1});
  expectInts(compare("gt"), {0, 0, 1, 0});
  expectInts(compare("ge"), {1, 0, 1, 1});
}

TEST_F(ElementwiseTest, Logic) {
  Tensor x = i1({4}, {0, 0, 1, 1}), y = i1({4}, {0, 1, 0, 1});
  expectInts(runBinary("and", x, y), {0, 0, 0, 1});
  expectInts(runBinary("or", x, y), {0, 1, 1, 1});
  expectInts(runBinary("xor", x, y), {0, 1, 1, 0});
  expectInts(runUnary("not", x), {1, 1, 0, 0});
}

TEST_F(ElementwiseTest, Cast) {
  expectInts(
      runOp("ht.cast %0 : tensor<3xf32> to tensor<3xi64>", f32({3}, {-1.9, 1.9, 1e6}), "tensor<3xi64>"),
      {-1, 1, 1000000});
  expectEqual(runOp("ht.cast %0 : tensor<2xf32> to tensor<2xbf16>", f32({2}, {1 + 0x1p-8, 1 + 3 * 0x1p-8}),
                    "tensor<2xbf16>"),
              {1, 1 + 0x1p-6});
  expectEqual(runOp("ht.cast %0 saturate : tensor<2xf32> to tensor<2xf8E4M3FN>", f32({2}, {1e9, 1.05}),
                    "tensor<2xf8E4M3FN>"),
              {448, 1});
}

TEST_F(ElementwiseTest, Empty) {
  expectShape(runUnary("exp", f32({0, 3}, {})), {0, 3});
  Tensor sum = runOp("ht.add %0, %1 : tensor<0x3xf32>, tensor<1x3xf32> -> tensor<0x3xf32>",
                     {f32({0, 3}, {}), f32({1, 3}, {1, 2, 3})}, "tensor<0x3xf32>");
  expectShape(sum, {0, 3});
}

} // namespace
} // namespace halftone::evaluate
