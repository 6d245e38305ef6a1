//===- RaiseNorm.cpp - layer and RMS normalization from primitives ----------===//

#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

namespace halftone::graph {
#define GEN_PASS_DEF_RAISENORM
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

struct NormMatch {
  Value input, gamma, beta; ///< gamma and beta may be null.
  double epsilon;
  bool isLayerNorm;
  Value result;

  StringRef raised() const { return isLayerNorm ? "ht.layer_norm" : "ht.rms_norm"; }
};

/// x where `value` is x - mean(x) over the last axis.
Value matchCentered(Value value) {
  auto sub = skipFloatCasts(value).getDefiningOp<SubOp>();
  if (!sub)
    return {};
  auto mean = skipFloatCasts(sub.getRhs()).getDefiningOp<ReduceOp>();
  return mean && isMeanOverLastAxis(mean) && isSameButCasts(mean.getInput(), sub.getLhs()) ? sub.getLhs()
                                                                                           : Value();
}

/// The one user of `value` behind casts; `value` becomes what that user reads.
Operation *getUserBehindCasts(Value &value) {
  Operation *user = getOnlyUser(value);
  while (auto cast = dyn_cast_or_null<CastOp>(user)) {
    if (!isa<FloatType>(getElementTypeOrSelf(cast.getType())))
      return user;
    value = cast.getResult();
    user = getOnlyUser(value);
  }
  return user;
}

/// The affine parameter that `user` combines with `value`, as OpTy; null if there is none.
template <typename OpTy>
Value matchParameter(Operation *user, Value value) {
  auto op = dyn_cast_or_null<OpTy>(user);
  Value other = op ? getOther(op, value) : Value();
  return other && op.getType().getShape() == cast<RankedTensorType>(value.getType()).getShape() &&
                 isVector(other, getDims(value).back())
             ? other
             : Value();
}

/// The anchor is the mean of squares; everything else follows from its users.
std::optional<NormMatch> analyse(ReduceOp mean, Blocker &blocker) {
  if (!isMeanOverLastAxis(mean))
    return std::nullopt;
  Value squared = matchSquare(skipFloatCasts(mean.getInput()));
  if (!squared)
    return std::nullopt;

  Value value = mean;
  Operation *op = getUserBehindCasts(value);
  auto add = dyn_cast_or_null<AddOp>(op);
  auto epsilon = add ? getSplat(getOther(add, value) ? getOther(add, value) : value) : std::nullopt;
  if (!epsilon || *epsilon < 0)
    return blocker.at(op ? op : mean, "the mean of squares must be used once, to add a constant epsilon");

  // The standard deviation's inverse, or the deviation itself under a division.
  value = add;
  op = getUserBehindCasts(value);
  bool isInverse = isa_and_nonnull<RsqrtOp>(op);
  if (auto pow = dyn_cast_or_null<PowOp>(op)) {
    auto exponent = getSplat(pow.getRhs());
    isInverse = exponent == -0.5;
    if (pow.getLhs() != value || (!isInverse && exponent != 0.5))
      return blocker.at(op, "mean + epsilon must be raised to 0.5 or -0.5");
  } else if (!isInverse && !isa_and_nonnull<SqrtOp>(op)) {
    return blocker.at(op ? op : add, "mean + epsilon must be used once, by a square root");
  }
  value = op->getResult(0);
  Operation *root = op;
  op = getUserBehindCasts(value);
  if (!isInverse && isa_and_nonnull<ReciprocalOp>(op)) {
    isInverse = true;
    value = op->getResult(0);
    op = getUserBehindCasts(value);
  } else if (auto div = dyn_cast_or_null<DivOp>(op); div && !isInverse && getSplat(div.getLhs()) == 1.0) {
    isInverse = true;
    value = div;
    op = getUserBehindCasts(value);
  }

  // x times the inverse, or x over the deviation.
  Value normalized;
  if (auto mul = dyn_cast_or_null<MulOp>(op);
      mul && isInverse && getOther(mul, value) && isSameButCasts(getOther(mul, value), squared))
    normalized = mul;
  else if (auto div = dyn_cast_or_null<DivOp>(op);
           div && !isInverse && div.getRhs() == value && isSameButCasts(div.getLhs(), squared))
    normalized = div;
  if (!normalized)
    return blocker.at(op ? op : root,
                      "the inverse deviation must be used once, to scale the value that was squared");

  NormMatch match{squared, {}, {}, *epsilon, false, normalized};
  if (Value centered = matchCentered(squared)) {
    match.input = centered;
    match.isLayerNorm = true;
  }

  // gamma and beta, before or after the cast that ends an island of wider floats.
  value = normalized;
  op = getUserBehindCasts(value);
  if (Value gamma = matchParameter<MulOp>(op, value)) {
    match.gamma = gamma;
    match.result = value = op->getResult(0);
    op = getUserBehindCasts(value);
    if (Value beta = match.isLayerNorm ? matchParameter<AddOp>(op, value) : Value()) {
      match.beta = beta;
      match.result = op->getResult(0);
    }
  }
  if (!match.gamma && !getConstant(getDims(match.input).back()))
    return blocker.at(match.result.getDefiningOp(), "the normalized axis must have a known size");
  // The operation computes in f32 anyway, so both its ends take the island's outer type.
  Value outer = skipFloatCasts(match.input);
  if (outer.getType() == match.result.getType()) {
    match.input = outer;
  } else if (match.input.getType() != match.result.getType()) {
    if (auto cast = dyn_cast_or_null<CastOp>(getOnlyUser(match.result));
        cast && cast.getType() == outer.getType()) {
      match.input = outer;
      match.result = cast;
    } else {
      return blocker.at(match.result.getDefiningOp(), "input and result must have one element type");
    }
  } else if (auto cast = dyn_cast_or_null<CastOp>(getOnlyUser(match.result));
             cast && cast.getType() == outer.getType()) {
    match.input = outer;
    match.result = cast;
  }
  return match;
}

void rewrite(IRRewriter &rewriter, NormMatch &match) {
  Operation *root = match.result.getDefiningOp();
  rewriter.setInsertionPoint(root);
  Location loc = root->getLoc();
  auto type = cast<RankedTensorType>(match.input.getType());
  auto epsilon = rewriter.getF64FloatAttr(match.epsilon);
  Value gamma = match.gamma ? materializeVector(rewriter, match.gamma)
                            : makeSplat(rewriter, loc, 1, type.getElementType(), {type.getShape().back()});
  if (!match.isLayerNorm) {
    rewriter.replaceOpWithNewOp<RMSNormOp>(root, type, match.input, gamma, epsilon);
    return;
  }
  Value beta = match.beta ? materializeVector(rewriter, match.beta) : Value();
  rewriter.replaceOpWithNewOp<LayerNormOp>(root, type, match.input, gamma, beta, epsilon);
}

struct RaiseNorm : graph::impl::RaiseNormBase<RaiseNorm> {
  void runOnOperation() override { raiseEach<ReduceOp>(getOperation(), "ht-raise-norm", analyse, rewrite); }
};

} // namespace
