//===- QuantizedTest.cpp - terms, and codes under them ----------------------===//

#include "compiler/Evaluate/Calibration.h"
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

  /// Leaves of a term from the data: rule, term and operands as the operation writes them.
  std::vector<Tensor> dynamicQuantize(llvm::StringRef what, llvm::ArrayRef<Tensor> operands,
                                      llvm::StringRef resultTypes) {
    std::string arguments, names, types, results;
    for (size_t i = 0; i < operands.size(); ++i) {
      std::string name = "%" + std::to_string(i), type = getType(operands[i]), comma = i ? ", " : "";
      arguments += comma + name + ": " + type;
      names += comma + name;
      types += comma + type;
    }
    for (size_t i = 0; i < resultTypes.count("tensor<"); ++i)
      results += (i ? ", %r#" : "%r#") + std::to_string(i);
    return runAll(("func.func @f(" + arguments + ") -> (" + resultTypes +
                   ") {\n %r:" + llvm::Twine(resultTypes.count("tensor<")) + " = htq.dynamic_quantize " +
                   what + "(" + names + ") : (" + types + ") -> (" + resultTypes + ")\n return " + results +
                   " : " + resultTypes + "\n}")
                      .str(),
                  operands);
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

//===----------------------------------------------------------------------===//
// Parameters from data
//===----------------------------------------------------------------------===//

TEST_F(QuantizedTest, AbsmaxOfEachRow) {
  Tensor x = f32({5, 5}, {127, 0.5,  1.5,  -2.5,      -127, //
                          0.3, -0.7, 0.1,  0.9,       -0.2, //
                          0,   0,    0,    -0.0,      0,    //
                          1,   kNaN, -2,   kNaN,      0,    //
                          1,   -1,   kNaN, kInfinity, 0});
  auto leaves =
      dynamicQuantize("absmax <i8, blocks [1, ?], scale f32>", x, "tensor<5x5xi8>, tensor<5x1xf32>");
  // numpy: np.clip(np.rint(x * (np.float32(1) / scale)), -127, 127)
  expectInts(leaves[0], {127, 0,   2,    -2,  -127, //
                         42,  -99, 14,   127, -28,  //
                         0,   0,   0,    0,   0,    //
                         64,  0,   -127, 0,   0,    //
                         0,   0,   0,    0,   0});
  expectEqual(leaves[1], {1, 0.007086614146828651, 0, double(2.0f / 127), kInfinity});
}

TEST_F(QuantizedTest, AScaleWithoutAReciprocal) {
  // 1 / scale is infinite: what is not 0 has the outermost code.
  auto leaves = dynamicQuantize("absmax <i8, blocks [?], scale f32>", f32({3}, {1e-40, -1e-42, 0}),
                                "tensor<3xi8>, tensor<1xf32>");
  expectInts(leaves[0], {127, -127, 0});
}

TEST_F(QuantizedTest, SignedMaxWithScalesOfTheirType) {
  Tensor x = f32({2, 6}, {0.0, 0.9, -0.82, -2.67, -1.36, -2.97, 0.18, 4.02, -1.48, -1.86, 1.47, 1.07});
  auto leaves =
      dynamicQuantize("signed_max <i4, blocks [1, 4], scale f16>", x, "tensor<2x6xi4>, tensor<2x2xf16>");
  // numpy: scale = np.float16(m / np.float32(-8)), codes by 1 / np.float32(scale)
  expectInts(leaves[0], {0, 3, -2, -8, -4, -8, 0, -8, 3, 4, -8, -6});
  expectEqual(leaves[1], {0.333740234375, 0.371337890625, -0.50244140625, -0.1837158203125});
  // The positive of two as great decides the sign.
  leaves = dynamicQuantize("signed_max <i8, blocks [?], scale f32>", f32({2}, {-64, 64}),
                           "tensor<2xi8>, tensor<1xf32>");
  expectInts(leaves[0], {127, -128});
}

TEST_F(QuantizedTest, MinmaxIsDynamicQuantizeLinear) {
  Tensor y = f32({3, 5}, {0.21, -1.86, -0.06, 1.39, -2.69, 8.08, 5.2, 6.42, 5.32, 8.53, 0, 0, 0, 0, 0});
  auto leaves = dynamicQuantize("minmax <ui8, blocks [1, ?], scale f32, zero ui8>", y,
                                "tensor<3x5xui8>, tensor<3x1xf32>, tensor<3x1xui8>");
  // onnx.reference: DynamicQuantizeLinear of each row
  expectInts(leaves[0], {181, 52, 164, 255, 0, 242, 155, 192, 159, 255, 0, 0, 0, 0, 0});
  expectEqual(leaves[1], {0.01599999889731407, 0.033450979739427567, 0});
  expectInts(leaves[2], {168, 0, 0});
}

TEST_F(QuantizedTest, Hadamard) {
  Tensor x = f32({2, 12}, {-1.6,  -2.65, -0.5, 0.84,  2.27,  0.22,  -1.11, -1.57, 1.5,   3.27, 0.55,  -2.47,
                           -1.92, 3.2,   0.41, -3.46, -0.17, -2.33, -1.26, -0.98, -1.43, 1.11, -0.13, -1.18});
  // numpy: x @ np.kron(np.eye(3), h), h of order 4 by np.block([[h, h], [h, -h]]) from [[1]], over 2
  expectNear(runOp("htq.hadamard 4 %0 : tensor<2x12xf32>", x, "tensor<2x12xf32>"),
             {-1.955, -0.145, -2.295, 1.195,  -0.095, 1.255, 2.585,  0.795,  1.425,  0.625,  3.345, -2.395,
              -0.885, -0.625, 2.165,  -4.495, -2.37,  0.94,  -0.13,  1.22,   -0.815, -0.745, 0.495, -1.795},
             1e-6);
  // numpy: x @ np.kron(np.eye(2), np.kron([[1, 1], [1, -1]], np.eye(3))) / np.sqrt(2)
  expectNear(runOp("htq.hadamard 2 stride 3 %0 : tensor<2x12xf32>", x, "tensor<2x12xf32>"),
             {-0.5374012, -0.2687007, -0.1979899, -1.7253405, -3.4789655, -0.5091169, 1.5273507, -0.7212489,
              -0.6858936, -3.0971277, -1.4990665, 2.807214,   -3.8042345, 2.1425335,  -1.3576449, 1.0889446,
              2.3829498,  1.9374726,  -0.106066,  -0.7848886, -1.8455486, -1.6758431, -0.6010408, -0.1767767},
             1e-6);
}

TEST_F(QuantizedTest, FloatsAsCodes) {
  Tensor w = f32({1, 8}, {-2.53, 0.54, 0.31, -0.37, -5.03, -1.08, -0.1, 0.23});
  // ml_dtypes: float4_e2m1fn of w * (1 / scale); scales rounded up to powers of two, or in float8_e4m3fn
  auto leaves = dynamicQuantize("absmax <f4E2M1FN, blocks [1, 4], scale f8E8M0FNU>", w,
                                "tensor<1x8xf4E2M1FN>, tensor<1x2xf8E8M0FNU>");
  expectEqual(leaves[0], {-6, 1, 0.5, -0.5, -6, -1, 0, 0});
  expectEqual(leaves[1], {0.5, 1});
  leaves =
      dynamicQuantize("absmax <f4E2M1FN, blocks [1, 4], scale affine<f8E4M3FN, blocks [?, ?], scale f32>>", w,
                      "tensor<1x8xf4E2M1FN>, tensor<1x2xf8E4M3FN>, tensor<1x1xf32>");
  expectEqual(leaves[0], {-6, 1.5, 0.5, -1, -6, -1.5, 0, 0.5});
  expectEqual(leaves[1], {224, 448});
  expectEqual(leaves[2], {0.0018712797900661826});
}

TEST_F(QuantizedTest, NearestInACodebook) {
  Tensor nf4 = f32({16}, {-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
                          -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
                          0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                          0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0});
  Tensor x = f32({1, 10}, {-0.153, -0.048, -0.098, -0.081, 0.106, -0.081, -0.003, 0.088, -0.058, -0.011});
  auto leaves = dynamicQuantize("absmax <lookup<ui4, codebook f32>, blocks [1, ?], scale f32>", {x, nf4},
                                "tensor<1x10xui4>, tensor<1x1xf32>");
  // numpy: np.abs(x / scale - nf4).argmin(axis)
  expectInts(leaves[0], {0, 4, 1, 2, 14, 2, 7, 13, 3, 6});
  expectEqual(leaves[1], {0.15299999713897705});
  // Not in order, a tie (0.5 between 0 and 1), equal entries, and one that no code reaches.
  leaves =
      dynamicQuantize("absmax <lookup<ui2, codebook f32>, blocks [?], scale f32>",
                      {f32({4}, {2, 1, -2, 0}), f32({5}, {4, 0, 2, 2, 1})}, "tensor<4xui2>, tensor<1xf32>");
  expectInts(leaves[0], {0, 2, 1, 1});
  expectEqual(leaves[1], {0.5});
  leaves = dynamicQuantize("absmax <lookup<ui2, codebook f32>, blocks [?], scale f32>",
                           {f32({2}, {2, 1}), f32({3}, {1, 0, kNaN})}, "tensor<2xui2>, tensor<1xf32>");
  expectInts(leaves[0], {0, 0});
}

TEST_F(QuantizedTest, ScalesAreQuantizedInTurn) {
  // Worked out by hand: 7 * 127 / 7 and 7 * 64 / 7 become the codes 127 and 64 of the scale 1.
  Tensor x = f32({1, 4}, {-7 * 127, 127, 7 * 64, -64 * 3});
  auto leaves = dynamicQuantize("absmax <i4, blocks [1, 2], scale affine<i8, blocks [1, ?], scale f32>>", x,
                                "tensor<1x4xi4>, tensor<1x2xi8>, tensor<1x1xf32>");
  expectInts(leaves[0], {-7, 1, 7, -3});
  expectInts(leaves[1], {127, 64});
  expectEqual(leaves[2], {1});
  leaves =
      dynamicQuantize("absmax <i4, blocks [1, 2], scale affine<ui8, blocks [1, ?], scale f32, zero ui8>>",
                      f32({1, 4}, {-7 * 255, 255, 7 * 64, -64 * 3}),
                      "tensor<1x4xi4>, tensor<1x2xui8>, tensor<1x1xf32>, tensor<1x1xui8>");
  expectInts(leaves[1], {255, 64});
  expectInts(leaves[3], {0});
}

TEST_F(QuantizedTest, NothingToQuantize) {
  auto leaves = dynamicQuantize("absmax <i8, blocks [1, ?], scale f32>", f32({2, 0}, {}),
                                "tensor<2x0xi8>, tensor<2x1xf32>");
  expectEqual(leaves[1], {0, 0});
  leaves = dynamicQuantize("absmax <i8, blocks [1, ?], scale f32>", f32({0, 2}, {}),
                           "tensor<0x2xi8>, tensor<0x1xf32>");
  expectShape(leaves[1], {0, 1});
}

//===----------------------------------------------------------------------===//
// Codes to codes, and what is observed
//===----------------------------------------------------------------------===//

TEST_F(QuantizedTest, SumsBecomeCodes) {
  // numpy: np.clip(np.rint(sums.astype(np.float32) * (s / t)) + z, -128, 127)
  Tensor sums = make(ElementKind::I32, {2, 5}, {100, 102, -98, 1 << 30, -(1 << 30), 5, -5, 15, 300, -300});
  std::string type =
      "(tensor<2x5xi32>, tensor<2x1xf32>) to (tensor<1x1xf32>, tensor<1x1xi8>) -> tensor<2x5xi8>";
  expectInts(runOp("htq.requantize <i32, blocks [1, ?], scale f32>(%0, %1) to "
                   "<i8, blocks [?, ?], scale f32, zero i8>(%2, %3) : " +
                       type,
                   {sums, f32({2, 1}, {0.125, 0.5}), f32({1, 1}, 0.5), make(ElementKind::I8, {1, 1}, -3)},
                   "tensor<2x5xi8>"),
             {22, 23, -27, 127, -128, 2, -8, 12, 127, -128});
  // Ties to even; blocks of both along one axis; infinite and undefined quotients of scales.
  expectInts(
      runOp("htq.requantize <ui8, blocks [2], scale f32, zero ui8>(%0, %1, %2) to "
            "<i4, blocks [3], scale f16>(%3) : (tensor<5xui8>, tensor<3xf32>, tensor<3xui8>) to "
            "(tensor<2xf16>) -> tensor<5xi4>",
            {make(ElementKind::UI8, {5}, {133, 123, 128, 140, 0}), f32({3}, {0.5, 0.25, 0}),
             make(ElementKind::UI8, {3}, {128, 127, 128}), Tensor::of<double>(ElementKind::F16, {2}, {1, 0})},
            "tensor<5xi4>"),
      {2, -2, 0, 7, 0});
}

TEST_F(QuantizedTest, ObservedChannels) {
  Calibration calibration;
  InterpretOptions options;
  options.observer = calibration.getObserver();
  llvm::StringRef text = R"(func.func @f(%x: tensor<?x3xf32, #ht.dims<s0>>) -> tensor<?x3xf32, #ht.dims<s0>>
      attributes {ht.symbols = [#ht.symbol<"n", 0, 100>]} {
    %0 = htq.observe "in" %x : tensor<?x3xf32, #ht.dims<s0>>
    %1 = ht.neg %0 : tensor<?x3xf32, #ht.dims<s0>>
    %2 = htq.observe "out" %1 : tensor<?x3xf32, #ht.dims<s0>>
    return %2 : tensor<?x3xf32, #ht.dims<s0>>
  })";
  auto first = tryRun(text, {f32({2, 3}, {1, -2, 0, -1.5, 1, kNaN})}, options);
  ASSERT_TRUE(bool(first)) << llvm::toString(first.takeError());
  expectEqual(first->front(), {-1, 2, 0, 1.5, -1, kNaN});
  ASSERT_TRUE(bool(tryRun(text, {f32({1, 3}, {-1, 3, 0.25})}, options)));
  EXPECT_EQ(calibration.getMaxima().size(), 2u);
  EXPECT_EQ(calibration.getMaxima().lookup("in"), (std::vector<float>{1.5, 3, 0.25}));
  EXPECT_EQ(calibration.getMaxima().lookup("out"), (std::vector<float>{1.5, 3, 0.25}));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

class QuantizedProductTest : public QuantizedTest {
protected:
  /// x[2, 7] by w[3, 7], each a term with its leaves.
  Tensor multiply(llvm::StringRef xTerm, std::vector<Tensor> x, llvm::StringRef wTerm,
                  std::vector<Tensor> w) {
    auto list = [](llvm::ArrayRef<Tensor> tensors, size_t first) {
      std::pair<std::string, std::string> text;
      for (size_t i = 0; i < tensors.size(); ++i) {
        text.first += (i ? ", %" : "%") + std::to_string(first + i);
        text.second += (i ? ", " : "") + getType(tensors[i]);
      }
      return text;
    };
    auto [xNames, xTypes] = list(x, 0);
    auto [wNames, wTypes] = list(w, x.size());
    std::vector<Tensor> all = x;
    all.insert(all.end(), w.begin(), w.end());
    return runOp(("htq.linear " + xTerm + "(" + xNames + ") by " + wTerm + "(" + wNames + ") : (" + xTypes +
                  ") by (" + wTypes + ") -> tensor<2x3xf32>")
                     .str(),
                 all, "tensor<2x3xf32>");
  }

  Tensor x = make(ElementKind::I8, {2, 7}, {119, 97, -80, 2, 112, 89, 53, 36, -117, 62, -7, -104, -65, 10});
  Tensor w = make(ElementKind::I4, {3, 7},
                  {3, 0, 1, 5, 2, -3, 2, 1, -7, -8, 2, -2, 1, -3, -5, -6, -2, 5, -2, -2, 1});
  Tensor perRow = f32({2, 1}, {0.006309925112873316, 0.0064455061219632626});
  Tensor perChannel = f32({3, 1}, {0.14569948613643646, 0.15146753191947937, 0.07261820137500763});
  Tensor perGroup =
      Tensor::of<double>(ElementKind::F16, {3, 3},
                         {0.11602783203125, 0.0859375, 0.1103515625, 0.06451416015625, 0.1951904296875,
                          0.082275390625, 0.1507568359375, 0.0950927734375, 0.18115234375});
};

// Expected values: numpy, with integer sums and each f32 step rounded from exact fractions.

TEST_F(QuantizedProductTest, PerChannelByPerRow) {
  expectEqual(multiply("affine<i8, blocks [1, ?], scale f32>", {x, perRow},
                       "affine<i4, blocks [1, ?], scale f32>", {w, perChannel}),
              {0.321773499250412, -0.20070724189281464, -0.6213400959968567, 0.13335318863391876,
               0.4471384882926941, 0.33279141783714294});
}

TEST_F(QuantizedProductTest, Groups) {
  expectEqual(multiply("affine<i8, blocks [1, ?], scale f32>", {x, perRow},
                       "affine<i4, blocks [1, 3], scale f16>", {w, perGroup}),
              {0.2587134838104248, -0.21132318675518036, -1.1420648097991943, 0.11477360129356384,
               0.29566752910614014, 0.5841295123100281});
}

TEST_F(QuantizedProductTest, GroupsAndZerosOfBoth) {
  expectEqual(multiply("affine<i8, blocks [1, 4], scale f32, zero i8>",
                       {x,
                        f32({2, 2}, {0.00695993285626173, 0.0021845423616468906, 0.008605669252574444,
                                     0.009504533372819424}),
                        make(ElementKind::I8, {2, 2}, {19, 4, 16, 18})},
                       "affine<i4, blocks [1, 3], scale f16, zero i4>",
                       {w, perGroup, make(ElementKind::I4, {3, 3}, {0, -2, -3, 0, -3, 2, 3, -3, 0})}),
              {0.2153458446264267, 0.1868785172700882, -1.0871286392211914, -0.3859827220439911,
               -0.6804747581481934, 0.6973425149917603});
}

TEST_F(QuantizedProductTest, TwoLevels) {
  expectEqual(multiply("affine<i8, blocks [1, ?], scale f32>", {x, perRow},
                       "affine<i4, blocks [1, 3], scale affine<i8, blocks [1, ?], scale f32>>",
                       {w, make(ElementKind::I8, {3, 3}, {7, 23, 48, 113, 124, 82, 75, 73, 8}), perChannel}),
              {5.762503623962402, -19.346267700195312, -47.86838912963867, 0.9823058247566223,
               52.819942474365234, 24.362110137939453});
}

TEST_F(QuantizedProductTest, CodesOfTheWeightAlone) {
  expectEqual(multiply("f32",
                       {f32({2, 7}, {-0.44, 1.17, 0.65, -0.02, 0.67, -0.34, 1.05, -0.01, 0.58, -1.29, 0.35,
                                     -1.69, -2.04, -0.3})},
                       "affine<i4, blocks [1, 3], scale f16>", {w, perGroup}),
              {0.3482183814048767, -1.4871258735656738, -0.8046923279762268, 0.16649167239665985,
               0.8754498362541199, 0.6933154463768005});
}

TEST_F(QuantizedProductTest, ExtremeSums) {
  // -128 * -128 * 4095 is an f32; 255 * 255 * 4095 = 266277375 is rounded to one.
  Tensor least = Tensor::of<int64_t>(ElementKind::I8, {1, 4095}, std::vector<int64_t>(4095, -128));
  Tensor greatest = Tensor::of<int64_t>(ElementKind::UI8, {1, 4095}, std::vector<int64_t>(4095, 255));
  Tensor one = f32({1, 1}, 1);
  auto run = [&](llvm::StringRef type, const Tensor &codes) {
    std::string term = ("affine<" + type + ", blocks [1, ?], scale f32>").str(), tensor = getType(codes);
    return runOp("htq.linear " + term + "(%0, %1) by " + term + "(%0, %1) : (" + tensor +
                     ", tensor<1x1xf32>) by (" + tensor + ", tensor<1x1xf32>) -> tensor<1x1xf32>",
                 {codes, one}, "tensor<1x1xf32>");
  };
  expectEqual(run("i8", least), {67092480});
  expectEqual(run("ui8", greatest), {266277376});
}

} // namespace
} // namespace halftone::evaluate
