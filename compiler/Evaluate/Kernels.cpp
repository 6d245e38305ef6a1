//===- Kernels.cpp - kernels, launches and packed weights -------------------===//

#include "compiler/Evaluate/Handlers.h"

#include "dialects/HTK/HTKDialect.h"

#include <cstring>

using namespace mlir;

namespace halftone::evaluate {

namespace {

/// Panels of rows, interleaved; rows past the last are zero. Moves bytes, so it
/// serves every element type, and by blocks of columns, so that both sides stay
/// in cache.
template <typename T>
void packAs(const Tensor &from, Tensor &to) {
  int64_t rows = from.getDim(0), columns = from.getDim(1), panel = to.getDim(2);
  const T *source = reinterpret_cast<const T *>(from.data());
  T *target = to.getMutable<T>();
  constexpr int64_t kBlock = 16;
  for (int64_t p = 0; p < to.getDim(0); ++p)
    for (int64_t block = 0; block < columns; block += kBlock)
      for (int64_t i = 0, n = std::min(panel, rows - p * panel); i < n; ++i)
        for (int64_t k = block, end = std::min(columns, block + kBlock); k < end; ++k) {
          T value; // A view of a file may start at any byte.
          std::memcpy(&value, source + (p * panel + i) * columns + k, sizeof(T));
          target[(p * columns + k) * panel + i] = value;
        }
}

llvm::Expected<Tensor> pack(htk::PackOp op, Frame &frame) {
  const Tensor &from = frame.get(op.getInput());
  Tensor to = frame.allocate(op.getResult());
  switch (from.getElementSize()) {
  case 1:
    packAs<uint8_t>(from, to);
    return to;
  case 2:
    packAs<uint16_t>(from, to);
    return to;
  case 4:
    packAs<uint32_t>(from, to);
    return to;
  case 8:
    packAs<uint64_t>(from, to);
    return to;
  default:
    return makeError(op, "cannot pack elements of this size");
  }
}

llvm::Expected<Tensor> linear(htk::LinearOp op, Frame &frame) {
  const Tensor &x = frame.get(op.getInput()), &w = frame.get(op.getWeight());
  Tensor y = frame.allocate(op.getResult());
  std::vector<double> input = x.toVector<double>(), weight = w.toVector<double>();
  int64_t columns = w.getDim(1), panel = w.getDim(2), outputs = y.getShape().back();
  int64_t rows = outputs == 0 ? 0 : y.getNumElements() / outputs;
  std::vector<double> sums(outputs);
  for (int64_t m = 0; m < rows; ++m) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int64_t n = 0; n < outputs; ++n)
      for (int64_t k = 0; k < columns; ++k)
        sums[n] += input[m * columns + k] * weight[(n / panel * columns + k) * panel + n % panel];
    y.write(m * outputs, sums);
  }
  return y;
}

llvm::Error runBody(Operation *op, Block &body, ValueRange operands, Frame &frame,
                    SmallVectorImpl<Tensor> &results) {
  SmallVector<Tensor> arguments;
  for (Value operand : operands)
    arguments.push_back(frame.get(operand));
  auto values = frame.runBlock(body, arguments);
  if (!values)
    return values.takeError();
  llvm::append_range(results, *values);
  return llvm::Error::success();
}

llvm::Error kernel(Operation *op, Frame &frame, SmallVectorImpl<Tensor> &results) {
  auto kernel = cast<htk::KernelOp>(op);
  return runBody(op, kernel.getBody().front(), kernel.getInputs(), frame, results);
}

llvm::Error launch(Operation *op, Frame &frame, SmallVectorImpl<Tensor> &results) {
  auto launch = cast<htk::LaunchOp>(op);
  if (launch.getStep())
    return makeError(op, "launches in the memory form run natively, not in the interpreter");
  auto callee = frame.getRun().symbolTables.lookupNearestSymbolFrom<func::FuncOp>(op, launch.getCalleeAttr());
  return runBody(op, callee.getBody().front(), launch.getInputs(), frame, results);
}

} // namespace

void addKernels(InterpreterTable &table) {
  table.add<htk::PackOp>(pack);
  table.add<htk::LinearOp>(linear);
  table.add(htk::KernelOp::getOperationName(), kernel);
  table.add(htk::LaunchOp::getOperationName(), launch);
}

} // namespace halftone::evaluate
