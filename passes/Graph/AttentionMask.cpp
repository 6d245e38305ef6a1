//===- AttentionMask.cpp - what a mask of attention scores says -------------===//

#include "passes/Graph/AttentionMask.h"

#include "passes/Graph/IndexExpr.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;

namespace halftone::graph {

bool isMinusInfinity(std::optional<double> number) { return number && *number <= -1e4; }

/// `dims` with leading 1s up to rank 4.
static Dims toRank4(Dims dims, MLIRContext *context) {
  if (dims.size() < 4)
    dims.insert(dims.begin(), 4 - dims.size(), getAffineConstantExpr(1, context));
  return dims;
}

/// Whether `reshape` only adds or removes leading axes of size 1, so that its
/// operand broadcasts as its result does.
static bool isLeadingUnitReshape(ReshapeOp reshape) {
  Dims from = getDims(reshape.getInput()), to = getDims(reshape.getResult());
  while (!from.empty() && getConstant(from.front()) == 1)
    from.erase(from.begin());
  while (!to.empty() && getConstant(to.front()) == 1)
    to.erase(to.begin());
  return from == to;
}

std::optional<AttentionMask::Reach> AttentionMask::getReach(Value value, bool negate) const {
  auto compare = value.getDefiningOp<CompareOp>();
  if (!compare)
    return std::nullopt;
  auto lhs = getIndexExpr(compare.getLhs()), rhs = getIndexExpr(compare.getRhs());
  if (!lhs || !rhs || getDims(value).size() > 4)
    return std::nullopt;
  // As `difference <= bound`, in integers.
  ComparePredicate predicate = compare.getPredicate();
  if (negate) {
    static constexpr ComparePredicate opposites[] = {ComparePredicate::NE, ComparePredicate::EQ,
                                                     ComparePredicate::GE, ComparePredicate::GT,
                                                     ComparePredicate::LE, ComparePredicate::LT};
    predicate = opposites[static_cast<uint32_t>(predicate)];
  }
  IndexExpr difference;
  int64_t bound = 0;
  switch (predicate) {
  case ComparePredicate::LT:
    bound = -1;
    [[fallthrough]];
  case ComparePredicate::LE:
    difference = subtract(*lhs, *rhs);
    break;
  case ComparePredicate::GT:
    bound = -1;
    [[fallthrough]];
  case ComparePredicate::GE:
    difference = subtract(*rhs, *lhs);
    break;
  default:
    return std::nullopt;
  }
  // d (j - i) + offset <= bound, which says how far j may be from i + (t - s).
  difference = difference.alignedTo(4);
  Dim shift = normalize(getAffineConstantExpr(bound, value.getContext()) - difference.offset);
  // An axis of one position has stride 0 whatever its coordinate's factor was.
  auto hasStride = [&](int axis, int64_t stride) {
    return getConstant(difference.strides[axis]) == (getConstant(scores[axis]) == 1 ? 0 : stride);
  };
  if (!hasStride(0, 0) || !hasStride(1, 0))
    return std::nullopt;
  Dim current = normalize(scores[3] - scores[2]);
  if (hasStride(2, -1) && hasStride(3, 1))
    if (auto ahead = getConstant(normalize(shift - current)))
      return Reach{*ahead, std::nullopt};
  if (hasStride(2, 1) && hasStride(3, -1))
    if (auto back = getConstant(normalize(shift + current)))
      return Reach{std::nullopt, *back};
  return std::nullopt;
}

void AttentionMask::addRule(Value condition, bool negate) {
  Value value = skipBroadcasts(condition);
  while (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    // Look through only where a rule inside may be found; a plain reshaped mask stays.
    Operation *inner = reshape.getInput().getDefiningOp();
    if (!isLeadingUnitReshape(reshape) ||
        !isa_and_nonnull<AndOp, OrOp, NotOp, CompareOp, BroadcastOp, ReshapeOp>(inner))
      break;
    value = skipBroadcasts(reshape.getInput());
  }
  if (auto number = getSplat(value); number && (*number != 0) != negate)
    return; // Always attends.
  Operation *op = value.getDefiningOp();
  if (auto notOp = dyn_cast_or_null<NotOp>(op))
    return addRule(notOp.getInput(), !negate);
  // not (a or b) = not a and not b.
  if (negate ? isa_and_nonnull<OrOp>(op) : isa_and_nonnull<AndOp>(op)) {
    addRule(op->getOperand(0), negate);
    addRule(op->getOperand(1), negate);
    return;
  }
  if (auto reach = getReach(value, negate)) {
    if (reach->ahead == 0) {
      causal = true;
      return;
    }
    // The token itself is one of the window.
    if (reach->back && *reach->back >= 0) {
      if (!window || *reach->back + 1 < *window)
        window = *reach->back + 1;
      windows.push_back({value, negate});
      return;
    }
  }
  if (llvm::none_of(terms, [&](Term term) { return term.value == value && term.negate == negate; }))
    terms.push_back({value, negate});
}

AttentionMask::Fills AttentionMask::getSum(Fills a, Fills b) {
  if (!a || !b)
    return a ? a : b;
  bool isInfinite = std::isinf(a->number) && std::isinf(b->number);
  return Fill{std::max(a->number, b->number), a->mixed || b->mixed || !isInfinite};
}

AttentionMask::Fills AttentionMask::getReplaced(Fills rest, double number) {
  if (!rest)
    return Fill{number};
  return Fill{std::max(rest->number, number), rest->mixed || rest->number != number};
}

AttentionMask::Fills AttentionMask::takeApartAdditive(Value value, double scale) {
  value = skipFloatCasts(skipBroadcasts(value));
  Operation *op = value.getDefiningOp();
  if (auto reshape = dyn_cast_or_null<ReshapeOp>(op); reshape && isLeadingUnitReshape(reshape))
    return takeApartAdditive(reshape.getInput(), scale);
  if (getSplat(value) == 0.0)
    return std::nullopt;
  if (auto where = dyn_cast_or_null<WhereOp>(op)) {
    auto lhs = getSplat(where.getLhs()), rhs = getSplat(where.getRhs());
    if (bool fillsLeft = isMinusInfinity(lhs); fillsLeft || isMinusInfinity(rhs)) {
      Value rest = fillsLeft ? where.getRhs() : where.getLhs();
      addRule(where.getCondition(), fillsLeft);
      double fill = scale * (fillsLeft ? *lhs : *rhs);
      // inverted.masked_fill(inverted.bool(), min): 0 wherever it is not filled.
      auto bits = skipBroadcasts(where.getCondition()).getDefiningOp<CastOp>();
      if (bits && fillsLeft && isSameButCasts(bits.getInput(), skipBroadcasts(rest)))
        return Fill{fill};
      // masked_fill of 0, or of what is itself a mask.
      return getReplaced(takeApartAdditive(rest, scale), fill);
    }
  }
  if (isa_and_nonnull<AddOp>(op))
    return getSum(takeApartAdditive(op->getOperand(0), scale), takeApartAdditive(op->getOperand(1), scale));
  // (1 - mask) * -1e4 and mask * -1e4, where mask is a widened boolean.
  if (auto mul = dyn_cast_or_null<MulOp>(op)) {
    for (unsigned side : {0u, 1u}) {
      auto fill = getSplat(mul->getOperand(side));
      if (!isMinusInfinity(fill))
        continue;
      Value factor = skipFloatCasts(skipBroadcasts(mul->getOperand(1 - side)));
      bool negate = true;
      if (auto sub = factor.getDefiningOp<SubOp>(); sub && getSplat(sub.getLhs()) == 1.0) {
        factor = skipFloatCasts(skipBroadcasts(sub.getRhs()));
        negate = false;
      }
      auto cast = factor.getDefiningOp<CastOp>();
      // A mask of integers is 0 or 1 by every exporter's contract.
      if (cast && isa<IntegerType>(getElementTypeOrSelf(cast.getInput()))) {
        addRule(cast.getInput(), negate);
        return Fill{*fill * scale};
      }
    }
  }
  numbers.push_back({value, scale, false, std::nullopt, std::nullopt});
  return std::nullopt;
}

AttentionMask::Fills AttentionMask::takeApart(const Step &step, Fills inner) {
  if (step.floor)
    return inner && inner->number <= *step.floor ? Fill{*step.floor} : inner;
  if (!step.fill)
    return getSum(inner, takeApartAdditive(step.value, step.scale));
  addRule(step.value, step.negate);
  return getReplaced(inner, *step.fill);
}

/// Only of tokens up to its own has a query a window; other ones stay conditions.
void AttentionMask::keepWindows() {
  if (!causal) {
    window.reset();
    llvm::append_range(terms, windows);
  }
  windows.clear();
}

void AttentionMask::resolve() {
  Fills fills;
  for (const Step &step : llvm::reverse(steps))
    fills = takeApart(step, fills);
  uniform = fills && std::isfinite(fills->number);
  if (!fills || !fills->mixed)
    return keepWindows();
  // Only what excludes by -inf is the same as a boolean; the rest stays as the graph has it.
  uniform = causal = false;
  window.reset();
  windows.clear();
  terms.clear();
  numbers.clear();
  for (const Step &step : llvm::reverse(steps)) {
    AttentionMask alone(scores);
    Fills own = alone.takeApart(step, std::nullopt);
    if (own && (own->mixed || std::isfinite(own->number)))
      numbers.push_back(step);
    else
      takeApart(step, std::nullopt);
  }
  keepWindows();
}

Value AttentionMask::getMisfit() const {
  auto fits = [&](Value value) {
    Dims dims = toRank4(getDims(value), value.getContext());
    auto both = broadcast(dims, scores);
    return dims.size() == 4 && both && *both == scores;
  };
  for (Term term : terms)
    if (!fits(term.value))
      return term.value;
  for (const Step &number : numbers)
    if (!fits(number.value))
      return number.value;
  return {};
}

/// `value`, which may be of integers or of lower rank, as booleans of rank 4.
static Value makeCondition(IRRewriter &rewriter, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.getElementType().isInteger(1))
    value = rewriter.createOrFold<CastOp>(loc, withElementType(type, rewriter.getI1Type()), value);
  return reshape(rewriter, loc, value, toRank4(getDims(value), rewriter.getContext()));
}

