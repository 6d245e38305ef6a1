//===- RaiseRope.cpp - rotary position embedding ----------------------------===//

#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

namespace halftone::graph {
#define GEN_PASS_DEF_RAISEROPE
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

constexpr llvm::StringLiteral kPass = "ht-raise-rope";

//===----------------------------------------------------------------------===//
// Angles that repeat
//===----------------------------------------------------------------------===//

/// How the angles of r pairs fill 2 r columns.
enum class Repeat {
  Halves, ///< a b c a b c, for pairs (i, i + r).
  Twins,  ///< a a b b c c, for pairs (2i, 2i + 1).
};

Dim getLastDim(Value value) {
  Dims dims = getDims(value);
  return dims.empty() ? Dim() : dims.back();
}

/// Whether `value` does not vary along the last axis.
bool isFlat(Value value) {
  Dim last = getLastDim(value);
  return !last || getConstant(last) == 1 || getSplat(value);
}

/// What `reshape` repeats: a tensor of r columns, from reshape(broadcast […, r, 1] -> […, r, 2]) -> […, 2 r]
/// or, as halves, with the two before the r; axes of size 1 anywhere. Null where it is no such repetition.
Value matchRepetition(ReshapeOp reshape, Repeat repeat) {
  Value wide = reshape.getInput(), once;
  if (auto broadcast = wide.getDefiningOp<BroadcastOp>())
    once = broadcast.getInput();
  else if (auto concat = wide.getDefiningOp<ConcatOp>();
           concat && concat.getInputs().size() == 2 && concat.getInputs()[0] == concat.getInputs()[1])
    once = concat.getInputs().front();
  Dims split = getDims(wide), whole = getDims(reshape.getResult());
  auto columns = whole.empty() ? std::nullopt : getConstant(whole.back());
  if (!once || !columns || getDims(once).size() != split.size())
    return {};
  // The axes that become columns, from the last one on, and the one among them that repeats.
  int64_t count = 1, behind = 0;
  while (count < *columns && !split.empty()) {
    auto size = getConstant(split.back());
    Dim before = getDims(once)[split.size() - 1];
    if (!size)
      return {};
    if (before != split.back()) {
      if (*size != 2 || getConstant(before) != 1 || behind)
        return {};
      behind = count;
    }
    count *= *size;
    split.pop_back();
  }
  whole.pop_back();
  Dims outer(ArrayRef<Dim>(getDims(once)).take_front(split.size()));
  for (Dims *dims : {&split, &whole, &outer})
    llvm::erase_if(*dims, [](Dim dim) { return getConstant(dim) == 1; });
  bool isRepeated = count == *columns && behind == (repeat == Repeat::Twins ? 1 : count / 2);
  return isRepeated && split == whole && split == outer ? once : Value();
}

/// Whether the columns of `value` are r columns, repeated.
bool isRepeated(Value value, Repeat repeat, int depth = 0) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > 12)
    return false;
  if (auto concat = dyn_cast<ConcatOp>(op))
    return repeat == Repeat::Halves && concat.getInputs().size() == 2 &&
           concat.getInputs()[0] == concat.getInputs()[1] && concat.getAxis() + 1 == getDims(value).size();
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    if (matchRepetition(reshape, repeat))
      return true;
    return isUnitReshape(reshape) && getLastDim(reshape.getInput()) == getLastDim(value) &&
           isRepeated(reshape.getInput(), repeat, depth + 1);
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return getLastDim(broadcast.getInput()) == getLastDim(value) &&
           isRepeated(broadcast.getInput(), repeat, depth + 1);
  if (!isElementwise(op))
    return false;
  bool any = false;
  for (Value operand : op->getOperands()) {
    if (isFlat(operand))
      continue;
    if (!isRepeated(operand, repeat, depth + 1))
      return false;
    any = true;
  }
  return any;
}

