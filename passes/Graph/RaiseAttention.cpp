//===- RaiseAttention.cpp - scaled dot-product attention --------------------===//

#include "passes/Graph/AttentionMask.h"
#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

#include <cmath>
#include <utility>

namespace halftone::graph {
#define GEN_PASS_DEF_RAISEATTENTION
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// A query, key or value traced back towards [batch, tokens, heads, d].
struct HeadsOperand {
  Value base;
  SmallVector<int64_t> permutation; ///< base -> token-major, over base's axes.
  double scale = 1;
  std::optional<int64_t> droppedAxis; ///< An axis of size 1 of base to drop before the permutation.

  Dims getDims() const {
    Dims dims = ht::getDims(base), turned;
    if (droppedAxis)
      dims.erase(dims.begin() + *droppedAxis);
    for (int64_t axis : permutation)
      turned.push_back(dims[axis]);
    return turned;
  }

  Value make(IRRewriter &rewriter, Location loc) const {
    Value value = base;
    if (droppedAxis) {
      Dims dims = ht::getDims(base);
      dims.erase(dims.begin() + *droppedAxis);
      value = graph::reshape(rewriter, loc, value, dims);
    }
    return graph::transpose(rewriter, loc, value, permutation);
  }
};

/// The heads before repeat_kv: reshape(broadcast([…, kv, 1, …] to […, kv, n, …])),
/// where `headAxis` counts heads; null if `value` is no repetition.
BroadcastOp matchRepeatedHeads(Value value, int64_t headAxis) {
  auto merge = value.getDefiningOp<ReshapeOp>();
  auto repeat = merge ? merge.getInput().getDefiningOp<BroadcastOp>() : BroadcastOp();
  if (!repeat)
    return {};
  Dims from = getDims(repeat.getInput()), wide = getDims(repeat.getResult()), merged = getDims(value);
  if (from.size() != 5 || wide.size() != 5 || merged.size() != 4)
    return {};
  // Only the axis after the heads is repeated, so that copies are neighbours.
  for (int64_t axis = 0; axis < 5; ++axis)
    if (axis == headAxis + 1 ? getConstant(from[axis]) != 1 : from[axis] != wide[axis])
      return {};
  Dims expected = wide;
  expected[headAxis] = normalize(wide[headAxis] * wide[headAxis + 1]);
  expected.erase(expected.begin() + headAxis + 1);
  return expected == merged ? repeat : BroadcastOp();
}

HeadsOperand traceHeads(Value value, ArrayRef<int64_t> toTokenMajor, bool takeScale) {
  HeadsOperand operand{value, SmallVector<int64_t>(toTokenMajor), 1, std::nullopt};
  while (true) {
    if (auto scaled = takeScale ? matchScaled(operand.base) : std::nullopt) {
      operand.scale *= scaled->factor;
      operand.base = scaled->base;
      continue;
    }
    if (auto transpose = operand.base.getDefiningOp<TransposeOp>()) {
      for (int64_t &axis : operand.permutation)
        axis = transpose.getPermutation()[axis];
      operand.base = transpose.getInput();
      continue;
    }
    int64_t headAxis = operand.permutation[2];
    auto repeat = headAxis < 3 ? matchRepeatedHeads(operand.base, headAxis) : BroadcastOp();
    if (!repeat)
      return operand;
    Value source = repeat.getInput();
    Dims dims = getDims(source);
    dims.erase(dims.begin() + headAxis + 1);
    auto unsqueeze = source.getDefiningOp<ReshapeOp>();
    if (!unsqueeze || getDims(unsqueeze.getInput()) != dims) {
      operand.base = source;
      operand.droppedAxis = headAxis + 1;
      return operand;
    }
    operand.base = unsqueeze.getInput();
  }
}

//===----------------------------------------------------------------------===//
// The match
//===----------------------------------------------------------------------===//

struct AttentionMatch {
  HeadsOperand query, key, value;
  AttentionMask mask;
  double scale, softcap;
  MatMulOp root;

