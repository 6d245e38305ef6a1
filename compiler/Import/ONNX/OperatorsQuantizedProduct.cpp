//===- OperatorsQuantizedProduct.cpp - products of integer codes ------------===//
//
// Sums of products of codes less their zeros, exact in i32, are rescaled in f32.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Quantization.h"
#include "compiler/Import/ONNX/Windows.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Input `index`, a scale, in f32: a scalar, or along the last axis, or with
/// `perRow` along the one before.
Value getScale(NodeImporter &node, unsigned index, bool perRow = false) {
  Value scale = node.cast(asScalar(node, node.input(index)), Float32Type::get(node.getContext()));
  Dims dims = node.dimsOf(scale);
  if (perRow && dims.size() == 1)
    scale = node.reshape(scale, {dims[0], node.symbols().constant(1)});
  return scale;
}

Value toFloat(NodeImporter &node, Value x) { return node.cast(x, Float32Type::get(node.getContext())); }

/// Rounds what is in units of the result's scale to codes.
void setCodes(NodeImporter &node, Value x, unsigned zero, Type code) {
  node.setResult(0, quantize(node, x, node.scalarLike(1, x), node.optionalInput(zero), {-1, 0}, code));
}

/// A weight's zero for its output channels, the first axis.
Value alongChannels(NodeImporter &node, Value x, int64_t rank) {
  if (!x)
    return {};
  x = asScalar(node, x);
  Dims dims = node.dimsOf(x);
  if (dims.size() != 1 || rank < 1)
    return x;
  dims.append(rank - 1, node.symbols().constant(1));
  return node.reshape(x, dims);
}

void emitMatMulInteger(NodeImporter &node) {
  Value a = centre(node, node.input(0), node.optionalInput(2), /*perRow=*/true);
  node.setResult(0, node.matmul(a, centre(node, node.input(1), node.optionalInput(3))));
}

void emitQLinearMatMul(NodeImporter &node) {
  Value a = centre(node, node.input(0), node.optionalInput(2), /*perRow=*/true);
  Value product = node.matmul(a, centre(node, node.input(3), node.optionalInput(5)));
  Value factor = node.div(node.mul(getScale(node, 1, /*perRow=*/true), getScale(node, 4)), getScale(node, 6));
  Type code = node.hasInput(7) ? node.elementType(7) : node.elementType(0);
  setCodes(node, node.mul(toFloat(node, product), factor), 7, code);
}

/// The convolution of codes less their zeros: padding is zero.
Value convolve(NodeImporter &node, unsigned x, unsigned xZero, unsigned w, unsigned wZero, Value bias) {
  Value image = centre(node, node.input(x), node.optionalInput(xZero));
  Value zero = alongChannels(node, node.optionalInput(wZero), node.rank(w));
  return emitConvolution(node, image, centre(node, node.input(w), zero), bias);
}

void emitConvInteger(NodeImporter &node) { node.setResult(0, convolve(node, 0, 2, 1, 3, {})); }

void emitQLinearConv(NodeImporter &node) {
  if (node.integer("channels_last", 0))
    return node.error("channels_last is not supported", "save the optimized model at level ORT_ENABLE_BASIC");
  Value sum = convolve(node, 0, 2, 3, 5, node.optionalInput(8));
  Value scale = getScale(node, 4);
  Dims dims = node.dimsOf(scale);
  if (node.failed())
    return;
  if (dims.size() == 1) {
    dims.append(node.rank(3) - 2, node.symbols().constant(1));
    scale = node.reshape(scale, dims);
  }
  Value factor = node.div(node.mul(getScale(node, 1), scale), getScale(node, 6));
  setCodes(node, node.mul(toFloat(node, sum), factor), 7, node.elementType(7));
}

//===----------------------------------------------------------------------===//
// com.microsoft
//===----------------------------------------------------------------------===//

/// A B in f32 + bias, where A is quantized as it comes.
void emitDynamicQuantizeMatMul(NodeImporter &node) {
  DynamicCodes a = quantizeDynamically(node, node.input(0));
  Value product = node.matmul(centre(node, a.codes, a.zero), centre(node, node.input(1), node.optionalInput(3)));
  Value y = node.mul(toFloat(node, product), node.mul(a.scale, getScale(node, 2)));
  node.setResult(0, node.hasInput(4) ? node.add(y, node.input(4)) : y);
}

void emitMatMulIntegerToFloat(NodeImporter &node) {
  Value a = centre(node, node.input(0), node.optionalInput(4), /*perRow=*/true);
  Value product = node.matmul(a, centre(node, node.input(1), node.optionalInput(5)));
  Value y = node.mul(toFloat(node, product), node.mul(getScale(node, 2, /*perRow=*/true), getScale(node, 3)));
  y = node.cast(y, node.elementType(2));
  node.setResult(0, node.hasInput(6) ? node.add(y, node.input(6)) : y);
}

/// alpha (A B + C), C being i32 in units of both scales.
void emitQGemm(NodeImporter &node) {
  auto operand = [&](unsigned codes, unsigned zero, StringRef turned) {
    bool turn = node.integer(turned, 0) != 0;
    // A zero per column of B belongs to its first axis where it is turned.
    Value x = centre(node, node.input(codes), node.optionalInput(zero), turn);
    return turn ? node.transpose(x, {1, 0}) : x;
  };
  if (node.rank(0) != 2 || node.rank(3) != 2)
    return node.error("its operands must have rank 2");
  Value sum = node.matmul(operand(0, 2, "transA"), operand(3, 5, "transB"));
  if (node.hasInput(6))
    sum = node.add(sum, node.input(6));
  Value factor = node.mul(getScale(node, 1), getScale(node, 4));
  factor = node.mul(factor, node.scalarLike(node.real("alpha", 1), factor));
  if (!node.hasInput(7))
    return node.setResult(0, node.mul(toFloat(node, sum), factor));
  Type code = node.hasInput(8) ? node.elementType(8) : node.elementType(0);
  setCodes(node, node.mul(toFloat(node, sum), node.div(factor, getScale(node, 7))), 8, code);
}

const Operator kOperators[] = {
    {"", "ConvInteger", 10, kNewest, emitConvInteger},
    {"", "MatMulInteger", 10, kNewest, emitMatMulInteger},
    {"", "QLinearConv", 10, kNewest, emitQLinearConv},
    {"", "QLinearMatMul", 10, kNewest, emitQLinearMatMul},
    {"com.microsoft", "DynamicQuantizeMatMul", 1, kNewest, emitDynamicQuantizeMatMul},
    {"com.microsoft", "MatMulInteger16", 1, kNewest, emitMatMulInteger},
    {"com.microsoft", "MatMulIntegerToFloat", 1, kNewest, emitMatMulIntegerToFloat},
    {"com.microsoft", "QGemm", 1, kNewest, emitQGemm},
    {"com.microsoft", "QLinearConv", 1, kNewest, emitQLinearConv, nullptr, "channels_last"},
};

} // namespace

ArrayRef<Operator> quantizedProductOperators() { return kOperators; }

} // namespace halftone::onnx