/// The r columns behind a repeated `value`.
Value makeUnrepeated(IRRewriter &rewriter, Value value, Repeat repeat) {
  Operation *op = value.getDefiningOp();
  if (auto concat = dyn_cast<ConcatOp>(op))
    return concat.getInputs().front();
  Dims dims = getDims(value);
  dims.back() = getAffineConstantExpr(*getConstant(dims.back()) / 2, value.getContext());
  auto type = getTensorType(dims, getElementTypeOrSelf(value));
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    Value once = matchRepetition(reshape, repeat);
    if (!once)
      once = makeUnrepeated(rewriter, reshape.getInput(), repeat);
    return graph::reshape(rewriter, op->getLoc(), once, dims);
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return BroadcastOp::create(rewriter, op->getLoc(), type,
                               makeUnrepeated(rewriter, broadcast.getInput(), repeat));
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isFlat(operand))
      operand = makeUnrepeated(rewriter, operand, repeat);
    else if (auto number = getSplat(operand);
             number && getLastDim(operand) && getConstant(getLastDim(operand)) != 1)
      operand = makeSplat(rewriter, op->getLoc(), *number, getElementTypeOrSelf(operand));
    operands.push_back(operand);
  }
  Operation *narrow = rewriter.clone(*op);
  narrow->setOperands(operands);
  narrow->getResult(0).setType(type);
  return narrow->getResult(0);
}

//===----------------------------------------------------------------------===//
// The rotation
//===----------------------------------------------------------------------===//

struct RopeMatch {
  Value input, cos, sin;
  std::optional<Repeat> repeat; ///< How cos and sin repeat their columns; nullopt: not at all.
  bool interleaved, isHeadMajor;
  Operation *root;

  StringRef raised() const { return "ht.rope"; }
};

/// A window of the last axis.
struct Window {
  Value source;
  int64_t start, stride, size;
};

std::optional<Window> matchWindow(Value value) {
  auto slice = value.getDefiningOp<SliceOp>();
  if (!slice)
    return std::nullopt;
  Dims from = getDims(slice.getInput()), to = getDims(slice.getResult());
  for (size_t axis = 0; axis + 1 < from.size(); ++axis)
    if (from[axis] != to[axis] || getConstant(slice.getStarts().getExprs()[axis]) != 0 ||
        slice.getStrides()[axis] != 1)
      return std::nullopt;
  auto start = getConstant(slice.getStarts().getExprs().back()), size = getConstant(to.back());
  if (!start || !size)
    return std::nullopt;
  return Window{slice.getInput(), *start, slice.getStrides().back(), *size};
}

/// The layout in which `angles` of `columns` columns broadcast along the heads of x:
/// true for [b, heads, s, d], false for [b, s, heads, d], nullopt for neither.
std::optional<bool> getIsHeadMajor(Value x, Value angles) {
  Dims from = getDims(angles), to = getDims(x);
  if (to.size() != 4 || from.size() > 4 || from.empty())
    return std::nullopt;
  from.insert(from.begin(), 4 - from.size(), getAffineConstantExpr(1, x.getContext()));
  if (getConstant(from[0]) != 1 && from[0] != to[0])
    return std::nullopt;
  if (getConstant(from[1]) == 1 && from[2] == to[2])
    return true;
  if (getConstant(from[2]) == 1 && from[1] == to[1])
    return false;
  return std::nullopt;
}

/// value = a * b with `known` among them: the other one.
Value matchFactor(Value value, Value known) {
  auto mul = value.getDefiningOp<MulOp>();
  if (!mul || (mul.getLhs() != known && mul.getRhs() != known))
    return {};
  return getOther(mul, known);
}

/// Completes a match whose x, cos and sin are known.
std::optional<RopeMatch> finish(RopeMatch match, Blocker &blocker) {
  auto layout = getIsHeadMajor(match.input, match.cos);
  if (!layout || layout != getIsHeadMajor(match.input, match.sin))
    return blocker.at(match.cos.getDefiningOp() ? match.cos.getDefiningOp() : match.root,
                      "angles must be [batch, sequence, pairs] and broadcast along the heads");
  match.isHeadMajor = *layout;
  if (match.repeat)
    for (Value angles : {match.cos, match.sin})
      if (!isRepeated(angles, *match.repeat))
        return blocker.at(angles.getDefiningOp() ? angles.getDefiningOp() : match.root,
                          "the two angles of a pair must be seen to be equal");
  return match;
}

