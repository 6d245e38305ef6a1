//===- HTOps.cpp - type inference and verification --------------------------===//

#include "dialects/HT/HTOps.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace halftone::ht;

//===----------------------------------------------------------------------===//
// Elementwise operations
//===----------------------------------------------------------------------===//

/// The broadcast of `operands` with `elementType`, or an error at `loc`.
static LogicalResult inferBroadcast(MLIRContext *context, std::optional<Location> loc, ValueRange operands,
                                    Type elementType, SmallVectorImpl<Type> &results) {
  Dims dims = getDims(operands.front());
  for (Value operand : operands.drop_front()) {
    auto wider = broadcast(dims, getDims(operand));
    if (!wider)
      return emitOptionalError(loc, "shapes ", toString(dims), " and ", toString(getDims(operand)),
                               " do not broadcast");
    dims = *wider;
  }
  results.push_back(getTensorType(dims, elementType));
  return success();
}

static LogicalResult inferBinary(MLIRContext *context, std::optional<Location> loc, Value lhs, Value rhs,
                                 Type resultElement, SmallVectorImpl<Type> &results) {
  if (getElementTypeOrSelf(lhs) != getElementTypeOrSelf(rhs))
    return emitOptionalError(loc, "operands have element types ", getElementTypeOrSelf(lhs), " and ",
                             getElementTypeOrSelf(rhs), ", expected one");
  return inferBroadcast(context, loc, {lhs, rhs}, resultElement ? resultElement : getElementTypeOrSelf(lhs),
                        results);
}

#define HALFTONE_BINARY(OP)                                                                                  \
  LogicalResult OP::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, OP::Adaptor adaptor, \
                                     SmallVectorImpl<Type> &results) {                                       \
    return inferBinary(context, loc, adaptor.getLhs(), adaptor.getRhs(), Type(), results);                   \
  }
HALFTONE_BINARY(AddOp)
HALFTONE_BINARY(SubOp)
HALFTONE_BINARY(MulOp)
HALFTONE_BINARY(DivOp)
HALFTONE_BINARY(PowOp)
HALFTONE_BINARY(MaxOp)
HALFTONE_BINARY(MinOp)
HALFTONE_BINARY(AndOp)
HALFTONE_BINARY(OrOp)
HALFTONE_BINARY(XorOp)
HALFTONE_BINARY(ShiftLeftOp)
HALFTONE_BINARY(ShiftRightOp)
#undef HALFTONE_BINARY

LogicalResult CompareOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                          CompareOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  return inferBinary(context, loc, adaptor.getLhs(), adaptor.getRhs(), IntegerType::get(context, 1), results);
}

LogicalResult WhereOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                        WhereOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  Type element = getElementTypeOrSelf(adaptor.getLhs());
  if (element != getElementTypeOrSelf(adaptor.getRhs()))
    return emitOptionalError(loc, "choices have element types ", element, " and ",
                             getElementTypeOrSelf(adaptor.getRhs()), ", expected one");
  return inferBroadcast(context, loc, adaptor.getOperands(), element, results);
}

LogicalResult BitcastOp::verify() {
  Type from = getElementTypeOrSelf(getInput()), to = getElementTypeOrSelf(getResult());
  if (from.isInteger(1) || from.getIntOrFloatBitWidth() != to.getIntOrFloatBitWidth())
    return emitOpError() << from << " and " << to << " do not have the same bits";
  return success();
}

//===----------------------------------------------------------------------===//
// Sources, shape and data movement
//===----------------------------------------------------------------------===//

static bool isAxis(int64_t axis, ArrayRef<Dim> dims) { return axis >= 0 && axis < static_cast<int64_t>(dims.size()); }

LogicalResult DimOp::verify() {
  if (getExpr().getExprs().size() != 1)
    return emitOpError() << "expected one expression, got " << getExpr().getExprs().size();
  return success();
}

