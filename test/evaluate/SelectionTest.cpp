//===- SelectionTest.cpp - elements chosen by index or by rank --------------===//

#include "test/evaluate/Fixture.h"

namespace halftone::evaluate {
namespace {

using SelectionTest = EvaluateTest;

TEST_F(SelectionTest, GatherCountsFromTheEnd) {
  Tensor x = generate({2, 3, 2}, [](double i) { return i; });
  // numpy: np.take(np.arange(12).reshape(2, 3, 2), [[2, -3]], axis=1)
  Tensor y = runOp("ht.gather %0, %1 axis 1 : tensor<2x3x2xf64>, tensor<1x2xi64> -> tensor<2x1x2x2xf64>",
                   {x, i64({1, 2}, {2, -3})}, "tensor<2x1x2x2xf64>");
  expectEqual(y, {4, 5, 0, 1, 10, 11, 6, 7});
}

TEST_F(SelectionTest, GatherOutOfRange) {
  std::string text = R"(func.func @f(%x: tensor<3xf32>, %i: tensor<2xi32>) -> tensor<2xf32> {
    %r = ht.gather %x, %i axis 0 : tensor<3xf32>, tensor<2xi32> -> tensor<2xf32> loc("/embeddings/Gather")
    return %r : tensor<2xf32>
  })";
  auto indices = [](int64_t a, int64_t b) { return Tensor::of<int64_t>(ElementKind::I32, {2}, {a, b}); };
  expectEqual(run(text, {f32({3}, {1, 2, 3}), indices(-3, 2)}), {1, 3});
  EXPECT_EQ(getError(text, {f32({3}, {1, 2, 3}), indices(0, 3)}),
            "'ht.gather' at /embeddings/Gather: index 3 is outside [-3, 3)");
  EXPECT_EQ(getError(text, {f32({3}, {1, 2, 3}), indices(-4, 0)}),
            "'ht.gather' at /embeddings/Gather: index -4 is outside [-3, 3)");
}

TEST_F(SelectionTest, GatherND) {
  Tensor x = generate({2, 3, 2}, [](double i) { return i; });
  // numpy: a = np.arange(12).reshape(2, 3, 2); a[[0, 1, -1], [2, 0, -1]]
  expectEqual(runOp("ht.gather_nd %0, %1 : tensor<2x3x2xf64>, tensor<3x2xi64> -> tensor<3x2xf64>",
                    {x, i64({3, 2}, {0, 2, 1, 0, -1, -1})}, "tensor<3x2xf64>"),
              {4, 5, 6, 7, 10, 11});
  EXPECT_NE(
      getError(getFunction("ht.gather_nd %0, %1 : tensor<2x3x2xf64>, tensor<1x2xi64> -> tensor<1x2xf64>",
                           {x, i64({1, 2}, {0, 3})}, "tensor<1x2xf64>"),
               {x, i64({1, 2}, {0, 3})})
          .find("index 3 is outside [-3, 3)"),
      std::string::npos);
}

TEST_F(SelectionTest, UnsignedIndicesAreNotNegative) {
  Tensor index = Tensor::of<uint64_t>(ElementKind::UI64, {1}, {~uint64_t(0)});
  std::string text = getFunction("ht.gather %0, %1 axis 0 : tensor<3xf32>, tensor<1xui64> -> tensor<1xf32>",
                                 {f32({3}, {1, 2, 3}), index}, "tensor<1xf32>");
  EXPECT_NE(getError(text, {f32({3}, {1, 2, 3}), index}).find("is outside [-3, 3)"), std::string::npos);
}

TEST_F(SelectionTest, ScatterNDReplaces) {
  // The first example of ONNX ScatterND, with an element that is written twice: the later stays.
  Tensor x = generate({8}, [](double i) { return i; });
  expectEqual(runOp("ht.scatter_nd %0, %1, %2 : tensor<8xf64>, tensor<4x1xi64>, tensor<4xf64>",
                    {x, i64({4, 1}, {4, 3, 1, -4}), f64({4}, {9, 10, 11, 12})}, "tensor<8xf64>"),
              {0, 11, 2, 10, 12, 5, 6, 7});
  // numpy: y = np.arange(12).reshape(2, 3, 2); y[[1, 0], [2, 0]] = [[-1, -2], [-3, -4]]
  Tensor y = generate({2, 3, 2}, [](double i) { return i; });
  expectEqual(runOp("ht.scatter_nd %0, %1, %2 : tensor<2x3x2xf64>, tensor<2x2xi64>, tensor<2x2xf64>",
                    {y, i64({2, 2}, {1, 2, 0, 0}), f64({2, 2}, {-1, -2, -3, -4})}, "tensor<2x3x2xf64>"),
              {-3, -4, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2});
}

