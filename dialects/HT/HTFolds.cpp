//===- HTFolds.cpp - identities that hold for every element -----------------===//
//
// Folders never read more than a splat; evaluation of whole constants is the
// fold-constants pass, which asks the interpreter.
//
//===----------------------------------------------------------------------===//

#include "dialects/HT/HTOps.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace halftone::ht;

/// Whether `attribute` is a constant whose every element is `expected`.
static bool isSplatOf(Attribute attribute, double expected) {
  auto elements = dyn_cast_if_present<DenseElementsAttr>(attribute);
  if (!elements || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble() == expected;
  if (elements.getElementType().isInteger(1))
    return elements.getSplatValue<bool>() == (expected != 0);
  return elements.getSplatValue<APInt>().getSExtValue() == static_cast<int64_t>(expected);
}

/// Whether `attribute` is a constant whose every bit is set.
static bool isSplatOfOnes(Attribute attribute) {
  auto elements = dyn_cast_if_present<DenseElementsAttr>(attribute);
  return elements && elements.isSplat() && elements.getSplatValue<APInt>().isAllOnes();
}

/// `value` where broadcasting did not change its type.
static OpFoldResult sameType(Value value, Type type) {
  return value.getType() == type ? OpFoldResult(value) : OpFoldResult();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  // i1 -> any number -> i1 keeps the value.
  if (auto inner = getInput().getDefiningOp<CastOp>())
    if (inner.getInput().getType() == getType() && getElementTypeOrSelf(getType()).isInteger(1))
      return inner.getInput();
  return {};
}

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  if (isSplatOf(adaptor.getRhs(), 0))
    return sameType(getLhs(), getType());
  if (isSplatOf(adaptor.getLhs(), 0))
    return sameType(getRhs(), getType());
  return {};
}

OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  return isSplatOf(adaptor.getRhs(), 0) ? sameType(getLhs(), getType()) : OpFoldResult();
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (isSplatOf(adaptor.getRhs(), 1))
    return sameType(getLhs(), getType());
  if (isSplatOf(adaptor.getLhs(), 1))
    return sameType(getRhs(), getType());
  return {};
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  return isSplatOf(adaptor.getRhs(), 1) ? sameType(getLhs(), getType()) : OpFoldResult();
}

OpFoldResult AndOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs() || isSplatOfOnes(adaptor.getRhs()))
    return sameType(getLhs(), getType());
  if (isSplatOfOnes(adaptor.getLhs()))
    return sameType(getRhs(), getType());
  return {};
}

OpFoldResult OrOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs() || isSplatOf(adaptor.getRhs(), 0))
    return sameType(getLhs(), getType());
  if (isSplatOf(adaptor.getLhs(), 0))
    return sameType(getRhs(), getType());
  return {};
}

OpFoldResult WhereOp::fold(FoldAdaptor adaptor) {
  if (isSplatOf(adaptor.getCondition(), 1) || getLhs() == getRhs())
    return sameType(getLhs(), getType());
  if (isSplatOf(adaptor.getCondition(), 0))
    return sameType(getRhs(), getType());
  return {};
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (auto inner = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return sameType(getInput(), getType());
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (auto inner = getInput().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t axis : getPermutation())
      composed.push_back(inner.getPermutation()[axis]);
    getInputMutable().assign(inner.getInput());
    setPermutation(composed);
    return getResult();
  }
  for (auto [i, axis] : llvm::enumerate(getPermutation()))
    if (static_cast<int64_t>(i) != axis)
      return {};
  return getInput();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  if (auto inner = getInput().getDefiningOp<BroadcastOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return sameType(getInput(), getType());
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getInput().getType() != getType())
    return {};
  for (auto [start, stride] : llvm::zip(getStarts().getExprs(), getStrides()))
    if (getConstant(start) != 0 || stride != 1)
      return {};
  return getInput();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? OpFoldResult(getInputs().front()) : OpFoldResult();
}
