//===- OperatorsNormalization.cpp - softmax and norms -----------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/ShapeRules.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

Value softmax(NodeImporter &node, Value x, int64_t axis) { return node.softmax(x, axis); }

/// x - max - log(sum(e^(x - max))).
Value logSoftmax(NodeImporter &node, Value x, int64_t axis) {
  Value shifted = node.sub(x, node.reduce(ht::ReduceKind::Max, x, axis));
  Value sum = node.reduce(ht::ReduceKind::Sum, node.unary<ht::ExpOp>(shifted), axis);
  return node.sub(shifted, node.unary<ht::LogOp>(sum));
}

template <Value (*function)(NodeImporter &, Value, int64_t)>
void emitSoftmax(NodeImporter &node) {
  Value x = node.input(0);
  int64_t axis = node.axis(node.integer("axis", -1), node.rank(0));
  if (!node.failed())
    node.setResult(0, function(node, x, axis));
}

/// 1 at the first greatest element along the axis, 0 elsewhere.
Value hardmax(NodeImporter &node, Value x, int64_t axis) {
  OpBuilder &b = node.getBuilder();
  Dims dims = node.dimsOf(x);
  Value best = node.infer<ht::ArgReduceOp>(
      x, {b.getNamedAttr("kind", ht::ReduceKindAttr::get(b.getContext(), ht::ReduceKind::Max)),
          b.getNamedAttr("axis", b.getI64IntegerAttr(axis))});
  if (node.failed())
    return {};
  Dims along(dims.size() - axis, node.symbols().constant(1));
  along[0] = dims[axis];
  Value position = node.reshape(node.iota(dims[axis], 0, 1, b.getI64Type()), along);
  return node.cast(node.compare(ht::ComparePredicate::EQ, position, best), getElementTypeOrSelf(x));
}

/// Before opset 13: over all axes from `axis` (default 1) on together.
template <Value (*function)(NodeImporter &, Value, int64_t)>
void emitFlatSoftmax(NodeImporter &node) {
  auto dims = flattenFrom(node, node.integer("axis", 1));
  if (!dims)
    return;
  Value x = node.reshape(node.input(0), dims->flat);
  node.setResult(0, node.reshape(function(node, x, dims->axis), dims->whole));
}

/// A scale or bias as one dimension: broadcast to the normalized axes, flat.
Value flattenParameter(NodeImporter &node, Value parameter, const FlatDims &norm) {
  if (!parameter)
    return {};
  Value wide = node.broadcastTo(parameter, ArrayRef<Dim>(norm.whole).drop_front(norm.axis));
  return node.reshape(wide, norm.width());
}

void emitLayerNormalization(NodeImporter &node) {
  auto norm = flattenFrom(node, node.integer("axis", -1));
  if (!norm)
    return;
  Builder b(node.getContext());
  Value x = node.reshape(node.input(0), norm->flat);
  Value gamma = flattenParameter(node, node.input(1), *norm);
  Value beta = node.hasInput(2) ? flattenParameter(node, node.input(2), *norm) : Value();
  double epsilon = node.real("epsilon", 1e-5f);
  if (node.failed())
    return;
  Value y = ht::LayerNormOp::create(node.getBuilder(), node.getLoc(), x.getType(), x, gamma, beta,
                                    b.getF64FloatAttr(epsilon));
  node.setResult(0, node.reshape(y, norm->whole));
  if (!node.wants(1) && !node.wants(2))
    return;
  // Mean and 1 / standard deviation, with the normalized axes 1, in the stash type.
  Type stash = getElementType(static_cast<DataType>(node.integer("stash_type", 1)), node.getContext());
  if (!isa_and_nonnull<FloatType>(stash))
    return node.error("its stash_type is not supported");
  x = node.cast(x, stash);
  Dims statistics = norm->whole;
  for (size_t i = norm->axis; i < statistics.size(); ++i)
    statistics[i] = node.symbols().constant(1);
  int64_t last = norm->flat.size() - 1;
  Value mean = node.reduce(ht::ReduceKind::Mean, x, last);
  Value centred = node.sub(x, mean);
  Value variance = node.reduce(ht::ReduceKind::Mean, node.mul(centred, centred), last);
  Value inverse = node.unary<ht::RsqrtOp>(node.add(variance, node.scalarLike(epsilon, variance)));
  node.setResult(1, node.reshape(mean, statistics));
  node.setResult(2, node.reshape(inverse, statistics));
}

void emitRMSNormalization(NodeImporter &node) {
  auto norm = flattenFrom(node, node.integer("axis", -1));
  if (!norm)
    return;
  Builder b(node.getContext());
  Value x = node.reshape(node.input(0), norm->flat);
  Value gamma = flattenParameter(node, node.input(1), *norm);
  double epsilon = node.real("epsilon", 1e-5f);
  if (node.failed())
    return;
  Value y = ht::RMSNormOp::create(node.getBuilder(), node.getLoc(), x.getType(), x, gamma,
                                  b.getF64FloatAttr(epsilon));
  node.setResult(0, node.cast(node.reshape(y, norm->whole), node.elementType(1)));
}

const Operator kOperators[] = {
    {"", "Hardmax", 1, 12, emitFlatSoftmax<hardmax>},
    {"", "Hardmax", 13, kNewest, emitSoftmax<hardmax>},
    {"", "LayerNormalization", 1, kNewest, emitLayerNormalization}, // before 17, ONNX Runtime's own
    {"", "LogSoftmax", 1, 12, emitFlatSoftmax<logSoftmax>},
    {"", "LogSoftmax", 13, kNewest, emitSoftmax<logSoftmax>},
    {"", "RMSNormalization", 23, kNewest, emitRMSNormalization},
    // ONNX Runtime's name for it, which it registers in the default domain.
    {"", "SimplifiedLayerNormalization", 1, kNewest, emitRMSNormalization},
    {"com.microsoft", "LayerNormalization", 1, kNewest, emitLayerNormalization},
    {"com.microsoft", "SimplifiedLayerNormalization", 1, kNewest, emitRMSNormalization},
    {"", "Softmax", 1, 12, emitFlatSoftmax<softmax>},
    {"", "Softmax", 13, kNewest, emitSoftmax<softmax>},
};

} // namespace

ArrayRef<Operator> normalizationOperators() { return kOperators; }

} // namespace halftone::onnx