LogicalResult ReshapeOp::verify() {
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()))
    return emitOpError() << "changes the element type";
  Dims from = getDims(getInput()), to = getDims(getResult());
  if (getProduct(from, getContext()) != getProduct(to, getContext()))
    return emitOpError() << "shapes " << toString(from) << " and " << toString(to)
                         << " have different numbers of elements";
  return success();
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                            TransposeOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  Dims from = getDims(adaptor.getInput()), to;
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  SmallVector<bool> seen(from.size(), false);
  for (int64_t axis : permutation) {
    if (axis < 0 || axis >= static_cast<int64_t>(from.size()) || seen[axis])
      return emitOptionalError(loc, "expected a permutation of ", from.size(), " axes");
    seen[axis] = true;
    to.push_back(from[axis]);
  }
  if (to.size() != from.size())
    return emitOptionalError(loc, "expected a permutation of ", from.size(), " axes");
  results.push_back(getTensorType(to, getElementTypeOrSelf(adaptor.getInput())));
  return success();
}

LogicalResult BroadcastOp::verify() {
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()))
    return emitOpError() << "changes the element type";
  Dims from = getDims(getInput()), to = getDims(getResult());
  std::optional<Dims> both = broadcast(from, to);
  if (from.size() > to.size() || !both || *both != to)
    return emitOpError() << "shape " << toString(from) << " does not broadcast to " << toString(to);
  return success();
}

LogicalResult SliceOp::verify() {
  Dims from = getDims(getInput()), to = getDims(getResult());
  ArrayRef<AffineExpr> starts = getStarts().getExprs();
  if (starts.size() != from.size() || getStrides().size() != from.size() || to.size() != from.size())
    return emitOpError() << "expected " << from.size() << " starts, strides and result dimensions";
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()))
    return emitOpError() << "changes the element type";
  for (size_t axis = 0; axis < from.size(); ++axis) {
    int64_t stride = getStrides()[axis];
    if (stride == 0)
      return emitOpError() << "stride of axis " << axis << " is 0";
    auto start = getConstant(starts[axis]), size = getConstant(to[axis]), extent = getConstant(from[axis]);
    if (!start || !size || !extent || *size == 0)
      continue;
    int64_t last = *start + (*size - 1) * stride;
    if (*start < 0 || *start >= *extent || last < 0 || last >= *extent)
      return emitOpError() << "window " << *start << " … " << last << " of axis " << axis
                           << " leaves its " << *extent << " elements";
  }
  return success();
}

