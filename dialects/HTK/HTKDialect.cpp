//===- HTKDialect.cpp - kernels, launches and steps -------------------------===//

#include "dialects/HTK/HTKDialect.h"

#include "dialects/HTK/Packing.h"
#include "dialects/HTK/Roots.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::htk;
using htq::parseTerm;
using htq::printTerm;

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

LogicalResult CpuAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef, unsigned vectorBits,
                              ArrayRef<StringAttr>) {
  if (vectorBits != 256 && vectorBits != 512)
    return emitError() << "vectors have 256 or 512 bits, got " << vectorBits;
  return success();
}

bool CpuAttr::has(StringRef feature) const {
  return llvm::any_of(getFeatures(), [&](StringAttr name) { return name == feature; });
}

LogicalResult KernelOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError() << "block arguments differ from the operands in type";
  if (block.getTerminator()->getOperandTypes() != getResultTypes())
    return emitOpError() << "yielded values differ from the results in type";
  SmallVector<Operation *> roots = getRoots(block);
  for (Operation *root : ArrayRef(roots).drop_front(std::min<size_t>(1, roots.size())))
    if (!isLinear(root) || !isLinear(roots.front()) || !haveSameInput(root, roots.front()))
      return emitOpError() << "has several roots that are not linears of one input";
  return success();
}

LogicalResult PackOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType());
  if (from.getRank() != 2)
    return emitOpError() << "packs rows of columns, got " << from;
  if (static_cast<int64_t>(getGroup()) < 1)
    return emitOpError() << "has groups of " << static_cast<int64_t>(getGroup()) << " columns";
  Packing packing(from.getElementType(), getGroup());
  if (packing.getPackedType(from) != getType())
    return emitOpError() << "packs " << from << " to " << packing.getPackedType(from) << ", not "
                         << getType();
  return success();
}

LogicalResult htk::LinearOp::verify() {
  for (auto [term, leaves] :
       {std::pair(getInputTerm(), OperandRange(getInput())), {getWeightTerm(), getWeight()}}) {
    if (!htq::isTerm(term))
      return emitOpError() << "expected two terms, got " << term;
    SmallVector<Type> types;
    htq::getLeaves(term, types);
    if (types.size() != leaves.size())
      return emitOpError() << "has " << leaves.size() << " tensors for the " << types.size()
                           << " leaves of its term";
  }
  ht::Dims x = ht::getDims(getInput().front()), y = ht::getDims(getResult());
  auto k = x.empty() ? std::nullopt : ht::getConstant(x.back());
  auto n = y.empty() ? std::nullopt : ht::getConstant(y.back());
  if (!k || !n)
    return emitOpError() << "expected a last dimension that is constant, got " << ht::toString(x) << " and "
                         << ht::toString(y);
  SmallVector<PackedLeaf> packed = getPackedLeaves(getWeightTerm(), *n, *k);
  if (packed.empty())
    return emitOpError() << "cannot read weights of this term packed";
  for (auto [expected, leaf] : llvm::zip_equal(packed, getWeight()))
    if (leaf.getType() != expected.getPackedType())
      return emitOpError() << "expected packed weights " << expected.getPackedType() << " for [" << *n << ", "
                           << *k << "], got " << leaf.getType();
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
  if (!getStep() &&
      (callee.getNumArguments() != getInputs().size() || callee.getNumResults() != getNumResults()))
    return emitOpError() << "operands or results do not match @" << getCallee();
  return success();
}

Type htk::getStorageType(Type element) {
  unsigned bits = element.getIntOrFloatBitWidth();
  if (isa<Float16Type, Float32Type, Float64Type>(element))
    return element;
  return IntegerType::get(element.getContext(), std::max(bits, 8u));
}

int64_t htk::getStorageBytes(Type element) { return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8); }

MemRefType htk::getBufferType(Type tensor) {
  return MemRefType::get({ShapedType::kDynamic},
                         getStorageType(cast<RankedTensorType>(tensor).getElementType()));
}

bool htk::isRoot(Operation *op) {
  // A rotation of what is quantized is part of the quantization.
  if (isa<htq::HadamardOp>(op))
    return !op->hasOneUse() || !isa<htq::DynamicQuantizeOp>(*op->user_begin());
  return isa<htk::LinearOp, htq::LinearOp, htq::DynamicQuantizeOp, ht::LinearOp, ht::MatMulOp,
             ht::AttentionOp, ht::LayerNormOp, ht::RMSNormOp, ht::SoftmaxOp, ht::ReduceOp, ht::ArgReduceOp,
             ht::CumSumOp, ht::ScatterNDOp, ht::UpdateOp, ht::TopKOp>(op);
}
