//===- QuantizedTest.cpp - terms, and codes under them ----------------------===//

#include "test/evaluate/Fixture.h"

namespace halftone::evaluate {
namespace {

class QuantizedTest : public EvaluateTest {
protected:
  Tensor dequantize(llvm::StringRef term, llvm::ArrayRef<Tensor> leaves, llvm::StringRef resultType) {
    std::string operands, types;
    for (size_t i = 0; i < leaves.size(); ++i) {
      operands += (i ? ", %" : "%") + std::to_string(i);
      types += (i ? ", " : "") + getType(leaves[i]);
    }
    return runOp(
        ("htq.dequantize #htq." + term + "(" + operands + ") : (" + types + ") -> " + resultType).str(),
        leaves, resultType);
  }

  Tensor quantize(llvm::StringRef term, llvm::ArrayRef<Tensor> operands, llvm::StringRef resultType,
                  llvm::StringRef options = "") {
    std::string names = "%0, %1", types = getType(operands[0]) + ", " + getType(operands[1]);
    if (operands.size() > 2) {
      names += ", %2";
      types += ", " + getType(operands[2]);
    }
    return runOp(
        ("htq.quantize <" + term + ">(" + names + ") " + options + " : " + types + " -> " + resultType).str(),
        operands, resultType);
  }