LogicalResult WindowOp::verify() {
  Dims from = getDims(getInput()), to = getDims(getResult());
  ArrayRef<int64_t> axes = getAxes(), strides = getStrides(), dilations = getDilations();
  if (strides.size() != axes.size() || dilations.size() != axes.size())
    return emitOpError() << "expected a stride and a dilation for each of " << axes.size() << " axes";
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getResult()))
    return emitOpError() << "changes the element type";
  if (to.size() != from.size() + axes.size())
    return emitOpError() << "expected a result of rank " << from.size() + axes.size();
  for (size_t j = 0; j < axes.size(); ++j) {
    int64_t axis = axes[j];
    if (!isAxis(axis, from) || (j > 0 && axis <= axes[j - 1]))
      return emitOpError() << "axes must be distinct, ascending and below " << from.size();
    if (strides[j] <= 0 || dilations[j] <= 0)
      return emitOpError() << "stride and dilation of axis " << axis << " must be positive";
    auto extent = getConstant(from[axis]), count = getConstant(to[axis]), size = getConstant(to[from.size() + j]);
    if (!extent || !count || !size || *count == 0 || *size == 0)
      continue;
    int64_t first, within, last;
    if (llvm::MulOverflow(*count - 1, strides[j], first) || llvm::MulOverflow(*size - 1, dilations[j], within) ||
        llvm::AddOverflow(first, within, last) || last >= *extent)
      return emitOpError() << "the last window of axis " << axis << " leaves its " << *extent << " elements";
  }
  for (size_t axis = 0; axis < from.size(); ++axis)
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)) && from[axis] != to[axis])
      return emitOpError() << "changes axis " << axis << ", which has no window";
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                         ConcatOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  if (adaptor.getInputs().empty())
    return emitOptionalError(loc, "expected at least one operand");
  Dims dims = getDims(adaptor.getInputs().front());
  Type element = getElementTypeOrSelf(adaptor.getInputs().front());
  int64_t axis = adaptor.getAxis();
  if (!isAxis(axis, dims))
    return emitOptionalError(loc, "axis ", axis, " is not one of ", dims.size());
  Dim sum = dims[axis];
  for (Value input : adaptor.getInputs().drop_front()) {
    Dims other = getDims(input);
    if (getElementTypeOrSelf(input) != element || other.size() != dims.size())
      return emitOptionalError(loc, "operands differ in element type or rank");
    sum = sum + other[axis];
    other[axis] = dims[axis];
    if (other != dims)
      return emitOptionalError(loc, "shapes ", toString(dims), " and ", toString(other),
                               " differ beside axis ", axis);
  }
  dims[axis] = normalize(sum);
  results.push_back(getTensorType(dims, element));
  return success();
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                         GatherOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  Dims from = getDims(adaptor.getInput()), indices = getDims(adaptor.getIndices());
  int64_t axis = adaptor.getAxis();
  if (!isAxis(axis, from))
    return emitOptionalError(loc, "axis ", axis, " is not one of ", from.size());
  Dims to(from.begin(), from.begin() + axis);
  to.append(indices.begin(), indices.end());
  to.append(from.begin() + axis + 1, from.end());
  results.push_back(getTensorType(to, getElementTypeOrSelf(adaptor.getInput())));
  return success();
}

/// The shape of what index tuples of a tensor of shape `indices` choose in `data`;
/// nullopt where the tuples do not fit.
static std::optional<Dims> getChosenDims(ArrayRef<Dim> data, ArrayRef<Dim> indices) {
  auto tuple = indices.empty() ? std::nullopt : getConstant(indices.back());
  if (!tuple || *tuple > static_cast<int64_t>(data.size()))
    return std::nullopt;
  Dims dims(indices.drop_back());
  dims.append(data.begin() + *tuple, data.end());
  return dims;
}

static std::string describeTuples(ArrayRef<Dim> indices) {
  return "index tuples of " + (indices.empty() ? "no" : toString(indices.back())) + " elements";
}

LogicalResult GatherNDOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                           GatherNDOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  Dims from = getDims(adaptor.getInput()), indices = getDims(adaptor.getIndices());
  auto to = getChosenDims(from, indices);
  if (!to)
    return emitOptionalError(loc, describeTuples(indices), " do not fit rank ", from.size());
  results.push_back(getTensorType(*to, getElementTypeOrSelf(adaptor.getInput())));
  return success();
}

LogicalResult ScatterNDOp::verify() {
  Dims data = getDims(getInput()), indices = getDims(getIndices()), updates = getDims(getUpdates());
  auto chosen = getChosenDims(data, indices);
  if (!chosen)
    return emitOpError() << describeTuples(indices) << " do not fit rank " << data.size();
  if (updates != *chosen)
    return emitOpError() << "expected updates of shape " << toString(*chosen) << ", got " << toString(updates);
  Type element = getElementTypeOrSelf(getInput());
  if (element != getElementTypeOrSelf(getUpdates()))
    return emitOpError() << "updates are " << getElementTypeOrSelf(getUpdates()) << ", expected " << element;
  if (getReduction() != ScatterReduction::None && element.getIntOrFloatBitWidth() < 8)
    return emitOpError() << "cannot combine elements of type " << element;
  return success();
}

