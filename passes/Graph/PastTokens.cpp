//===- PastTokens.cpp - what a decoder's graph knows of earlier tokens ------===//

#include "passes/Graph/PastTokens.h"

#include "passes/Graph/Matchers.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;

namespace halftone::graph {

/// Exchanges tokens and heads.
static constexpr int64_t kSwap[] = {0, 2, 1, 3};

static bool isInteger(Value value) { return isa<IntegerType>(getElementTypeOrSelf(value)); }

/// The only axis of a float [batch, heads, past, d] or [batch, past, heads, d] that is a symbol beside the
/// batch.
static std::optional<int64_t> findPastAxis(Value value, Dim batch, Dim tokens) {
  Dims dims = getDims(value);
  if (dims.size() != 4 || dims[0] != batch || !isa<FloatType>(getElementTypeOrSelf(value)) ||
      !getConstant(dims[3]))
    return std::nullopt;
  for (int64_t axis : {PastInterface::kHeadsFirst, PastInterface::kTokensFirst})
    if (isa<AffineSymbolExpr>(dims[axis]) && dims[axis] != batch && dims[axis] != tokens &&
        getConstant(dims[3 - axis]))
      return axis;
  return std::nullopt;
}

std::optional<PastInterface> PastInterface::find(func::FuncOp graph, std::string &reason) {
  PastInterface found;
  SmallVector<BlockArgument> others;
  bool hasPast = false;
  for (BlockArgument argument : graph.getArguments()) {
    std::string name = getInputName(graph, argument.getArgNumber());
    hasPast |= StringRef(name).contains_insensitive("past");
    BlockArgument *known = name == "input_ids"        ? &found.ids
                           : name == "attention_mask" ? &found.mask
                           : name == "position_ids"   ? &found.positions
                                                      : nullptr;
    if (known)
      *known = argument;
    else
      others.push_back(argument);
  }
  if (!found.ids || !hasPast)
    return std::nullopt;
  auto refuse = [&](const Twine &why) {
    reason = why.str();
    return std::nullopt;
  };
  if (!isInteger(found.ids) || getDims(found.ids).size() != 2)
    return refuse("input_ids are no integers [batch, tokens]");
  found.batch = getDims(found.ids)[0];
  found.tokens = getDims(found.ids)[1];
  if (!isa<AffineSymbolExpr>(found.tokens) && getConstant(found.tokens) != 1)
    return refuse("it takes neither any number of tokens nor one");
  for (BlockArgument argument : others) {
    std::string name = getInputName(graph, argument.getArgNumber());
    auto axis = findPastAxis(argument, found.batch, found.tokens);
    if (!axis)
      return refuse("its input \"" + name +
                    "\" is neither tokens, mask nor positions, nor keys or values of earlier "
                    "tokens as [batch, heads, tokens, d]");
    Dim past = getDims(argument)[*axis];
    if (found.past && found.past != past)
      return refuse("its inputs \"" + getInputName(graph, found.caches.front().getArgNumber()) + "\" and \"" +
                    name + "\" differ in how many earlier tokens they hold");
    found.past = past;
    found.caches.push_back(argument);
  }
  if (found.caches.empty())
    return refuse("it has no keys and values of earlier tokens");
  Dim total = normalize(found.past + found.tokens);
  if (found.mask && (!isInteger(found.mask) || getDims(found.mask) != Dims{found.batch, total}))
    return refuse("its attention_mask is not of the earlier tokens and the new ones");
  if (found.positions &&
      (!isInteger(found.positions) || getDims(found.positions) != Dims{found.batch, found.tokens}))
    return refuse("its position_ids are not [batch, tokens]");

  unsigned result = 0, count = graph.getNumResults();
  while (result < count && getOutputName(graph, result) != "logits")
    ++result;
  if (result == count)
    return refuse("it has no output \"logits\"");
  found.logits = result;
  auto type = cast<RankedTensorType>(graph.getResultTypes()[result]);
  Dims dims = getDims(type);
  if (!isa<FloatType>(type.getElementType()) || dims.size() != 3 || dims[0] != found.batch ||
      dims[1] != found.tokens || !getConstant(dims[2]))
    return refuse("its logits are not of every token, [batch, tokens, vocabulary]");
  return found;
}

std::optional<IndexExpr> PastInterface::assume(Value value) const {
  if (value != mask && value != positions)
    return std::nullopt;
  MLIRContext *context = value.getContext();
  Dim zero = getAffineConstantExpr(0, context), one = getAffineConstantExpr(1, context);
  if (value == mask)
    return IndexExpr{{zero, zero}, one};
  return IndexExpr{{zero, getConstant(tokens) == 1 ? zero : one}, past};
}

std::optional<IndexExpr> PastInterface::getIndexExpr(Value value) const {
  return graph::getIndexExpr(value, [&](Value known) { return assume(known); });
}

std::optional<bool> PastInterface::getTruth(Value value) const {
  return graph::getTruth(value, [&](Value known) { return assume(known); });
}

bool PastInterface::isOfPast(Dim expr) const {
  return expr.isFunctionOfSymbol(cast<AffineSymbolExpr>(past).getPosition());
}

int64_t PastInterface::getTokenAxis(BlockArgument cache) const {
  return getDims(cache)[kHeadsFirst] == past ? kHeadsFirst : kTokensFirst;
}

/// The cache that `value` [batch, tokens, heads, d] begins with.
BlockArgument PastInterface::findCacheBefore(Value value) const {
  while (Operation *op = value.getDefiningOp()) {
    if (auto slice = dyn_cast<SliceOp>(op)) {
      Dims from = getDims(slice.getInput()), to = getDims(value);
      from[kTokensFirst] = to[kTokensFirst];
      bool isBeginning =
          llvm::all_of(slice.getStarts().getExprs(), [](Dim start) { return getConstant(start) == 0; });
      if (from != to || !isBeginning || !llvm::all_equal(slice.getStrides()) ||
          slice.getStrides().front() != 1)
        return {};
      value = slice.getInput();
    } else if (auto concat = dyn_cast<ConcatOp>(op); concat && concat.getAxis() == kTokensFirst) {
      value = concat.getInputs().front();
    } else if (auto where = dyn_cast<WhereOp>(op)) {
      // Rows before the new tokens, zeros from there on.
      auto compare = where.getCondition().getDefiningOp<CompareOp>();
      auto row = compare ? getIndexExpr(compare.getLhs()) : std::nullopt;
      auto bound = compare ? getIndexExpr(compare.getRhs()) : std::nullopt;
      if (!row || !bound || compare.getPredicate() != ComparePredicate::LT ||
          where.getLhs().getType() != where.getType())
        return {};
      IndexExpr behind = subtract(*row, *bound);
      if (behind.strides.size() > 4)
        return {};
      behind = behind.alignedTo(4);
      for (auto [axis, stride] : llvm::enumerate(behind.strides))
        if (getConstant(stride) != (axis == kTokensFirst ? 1 : 0))
          return {};
      if (behind.offset != normalize(past * -1))
        return {};
      value = where.getLhs();
    } else if (auto transpose = dyn_cast<TransposeOp>(op);
               transpose && transpose.getPermutation() == ArrayRef(kSwap)) {
      auto cache = dyn_cast<BlockArgument>(transpose.getInput());
      return llvm::is_contained(caches, cache) && getTokenAxis(cache) == kHeadsFirst ? cache
                                                                                     : BlockArgument();
    } else {
      return {};
    }
  }
  auto cache = cast<BlockArgument>(value);
  return llvm::is_contained(caches, cache) && getTokenAxis(cache) == kTokensFirst ? cache : BlockArgument();
}

std::optional<PastInterface::Append> PastInterface::findAppend(Value value, int64_t axis) const {
  if (auto transpose = value.getDefiningOp<TransposeOp>()) {
    if (transpose.getPermutation() != ArrayRef(kSwap))
      return std::nullopt;
    value = transpose.getInput();
    axis = kTokensFirst + kHeadsFirst - axis;
  }
  if (auto concat = value.getDefiningOp<ConcatOp>()) {
    if (concat.getInputs().size() != 2 || concat.getAxis() != static_cast<uint64_t>(axis))
      return std::nullopt;
    Value before = concat.getInputs()[0], tokens = concat.getInputs()[1];
    auto cache = dyn_cast<BlockArgument>(before);
    if (axis == kTokensFirst)
      cache = findCacheBefore(before);
    if (!llvm::is_contained(caches, cache) || getDims(before)[axis] != past ||
        getDims(tokens)[axis] != this->tokens)
      return std::nullopt;
    return Append{cache, concat, tokens, axis == kHeadsFirst};
  }
  auto update = value.getDefiningOp<UpdateOp>();
  if (!update || axis != kTokensFirst || getDims(update.getInput())[kTokensFirst] != tokens)
    return std::nullopt;
  auto rows = getIndexExpr(update.getSequences()), start = getIndexExpr(update.getStart());
  BlockArgument cache = findCacheBefore(update.getState());
  Dim one = getAffineConstantExpr(getConstant(batch) == 1 ? 0 : 1, value.getContext());
  if (!cache || !rows || getConstant(rows->offset) != 0 || rows->strides[0] != one || !start ||
      getConstant(start->strides[0]) != 0 || start->offset != past)
    return std::nullopt;
  return Append{cache, update, update.getInput(), /*headsFirst=*/false};
}

} // namespace halftone::graph
