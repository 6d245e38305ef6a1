//===- OperatorsContribNormalization.cpp - ONNX Runtime's fused norms -------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/ShapeRules.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Over the last axis; RMS norm without centring.
Value normalize(NodeImporter &node, bool centre, Value x, Value gamma, Value beta, double epsilon) {
  if (node.failed() || !x || !gamma)
    return {};
  OpBuilder &b = node.getBuilder();
  FloatAttr small = b.getF64FloatAttr(epsilon);
  Operation *op =
      centre ? ht::LayerNormOp::create(b, node.getLoc(), x.getType(), x, gamma, beta, small).getOperation()
             : ht::RMSNormOp::create(b, node.getLoc(), x.getType(), x, gamma, small).getOperation();
  return node.verify(op) ? op->getResult(0) : Value();
}

/// norm(input + skip + bias); the last output is that sum.
template <bool centre>
void emitSkipNormalization(NodeImporter &node) {
  unsigned biasIndex = centre ? 4 : 3;
  Value sum = node.add(node.input(0), node.input(1));
  if (node.hasInput(biasIndex))
    sum = node.add(sum, node.input(biasIndex));
  Value beta = centre ? node.optionalInput(3) : Value();
  node.setResult(0, normalize(node, centre, sum, node.input(2), beta, node.real("epsilon", 1e-12f)));
  if (node.wants(3))
    node.setResult(3, sum);
}

Value lookUp(NodeImporter &node, Value table, Value ids) {
  return node.infer<ht::GatherOp>(
      {table, ids}, node.getBuilder().getNamedAttr("axis", node.getBuilder().getI64IntegerAttr(0)));
}

/// norm(word + position + segment), and the number of tokens that the mask keeps.
void emitEmbedLayerNormalization(NodeImporter &node) {
  Value ids = node.input(0);
  Dims shape = node.dims(0);
  if (node.failed())
    return;
  if (shape.size() != 2)
    return node.error("its ids have rank " + Twine(shape.size()));
  Value positions = node.optionalInput(8);
  if (!positions && !node.failed())
    positions = node.iota(shape[1], 0, 1, IntegerType::get(node.getContext(), 64));
  Value sum = node.add(lookUp(node, node.input(2), ids), lookUp(node, node.input(3), positions));
  if (node.hasInput(1) && node.hasInput(4))
    sum = node.add(sum, lookUp(node, node.input(4), node.input(1)));
  node.setResult(0, normalize(node, /*centre=*/true, sum, node.input(5), node.input(6), node.real("epsilon", 1e-12f)));
  if (node.wants(1)) {
    Type type = IntegerType::get(node.getContext(), 32);
    Value count = node.broadcastTo(node.scalar(0, type), shape.front());
    if (Value mask = node.optionalInput(7)) {
      Value kept = node.compare(ht::ComparePredicate::EQ, mask, node.scalarLike(1, mask));
      count = node.reshape(node.reduce(ht::ReduceKind::Sum, node.cast(kept, type), 1), shape.front());
    }
    node.setResult(1, count);
  }
  if (node.wants(2))
    node.setResult(2, sum);
}

/// rms_norm(x) * silu(gate), the norm over groups as long as its scale.
void emitGatedRMSNorm(NodeImporter &node) {
  Value x = node.input(0), scale = node.input(1), gate = node.input(2);
  Dims dims = node.dims(0), width = node.dims(1);
  if (node.failed())
    return;
  auto groups = width.size() == 1 && !dims.empty() ? ht::divideExactly(dims.back(), width[0]) : std::nullopt;
  if (!groups)
    return node.error("its input does not consist of groups as long as its scale");
  Dims grouped = dims;
  grouped.back() = *groups;
  grouped.push_back(width[0]);
  Type wide = Float32Type::get(node.getContext()), type = node.elementType(0);
  Value normal = normalize(node, /*centre=*/false, node.reshape(node.cast(x, wide), grouped), scale, {},
                           node.real("epsilon", 1e-5f));
  gate = node.unary<ht::SiluOp>(node.cast(gate, wide));
  node.setResult(0, node.cast(node.mul(node.reshape(normal, dims), gate), type));
}

/// softmax(data + bias) over the axes from `axis` on together.
void emitBiasSoftmax(NodeImporter &node) {
  auto dims = flattenFrom(node, node.integer("axis", 1));
  if (!dims)
    return;
  Value sum = node.broadcastTo(node.add(node.input(0), node.input(1)), dims->whole);
  node.setResult(0, node.reshape(node.softmax(node.reshape(sum, dims->flat), dims->axis), dims->whole));
}

const Operator kOperators[] = {
    {"com.microsoft", "BiasSoftmax", 1, kNewest, emitBiasSoftmax},
    {"com.microsoft", "EmbedLayerNormalization", 1, kNewest, emitEmbedLayerNormalization},
    {"com.microsoft", "GatedRMSNorm", 1, kNewest, emitGatedRMSNorm},
    {"com.microsoft", "SkipLayerNormalization", 1, kNewest, emitSkipNormalization<true>, nullptr,
     "mean and deviation as outputs"},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", 1, kNewest, emitSkipNormalization<false>, nullptr,
     "mean and deviation as outputs"},
};

} // namespace

ArrayRef<Operator> contribNormalizationOperators() { return kOperators; }

} // namespace halftone::onnx
