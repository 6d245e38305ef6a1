//===- Structure.cpp - sources, data movement, weights ----------------------===//

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Handlers.h"
#include "compiler/Evaluate/Strided.h"
#include "compiler/Evaluate/WeightSource.h"
#include "dialects/HT/HTOps.h"

using namespace mlir;

namespace halftone::evaluate {

namespace {

llvm::Expected<Tensor> evaluateConstant(ht::ConstantOp op, Frame &frame) {
  if (auto tensor = fromAttribute(op.getValue()))
    return *tensor;
  return makeError(op, "the literal has a form that the interpreter does not read");
}

llvm::Expected<Tensor> evaluateDim(ht::DimOp op, Frame &frame) {
  return Tensor::of<int64_t>(ElementKind::I64, {}, frame.evaluate(op.getExpr().getExprs().front()));
}

llvm::Expected<Tensor> evaluateIota(ht::IotaOp op, Frame &frame) {
  Tensor result = frame.allocate(op.getResult());
  uint64_t value = op.getStart();
  for (int64_t i = 0; i < result.getNumElements(); ++i, value += uint64_t(op.getStep()))
    result.write(i, ArrayRef<int64_t>(static_cast<int64_t>(value)));
  return result;
}

llvm::Expected<Tensor> evaluateReshape(ht::ReshapeOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Shape shape = frame.getShape(op.getResult());
  if (getNumElements(shape) != input.getNumElements())
    return makeError(op, describe(input) + " does not have the elements of " + toString(shape));
  return input.reshaped(shape);
}

llvm::Expected<Tensor> evaluateTranspose(ht::TransposeOp op, Frame &frame) {
  return transpose(frame.get(op.getInput()), op.getPermutation());
}

llvm::Expected<Tensor> evaluateBroadcast(ht::BroadcastOp op, Frame &frame) {
  return broadcastTo(frame.get(op.getInput()), frame.getShape(op.getResult()));
}

llvm::Expected<Tensor> evaluateSlice(ht::SliceOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Shape shape = frame.getShape(op.getResult()), strides = getStrides(input.getShape());
  int64_t origin = 0;
  for (int64_t axis = 0; axis < input.getRank(); ++axis) {
    int64_t start = frame.evaluate(op.getStarts().getExprs()[axis]), stride = op.getStrides()[axis];
    int64_t last = start + (shape[axis] - 1) * stride, extent = input.getDim(axis);
    if (shape[axis] > 0 && (start < 0 || start >= extent || last < 0 || last >= extent))
      return makeError(op, "window " + Twine(start) + " … " + Twine(last) + " of axis " + Twine(axis) +
                               " leaves its " + Twine(extent) + " elements");
    origin += start * strides[axis];
    strides[axis] *= stride;
  }
  return readStrided(input, shape, origin, strides);
}

llvm::Expected<Tensor> evaluateWindow(ht::WindowOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Shape shape = frame.getShape(op.getResult()), strides = getStrides(input.getShape());
  for (auto [j, axis] : llvm::enumerate(op.getAxes())) {
    int64_t count = shape[axis], size = shape[input.getRank() + j], extent = input.getDim(axis);
    int64_t last = (count - 1) * op.getStrides()[j] + (size - 1) * op.getDilations()[j];
    if (count > 0 && size > 0 && last >= extent)
      return makeError(op, "the last window of axis " + Twine(axis) + " ends at " + Twine(last) +
                               ", beyond its " + Twine(extent) + " elements");
    strides.push_back(strides[axis] * op.getDilations()[j]);
    strides[axis] *= op.getStrides()[j];
  }
  return readStrided(input, shape, 0, strides);
}

llvm::Expected<Tensor> evaluateConcat(ht::ConcatOp op, Frame &frame) {
  Tensor result = frame.allocate(op.getResult());
  ArrayRef<int64_t> shape = result.getShape();
  int64_t axis = op.getAxis(), outer = getNumElements(shape.take_front(axis));
  int64_t row = getNumElements(shape.drop_front(axis)) * result.getElementSize(), at = 0;
  for (Value operand : op.getInputs()) {
    const Tensor &input = frame.get(operand);
    int64_t part = getNumElements(input.getShape().drop_front(axis)) * input.getElementSize();
    for (int64_t i = 0; i < outer && part; ++i)
      std::memcpy(result.getMutableData() + i * row + at, input.data() + i * part, part);
    at += part;
  }
  return result;
}

llvm::Expected<Tensor> evaluateGetWeight(ht::GetWeightOp op, Frame &frame) {
  Run &run = frame.getRun();
  auto weight = run.symbolTables.lookupNearestSymbolFrom<ht::WeightOp>(op, op.getNameAttr());
  if (!weight)
    return makeError(op, "no weight is named @" + op.getName());
  if (!run.weights)
    return makeError(op, "weights are not at hand here");
  return run.weights->get(weight);
}

llvm::Expected<Tensor> evaluateLoad(ht::LoadOp op, Frame &frame) {
  if (!frame.getRun().weights)
    return makeError(op, "weights are not at hand here");
  return frame.getRun().weights->load(op);
}

} // namespace

void addStructure(InterpreterTable &table) {
  table.add<ht::BroadcastOp>(evaluateBroadcast);
  table.add<ht::ConcatOp>(evaluateConcat);
  table.add<ht::ConstantOp>(evaluateConstant);
  table.add<ht::DimOp>(evaluateDim);
  table.add<ht::GetWeightOp>(evaluateGetWeight);
  table.add<ht::IotaOp>(evaluateIota);
  table.add<ht::LoadOp>(evaluateLoad);
  table.add<ht::ReshapeOp>(evaluateReshape);
  table.add<ht::SliceOp>(evaluateSlice);
  table.add<ht::TransposeOp>(evaluateTranspose);
  table.add<ht::WindowOp>(evaluateWindow);
}

} // namespace halftone::evaluate
