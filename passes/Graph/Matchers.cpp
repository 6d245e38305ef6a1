//===- Matchers.cpp - questions that raising passes ask of the graph --------===//

#include "passes/Graph/Matchers.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;

namespace halftone::graph {

std::optional<double> getSplat(Value value) {
  for (Operation *op = value.getDefiningOp(); op; op = value.getDefiningOp()) {
    if (isa<CastOp, ReshapeOp, BroadcastOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    auto constant = dyn_cast<ConstantOp>(op);
    auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
    if (!elements || elements.empty() || !elements.isSplat())
      return std::nullopt;
    if (isa<FloatType>(elements.getElementType()))
      return elements.getSplatValue<APFloat>().convertToDouble();
    if (elements.getElementType().isInteger(1))
      return elements.getSplatValue<bool>() ? 1 : 0;
    APInt integer = elements.getSplatValue<APInt>();
    return elements.getElementType().isUnsignedInteger() ? static_cast<double>(integer.getZExtValue())
                                                         : static_cast<double>(integer.getSExtValue());
  }
  return std::nullopt;
}

bool isSplat(Value value, double expected) {
  std::optional<double> number = getSplat(value);
  return number && std::abs(*number - expected) <= 1e-4 * std::abs(expected);
}

Value skipFloatCasts(Value value) {
  while (auto cast = value.getDefiningOp<CastOp>()) {
    if (!isa<FloatType>(getElementTypeOrSelf(cast.getInput())) ||
        !isa<FloatType>(getElementTypeOrSelf(cast.getType())))
      break;
    value = cast.getInput();
  }
  return value;
}

Value skipBroadcasts(Value value) {
  while (auto broadcast = value.getDefiningOp<BroadcastOp>())
    value = broadcast.getInput();
  return value;
}

Dims getNonUnitDims(Value value) {
  Dims dims = getDims(value);
  llvm::erase_if(dims, [](Dim dim) { return getConstant(dim) == 1; });
  return dims;
}

bool isUnitReshape(ReshapeOp op) { return getNonUnitDims(op.getInput()) == getNonUnitDims(op.getResult()); }

Operation *getOnlyUser(Value value) {
  Operation *only = nullptr;
  for (Operation *user : value.getUsers()) {
    if (only && only != user)
      return nullptr;
    only = user;
  }
  return only;
}

Value getOther(Operation *binary, Value value) {
  Value lhs = binary->getOperand(0), rhs = binary->getOperand(1);
  if (lhs == rhs)
    return {};
  return lhs == value ? rhs : lhs;
}

bool isSameButCasts(Value a, Value b) { return skipFloatCasts(a) == skipFloatCasts(b); }

bool isMeanOverLastAxis(ReduceOp reduce) {
  int64_t rank = cast<RankedTensorType>(reduce.getInput().getType()).getRank();
  return reduce.getKind() == ReduceKind::Mean && reduce.getAxes() == ArrayRef<int64_t>{rank - 1};
}

std::optional<Scaled> matchScaled(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<MulOp, DivOp>(op) || !isa<FloatType>(getElementTypeOrSelf(value)))
    return std::nullopt;
  for (unsigned scaleIndex : {1u, 0u}) {
    auto factor = getSplat(op->getOperand(scaleIndex));
    Value base = op->getOperand(1 - scaleIndex);
    if (!factor || base.getType() != value.getType())
      continue;
    if (isa<MulOp>(op))
      return Scaled{base, *factor};
    if (scaleIndex == 1 && *factor != 0)
      return Scaled{base, 1.0 / *factor};
  }
  return std::nullopt;
}

Value matchSquare(Value value) {
  if (auto mul = value.getDefiningOp<MulOp>())
    return mul.getLhs() == mul.getRhs() ? mul.getLhs() : Value();
  auto pow = value.getDefiningOp<PowOp>();
  if (pow && getSplat(pow.getRhs()) == 2.0 && pow.getLhs().getType() == pow.getType())
    return pow.getLhs();
  return {};
}

/// `value` before broadcasts and unit reshapes.
static Value getVectorSource(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    auto reshape = dyn_cast<ReshapeOp>(op);
    if (!isa<BroadcastOp>(op) && !(reshape && isUnitReshape(reshape)))
      break;
    value = op->getOperand(0);
  }
  return value;
}

bool isVector(Value value, Dim size) {
  Dims dims = getDims(value);
  if (dims.empty() || dims.back() != size)
    return false;
  // Only the last axis may vary.
  return getConstant(getProduct(getDims(getVectorSource(value)), value.getContext())) == getConstant(size) &&
         getNonUnitDims(getVectorSource(value)).size() <= 1;
}

Value materializeVector(OpBuilder &builder, Value value) {
  Dim size = getDims(value).back();
  return reshape(builder, value.getLoc(), getVectorSource(value), {size});
}

Value transpose(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  return builder.createOrFold<TransposeOp>(loc, value, builder.getDenseI64ArrayAttr(permutation));
}

Value reshape(OpBuilder &builder, Location loc, Value value, ArrayRef<Dim> dims) {
  RankedTensorType type = getTensorType(dims, getElementTypeOrSelf(value));
  if (type == value.getType())
    return value;
  return ReshapeOp::create(builder, loc, type, value);
}

Value makeSplat(OpBuilder &builder, Location loc, double number, Type element, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, element);
  Attribute value = isa<FloatType>(element)
                        ? Attribute(builder.getFloatAttr(element, number))
                        : Attribute(builder.getIntegerAttr(element, static_cast<int64_t>(number)));
  return ConstantOp::create(builder, loc, DenseElementsAttr::get(type, value));
}

void eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

} // namespace halftone::graph