TEST_F(SelectionTest, ScatterNDCombines) {
  Tensor index = i64({3, 1}, {1, 1, 0});
  auto scatter = [&](llvm::StringRef reduction, const Tensor &x, const Tensor &updates) {
    std::string type = getType(x);
    return runOp(("ht.scatter_nd %0, %1, %2 reduction " + reduction + " : " + type + ", tensor<3x1xi64>, " +
                  getType(updates))
                     .str(),
                 {x, index, updates}, type);
  };
  // numpy: np.add.at(x, i, u), np.multiply.at, np.maximum.at, np.minimum.at
  Tensor x = f32({3}, {1, 2, 3}), updates = f32({3}, {5, -4, 0.5});
  expectEqual(scatter("add", x, updates), {1.5, 3, 3});
  expectEqual(scatter("mul", x, updates), {0.5, -40, 3});
  expectEqual(scatter("max", x, updates), {1, 5, 3});
  expectEqual(scatter("min", x, updates), {0.5, -4, 3});
  Tensor bytes = Tensor::of<int64_t>(ElementKind::UI8, {2}, {200, 100});
  expectInts(scatter("add", bytes, Tensor::of<int64_t>(ElementKind::UI8, {3}, {100, 100, 56})), {0, 44});
  std::string text = getFunction("ht.scatter_nd %0, %1, %2 : tensor<3xf32>, tensor<1x1xi64>, tensor<1xf32>",
                                 {x, i64({1, 1}, 3), f32({1}, 0)}, "tensor<3xf32>");
  EXPECT_NE(getError(text, {x, i64({1, 1}, 3), f32({1}, 0)}).find("index 3 is outside [-3, 3)"),
            std::string::npos);
}

TEST_F(SelectionTest, TopK) {
  auto topk = [&](llvm::StringRef options, const Tensor &x, llvm::StringRef shape) {
    std::string type = getType(x), values = ("tensor<" + shape + toString(x.getKind()) + ">").str(),
                indices = ("tensor<" + shape + "i64>").str();
    return runAll("func.func @f(%x: " + type + ") -> (" + values + ", " + indices +
                      ") {\n %v, %i = ht.topk %x " + options.str() + " : " + type + " -> " + values + ", " +
                      indices + "\n return %v, %i : " + values + ", " + indices + "\n}",
                  x);
  };
  Tensor x = f32({3, 3}, {3, 1, 3, kNaN, 5, -kInfinity, 2, 2, 7});
  // torch.topk(x, 2, dim=0), dim=1; of equal elements the first
  auto down = topk("k 2 axis 0", x, "2x3x");
  expectEqual(down[0], {kNaN, 5, 7, 3, 2, 3});
  expectInts(down[1], {1, 1, 2, 0, 2, 0});
  auto across = topk("k 2 axis 1", x, "3x2x");
  expectEqual(across[0], {3, 3, kNaN, 5, 7, 2});
  expectInts(across[1], {0, 2, 0, 1, 2, 0});
  auto smallest = topk("k 3 axis 1 smallest", x, "3x3x");
  expectEqual(smallest[0], {1, 3, 3, -kInfinity, 5, kNaN, 2, 2, 7});
  expectInts(smallest[1], {1, 0, 2, 2, 1, 0, 0, 1, 2});
  Tensor large = Tensor::of<uint64_t>(ElementKind::UI64, {3}, {1, ~uint64_t(0), 2});
  expectInts(topk("k 2 axis 0", large, "2x")[1], {1, 2});
  expectShape(topk("k 0 axis 0", x, "0x3x")[1], {0, 3});
}

TEST_F(SelectionTest, ArgReduce) {
  Tensor x = f32({2, 3}, {3, 1, 3, 2, kNaN, kNaN});
  auto arg = [&](llvm::StringRef kind, llvm::StringRef options) {
    return runOp(
        ("ht.arg_reduce " + kind + " %0 axis 1 " + options + " : tensor<2x3xf32> -> tensor<2x1xi64>").str(),
        x, "tensor<2x1xi64>");
  };
  // numpy: np.argmax, np.argmin; `last`: of the reversed axis
  expectInts(arg("max", ""), {0, 1});
  expectInts(arg("min", ""), {1, 1});
  expectInts(arg("max", "last"), {2, 2});
  expectInts(arg("min", "last"), {1, 2});
  Tensor bytes = Tensor::of<int64_t>(ElementKind::UI8, {3, 1}, {200, 100, 250});
  expectInts(
      runOp("ht.arg_reduce max %0 axis 0 : tensor<3x1xui8> -> tensor<1x1xi64>", bytes, "tensor<1x1xi64>"),
      {2});
}

} // namespace
} // namespace halftone::evaluate
