//===- StructureTest.cpp - constants and data movement ----------------------===//

#include "test/evaluate/Fixture.h"

namespace halftone::evaluate {
namespace {

using StructureTest = EvaluateTest;

TEST_F(StructureTest, Constants) {
  expectEqual(runOp("ht.constant dense<[[1.5, -2.0], [0.0, 4.0]]> : tensor<2x2xf16>", {}, "tensor<2x2xf16>"),
              {1.5, -2, 0, 4});
  expectInts(runOp("ht.constant dense<7> : tensor<3xi32>", {}, "tensor<3xi32>"), {7, 7, 7});
  expectInts(runOp("ht.constant dense<[true, false, true]> : tensor<3xi1>", {}, "tensor<3xi1>"), {1, 0, 1});
  expectInts(runOp("ht.constant dense<true> : tensor<2x5xi1>", {}, "tensor<2x5xi1>"),
             {1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  expectInts(runOp("ht.constant dense<[-8, 7, -1]> : tensor<3xi4>", {}, "tensor<3xi4>"), {-8, 7, -1});
  expectInts(runOp("ht.constant dense<-2> : tensor<3xi2>", {}, "tensor<3xi2>"), {-2, -2, -2});
  expectInts(runOp("ht.constant dense<[15, 0]> : tensor<2xui4>", {}, "tensor<2xui4>"), {15, 0});
  expectEqual(runOp("ht.constant dense<[1.5, -6.0]> : tensor<2xf4E2M1FN>", {}, "tensor<2xf4E2M1FN>"),
              {1.5, -6});
  expectEqual(runOp("ht.constant dense<[1.5, 448.0]> : tensor<2xf8E4M3FN>", {}, "tensor<2xf8E4M3FN>"),
              {1.5, 448});
  expectShape(runOp("ht.constant dense<> : tensor<0xi64>", {}, "tensor<0xi64>"), {0});
}

TEST_F(StructureTest, Iota) {
  expectInts(runOp("ht.iota {start = 5 : i64, step = -2 : i64} : tensor<4xi64>", {}, "tensor<4xi64>"),
             {5, 3, 1, -1});
  expectEqual(runOp("ht.iota : tensor<3xbf16>", {}, "tensor<3xbf16>"), {0, 1, 2});
}

TEST_F(StructureTest, ReshapeTransposeBroadcast) {
  Tensor x = generate({2, 3}, [](double i) { return i; });
  expectShape(runOp("ht.reshape %0 : tensor<2x3xf64> to tensor<3x1x2xf64>", x, "tensor<3x1x2xf64>"),
              {3, 1, 2});
  // numpy: np.arange(6).reshape(2, 3).T
  expectEqual(runOp("ht.transpose %0 [1, 0] : tensor<2x3xf64> -> tensor<3x2xf64>", x, "tensor<3x2xf64>"),
              {0, 3, 1, 4, 2, 5});
  expectEqual(runOp("ht.broadcast %0 : tensor<2x1xf64> to tensor<2x2x3xf64>", f64({2, 1}, {1, 2}),
                    "tensor<2x2x3xf64>"),
              {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2});
  expectShape(runOp("ht.broadcast %0 : tensor<1x3xf64> to tensor<0x3xf64>", f64({1, 3}, {1, 2, 3}),
                    "tensor<0x3xf64>"),
              {0, 3});
}

TEST_F(StructureTest, Slice) {
  Tensor x = generate({3, 4}, [](double i) { return i; });
  // numpy: np.arange(12).reshape(3, 4)[1:3, 3::-2]
  expectEqual(runOp("ht.slice %0 starts <1, 3> strides [1, -2] : tensor<3x4xf64> to tensor<2x2xf64>", x,
                    "tensor<2x2xf64>"),
              {7, 5, 11, 9});
  expectShape(runOp("ht.slice %0 starts <3, 0> strides [1, 1] : tensor<3x4xf64> to tensor<0x4xf64>", x,
                    "tensor<0x4xf64>"),
              {0, 4});
}

TEST_F(StructureTest, SliceFollowsSymbolsAndStaysInside) {
  const char *text = R"(func.func @f(%x: tensor<?xf64, #ht.dims<s0>>) -> tensor<2xf64>
      attributes {ht.symbols = [#ht.symbol<"n", 0, 10>]} {
    %r = ht.slice %x starts <s0 - 2> strides [1] : tensor<?xf64, #ht.dims<s0>> to tensor<2xf64> loc("tail")
    return %r : tensor<2xf64>
  })";
  expectEqual(run(text, f64({5}, {0, 1, 2, 3, 4})), {3, 4});
  EXPECT_EQ(getError(text, f64({1}, {0})),
            "'ht.slice' at tail: window -1 … 0 of axis 0 leaves its 1 elements");
}

TEST_F(StructureTest, Window) {
  Tensor x = generate({2, 5}, [](double i) { return i; });
  // numpy: np.stack([np.arange(10).reshape(2, 5)[:, k:k + 3:2] for k in (0, 2)], axis=-1)
  expectEqual(runOp("ht.window %0 axes [1] strides [2] dilations [2] : tensor<2x5xf64> to tensor<2x2x2xf64>", x,
                    "tensor<2x2x2xf64>"),
              {0, 2, 2, 4, 5, 7, 7, 9});
  // numpy: sliding_window_view(np.arange(10).reshape(2, 5), (2, 4))
  expectEqual(runOp("ht.window %0 axes [0, 1] strides [1, 1] dilations [1, 1] : tensor<2x5xf64> to "
                    "tensor<1x2x2x4xf64>",
                    x, "tensor<1x2x2x4xf64>"),
              {0, 1, 2, 3, 5, 6, 7, 8, 1, 2, 3, 4, 6, 7, 8, 9});
}

TEST_F(StructureTest, WindowStaysInside) {
  const char *text = R"(func.func @f(%x: tensor<?xf64, #ht.dims<s0>>) -> tensor<2x3xf64>
      attributes {ht.symbols = [#ht.symbol<"n", 0, 10>]} {
    %r = ht.window %x axes [0] strides [1] dilations [1] : tensor<?xf64, #ht.dims<s0>> to tensor<2x3xf64> loc("conv")
    return %r : tensor<2x3xf64>
  })";
  expectEqual(run(text, f64({4}, {0, 1, 2, 3})), {0, 1, 2, 1, 2, 3});
  EXPECT_EQ(getError(text, f64({3}, {0, 1, 2})),
            "'ht.window' at conv: the last window of axis 0 ends at 3, beyond its 3 elements");
}

TEST_F(StructureTest, Concat) {
  Tensor x = f32({2, 1}, {1, 2}), y = f32({2, 2}, {3, 4, 5, 6}), none = f32({2, 0}, {});
  expectEqual(runOp("ht.concat %0, %1, %2 axis 1 : tensor<2x1xf32>, tensor<2x2xf32>, tensor<2x0xf32> -> "
                    "tensor<2x3xf32>",
                    {x, y, none}, "tensor<2x3xf32>"),
              {1, 3, 4, 2, 5, 6});
  expectEqual(runOp("ht.concat %0, %0 axis 0 : tensor<2x1xf32>, tensor<2x1xf32> -> tensor<4x1xf32>", x,
                    "tensor<4x1xf32>"),
              {1, 2, 1, 2});
}

TEST_F(StructureTest, DimOfAnExpression) {
  const char *text = R"(func.func @f(%x: tensor<?x?xf64, #ht.dims<s0, s1>>) -> tensor<i64>
      attributes {ht.symbols = [#ht.symbol<"b", 0, 10>, #ht.symbol<"s", 0, 10>]} {
    %r = ht.dim <s0 * s1 + 1> : tensor<i64>
    return %r : tensor<i64>
  })";
  expectInts(run(text, f64({2, 3}, {0, 0, 0, 0, 0, 0})), {7});
}

} // namespace
} // namespace halftone::evaluate
