//===- OperatorsActivation.cpp - activation functions -----------------------===//

#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;

namespace halftone::onnx {

namespace {

using ht::ComparePredicate;

void emitGelu(NodeImporter &node) {
  StringRef form = node.string("approximate", "none");
  Value x = node.input(0);
  if (form != "none" && form != "tanh")
    return node.error("approximate must be none or tanh, got '" + form + "'");
  if (node.failed())
    return;
  auto kind = form == "tanh" ? ht::GeluApproximation::Tanh : ht::GeluApproximation::None;
  node.setResult(0, ht::GeluOp::create(node.getBuilder(), node.getLoc(), x.getType(), x, kind).getResult());
}

/// x where x > 0, else `negative`.
Value positiveOr(NodeImporter &node, Value x, Value negative) {
  return node.where(node.compare(ComparePredicate::GT, x, node.scalarLike(0, x)), x, negative);
}

Value leakyRelu(NodeImporter &node, Value x) {
  return positiveOr(node, x, node.mul(x, node.scalarLike(node.real("alpha", 0.01f), x)));
}

void emitPRelu(NodeImporter &node) {
  Value x = node.input(0);
  node.setResult(0, positiveOr(node, x, node.mul(x, node.input(1))));
}

/// alpha (e^x - 1) below 0; gamma scales the whole.
Value exponentialUnit(NodeImporter &node, Value x, double alpha, double gamma) {
  Value below =
      node.mul(node.sub(node.unary<ht::ExpOp>(x), node.scalarLike(1, x)), node.scalarLike(alpha, x));
  Value value = positiveOr(node, x, below);
  return gamma == 1 ? value : node.mul(value, node.scalarLike(gamma, x));
}

Value elu(NodeImporter &node, Value x) { return exponentialUnit(node, x, node.real("alpha", 1), 1); }

Value selu(NodeImporter &node, Value x) {
  return exponentialUnit(node, x, node.real("alpha", 1.67326319217681884765625f),
                         node.real("gamma", 1.05070102214813232421875f));
}

/// max(0, min(1, alpha x + beta)).
Value clippedLine(NodeImporter &node, Value x, double alpha, double beta) {
  Value line = node.add(node.mul(x, node.scalarLike(alpha, x)), node.scalarLike(beta, x));
  return node.infer<ht::MaxOp>({node.infer<ht::MinOp>({line, node.scalarLike(1, x)}), node.scalarLike(0, x)});
}

Value hardSigmoid(NodeImporter &node, Value x) {
  return clippedLine(node, x, node.real("alpha", 0.2f), node.real("beta", 0.5f));
}

Value hardSwish(NodeImporter &node, Value x) { return node.mul(x, clippedLine(node, x, 1.0 / 6, 0.5)); }

/// log(1 + e^x) without overflow: max(x, 0) + log(1 + e^-|x|).
Value softplus(NodeImporter &node, Value x) {
  Value decay = node.unary<ht::ExpOp>(node.unary<ht::NegOp>(node.unary<ht::AbsOp>(x)));
  return node.add(node.unary<ht::ReluOp>(x), node.unary<ht::LogOp>(node.add(decay, node.scalarLike(1, x))));
}

Value mish(NodeImporter &node, Value x) { return node.mul(x, node.unary<ht::TanhOp>(softplus(node, x))); }

Value softsign(NodeImporter &node, Value x) {
  return node.div(x, node.add(node.unary<ht::AbsOp>(x), node.scalarLike(1, x)));
}

/// x sigmoid(alpha x).
Value scaledSwish(NodeImporter &node, Value x) {
  return node.mul(x, node.unary<ht::SigmoidOp>(node.mul(x, node.scalarLike(node.real("alpha", 1), x))));
}

void emitSwish(NodeImporter &node) {
  if (node.real("alpha", 1) != 1)
    return emitRoundedOnce<scaledSwish>(node);
  node.setResult(0, node.unary<ht::SiluOp>(node.input(0)));
}

/// a sigmoid(alpha a) b.
void emitSwiGLU(NodeImporter &node) {
  Value gate = node.input(0), up = node.input(1);
  double alpha = node.real("alpha", 1);
  if (node.failed())
    return;
  if (gate.getType() != up.getType())
    return node.error("its operands differ in shape");
  if (alpha == 1)
    return node.setResult(0, ht::GluOp::create(node.getBuilder(), node.getLoc(), gate.getType(),
                                               ht::GluActivation::Silu, gate, up)
                                 .getResult());
  Value swish = node.mul(gate, node.unary<ht::SigmoidOp>(node.mul(gate, node.scalarLike(alpha, gate))));
  node.setResult(0, node.mul(swish, up));
}

/// x where x > alpha, else 0.
Value thresholdedRelu(NodeImporter &node, Value x) {
  Value above = node.compare(ComparePredicate::GT, x, node.scalarLike(node.real("alpha", 1), x));
  return node.where(above, x, node.scalarLike(0, x));
}

/// max(0, x) + min(0, alpha (e^(x / alpha) - 1)).
Value celu(NodeImporter &node, Value x) {
  Value alpha = node.scalarLike(node.real("alpha", 1), x), one = node.scalarLike(1, x);
  Value below = node.mul(alpha, node.sub(node.unary<ht::ExpOp>(node.div(x, alpha)), one));
  return node.add(node.unary<ht::ReluOp>(x), node.infer<ht::MinOp>({below, node.scalarLike(0, x)}));
}

/// x pulled towards 0 by `bias` beyond +-lambd, 0 between.
void emitShrink(NodeImporter &node) {
  Value x = node.input(0);
  double lambd = node.real("lambd", 0.5), bias = node.real("bias", 0);
  if (!x)
    return;
  // Integers are compared and moved as floats, whose fractions are then dropped.
  Type type = node.elementType(0);
  Value f = isa<FloatType>(type) ? x : node.cast(x, Float64Type::get(node.getContext()));
  Value low = node.compare(ComparePredicate::LT, f, node.scalarLike(-lambd, f));
  Value high = node.compare(ComparePredicate::GT, f, node.scalarLike(lambd, f));
  Value b = node.scalarLike(bias, f);
  Value y = node.where(low, node.add(f, b), node.where(high, node.sub(f, b), node.scalarLike(0, f)));
  if (y)
    node.setResult(0, node.cast(y, type));
}

const Operator kOperators[] = {
    {"", "Celu", 12, kNewest, emitRoundedOnce<celu>},
    {"", "Elu", 6, kNewest, emitRoundedOnce<elu>},
    {"", "Gelu", 20, kNewest, emitGelu},
    {"", "HardSigmoid", 6, kNewest, emitRoundedOnce<hardSigmoid>},
    {"", "HardSwish", 14, kNewest, emitRoundedOnce<hardSwish>},
    {"", "LeakyRelu", 6, kNewest, emitRoundedOnce<leakyRelu>},
    {"", "Mish", 18, kNewest, emitRoundedOnce<mish>},
    {"", "PRelu", 9, kNewest, emitPRelu},
    {"", "Selu", 6, kNewest, emitRoundedOnce<selu>},
    {"", "Shrink", 9, kNewest, emitShrink},
    {"", "Softplus", 1, kNewest, emitRoundedOnce<softplus>},
    {"", "Softsign", 1, kNewest, emitRoundedOnce<softsign>},
    {"", "SwiGLU", 28, kNewest, emitSwiGLU},
    {"", "Swish", 24, kNewest, emitSwish},
    {"", "ThresholdedRelu", 10, kNewest, emitRoundedOnce<thresholdedRelu>},
};

} // namespace

ArrayRef<Operator> activationOperators() { return kOperators; }

} // namespace halftone::onnx