LogicalResult TopKOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, TopKOp::Adaptor adaptor,
                                       SmallVectorImpl<Type> &results) {
  Dims dims = getDims(adaptor.getInput());
  int64_t axis = adaptor.getAxis(), k = adaptor.getK();
  if (!isAxis(axis, dims))
    return emitOptionalError(loc, "axis ", axis, " is not one of ", dims.size());
  auto extent = getConstant(dims[axis]);
  if (k < 0 || (extent && k > *extent))
    return emitOptionalError(loc, "cannot take ", k, " of ", toString(dims[axis]), " elements");
  dims[axis] = getAffineConstantExpr(k, context);
  results.push_back(getTensorType(dims, getElementTypeOrSelf(adaptor.getInput())));
  results.push_back(getTensorType(dims, IntegerType::get(context, 64)));
  return success();
}

template <typename OpTy>
static LogicalResult verifyAxis(OpTy op) {
  Dims dims = getDims(op.getInput());
  auto axis = static_cast<int64_t>(op.getAxis());
  if (!isAxis(axis, dims))
    return op.emitOpError() << "axis " << axis << " is not one of " << dims.size();
  return success();
}

LogicalResult CumSumOp::verify() { return verifyAxis(*this); }
LogicalResult SoftmaxOp::verify() { return verifyAxis(*this); }

bool halftone::ht::isElementwise(Operation *op) {
  return isa<AbsOp, CeilOp, CosOp, ErfOp, ExpOp, FloorOp, IsNaNOp, LogOp, NegOp, NotOp, ReciprocalOp, ReluOp,
             RoundOp, RsqrtOp, SigmoidOp, SignOp, SiluOp, SinOp, SqrtOp, TanhOp, GeluOp, CastOp, AddOp, SubOp,
             MulOp, DivOp, PowOp, MaxOp, MinOp, AndOp, OrOp, XorOp, CompareOp, WhereOp>(op);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value WeightOp::getYielded() { return cast<YieldOp>(getInitializer().front().getTerminator()).getValue(); }

LogicalResult WeightOp::verifyRegions() {
  if (!getWeightType().hasStaticShape())
    return emitOpError() << "type " << getWeightType() << " is not static";
  if (getYielded().getType() != getWeightType())
    return emitOpError() << "declares " << getWeightType() << " but yields " << getYielded().getType();
  return success();
}

LogicalResult GetWeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(*this, getNameAttr());
  if (!weight)
    return emitOpError() << "no weight is named @" << getName();
  if (weight.getType() != getType())
    return emitOpError() << "has type " << getType() << " but @" << getName() << " is " << weight.getType();
  return success();
}

LogicalResult LoadOp::verify() {
  if (static_cast<int64_t>(getOffset()) < 0)
    return emitOpError() << "offset is negative";
  if (!cast<RankedTensorType>(getType()).hasStaticShape())
    return emitOpError() << "result is not static";
  return success();
}

//===----------------------------------------------------------------------===//
// Contractions and reductions
//===----------------------------------------------------------------------===//

LogicalResult MatMulOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                         MatMulOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  Dims lhs = getDims(adaptor.getLhs()), rhs = getDims(adaptor.getRhs());
  Type element = getElementTypeOrSelf(adaptor.getLhs());
  if (lhs.empty() || rhs.empty() || element != getElementTypeOrSelf(adaptor.getRhs()))
    return emitOptionalError(loc, "expected operands of rank >= 1 and one element type");
  bool rowVector = lhs.size() == 1, columnVector = rhs.size() == 1;
  if (lhs.back() != rhs[columnVector ? 0 : rhs.size() - 2])
    return emitOptionalError(loc, "contracted dimensions differ in ", toString(lhs), " and ", toString(rhs));
  auto batch = broadcast(ArrayRef<Dim>(lhs).drop_back(rowVector ? 1 : 2),
                         ArrayRef<Dim>(rhs).drop_back(columnVector ? 1 : 2));
  if (!batch)
    return emitOptionalError(loc, "leading axes of ", toString(lhs), " and ", toString(rhs), " do not broadcast");
  Dims dims = *batch;
  if (!rowVector)
    dims.push_back(lhs[lhs.size() - 2]);
  if (!columnVector)
    dims.push_back(rhs.back());
  results.push_back(getTensorType(dims, element));
  return success();
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                         ReduceOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  Dims dims = getDims(adaptor.getInput());
  int64_t previous = -1;
  for (int64_t axis : adaptor.getAxes()) {
    if (axis <= previous || axis >= static_cast<int64_t>(dims.size()))
      return emitOptionalError(loc, "axes must ascend within rank ", dims.size());
    dims[axis] = getAffineConstantExpr(1, context);
    previous = axis;
  }
  results.push_back(getTensorType(dims, getElementTypeOrSelf(adaptor.getInput())));
  return success();
}