  StringRef raised() const { return "ht.attention"; }
};

/// Whether `where` replaces what is not a number in `probabilities` by 0.
bool isNaNGuard(WhereOp where, Value probabilities) {
  return where && where.getRhs() == probabilities && getSplat(where.getLhs()) == 0.0 &&
         where.getCondition().getDefiningOp<IsNaNOp>() && where.getType() == probabilities.getType();
}

/// Follows the probabilities to the product with the values: through casts and
/// the guard where(is_nan(p), 0, p), which is what the operation does anyway.
/// Another user, such as a result of the model, keeps a softmax of its own.
MatMulOp findValueProduct(SoftmaxOp softmax, Blocker &blocker) {
  Value probabilities = softmax;
  while (true) {
    MatMulOp product;
    Value next;
    Operation *inTheWay = softmax;
    for (Operation *user : probabilities.getUsers()) {
      auto weighs = dyn_cast<MatMulOp>(user);
      if (weighs && weighs.getLhs() == probabilities && weighs.getRhs() != probabilities) {
        if (product)
          return blocker.at(weighs, "the probabilities must weigh values once"), MatMulOp();
        product = weighs;
      } else if (isNaNGuard(dyn_cast<WhereOp>(user), probabilities) ||
                 (isa<CastOp>(user) && isa<FloatType>(getElementTypeOrSelf(user->getResult(0))))) {
        next = user->getResult(0);
      } else if (!isa<IsNaNOp>(user)) {
        inTheWay = user;
      }
    }
    if (product)
      return product;
    if (!next)
      return blocker.at(inTheWay, "the probabilities must weigh the values"), MatMulOp();
    probabilities = next;
  }
}

/// Exporters round the scale, or its square root, to the model's type, each in its
/// own way; what is 1/sqrt(d) to seven digits is meant to be that.
double getExactScale(double scale, Dim depth) {
  auto size = getConstant(depth);
  if (!size || *size <= 0)
    return scale;
  double exact = 1 / std::sqrt(static_cast<double>(*size));
  return std::abs(scale / exact - 1) < 1e-6 ? exact : scale;
}

std::optional<AttentionMatch> analyse(SoftmaxOp softmax, Blocker &blocker) {
  Dims scores = getDims(softmax.getResult());
  // Softmax stands in routers and classifiers too: only one between two products of
  // activations is near to attention.
  Blocker later;
  MatMulOp product = findValueProduct(softmax, later);
  Value scoresValue = skipFloatCasts(softmax.getInput());

  AttentionMask mask(scores);
  double scale = 1, softcap = 0;
  MatMulOp queryKey;
  while (!queryKey) {
    scoresValue = skipFloatCasts(scoresValue);
    Operation *op = scoresValue.getDefiningOp();
    if ((queryKey = dyn_cast_or_null<MatMulOp>(op)))
      break;
    if (auto scaled = matchScaled(scoresValue)) {
      scale *= scaled->factor;
      scoresValue = scaled->base;
      continue;
    }
    // cap tanh(scores / cap). What is masked before would be capped as well, and be attended.
    if (isa_and_nonnull<TanhOp>(op) && softcap == 0 && scale > 0) {
      softcap = std::exchange(scale, 1);
      scoresValue = op->getOperand(0);
      continue;
    }
    bool mayMask = scores.size() == 4 && softcap == 0 && scale > 0;
    // max(scores, lowest) keeps sums of masks finite.
    if (auto max = dyn_cast_or_null<MaxOp>(op); max && mayMask) {
      bool isLeft = isMinusInfinity(getSplat(max.getLhs()));
      auto floor = getSplat(isLeft ? max.getLhs() : max.getRhs());
      Value rest = isLeft ? max.getRhs() : max.getLhs();
      if (!isMinusInfinity(floor) || rest.getType() != max.getType())
        break;
      mask.addFloor(*floor, scale);
      scoresValue = rest;
      continue;
    }
    if (auto add = dyn_cast_or_null<AddOp>(op); add && mayMask) {
      // The scores are the side that leads to a product, the mask the other.
      auto leadsToProduct = [](Value value) {
        while (Operation *op = value.getDefiningOp()) {
          if (isa<MatMulOp>(op))
            return true;
          auto scaled = matchScaled(value);
          auto where = dyn_cast<WhereOp>(op);
          if (scaled)
            value = scaled->base;
          else if (isa<CastOp, AddOp, MaxOp, TanhOp>(op))
            value = op->getOperand(0);
          else if (where)
            value = getSplat(where.getLhs()) ? where.getRhs() : where.getLhs();
          else
            return false;
        }
        return false;
      };
      bool isLeft = leadsToProduct(add.getLhs()) && add.getLhs().getType() == add.getType();
      if (!isLeft && !(leadsToProduct(add.getRhs()) && add.getRhs().getType() == add.getType()))
        break;
      mask.addAdditive(isLeft ? add.getRhs() : add.getLhs(), scale);
      scoresValue = isLeft ? add.getLhs() : add.getRhs();
      continue;
    }
    if (auto where = dyn_cast_or_null<WhereOp>(op); where && mayMask) {
      bool fillsLeft = isMinusInfinity(getSplat(where.getLhs())),
           fillsRight = isMinusInfinity(getSplat(where.getRhs()));
      Value rest = fillsLeft ? where.getRhs() : where.getLhs();
      if (fillsLeft == fillsRight || rest.getType() != where.getType())
        break;
      double fill = *getSplat(fillsLeft ? where.getLhs() : where.getRhs());
      mask.addCondition(where.getCondition(), fillsLeft, fill, scale);
      scoresValue = rest;
      continue;
    }
    break;
  }
  if (!queryKey || !product) {
    Operation *inTheWay = queryKey ? later.op : scoresValue.getDefiningOp();
    if (!queryKey && !product)
      return std::nullopt;
    if (!inTheWay)
      inTheWay = softmax;
    return queryKey ? blocker.at(later.op, later.reason)
                    : blocker.at(inTheWay, "scores must be a product of queries and keys, scaled and masked");
  }
  if (scores.size() != 4 || getDims(queryKey.getLhs()).size() != 4 ||
      getDims(queryKey.getRhs()).size() != 4 || getDims(product.getRhs()).size() != 4)
    return blocker.at(queryKey, "queries, keys and values must be [batch, heads, tokens, d]");
  if (softmax.getAxis() != 3)
    return blocker.at(softmax, "softmax must be over the last axis");
  if (getDims(queryKey.getResult()) != scores)
    return blocker.at(softmax.getInput().getDefiningOp(), "a mask must not widen the scores");
  mask.resolve();
  if (Value misfit = mask.getMisfit())
    return blocker.at(misfit.getDefiningOp() ? misfit.getDefiningOp() : softmax,
                      "a mask must broadcast to the scores");

  AttentionMatch match{traceHeads(queryKey.getLhs(), {0, 2, 1, 3}, true),
                       traceHeads(queryKey.getRhs(), {0, 3, 1, 2}, true),
                       traceHeads(product.getRhs(), {0, 2, 1, 3}, false),
                       mask,
                       scale,
                       softcap,
                       product};
  match.scale = getExactScale(scale * (softcap ? softcap : 1) * match.query.scale * match.key.scale,
                              match.query.getDims().back());
  Dims q = match.query.getDims(), k = match.key.getDims(), v = match.value.getDims();
  auto heads = getConstant(q[2]), kvHeads = getConstant(k[2]);
  if (q[0] != k[0] || k[0] != v[0] || k[1] != v[1] || k[2] != v[2] || q[3] != k[3] || !heads || !kvHeads ||
      *kvHeads == 0 || *heads % *kvHeads != 0)
    return blocker.at(queryKey, "queries " + toString(q) + ", keys " + toString(k) + " and values " +
                                    toString(v) + " must fit as [batch, tokens, heads, d]");
  for (Value operand : {match.key.base, match.value.base})
    if (getElementTypeOrSelf(operand) != getElementTypeOrSelf(match.query.base) ||
        getElementTypeOrSelf(operand) != getElementTypeOrSelf(product.getType()))
      return blocker.at(product, "queries, keys and values must have one element type");
  return match;
}

void rewrite(IRRewriter &rewriter, AttentionMatch &match) {
  rewriter.setInsertionPoint(match.root);
  Location loc = match.root.getLoc();
  Value query = match.query.make(rewriter, loc), key = match.key.make(rewriter, loc),
        value = match.value.make(rewriter, loc);
  Dims dims = getDims(query);
  dims.back() = getDims(value).back();
  Type element = getElementTypeOrSelf(query);
  auto attention = AttentionOp::create(
      rewriter, loc, getTensorType(dims, element), query, key, value, /*sequences=*/Value(),
      /*start=*/Value(), match.mask.makeMask(rewriter, loc),
      match.mask.makeBias(rewriter, loc, element), rewriter.getF64FloatAttr(match.scale),
      match.mask.isCausal() ? rewriter.getUnitAttr() : UnitAttr(), rewriter.getF64FloatAttr(match.softcap),
      match.mask.isUniform() ? rewriter.getUnitAttr() : UnitAttr(),
      rewriter.getI64IntegerAttr(match.mask.getWindow()));
  // Back to [batch, heads, tokens, d]; the graph's own transpose cancels this one.
  rewriter.replaceOp(match.root, graph::transpose(rewriter, loc, attention, {0, 2, 1, 3}));
}

struct RaiseAttention : graph::impl::RaiseAttentionBase<RaiseAttention> {
  void runOnOperation() override {
    raiseEach<SoftmaxOp>(getOperation(), "ht-raise-attention", analyse, rewrite);
  }
};

} // namespace
