//===- ContractionsTest.cpp - matrix products, reductions, scans ------------===//

#include "test/evaluate/Fixture.h"

namespace halftone::evaluate {
namespace {

using ContractionsTest = EvaluateTest;

TEST_F(ContractionsTest, MatMulBroadcastsLeadingAxes) {
  // numpy: a = np.arange(12).reshape(2, 1, 2, 3) - 3.0; b = (np.arange(12).reshape(2, 3, 2) - 2) * 0.5; a @ b
  Tensor a = generate({2, 1, 2, 3}, [](double i) { return i - 3; });
  Tensor b = generate({2, 3, 2}, [](double i) { return (i - 2) * 0.5; });
  expectEqual(runOp("ht.matmul %0, %1 : tensor<2x1x2x3xf64>, tensor<2x3x2xf64> -> tensor<2x2x2x2xf64>",
                    {a, b}, "tensor<2x2x2x2xf64>"),
              {2, -1, 2, 3.5, -16, -19, 11, 12.5, 2, 8, 2, 12.5, 38, 44, 65, 75.5});
}

TEST_F(ContractionsTest, MatMulOfVectors) {
  Tensor x = f32({3}, {1, 2, 3}), m = f32({3, 2}, {1, 0, 0, 1, 1, 1}), n = f32({2, 3}, {1, 0, 1, 0, 1, 1});
  expectEqual(
      runOp("ht.matmul %0, %1 : tensor<3xf32>, tensor<3x2xf32> -> tensor<2xf32>", {x, m}, "tensor<2xf32>"),
      {4, 5});
  expectEqual(
      runOp("ht.matmul %0, %1 : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>", {n, x}, "tensor<2xf32>"),
      {4, 5});
  expectEqual(runOp("ht.matmul %0, %0 : tensor<3xf32>, tensor<3xf32> -> tensor<f32>", x, "tensor<f32>"),
              {14});
}

TEST_F(ContractionsTest, MatMulWithoutElements) {
  expectEqual(runOp("ht.matmul %0, %1 : tensor<2x0xf32>, tensor<0x1xf32> -> tensor<2x1xf32>",
                    {f32({2, 0}, {}), f32({0, 1}, {})}, "tensor<2x1xf32>"),
              {0, 0});
}

TEST_F(ContractionsTest, MatMulOfIntegersWraps) {
  Tensor x = Tensor::of<int64_t>(ElementKind::I8, {1, 2}, {100, 100});
  expectInts(runOp("ht.matmul %0, %1 : tensor<1x2xi8>, tensor<2x1xi8> -> tensor<1x1xi8>",
                   {x, x.reshaped({2, 1})}, "tensor<1x1xi8>"),
             {int8_t(20000)});
}

TEST_F(ContractionsTest, SumsAreKeptInDouble) {
  // In f32 the ones would vanish beside 2^25.
  std::vector<double> ones(101, 1.0);
  ones[0] = 0x1p25;
  expectEqual(
      runOp("ht.reduce sum %0 [0] : tensor<101xf32> -> tensor<1xf32>", f32({101}, ones), "tensor<1xf32>"),
      {0x1p25 + 100});
  expectEqual(runOp("ht.matmul %0, %1 : tensor<101xf32>, tensor<101xf32> -> tensor<f32>",
                    {f32({101}, ones), f32({101}, std::vector<double>(101, 1.0))}, "tensor<f32>"),
              {0x1p25 + 100});
}

TEST_F(ContractionsTest, Reduce) {
  Tensor x = generate({2, 2, 3}, [](double i) { return i; });
  // numpy: np.arange(12.).reshape(2, 2, 3).sum((0, 2), keepdims=True), …
  auto reduce = [&](llvm::StringRef kind) {
    return runOp(("ht.reduce " + kind + " %0 [0, 2] : tensor<2x2x3xf64> -> tensor<1x2x1xf64>").str(), x,
                 "tensor<1x2x1xf64>");
  };
  expectEqual(reduce("sum"), {24, 42});
  expectEqual(reduce("mean"), {4, 7});
  expectEqual(reduce("max"), {8, 11});
  expectEqual(reduce("min"), {0, 3});
  expectEqual(reduce("prod"), {0, 3 * 4 * 5 * 9 * 10 * 11});
  expectEqual(
      runOp("ht.reduce max %0 [0] : tensor<3xf32> -> tensor<1xf32>", f32({3}, {1, kNaN, 2}), "tensor<1xf32>"),
      {kNaN});
  expectEqual(
      runOp("ht.reduce sum %0 [] : tensor<2xf32> -> tensor<2xf32>", f32({2}, {1, 2}), "tensor<2xf32>"),
      {1, 2});
}

TEST_F(ContractionsTest, ReduceIntegers) {
  Tensor x = Tensor::of<int64_t>(ElementKind::I8, {3}, {-7, 100, 100});
  auto reduce = [&](llvm::StringRef kind) {
    return runOp(("ht.reduce " + kind + " %0 [0] : tensor<3xi8> -> tensor<1xi8>").str(), x, "tensor<1xi8>");
  };
  expectInts(reduce("sum"), {int8_t(193)});
  expectInts(reduce("mean"), {64});
  expectInts(reduce("max"), {100});
  expectInts(reduce("min"), {-7});
}

TEST_F(ContractionsTest, ReduceNothing) {
  Tensor none = f32({2, 0}, {});
  auto reduce = [&](llvm::StringRef kind) {
    return runOp(("ht.reduce " + kind + " %0 [1] : tensor<2x0xf32> -> tensor<2x1xf32>").str(), none,
                 "tensor<2x1xf32>");
  };
  expectEqual(reduce("sum"), {0, 0});
  expectEqual(reduce("prod"), {1, 1});
  expectEqual(reduce("mean"), {kNaN, kNaN});
  expectEqual(reduce("max"), {-kInfinity, -kInfinity});
  expectInts(runOp("ht.reduce min %0 [0] : tensor<0xi16> -> tensor<1xi16>",
                   Tensor::allocate(ElementKind::I16, {0}), "tensor<1xi16>"),
             {32767});
}

TEST_F(ContractionsTest, Softmax) {
  Tensor x = generate({2, 3}, [](double i) { return i * i / 4; });
  // numpy: e = np.exp(x - x.max(axis, keepdims=True)); e / e.sum(axis, keepdims=True)
  expectNear(runOp("ht.softmax %0 axis 1 : tensor<2x3xf64>", x, "tensor<2x3xf64>"),
             {0.19990775276152717, 0.25668663553872995, 0.5434056116997429, 0.01629918717324093,
              0.09379534612385054, 0.8899054667029086},
             1e-15);
  expectNear(runOp("ht.softmax %0 axis 0 : tensor<2x3xf64>", x, "tensor<2x3xf64>"),
             {0.0953494648991095, 0.02297736991002561, 0.005220125693558397, 0.9046505351008906,
              0.9770226300899744, 0.9947798743064417},
             1e-15);
  expectEqual(runOp("ht.softmax %0 axis 0 : tensor<2xf32>", f32({2}, {1e30, -kInfinity}), "tensor<2xf32>"),
              {1, 0});
  expectEqual(
      runOp("ht.softmax %0 axis 0 : tensor<2xf32>", f32({2}, {-kInfinity, -kInfinity}), "tensor<2xf32>"),
      {kNaN, kNaN});
}

TEST_F(ContractionsTest, CumSum) {
  Tensor x = i64({2, 3}, {1, 2, 3, 4, 5, 6});
  expectInts(runOp("ht.cumsum %0 axis 1 : tensor<2x3xi64>", x, "tensor<2x3xi64>"), {1, 3, 6, 4, 9, 15});
  expectInts(runOp("ht.cumsum %0 axis 1 exclusive : tensor<2x3xi64>", x, "tensor<2x3xi64>"),
             {0, 1, 3, 0, 4, 9});
  expectInts(runOp("ht.cumsum %0 axis 1 reverse : tensor<2x3xi64>", x, "tensor<2x3xi64>"),
             {6, 5, 3, 15, 11, 6});
  expectInts(runOp("ht.cumsum %0 axis 1 exclusive reverse : tensor<2x3xi64>", x, "tensor<2x3xi64>"),
             {5, 3, 0, 11, 6, 0});
  expectEqual(runOp("ht.cumsum %0 axis 0 : tensor<2x1xf32>", f32({2, 1}, {0.5, 0.25}), "tensor<2x1xf32>"),
              {0.5, 0.75});
}

} // namespace
} // namespace halftone::evaluate