  static Tensor make(ElementKind kind, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values) {
    return Tensor::of<int64_t>(kind, shape, values);
  }
};

TEST_F(QuantizedTest, RaggedBlocks) {
  // onnx.reference: DequantizeLinear(int4 codes, scale, zero, axis=1, block_size=2)
  expectEqual(dequantize("affine<i4, blocks [1, 2], scale f32, zero i4>",
                         {make(ElementKind::I4, {2, 5}, {-8, -3, 0, 5, 7, 1, 2, 3, -4, -5}),
                          f32({2, 3}, {0.1, 0.25, 3, 0.5, 1.5, 0.125}),
                          make(ElementKind::I4, {2, 3}, {1, -2, 3, 0, -8, 7})},
                         "tensor<2x5xf32>"),
              {double(0.1f * -9), double(0.1f * -4), 0.5, 1.75, 12, 0.5, 1, 16.5, 6, -1.5});
}

TEST_F(QuantizedTest, Granularity) {
  Tensor codes = make(ElementKind::UI8, {2, 2, 2}, {0, 1, 2, 3, 128, 129, 254, 255});
  // numpy: (codes.astype(int) - 128) * 0.5; … * [[[2]], [[10]]]; … * [[[1, 2]]]
  expectEqual(dequantize("affine<ui8, blocks [?, ?, ?], scale f32, zero ui8>",
                         {codes, f32({1, 1, 1}, 0.5), make(ElementKind::UI8, {1, 1, 1}, 128)},
                         "tensor<2x2x2xf32>"),
              {-64, -63.5, -63, -62.5, 0, 0.5, 63, 63.5});
  expectEqual(dequantize("affine<ui8, blocks [1, ?, ?], scale f32>", {codes, f32({2, 1, 1}, {2, 10})},
                         "tensor<2x2x2xf32>"),
              {0, 2, 4, 6, 1280, 1290, 2540, 2550});
  expectEqual(dequantize("affine<ui8, blocks [?, ?, 1], scale f32>", {codes, f32({1, 1, 2}, {1, 2})},
                         "tensor<2x2x2xf32>"),
              {0, 2, 2, 6, 128, 258, 254, 510});
  expectEqual(dequantize("affine<i8, blocks [], scale f32>", {make(ElementKind::I8, {}, -3), f32({}, 0.25)},
                         "tensor<f32>"),
              {-0.75});
  expectShape(dequantize("affine<i8, blocks [1, 2], scale f32>",
                         {make(ElementKind::I8, {2, 0}, {}), f32({2, 0}, {})}, "tensor<2x0xf32>"),
              {2, 0});
}

TEST_F(QuantizedTest, ArithmeticIsInF32) {
  // numpy: np.float32(100) * np.float32(0.1); the f64 scale gives np.float64(100) * 0.1
  expectEqual(dequantize("affine<i8, blocks [?], scale f32>", {make(ElementKind::I8, {1}, 3), f32({1}, 0.1)},
                         "tensor<1xf64>"),
              {double(3 * 0.1f)});
  expectEqual(dequantize("affine<i8, blocks [?], scale f64>", {make(ElementKind::I8, {1}, 3), f64({1}, 0.1)},
                         "tensor<1xf64>"),
              {3 * 0.1});
  // The difference is exact before it becomes an f32: 2^24 + 3 - 1.
  expectEqual(
      dequantize("affine<i32, blocks [?], scale f32, zero i32>",
                 {make(ElementKind::I32, {1}, (1 << 24) + 3), f32({1}, 1), make(ElementKind::I32, {1}, 1)},
                 "tensor<1xf32>"),
      {(1 << 24) + 2});
  expectEqual(dequantize("affine<i8, blocks [?], scale f16>",
                         {make(ElementKind::I8, {1}, 3), Tensor::of<double>(ElementKind::F16, {1}, 0.1)},
                         "tensor<1xf16>"),
              {0.2998046875}); // numpy: np.float16(3 * np.float32(np.float16(0.1)))
}

TEST_F(QuantizedTest, ScalesAndCodesMayBeTerms) {
  // NVFP4 and NF4 with double quantization, worked out by hand.
  expectEqual(dequantize("affine<f4E2M1FN, blocks [2], scale affine<f8E4M3FN, blocks [?], scale f32>>",
                         {Tensor::of<double>(ElementKind::F4E2M1FN, {4}, {1.5, -6, 0.5, 4}),
                          Tensor::of<double>(ElementKind::F8E4M3FN, {2}, {2, 0.5}), f32({1}, 0.25)},
                         "tensor<4xf32>"),
              {0.75, -3, 0.0625, 0.5});
  expectEqual(dequantize("affine<f4E2M1FN, blocks [2], scale f8E8M0FNU>",
                         {Tensor::of<double>(ElementKind::F4E2M1FN, {3}, {1.5, -6, 0.5}),
                          Tensor::of<double>(ElementKind::F8E8M0FNU, {2}, {2, 0.5})},
                         "tensor<3xf32>"),
              {3, -12, 0.25});
  expectEqual(
      dequantize(
          "affine<lookup<ui4, codebook f32>, blocks [2], scale affine<i8, blocks [?], scale f32, zero f32>>",
          {make(ElementKind::UI4, {3}, {0, 3, 1}), f32({4}, {-1, -0.5, 0.5, 1}),
           make(ElementKind::I8, {2}, {4, -2}), f32({1}, 0.5), f32({1}, -8)},
          "tensor<3xf32>"),
      {-6, 6, -1.5});
  expectEqual(dequantize("sum<affine<i8, blocks [?], scale f32>, f16>",
                         {make(ElementKind::I8, {2}, {4, -2}), f32({1}, 0.5),
                          Tensor::of<double>(ElementKind::F16, {2}, {0.25, 10})},
                         "tensor<2xf32>"),
              {2.25, 9});
}

TEST_F(QuantizedTest, CodesOutsideTheCodebook) {
  Tensor codes = make(ElementKind::UI4, {2}, {1, 4}), book = f32({4}, {1, 2, 3, 4});
  std::string text = getFunction("htq.dequantize #htq.lookup<ui4, codebook f32>(%0, %1) : (tensor<2xui4>, "
                                 "tensor<4xf32>) -> tensor<2xf32>",
                                 {codes, book}, "tensor<2xf32>");
  EXPECT_NE(getError(text, {codes, book}).find("code 4 is outside a codebook of 4 entries"),
            std::string::npos);
}

TEST_F(QuantizedTest, Integers) {
  Tensor x = f32({1, 6}, {-1, 0.26, 0.625, 3.5, 100, -0.5});
  // onnx.reference: QuantizeLinear per tensor and per axis 1
  expectInts(quantize("ui8, blocks [?, ?], scale f32, zero ui8",
                      {x, f32({1, 1}, 0.25), make(ElementKind::UI8, {1, 1}, 3)}, "tensor<1x6xui8>"),
             {0, 4, 5, 17, 255, 1});
  expectInts(quantize("i8, blocks [?, 1], scale f32, zero i8",
                      {x, f32({1, 6}, {0.25, 0.5, 1, 2, 0.125, 0.3}),
                       make(ElementKind::I8, {1, 6}, {0, 1, -2, 3, -4, 5})},
                      "tensor<1x6xi8>"),
             {-4, 2, -1, 5, 127, 3});
  // Clamped before it is narrowed; NaN gives the zero.
  expectInts(quantize("i4, blocks [?], scale f32, zero i4",
                      {f32({5}, {kNaN, kInfinity, -kInfinity, 1e30, 2.5}), f32({1}, 1),
                       make(ElementKind::I4, {1}, -3)},
                      "tensor<5xi4>"),
             {-3, 7, -8, 7, -1});
}

TEST_F(QuantizedTest, Floats) {
  Tensor x = f32({5}, {1.05, 1000, -kInfinity, kNaN, -3}), two = f32({1}, 2);
  expectEqual(quantize("f8E4M3FN, blocks [?], scale f32", {x, two}, "tensor<5xf8E4M3FN>"),
              {0.5, 448, -448, kNaN, -1.5});
  expectEqual(quantize("f8E4M3FN, blocks [?], scale f32", {x, two}, "tensor<5xf8E4M3FN>", "unsaturated"),
              {0.5, kNaN, kNaN, kNaN, -1.5});
  expectEqual(quantize("f4E2M1FN, blocks [?], scale f8E8M0FNU",
                       {x, Tensor::of<double>(ElementKind::F8E8M0FNU, {1}, 2)}, "tensor<5xf4E2M1FN>"),
              {0.5, 6, -6, 6, -1.5});
}

} // namespace
} // namespace halftone::evaluate
