//===- OperatorsChannelNorm.cpp - norms of images, by channel or group ------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Windows.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

SmallVector<int64_t> axesFrom(int64_t first, int64_t end) { return llvm::to_vector(llvm::seq(first, std::max(first, end))); }

/// A parameter [channels] beside axis 1 of the input.
Value perChannel(NodeImporter &node, Value parameter) {
  Dims dims = node.dimsOf(parameter);
  if (node.failed())
    return {};
  if (dims.size() != 1)
    return node.error("its parameters must be one-dimensional"), Value();
  dims.append(std::max<int64_t>(node.rank(0) - 2, 0), node.symbols().constant(1));
  return node.reshape(parameter, dims);
}

/// (x - mean) / sqrt(variance + epsilon) over `axes`, the variance in a second pass.
Value standardize(NodeImporter &node, Value x, ArrayRef<int64_t> axes, double epsilon) {
  Value centred = node.sub(x, node.reduce(ht::ReduceKind::Mean, x, axes));
  Value variance = node.reduce(ht::ReduceKind::Mean, node.mul(centred, centred), axes);
  return node.mul(centred, node.unary<ht::RsqrtOp>(node.add(variance, node.scalarLike(epsilon, variance))));
}

/// By given statistics, or with training_mode by the batch's, which then also move
/// the running ones.
void emitBatchNormalization(NodeImporter &node) {
  if (node.rank(0) < 2)
    return node.error("its input has rank " + Twine(node.rank(0)) + ", expected 2 or more");
  Value x = node.input(0), scale = node.input(1), bias = node.input(2), mean = node.input(3), variance = node.input(4);
  double epsilon = node.real("epsilon", 1e-5f), momentum = node.real("momentum", 0.9f);
  // Before opset 7 `is_test` says what `training_mode` denies.
  bool training = node.opset() < 7 ? !node.integer("is_test", 0) : node.integer("training_mode", 0) != 0;
  if (node.opset() < 9 && !node.integer("spatial", 1))
    return node.error("statistics for each element (spatial = 0) are not supported");
  if (node.opset() < 14 && (training || node.wants(1) || node.wants(2)))
    return node.error("it is in training mode");
  if (node.failed())
    return;
  Type type = node.elementType(0), statistics = node.elementType(3);
  if (training) {
    SmallVector<int64_t> axes = axesFrom(2, node.rank(0));
    axes.insert(axes.begin(), 0);
    Value wide = node.cast(x, statistics), batchMean = node.reduce(ht::ReduceKind::Mean, wide, axes);
    Value centred = node.sub(wide, batchMean);
    Value batchVariance = node.reduce(ht::ReduceKind::Mean, node.mul(centred, centred), axes);
    auto move = [&](unsigned result, Value running, Value batch) {
      Value now = node.reshape(batch, node.dimsOf(running));
      Value next = node.add(node.mul(running, node.scalarLike(momentum, running)),
                            node.mul(now, node.scalarLike(1 - momentum, running)));
      if (node.wants(result))
        node.setResult(result, next);
      return now;
    };
    mean = move(1, mean, batchMean);
    variance = move(2, variance, batchVariance);
  }
  // One factor and one offset for each channel.
  Value inverse = node.unary<ht::RsqrtOp>(node.add(variance, node.scalarLike(epsilon, variance)));
  Value factor = node.mul(node.cast(scale, statistics), inverse);
  Value offset = node.sub(node.cast(bias, statistics), node.mul(mean, factor));
  Value y = node.add(node.mul(node.cast(x, statistics), perChannel(node, factor)), perChannel(node, offset));
  if (y)
    node.setResult(0, node.cast(y, type));
}

void emitInstanceNormalization(NodeImporter &node) {
  if (node.rank(0) < 3)
    return node.error("its input has rank " + Twine(node.rank(0)) + ", expected 3 or more");
  Value x = node.input(0);
  Value y = standardize(node, x, axesFrom(2, node.rank(0)), node.real("epsilon", 1e-5f));
  node.setResult(0, node.add(node.mul(y, perChannel(node, node.input(1))), perChannel(node, node.input(2))));
}