Value AttentionMask::makeMask(IRRewriter &rewriter, Location loc) const {
  Value mask;
  for (Term term : terms) {
    Value value = makeCondition(rewriter, loc, term.value);
    if (term.negate)
      value = NotOp::create(rewriter, loc, value);
    mask = mask ? AndOp::create(rewriter, loc, mask, value).getResult() : value;
  }
  return mask;
}

Value AttentionMask::makeBias(IRRewriter &rewriter, Location loc, Type element) const {
  auto makeNumber = [&](double number) { return makeSplat(rewriter, loc, number, element, {}); };
  Value sum;
  for (const Step &number : numbers) {
    if (number.fill) {
      Value condition = makeCondition(rewriter, loc, number.value);
      Value fill = makeNumber(*number.fill), rest = sum ? sum : makeNumber(0);
      if (number.negate)
        std::swap(fill, rest);
      sum = WhereOp::create(rewriter, loc, condition, rest, fill);
      continue;
    }
    Value bias = number.value;
    auto type = cast<RankedTensorType>(bias.getType());
    if (type.getElementType() != element)
      bias = CastOp::create(rewriter, loc, withElementType(type, element), bias);
    if (number.scale != 1)
      bias = MulOp::create(rewriter, loc, bias, makeNumber(number.scale));
    bias = reshape(rewriter, loc, bias, toRank4(getDims(bias), rewriter.getContext()));
    sum = sum ? AddOp::create(rewriter, loc, sum, bias).getResult() : bias;
  }
  return sum;
}

} // namespace halftone::graph