/// add(mul(x, cos), mul(rotated, sin)), from the value `rotated`.
std::optional<RopeMatch> matchRotated(Value rotated, Value x, Repeat repeat, Blocker &blocker) {
  Operation *user = getOnlyUser(rotated);
  auto scaled = dyn_cast_or_null<MulOp>(user);
  Value sin = scaled ? getOther(scaled, rotated) : Value();
  if (!sin)
    return blocker.at(user ? user : rotated.getDefiningOp(),
                      "the rotated half must be used once, times the sine");
  user = getOnlyUser(scaled);
  auto add = dyn_cast_or_null<AddOp>(user);
  Value straight = add ? getOther(add, scaled) : Value(), cos = straight ? matchFactor(straight, x) : Value();
  if (!cos)
    return blocker.at(user ? user : scaled, "x times the cosine must be added");
  return finish({x, cos, sin, repeat, repeat == Repeat::Twins, false, add}, blocker);
}

/// Two tensors that are the halves or the even and odd columns of one.
struct Pair {
  Value source;
  bool interleaved;
};

std::optional<Pair> matchPair(Value first, Value second) {
  auto a = matchWindow(first), b = matchWindow(second);
  if (!a || !b || a->source != b->source || a->start != 0 || a->stride != b->stride || a->size != b->size ||
      getConstant(getLastDim(a->source)) != 2 * a->size)
    return std::nullopt;
  if (a->stride == 1 && b->start == a->size)
    return Pair{a->source, false};
  if (a->stride == 2 && b->start == 1)
    return Pair{a->source, true};
  return std::nullopt;
}

/// `value` before a reshape that appends an axis of size 1.
Value skipTrailingUnit(Value value) {
  auto reshape = value.getDefiningOp<ReshapeOp>();
  if (!reshape)
    return {};
  Dims dims = getDims(value);
  if (dims.empty() || getConstant(dims.back()) != 1)
    return {};
  dims.pop_back();
  return getDims(reshape.getInput()) == dims ? reshape.getInput() : Value();
}

/// x1 c - x2 s and x2 c + x1 s.
std::optional<RopeMatch> matchDirect(Value first, Value second, bool interleaved, Operation *root,
                                     Blocker &blocker) {
  auto sub = first.getDefiningOp<SubOp>();
  auto add = second.getDefiningOp<AddOp>();
  auto left = sub ? sub.getLhs().getDefiningOp<MulOp>() : MulOp();
  auto right = sub ? sub.getRhs().getDefiningOp<MulOp>() : MulOp();
  if (!add || !left || !right)
    return std::nullopt;
  for (unsigned i : {0u, 1u})
    for (unsigned j : {0u, 1u}) {
      Value x1 = left->getOperand(i), cos = left->getOperand(1 - i);
      Value x2 = right->getOperand(j), sin = right->getOperand(1 - j);
      auto pair = matchPair(x1, x2);
      if (!pair)
        continue;
      if (pair->interleaved != interleaved)
        return blocker.at(root, "rotated pairs must be put back where they came from");
      for (auto [a, b] : {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())})
        if (matchFactor(a, x2) == cos && matchFactor(b, x1) == sin)
          return finish({pair->source, cos, sin, std::nullopt, interleaved, false, root}, blocker);
      return blocker.at(add, "the second half must be x2 cos + x1 sin");
    }
  return std::nullopt;
}

/// The anchor is the concatenation that puts the rotated pairs together.
std::optional<RopeMatch> analyse(ConcatOp concat, Blocker &blocker) {
  int64_t rank = getDims(concat.getResult()).size();
  if (concat.getInputs().size() != 2 || static_cast<int64_t>(concat.getAxis()) != rank - 1)
    return std::nullopt;
  Value first = concat.getInputs()[0], second = concat.getInputs()[1];
  if (rank == 5) {
    // Interleaved: [b, h, s, r, 1] pairs, stacked and then flattened.
    first = skipTrailingUnit(first);
    second = skipTrailingUnit(second);
    auto flat = dyn_cast_or_null<ReshapeOp>(getOnlyUser(concat));
    if (!first || !second || !flat)
      return std::nullopt;
    if (auto neg = first.getDefiningOp<NegOp>()) {
      auto pair = matchPair(second, neg.getInput());
      if (pair && pair->interleaved && pair->source.getType() == flat.getType())
        return matchRotated(flat, pair->source, Repeat::Twins, blocker);
      return std::nullopt;
    }
    return matchDirect(first, second, /*interleaved=*/true, flat, blocker);
  }
  if (auto neg = first.getDefiningOp<NegOp>()) {
    auto pair = matchPair(second, neg.getInput());
    if (!pair || pair->interleaved)
      return blocker.at(neg, "the halves must be -x[r:] and x[:r] of one tensor");
    return matchRotated(concat, pair->source, Repeat::Halves, blocker);
  }
  return matchDirect(first, second, /*interleaved=*/false, concat, blocker);
}