LogicalResult ArgReduceOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                            ArgReduceOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  Dims dims = getDims(adaptor.getInput());
  int64_t axis = adaptor.getAxis();
  if (adaptor.getKind() != ReduceKind::Max && adaptor.getKind() != ReduceKind::Min)
    return emitOptionalError(loc, "expected max or min");
  if (!isAxis(axis, dims))
    return emitOptionalError(loc, "axis ", axis, " is not one of ", dims.size());
  dims[axis] = getAffineConstantExpr(1, context);
  results.push_back(getTensorType(dims, IntegerType::get(context, 64)));
  return success();
}

//===----------------------------------------------------------------------===//
// Transformer blocks
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                         LinearOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  auto weight = cast<RankedTensorType>(adaptor.getWeight().getType());
  Dims dims = getDims(adaptor.getInput());
  if (weight.getRank() != 2 || !weight.hasStaticShape())
    return emitOptionalError(loc, "expected a static weight [out, in], got ", weight);
  if (dims.empty() || getConstant(dims.back()) != weight.getDimSize(1))
    return emitOptionalError(loc, "input ", toString(dims), " does not end in the weight's ",
                             weight.getDimSize(1), " inputs");
  Type element = getElementTypeOrSelf(adaptor.getInput());
  if (Value bias = adaptor.getBias())
    if (bias.getType() != RankedTensorType::get({weight.getDimSize(0)}, element))
      return emitOptionalError(loc, "expected a bias of ", weight.getDimSize(0), " ", element, ", got ",
                               bias.getType());
  dims.back() = getAffineConstantExpr(weight.getDimSize(0), context);
  results.push_back(getTensorType(dims, element));
  return success();
}

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                                            EmbeddingOp::Adaptor adaptor, SmallVectorImpl<Type> &results) {
  auto table = cast<RankedTensorType>(adaptor.getTable().getType());
  if (table.getRank() != 2 || !table.hasStaticShape())
    return emitOptionalError(loc, "expected a static table of rank 2, got ", table);
  Dims dims = getDims(adaptor.getIds());
  dims.push_back(getAffineConstantExpr(table.getDimSize(1), context));
  Type element = table.getElementType();
  results.push_back(getTensorType(dims, element.getIntOrFloatBitWidth() < 32 ? Float32Type::get(context) : element));
  return success();
}

template <typename OpTy>
static LogicalResult verifyNorm(OpTy op, ValueRange parameters) {
  Dims dims = getDims(op.getInput());
  if (dims.empty())
    return op.emitOpError() << "expected rank >= 1";
  for (Value parameter : parameters)
    if (parameter && getDims(parameter) != Dims{dims.back()})
      return op.emitOpError() << "parameter of shape " << toString(getDims(parameter))
                              << " does not fit last dimension " << toString(dims.back());
  if (!(op.getEpsilon().convertToDouble() >= 0))
    return op.emitOpError() << "epsilon is negative or NaN";
  return success();
}

LogicalResult LayerNormOp::verify() {
  SmallVector<Value> parameters{getGamma()};
  if (getBeta())
    parameters.push_back(getBeta());
  return verifyNorm(*this, parameters);
}
LogicalResult RMSNormOp::verify() { return verifyNorm(*this, getGamma()); }

