//===- FoldOperation.cpp - the value of an operation on literals ------------===//

#include "compiler/Evaluate/FoldOperation.h"

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Interpreter.h"
#include "dialects/HT/HTOps.h"
#include "runtime/support/Checked.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace halftone::evaluate {

static bool isSmall(Type value, int64_t maxBytes) {
  auto type = dyn_cast<RankedTensorType>(value);
  if (!type || !type.hasStaticShape() || !getElementKind(type.getElementType()))
    return false;
  Checked<int64_t> bytes = getSize(*getElementKind(type.getElementType()));
  for (int64_t size : type.getShape())
    bytes *= size;
  return bytes.isAtMost(maxBytes);
}

SmallVector<DenseElementsAttr, 1> foldOperation(Operation *op, int64_t maxBytes) {
  if (!isa_and_present<ht::HTDialect>(op->getDialect()) || op->hasTrait<OpTrait::ConstantLike>() ||
      isa<ht::GetWeightOp, ht::IotaOp>(op) || op->getNumRegions() != 0 || !isPure(op) ||
      !llvm::all_of(op->getResultTypes(), [&](Type type) { return isSmall(type, maxBytes); }))
    return {};
  SmallVector<Tensor> operands;
  for (Value operand : op->getOperands()) {
    auto constant = operand.getDefiningOp<ht::ConstantOp>();
    auto literal = constant ? fromAttribute(constant.getValue()) : std::nullopt;
    if (!literal)
      return {};
    operands.push_back(*literal);
  }
  auto results = interpretOperation(op, operands);
  if (!results) {
    llvm::consumeError(results.takeError());
    return {};
  }
  SmallVector<DenseElementsAttr, 1> literals;
  for (auto [tensor, type] : llvm::zip_equal(*results, op->getResultTypes()))
    literals.push_back(toAttribute(tensor, cast<RankedTensorType>(type)));
  return literals;
}

} // namespace halftone::evaluate