/// Statistics over each group of channels. Until opset 20 one scale and bias for a
/// group, since then for a channel.
template <bool byChannel>
void emitGroupNormalization(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  Dims dims = node.dims(0);
  int64_t groups = node.requiredInteger("num_groups");
  double epsilon = node.real("epsilon", 1e-5f);
  Value x = node.input(0), scale = node.input(1), bias = node.input(2);
  if (node.failed())
    return;
  if (dims.size() < 2 || groups < 1)
    return node.error("num_groups of " + Twine(groups) + " does not fit " + symbols.toString(dims));
  auto channels = symbols.truncDiv(dims[1], symbols.constant(groups));
  if (!channels)
    return node.error("num_groups of " + Twine(groups) + " does not divide " + symbols.toString(dims[1]) + " channels");
  Type type = node.elementType(0);
  bool inF32 = node.integer("stash_type", 1) == 1 && isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  if (inF32)
    x = node.cast(x, Float32Type::get(node.getContext()));
  Dims grouped = dims;
  grouped[1] = *channels;
  grouped.insert(grouped.begin() + 1, symbols.constant(groups));
  Value y = standardize(node, node.reshape(x, grouped), axesFrom(2, grouped.size()), epsilon);
  if (!y)
    return;
  if (byChannel) {
    y = node.cast(node.reshape(y, dims), type);
    return node.setResult(0, node.add(node.mul(y, perChannel(node, scale)), perChannel(node, bias)));
  }
  Dims perGroup(grouped.size() - 1, symbols.constant(1));
  perGroup[0] = symbols.constant(groups);
  y = node.add(node.mul(node.cast(y, type), node.reshape(scale, perGroup)), node.reshape(bias, perGroup));
  node.setResult(0, node.reshape(y, dims));
}

/// x / |x|_p along an axis; 0 where the norm is 0.
void emitLpNormalization(NodeImporter &node) {
  Value x = node.input(0);
  int64_t axis = node.axis(node.integer("axis", -1), node.rank(0)), p = node.integer("p", 2);
  if (node.failed())
    return;
  if (p != 1 && p != 2)
    return node.error("p of " + Twine(p) + " is not defined");
  Value norm = node.reduce(ht::ReduceKind::Sum, p == 1 ? node.unary<ht::AbsOp>(x) : node.mul(x, x), axis);
  if (p == 2)
    norm = node.unary<ht::SqrtOp>(norm);
  Value zero = node.scalarLike(0, x);
  node.setResult(0, node.where(node.compare(ht::ComparePredicate::EQ, norm, zero), zero, node.div(x, norm)));
}

/// x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta.
void emitLRN(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  Value x = node.input(0);
  int64_t size = node.requiredInteger("size");
  double alpha = node.real("alpha", 1e-4f), beta = node.real("beta", 0.75f), bias = node.real("bias", 1);
  if (node.failed())
    return;
  if (size < 1 || size > INT32_MAX || node.rank(0) < 2)
    return node.error("size of " + Twine(size) + " is not valid");
  WindowAxis axis;
  axis.extent = axis.count = node.dims(0)[1];
  axis.size = symbols.constant(size);
  axis.before = symbols.constant((size - 1) / 2);
  axis.after = symbols.constant(size / 2);
  Value windows = cutWindows(node, node.mul(x, x), 1, axis, node.scalarLike(0, x));
  Value sum = node.reshape(node.reduce(ht::ReduceKind::Sum, windows, node.rank(0)), node.dims(0));
  Value base = node.add(node.mul(sum, node.scalarLike(alpha / size, sum)), node.scalarLike(bias, sum));
  node.setResult(0, node.div(x, node.infer<ht::PowOp>({base, node.scalarLike(beta, base)})));
}

/// (x - mean) / (standard deviation + 1e-9).
void emitMeanVarianceNormalization(NodeImporter &node) {
  auto given = node.integers("axes").value_or(SmallVector<int64_t>{0, 2, 3});
  SmallVector<int64_t> axes = node.sortedAxes(given, node.rank(0));
  Value x = node.input(0);
  Value centred = node.sub(x, node.reduce(ht::ReduceKind::Mean, x, axes));
  Value deviation = node.unary<ht::SqrtOp>(node.reduce(ht::ReduceKind::Mean, node.mul(centred, centred), axes));
  node.setResult(0, node.div(centred, node.add(deviation, node.scalarLike(1e-9, deviation))));
}

const Operator kOperators[] = {
    {"", "BatchNormalization", 1, kNewest, emitBatchNormalization, nullptr,
     "training before opset 14, `spatial` = 0"},
    {"", "GroupNormalization", 18, 20, emitGroupNormalization<false>},
    {"", "GroupNormalization", 21, kNewest, emitGroupNormalization<true>},
    {"", "InstanceNormalization", 6, kNewest, emitInstanceNormalization},
    {"", "LRN", 1, kNewest, emitLRN},
    {"", "LpNormalization", 1, kNewest, emitLpNormalization},
    {"", "MeanVarianceNormalization", 9, kNewest, emitMeanVarianceNormalization},
};

} // namespace

ArrayRef<Operator> channelNormOperators() { return kOperators; }

} // namespace halftone::onnx