LogicalResult RopeOp::verify() {
  Dims x = getDims(getInput()), cos = getDims(getCos());
  if (getCos().getType() != getSin().getType())
    return emitOpError() << "cos and sin differ in type";
  if (x.size() != 4 || cos.size() != 3 || cos[1] != x[1] || (cos[0] != x[0] && getConstant(cos[0]) != 1))
    return emitOpError() << "expected input [batch, sequence, heads, d] and angles [1 or batch, sequence, r], got "
                         << toString(x) << " and " << toString(cos);
  auto pairs = getConstant(cos[2]), width = getConstant(x[3]);
  if (!pairs || !width || 2 * *pairs > *width)
    return emitOpError() << "rotates " << toString(cos[2]) << " pairs of " << toString(x[3]) << " elements";
  return success();
}

LogicalResult AttentionOp::verify() {
  Dims q = getDims(getQuery()), k = getDims(getKey()), v = getDims(getValue()), y = getDims(getResult());
  Type element = getElementTypeOrSelf(getQuery());
  if (q.size() != 4 || k.size() != 4 || v.size() != 4 || y.size() != 4)
    return emitOpError() << "expected [batch, tokens, heads, d] operands and result";
  for (Value operand : {getKey(), getValue()})
    if (getElementTypeOrSelf(operand) != element)
      return emitOpError() << "operands differ in element type";
  Type made = getElementTypeOrSelf(getResult());
  if (made != element && !(made.isF32() && element.getIntOrFloatBitWidth() == 16))
    return emitOpError() << "makes " << made << " of " << element;
  bool sameBatch = getSequences() || k[0] == q[0];
  if (!sameBatch || v[0] != k[0] || k[3] != q[3] || k[1] != v[1] || k[2] != v[2])
    return emitOpError() << "query " << toString(q) << ", key " << toString(k) << " and value " << toString(v)
                         << " do not fit";
  auto heads = getConstant(q[2]), kvHeads = getConstant(k[2]);
  if (!heads || !kvHeads || *kvHeads == 0 || *heads % *kvHeads != 0)
    return emitOpError() << toString(q[2]) << " heads are not a multiple of " << toString(k[2]) << " kv heads";
  Dims scores{q[0], q[2], q[1], k[1]};
  for (Value extra : {Value(getMask()), Value(getBias())})
    if (extra) {
      auto both = broadcast(getDims(extra), scores);
      if (getDims(extra).size() != 4 || !both || *both != scores)
        return emitOpError() << "mask or bias " << toString(getDims(extra)) << " does not broadcast to "
                             << toString(scores);
    }
  if (!getSoftcap().isFinite() || (getSoftcap().isNegative() && !getSoftcap().isZero()))
    return emitOpError() << "softcap is not a finite number >= 0";
  for (Value perRow : {getSequences(), getStart()})
    if (perRow && getDims(perRow) != Dims{q[0]})
      return emitOpError() << "expected one sequence and start for each of " << toString(q[0]) << " rows, got "
                           << toString(getDims(perRow));
  int64_t window = getWindow();
  if (window < 0)
    return emitOpError() << "window is negative";
  if ((getStart() || window > 0) && !getCausal())
    return emitOpError() << "has a start or a window but is not causal";
  if (y != Dims{q[0], q[1], q[2], v[3]})
    return emitOpError() << "expected result " << toString(Dims{q[0], q[1], q[2], v[3]}) << ", got " << toString(y);
  return success();
}

LogicalResult UpdateOp::verify() {
  Dims state = getDims(getState()), input = getDims(getInput());
  if (state.size() < 2 || input.size() != state.size() ||
      !llvm::equal(ArrayRef(state).drop_front(2), ArrayRef(input).drop_front(2)) ||
      getElementTypeOrSelf(getState()) != getElementTypeOrSelf(getInput()))
    return emitOpError() << getInput().getType() << " are no tokens for " << getState().getType();
  for (Value perRow : {getSequences(), getStart()})
    if (getDims(perRow) != Dims{input[0]})
      return emitOpError() << "expected one sequence and start for each of " << toString(input[0]) << " rows, got "
                           << toString(getDims(perRow));
  return success();
}
