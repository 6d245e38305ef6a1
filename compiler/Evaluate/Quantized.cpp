//===- Quantized.cpp - the value of a term, and codes under one -------------===//

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Handlers.h"
#include "compiler/Evaluate/TermReader.h"
#include "dialects/HTQ/HTQOps.h"

#include <cmath>

using namespace mlir;

namespace halftone::evaluate {

SmallVector<Tensor> getTensors(Frame &frame, ValueRange values) {
  return llvm::map_to_vector(values, [&](Value value) { return frame.get(value); });
}

namespace {

llvm::Expected<Tensor> evaluateDequantize(htq::DequantizeOp op, Frame &frame) {
  auto reader = makeTermReader(op, op.getTerm(), getTensors(frame, op.getLeaves()));
  if (!reader)
    return reader.takeError();
  Tensor result = frame.allocate(op.getResult());
  std::vector<double> buffer(kTermChunk);
  for (int64_t begin = 0; begin < result.getNumElements(); begin += kTermChunk) {
    auto chunk =
        MutableArrayRef<double>(buffer).take_front(std::min(kTermChunk, result.getNumElements() - begin));
    if (llvm::Error error = reader->read(begin, chunk))
      return std::move(error);
    result.write(begin, ArrayRef<double>(chunk));
  }
  return result;
}

llvm::Expected<Tensor> evaluateQuantize(htq::QuantizeOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor result = frame.allocate(op.getResult());
  ElementKind kind = result.getKind();
  std::vector<double> scales = frame.get(op.getScale()).toVector<double>(), zeros(scales.size(), 0.0);
  if (op.getZero())
    zeros = frame.get(op.getZero()).toVector<double>();
  bool wide = input.getKind() == ElementKind::F64;
  auto divide = [&](double x, double scale) {
    return wide ? x / scale : static_cast<double>(static_cast<float>(x) / static_cast<float>(scale));
  };
  BlockIndex index(input.getShape(), op.getTerm().getBlocks());

  if (isFloat(kind)) {
    Tensor quotients = Tensor::allocate(wide ? ElementKind::F64 : ElementKind::F32, input.getShape());
    index.visit(0, input.getNumElements(), [&](int64_t i, int64_t end, int64_t parameter) {
      for (; i < end; ++i)
        quotients.write(i, ArrayRef<double>(divide(input.getDouble(i), scales[parameter])));
    });
    return quotients.cast(kind, /*saturate=*/!op.getUnsaturated());
  }
  auto [least, greatest] = getRange(kind);
  index.visit(0, input.getNumElements(), [&](int64_t i, int64_t end, int64_t parameter) {
    for (; i < end; ++i) {
      double code = std::nearbyint(divide(input.getDouble(i), scales[parameter])) + zeros[parameter];
      code = code != code ? zeros[parameter] : std::clamp(code, least, greatest);
      result.write(i, ArrayRef<double>(code));
    }
  });
  return result;
}

llvm::Expected<Tensor> evaluateRequantize(htq::RequantizeOp op, Frame &frame) {
  SmallVector<Tensor> input = getTensors(frame, op.getInput()), to = getTensors(frame, op.getParameters());
  Tensor result = frame.allocate(op.getResult());
  auto [least, greatest] = getRange(result.getKind());
  std::vector<double> scales = input[1].toVector<double>(), newScales = to[0].toVector<double>();
  auto getZeros = [](ArrayRef<Tensor> tensors, size_t at, size_t count) {
    return at < tensors.size() ? tensors[at].toVector<double>() : std::vector<double>(count, 0.0);
  };
  std::vector<double> zeros = getZeros(input, 2, scales.size()), newZeros = getZeros(to, 1, newScales.size());
  BlockIndex index(input[0].getShape(), op.getFrom().getBlocks());
  BlockIndex newIndex(input[0].getShape(), op.getTo().getBlocks());
  std::vector<double> codes = input[0].toVector<double>();
  index.visit(0, result.getNumElements(), [&](int64_t begin, int64_t end, int64_t from) {
    newIndex.visit(begin, end - begin, [&](int64_t first, int64_t last, int64_t to) {
      float factor = static_cast<float>(scales[from]) / static_cast<float>(newScales[to]);
      for (double &code : MutableArrayRef<double>(codes).slice(begin + first, last - first)) {
        float value = std::nearbyint(static_cast<float>(code - zeros[from]) * factor);
        code = value != value ? newZeros[to] : std::clamp(value + newZeros[to], least, greatest);
      }
    });
  });
  result.write(0, ArrayRef<double>(codes));
  return result;
}

llvm::Expected<Tensor> evaluateHadamard(htq::HadamardOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor result = frame.allocate(op.getResult());
  int64_t order = op.getOrder(), stride = op.getStride(), n = input.getShape().back();
  double norm = 1 / std::sqrt(static_cast<double>(order));
  std::vector<double> row(n);
  for (int64_t begin = 0; begin < input.getNumElements(); begin += n) {
    input.read(begin, MutableArrayRef<double>(row));
    for (int64_t distance = stride; distance < order * stride; distance *= 2)
      for (int64_t pair = 0; pair < n; pair += 2 * distance)
        for (double *i = &row[pair], *end = i + distance; i < end; ++i) {
          double x = i[0], y = i[distance];
          i[0] = x + y;
          i[distance] = x - y;
        }
    for (double &x : row)
      x *= norm;
    result.write(begin, ArrayRef<double>(row));
  }
  return result;
}

} // namespace

void addQuantized(InterpreterTable &table) {
  table.add<htq::DequantizeOp>(evaluateDequantize);
  table.add<htq::QuantizeOp>(evaluateQuantize);
  table.add<htq::RequantizeOp>(evaluateRequantize);
  table.add<htq::HadamardOp>(evaluateHadamard);
  table.add<htq::ObserveOp>(
      [](htq::ObserveOp op, Frame &frame) -> llvm::Expected<Tensor> { return frame.get(op.getInput()); });
  addDynamicQuantization(table);
  addQuantizedProduct(table);
}

} // namespace halftone::evaluate