void rewrite(IRRewriter &rewriter, RopeMatch &match) {
  rewriter.setInsertionPoint(match.root);
  Location loc = match.root->getLoc();
  static constexpr int64_t swapped[] = {0, 2, 1, 3};
  auto makeAngles = [&](Value angles) {
    if (match.repeat)
      angles = makeUnrepeated(rewriter, angles, *match.repeat);
    Dims dims = getDims(angles);
    dims.insert(dims.begin(), 4 - dims.size(), getAffineConstantExpr(1, rewriter.getContext()));
    dims.erase(dims.begin() + (match.isHeadMajor ? 1 : 2));
    return graph::reshape(rewriter, loc, angles, dims);
  };
  Value cos = makeAngles(match.cos), sin = makeAngles(match.sin), x = match.input;
  if (match.isHeadMajor)
    x = graph::transpose(rewriter, loc, x, swapped);
  Value result = RopeOp::create(rewriter, loc, x.getType(), x, cos, sin, match.interleaved);
  if (match.isHeadMajor)
    result = graph::transpose(rewriter, loc, result, swapped);
  rewriter.replaceOp(match.root, result);
}

//===----------------------------------------------------------------------===//
// Partial rotation
//===----------------------------------------------------------------------===//

struct PartialMatch {
  RopeOp rope;
  TransposeOp turn; ///< Back to [b, heads, s, d]; null in token-major graphs.
  Value source;
  ConcatOp root;

  StringRef raised() const { return "ht.rope"; }
};

/// concat(rope(x[:2 r]), x[2 r:]) -> rope(x), which leaves the rest alone.
std::optional<PartialMatch> analysePartial(ConcatOp concat, Blocker &) {
  if (concat.getInputs().size() != 2 || concat.getAxis() != 3 || getDims(concat.getResult()).size() != 4)
    return std::nullopt;
  auto turn = concat.getInputs()[0].getDefiningOp<TransposeOp>();
  auto rope = (turn ? turn.getInput() : concat.getInputs()[0]).getDefiningOp<RopeOp>();
  if (!rope)
    return std::nullopt;
  Value rotated = rope.getInput();
  if (turn) {
    auto before = rotated.getDefiningOp<TransposeOp>();
    if (!before || before.getPermutation() != turn.getPermutation())
      return std::nullopt;
    rotated = before.getInput();
  }
  auto head = matchWindow(rotated), tail = matchWindow(concat.getInputs()[1]);
  bool isWhole = head && tail && head->source == tail->source && head->start == 0 && head->stride == 1 &&
                 tail->stride == 1 && tail->start == head->size && head->source.getType() == concat.getType();
  // Pairs (i, i + r) keep their distance only where the window is all that is rotated.
  bool isAllRotated = isWhole && getConstant(getLastDim(rope.getCos())) == head->size / 2;
  return isAllRotated ? std::optional(PartialMatch{rope, turn, head->source, concat}) : std::nullopt;
}

void rewritePartial(IRRewriter &rewriter, PartialMatch &match) {
  rewriter.setInsertionPoint(match.root);
  Location loc = match.root.getLoc();
  Value x = match.source;
  if (match.turn)
    x = graph::transpose(rewriter, loc, x, match.turn.getPermutation());
  Value result = RopeOp::create(rewriter, loc, x.getType(), x, match.rope.getCos(), match.rope.getSin(),
                                match.rope.getInterleaved());
  if (match.turn)
    result = graph::transpose(rewriter, loc, result, match.turn.getPermutation());
  rewriter.replaceOp(match.root, result);
}

struct RaiseRope : graph::impl::RaiseRopeBase<RaiseRope> {
  void runOnOperation() override {
    raiseEach<ConcatOp>(getOperation(), kPass, analyse, rewrite);
    raiseEach<ConcatOp>(getOperation(), kPass, analysePartial, rewritePartial);
  }
};

} // namespace
