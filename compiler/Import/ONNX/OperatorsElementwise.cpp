//===- OperatorsElementwise.cpp - one scalar function per element -----------===//

#include "compiler/Import/ONNX/Operators.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace halftone::onnx {

namespace {

using ht::ComparePredicate;

template <typename OpTy>
void emitUnary(NodeImporter &node) {
  node.setResult(0, node.unary<OpTy>(node.input(0)));
}

template <typename OpTy>
void emitBinary(NodeImporter &node) {
  node.setResult(0, node.infer<OpTy>({node.input(0), node.input(1)}));
}

/// Min and Max take any number of inputs.
template <typename OpTy>
void emitVariadic(NodeImporter &node) {
  Value value = node.input(0);
  for (unsigned i = 1; i < node.numInputs(); ++i)
    value = node.infer<OpTy>({value, node.input(i)});
  node.setResult(0, value);
}

void emitSum(NodeImporter &node) { emitVariadic<ht::AddOp>(node); }

void emitMean(NodeImporter &node) {
  Value value = node.input(0);
  for (unsigned i = 1; i < node.numInputs(); ++i)
    value = node.add(value, node.input(i));
  node.setResult(0, node.div(value, node.scalarLike(node.numInputs(), value)));
}

template <ComparePredicate predicate>
void emitCompare(NodeImporter &node) {
  node.setResult(0, node.compare(predicate, node.input(0), node.input(1)));
}

void emitWhere(NodeImporter &node) {
  node.setResult(0, node.where(node.input(0), node.input(1), node.input(2)));
}

/// The base and the exponent may have different types; the base's is the result's.
void emitPow(NodeImporter &node) {
  Value base = node.input(0), exponent = node.input(1);
  if (node.failed())
    return;
  Type type = node.elementType(0);
  // The dialect's pow is for floats; f64 is exact for every result that an
  // integer of 53 bits holds.
  Type computed = isa<FloatType>(type) ? type : Float64Type::get(node.getContext());
  Value power = node.infer<ht::PowOp>({node.cast(base, computed), node.cast(exponent, computed)});
  node.setResult(0, node.cast(power, type));
}

/// x - q y, where q is x / y rounded toward zero (fmod) or down, so that the
/// result has the sign of the divisor, as in Python.
void emitMod(NodeImporter &node) {
  Value x = node.input(0), y = node.input(1);
  if (node.failed())
    return;
  bool truncated = node.integer("fmod", 0) != 0;
  if (isa<FloatType>(node.elementType(0))) {
    Value zero = node.scalarLike(0, x);
    auto negative = [&](Value v) { return node.compare(ComparePredicate::LT, v, zero); };
    Value quotient = node.div(x, y), whole = node.unary<ht::FloorOp>(quotient);
    if (truncated)
      whole = node.where(negative(quotient), node.unary<ht::CeilOp>(quotient), whole);
    // 0 * infinity is NaN: an infinite divisor leaves x, or is the result where
    // the signs differ. x - x is NaN where x is not finite.
    Value limit = x;
    if (!truncated) {
      Value differs = node.infer<ht::XorOp>({negative(x), negative(y)});
      limit = node.where(node.infer<ht::AndOp>({differs, node.compare(ComparePredicate::NE, x, zero)}), y, x);
    }
    Value infinite = node.compare(ComparePredicate::EQ, node.unary<ht::AbsOp>(y),
                                  node.scalarLike(std::numeric_limits<double>::infinity(), y));
    return node.setResult(
        0, node.where(infinite, node.add(limit, node.sub(x, x)), node.sub(x, node.mul(whole, y))));
  }
  Value remainder = node.sub(x, node.mul(node.div(x, y), y));
  if (!truncated) {
    Value zero = node.scalarLike(0, remainder);
    Value differs = node.infer<ht::XorOp>(
        {node.compare(ComparePredicate::LT, remainder, zero), node.compare(ComparePredicate::LT, y, zero)});
    Value adjust = node.infer<ht::AndOp>({node.compare(ComparePredicate::NE, remainder, zero), differs});
    remainder = node.where(adjust, node.add(remainder, y), remainder);
  }
  node.setResult(0, remainder);
}

void emitIdentity(NodeImporter &node) { node.forward(0, 0); }

/// At inference, dropout is the identity and its mask all true.
void emitDropout(NodeImporter &node) {
  if (node.hasInput(2)) {
    auto training = node.integers(2, "training_mode");
    if (training && training->size() == 1 && training->front())
      return node.error("training mode is not supported");
  }
  node.forward(0, 0);
  if (node.wants(1))
    node.setResult(1, node.broadcastTo(node.scalar(1, IntegerType::get(node.getContext(), 1)), node.dims(0)));
}

void emitClip(NodeImporter &node) {
  Value x = node.input(0);
  if (Value low = node.optionalInput(1))
    x = node.infer<ht::MaxOp>({x, low});
  if (Value high = node.optionalInput(2))
    x = node.infer<ht::MinOp>({x, high});
  if (node.hasInput(1) || node.hasInput(2))
    node.setResult(0, x);
  else
    node.forward(0, 0);
}

void emitIsInf(NodeImporter &node) {
  Value x = node.input(0);
  double infinity = std::numeric_limits<double>::infinity();
  bool positive = node.integer("detect_positive", 1), negative = node.integer("detect_negative", 1);
  if (!positive && !negative) // nowhere true
    return node.setResult(0, node.infer<ht::AndOp>({node.compare(ComparePredicate::LT, x, x),
                                                    node.compare(ComparePredicate::LT, x, x)}));
  if (positive && negative)
    x = node.unary<ht::AbsOp>(x);
  Value bound = node.scalarLike(positive ? infinity : -infinity, x);
  node.setResult(0, node.compare(ComparePredicate::EQ, x, bound));
}

void emitBitShift(NodeImporter &node) {
  StringRef direction = node.string("direction", "");
  if (direction == "LEFT")
    return emitBinary<ht::ShiftLeftOp>(node);
  if (direction == "RIGHT")
    return emitBinary<ht::ShiftRightOp>(node);
  node.error("direction must be LEFT or RIGHT, got '" + direction + "'");
}

const Operator kOperators[] = {
    {"", "Abs", 6, kNewest, emitUnary<ht::AbsOp>},
    {"", "Add", 7, kNewest, emitBinary<ht::AddOp>, evaluateAdd},
    {"", "And", 7, kNewest, emitBinary<ht::AndOp>, evaluateAnd},
    {"", "BitShift", 11, kNewest, emitBitShift},
    {"", "BitwiseAnd", 18, kNewest, emitBinary<ht::AndOp>},
    {"", "BitwiseNot", 18, kNewest, emitUnary<ht::NotOp>},
    {"", "BitwiseOr", 18, kNewest, emitBinary<ht::OrOp>},
    {"", "BitwiseXor", 18, kNewest, emitBinary<ht::XorOp>},
    {"", "Ceil", 6, kNewest, emitUnary<ht::CeilOp>, evaluateCeil},
    {"", "Clip", 11, kNewest, emitClip},
    {"", "Cos", 7, kNewest, emitUnary<ht::CosOp>},
    {"", "Div", 7, kNewest, emitBinary<ht::DivOp>, evaluateDiv},
    {"", "Dropout", 7, kNewest, emitDropout},
    {"", "Equal", 7, kNewest, emitCompare<ComparePredicate::EQ>, evaluateEqual},
    {"", "Erf", 9, kNewest, emitUnary<ht::ErfOp>},
    {"", "Exp", 6, kNewest, emitUnary<ht::ExpOp>},
    {"", "Floor", 6, kNewest, emitUnary<ht::FloorOp>, evaluateFloor},
    {"", "Greater", 7, kNewest, emitCompare<ComparePredicate::GT>, evaluateGreater},
    {"", "GreaterOrEqual", 12, kNewest, emitCompare<ComparePredicate::GE>, evaluateGreaterOrEqual},
    {"", "Identity", 1, kNewest, emitIdentity, evaluateIdentity},
    {"", "IsInf", 10, kNewest, emitIsInf},
    {"", "IsNaN", 9, kNewest,
     [](NodeImporter &node) {
       Value x = node.input(0);
       if (!node.failed())
         node.setResult(0, ht::IsNaNOp::create(
                               node.getBuilder(), node.getLoc(),
                               ht::withElementType(node.type(0), IntegerType::get(node.getContext(), 1)), x)
                               .getResult());
     }},
    {"", "Less", 7, kNewest, emitCompare<ComparePredicate::LT>, evaluateLess},
    {"", "LessOrEqual", 12, kNewest, emitCompare<ComparePredicate::LE>, evaluateLessOrEqual},
    {"", "Log", 6, kNewest, emitUnary<ht::LogOp>},
    {"", "Max", 1, kNewest, emitVariadic<ht::MaxOp>, evaluateMax},
    {"", "Mean", 1, kNewest, emitMean},
    {"", "Min", 1, kNewest, emitVariadic<ht::MinOp>, evaluateMin},
    {"", "Mod", 10, kNewest, emitMod, evaluateMod},
    {"", "Mul", 7, kNewest, emitBinary<ht::MulOp>, evaluateMul},
    {"", "Neg", 6, kNewest, emitUnary<ht::NegOp>, evaluateNeg},
    {"", "Not", 1, kNewest, emitUnary<ht::NotOp>, evaluateNot},
    {"", "Or", 7, kNewest, emitBinary<ht::OrOp>, evaluateOr},
    {"", "Pow", 7, kNewest, emitPow, evaluatePow},
    {"", "Reciprocal", 6, kNewest, emitUnary<ht::ReciprocalOp>, evaluateReciprocal},
    {"", "Relu", 6, kNewest, emitUnary<ht::ReluOp>},
    {"", "Round", 11, kNewest, emitUnary<ht::RoundOp>},
    {"", "Sigmoid", 6, kNewest, emitUnary<ht::SigmoidOp>},
    {"", "Sign", 9, kNewest, emitUnary<ht::SignOp>},
    {"", "Sin", 7, kNewest, emitUnary<ht::SinOp>},
    {"", "Sqrt", 6, kNewest, emitUnary<ht::SqrtOp>, evaluateSqrt},
    {"", "Sub", 7, kNewest, emitBinary<ht::SubOp>, evaluateSub},
    {"", "Sum", 1, kNewest, emitSum, evaluateAdd},
    {"", "Tanh", 6, kNewest, emitUnary<ht::TanhOp>},
    {"", "Where", 9, kNewest, emitWhere, evaluateWhere},
    {"", "Xor", 7, kNewest, emitBinary<ht::XorOp>},
};

} // namespace

ArrayRef<Operator> elementwiseOperators() { return kOperators; }

} // namespace halftone::onnx
