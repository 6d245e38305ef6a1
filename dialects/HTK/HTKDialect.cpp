//===- HTKDialect.cpp - kernels, launches and steps -------------------------===//

#include "dialects/HTK/HTKDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::htk;

#include "dialects/HTK/HTKDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/HTK/HTKAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/HTK/HTKOps.cpp.inc"

void HTKDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/HTK/HTKAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/HTK/HTKOps.cpp.inc"
      >();
}

LogicalResult CpuAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef, unsigned vectorBits) {
  if (vectorBits != 256 && vectorBits != 512)
    return emitError() << "vectors have 256 or 512 bits, got " << vectorBits;
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError() << "block arguments differ from the operands in type";
  if (block.getTerminator()->getOperandTypes() != getResultTypes())
    return emitOpError() << "yielded values differ from the results in type";
  return success();
}

LogicalResult PackOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()), to = cast<RankedTensorType>(getType());
  if (from.getRank() != 2 || to.getRank() != 3 || from.getElementType() != to.getElementType() ||
      to.getDimSize(1) != from.getDimSize(1) || to.getDimSize(2) <= 0 ||
      to.getDimSize(0) != static_cast<int64_t>(llvm::divideCeil(from.getDimSize(0), to.getDimSize(2))))
    return emitOpError() << "cannot pack " << from << " to " << to;
  return success();
}

LogicalResult htk::LinearOp::verify() {
  ht::Dims x = ht::getDims(getInput()), y = ht::getDims(getResult());
  auto weight = cast<RankedTensorType>(getWeight().getType());
  if (weight.getRank() != 3 || x.empty() || ht::getConstant(x.back()) != weight.getDimSize(1))
    return emitOpError() << "input " << ht::toString(x) << " does not fit packed weight " << weight;
  auto n = y.empty() ? std::nullopt : ht::getConstant(y.back());
  int64_t panel = weight.getDimSize(2);
  if (!n || static_cast<int64_t>(llvm::divideCeil(*n, panel)) != weight.getDimSize(0))
    return emitOpError() << "result " << ht::toString(y) << " does not fit packed weight " << weight;
  y.back() = x.back();
  if (x != y)
    return emitOpError() << "result and input differ beside the last dimension";
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee || !callee->hasAttr(HTKDialect::kKernelAttr))
    return emitOpError() << "@" << getCallee() << " is not a kernel";
  // A lowered kernel takes buffers for its results, and the step and thread.
  if (!getStep() && (callee.getNumArguments() != getInputs().size() || callee.getNumResults() != getNumResults()))
    return emitOpError() << "operands or results do not match @" << getCallee();
  return success();
}

Type htk::getStorageType(Type element) {
  unsigned bits = element.getIntOrFloatBitWidth();
  if (isa<Float16Type, Float32Type, Float64Type>(element))
    return element;
  return IntegerType::get(element.getContext(), std::max(bits, 8u));
}

MemRefType htk::getBufferType(Type tensor) {
  return MemRefType::get({ShapedType::kDynamic}, getStorageType(cast<RankedTensorType>(tensor).getElementType()));
}

bool htk::isRoot(Operation *op) {
  return isa<htk::LinearOp, ht::LinearOp, ht::MatMulOp, ht::AttentionOp, ht::LayerNormOp, ht::RMSNormOp, ht::SoftmaxOp,
             ht::ReduceOp, ht::ArgReduceOp, ht::CumSumOp, ht::ScatterNDOp, ht::TopKOp>(op);
}
