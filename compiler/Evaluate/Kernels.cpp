//===- Kernels.cpp - kernels and launches -----------------------------------===//

#include "compiler/Evaluate/Handlers.h"

#include "dialects/HTK/HTKDialect.h"

using namespace mlir;

namespace halftone::evaluate {

namespace {

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
  table.add(htk::KernelOp::getOperationName(), kernel);
  table.add(htk::LaunchOp::getOperationName(), launch);
}

} // namespace halftone::evaluate
