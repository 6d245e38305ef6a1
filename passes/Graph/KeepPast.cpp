//===- KeepPast.cpp - keys and values of earlier tokens become states -------===//
//
// The rewrite is made on a copy of the graph. It takes the place of the graph if nothing in
// it depends on the earlier tokens any more but through a state, and how many those are; so
// no condition has to be foreseen that a graph might break.
//
//===----------------------------------------------------------------------===//

#include "passes/Graph/Passes.h"
#include "passes/Graph/PastTokens.h"
#include "passes/Graph/Raise.h"
#include "passes/Graph/TokenWise.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace halftone::graph {
#define GEN_PASS_DEF_KEEPPAST
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

constexpr llvm::StringLiteral kPass = "ht-keep-past";

/// Largest value of a dimension that is a symbol or a constant.
int64_t getLargest(func::FuncOp graph, Dim dim) {
  auto constant = getConstant(dim);
  return constant ? *constant : getSymbols(graph)[cast<AffineSymbolExpr>(dim).getPosition()].getMax();
}

class Keeper {
public:
  /// `graph` is rewritten in place and of no use where `run` fails.
  Keeper(func::FuncOp graph, const PastInterface &past)
      : graph(graph), past(past), b(graph.getContext()), block(graph.getBody().front()),
        context(getLargest(graph, past.past) + getLargest(graph, past.tokens)) {}

  /// False, with the `reason`, where something still depends on the earlier tokens.
  bool run();

  int64_t getContext() const { return context; }
  std::string reason;

private:
  bool refuse(const Twine &why, Operation *op = nullptr) {
    reason = (why + (op ? ": " + describe(op) : "")).str();
    return false;
  }
  Value addArgument(StringRef name, Dims dims);
  bool keepCaches();
  bool attendStates();
  bool attendStates(AttentionOp attention);
  void selectWanted();
  bool countFromStart();
  Value makePositions(OpOperand &use, const IndexExpr &positions);
  bool widenUsers(Value value);
  bool widen(OpOperand &use);
  void boundContext(OpOperand &use, const IndexExpr &positions);
  bool checkNothingIsLeft();
  void setSignature();

  /// A cache that is a state now.
  struct State {
    unsigned result; ///< of the graph, the present
    Value tokens;    ///< [batch, tokens, heads, d], as the graph has them
    Value argument, updated;
  };

  func::FuncOp graph;
  const PastInterface past;
  OpBuilder b;
  Block &block;
  int64_t context;
  llvm::MapVector<Value, State> states; ///< by cache
  Value ids, sequences, start, wanted;
};

Value Keeper::addArgument(StringRef name, Dims dims) {
  Location loc = NameLoc::get(b.getStringAttr(name), graph.getLoc());
  return block.addArgument(getTensorType(dims, b.getI64Type()), loc);
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

/// Each cache that comes back with the new tokens is updated by them.
bool Keeper::keepCaches() {
  Operation *terminator = block.getTerminator();
  for (auto [i, present] : llvm::enumerate(terminator->getOperands())) {
    if (i == past.logits)
      continue;
    std::string name = getOutputName(graph, i);
    auto append = past.findAppend(present, PastInterface::kHeadsFirst);
    if (!append)
      append = past.findAppend(present, PastInterface::kTokensFirst);
    if (!append)
      return refuse("its output \"" + name + "\" is no input with the new tokens behind its own");
    if (append->cache.getType() == present.getType() || !states.try_emplace(append->cache).second)
      return refuse("its output \"" + name + "\" is of a cache that is another output, too");
    b.setInsertionPointAfter(append->op);
    State &state = states[append->cache];
    state.result = i;
    state.tokens = append->tokens;
    Location loc = append->op->getLoc();
    Value tokens =
        append->headsFirst ? graph::transpose(b, loc, append->tokens, {0, 2, 1, 3}) : append->tokens;
    auto type = cast<RankedTensorType>(tokens.getType());
    if (!type.getElementType().isF32())
      tokens = CastOp::create(b, loc, withElementType(type, b.getF32Type()), tokens);
    Dims dims = getDims(type);
    auto kept = RankedTensorType::get(
        {getLargest(graph, past.batch), context, *getConstant(dims[2]), *getConstant(dims[3])},
        b.getF32Type());
    state.argument = block.addArgument(kept, append->cache.getLoc());
    state.updated = UpdateOp::create(b, loc, kept, state.argument, tokens, sequences, start);
  }
  for (BlockArgument cache : past.caches)
    if (!states.contains(cache))
      return refuse("its input \"" + getInputName(graph, cache.getArgNumber()) +
                    "\" does not come back with the new tokens as an output");
  for (auto &[cache, state] : states)
    terminator->setOperand(state.result, state.updated);
  return true;
}

/// Attention over a cache and the new tokens attends the state.
bool Keeper::attendStates() {
  SmallVector<AttentionOp> attentions(graph.getOps<AttentionOp>());
  for (AttentionOp attention : attentions)
    if (past.isOfPast(getDims(attention.getKey())[1]) && !attendStates(attention))
      return false;
  return true;
}

bool Keeper::attendStates(AttentionOp attention) {
  SmallVector<Value> kept;
  for (Value operand : {attention.getKey(), attention.getValue()}) {
    auto append = past.findAppend(operand, PastInterface::kTokensFirst);
    State *state = append ? &states[append->cache] : nullptr;
    if (!state || state->tokens != append->tokens)
      return refuse("its keys or values are no output", attention);
    kept.push_back(state->updated);
  }
  auto isRow = [&](Value value) {
    auto expr = past.getIndexExpr(value);
    return expr && expr->offset == past.past &&
           llvm::all_of(expr->strides, [](Dim stride) { return getConstant(stride) == 0; });
  };
  Dims query = getDims(attention.getQuery()), key = getDims(attention.getKey());
  if (!attention.getCausal() || attention.getSequences() ||
      !(attention.getStart() ? isRow(attention.getStart()) : normalize(key[1] - query[1]) == past.past))
    return refuse("it must attend the tokens up to each", attention);
  if ((attention.getMask() && past.getTruth(attention.getMask()) != true) || attention.getBias())
    return refuse("it must attend all of these where nothing is padding", attention);

  b.setInsertionPoint(attention);
  Location loc = attention.getLoc();
  Value operand = attention.getQuery();
  auto type = cast<RankedTensorType>(attention.getType());
  if (!getElementTypeOrSelf(operand).isF32())
    operand = CastOp::create(
        b, loc, withElementType(cast<RankedTensorType>(operand.getType()), b.getF32Type()), operand);
  Value result = AttentionOp::create(b, loc, withElementType(type, b.getF32Type()), operand, kept[0], kept[1],
                                     sequences, start, /*mask=*/Value(), /*bias=*/Value(),
                                     attention.getScaleAttr(), b.getUnitAttr(), attention.getSoftcapAttr(),
                                     /*uniform=*/UnitAttr(), attention.getWindowAttr());
  if (result.getType() != type)
    result = CastOp::create(b, loc, type, result);
  attention.replaceAllUsesWith(result);
  attention.erase();
  return true;
}

//===----------------------------------------------------------------------===//
// Wanted tokens
//===----------------------------------------------------------------------===//

/// The operand that `op` makes its result of token by token, where that is all it reads of tokens.
OpOperand *getTokens(Operation *op) {
  if (!isa<LinearOp, RMSNormOp, LayerNormOp>(op) && !isElementwise(op))
    return nullptr;
  OpOperand *tokens = nullptr;
  for (OpOperand &operand : op->getOpOperands()) {
    Dims dims = getDims(operand.get());
    if (dims.size() <= 1 && llvm::all_of(dims, [](Dim dim) { return getConstant(dim).has_value(); }))
      continue;
    if (isa<LinearOp>(op) && operand.getOperandNumber() > 0)
      continue;
    if (tokens || dims.size() != 3)
      return nullptr;
    tokens = &operand;
  }
  return tokens;
}

/// Of most tokens nobody wants to know what comes next: the head is computed for the wanted ones.
void Keeper::selectWanted() {
  Operation *terminator = block.getTerminator();
  OpOperand *at = &terminator->getOpOperand(past.logits);
  SmallVector<OpOperand *> head;
  while (Operation *op = at->get().getDefiningOp()) {
    OpOperand *tokens = at->get().hasOneUse() ? getTokens(op) : nullptr;
    if (!tokens)
      break;
    head.push_back(tokens);
    at = tokens;
  }
  Value x = at->get();
  b.setInsertionPoint(head.empty() ? terminator : head.back()->getOwner());
  Location loc = NameLoc::get(b.getStringAttr("wanted"), graph.getLoc());
  Dims dims = getDims(x);
  x = graph::reshape(b, loc, x, {normalize(dims[0] * dims[1]), dims[2]});
  x = GatherOp::create(b, loc, x, wanted, b.getI64IntegerAttr(0));
  for (OpOperand *tokens : llvm::reverse(head)) {
    tokens->set(x);
    Value result = tokens->getOwner()->getResult(0);
    result.setType(getTensorType({getDims(wanted)[0], getDims(result)[2]}, getElementTypeOrSelf(result)));
    x = result;
  }
  if (!getElementTypeOrSelf(x).isF32()) {
    b.setInsertionPoint(terminator);
    x = CastOp::create(b, loc, withElementType(cast<RankedTensorType>(x.getType()), b.getF32Type()), x);
  }
  terminator->setOperand(past.logits, x);
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// Integers that count from the number of earlier tokens do so for each row by itself.
bool Keeper::countFromStart() {
  llvm::DenseMap<OpOperand *, IndexExpr> counting;
  for (Operation &op : block.without_terminator()) {
    // What is computed of it is asked for instead, where that counts as well.
    if (op.getNumResults() == 1 && past.getIndexExpr(op.getResult(0)))
      continue;
    for (OpOperand &use : op.getOpOperands())
      if (auto expr = past.getIndexExpr(use.get()); expr && past.isOfPast(expr->offset))
        counting.try_emplace(&use, *expr);
  }
  llvm::DenseMap<Value, Value> made;
  auto ops = llvm::map_to_vector(block.without_terminator(), [](Operation &op) { return &op; });
  for (Operation *op : llvm::reverse(ops)) {
    // Such as a choice that was known.
    if (isOpTriviallyDead(op)) {
      op->erase();
      continue;
    }
    for (OpOperand &use : op->getOpOperands()) {
      auto expr = counting.find(&use);
      if (expr == counting.end())
        continue;
      Value &positions = made[use.get()];
      if (!positions)
        positions = makePositions(use, expr->second);
      if (!positions)
        return false;
      boundContext(use, expr->second);
      bool isWider = use.get().getType() != positions.getType();
      use.set(positions);
      if (isWider && !widen(use))
        return false;
    }
  }
  return true;
}

Value Keeper::makePositions(OpOperand &use, const IndexExpr &positions) {
  Value value = use.get();
  Dims dims = getDims(value);
  Dim rest = normalize(positions.offset - past.past), one = getAffineConstantExpr(1, b.getContext());
  auto isKnown = [](Dim stride) { return getConstant(stride).has_value(); };
  // The same for all sequences becomes one for each.
  if (!dims.empty() && dims[0] != past.batch && getConstant(dims[0]) == 1)
    dims[0] = past.batch;
  else if (dims.size() == 1 && dims[0] != past.batch)
    dims.insert(dims.begin(), past.batch);
  if (dims.empty() || dims[0] != past.batch || past.isOfPast(rest) ||
      llvm::any_of(dims, [&](Dim dim) { return past.isOfPast(dim); }) ||
      !llvm::all_of(positions.strides, isKnown)) {
    refuse("it counts earlier tokens, but not for each sequence", use.getOwner());
    return {};
  }
  if (Operation *op = value.getDefiningOp())
    b.setInsertionPointAfter(op);
  else
    b.setInsertionPointToStart(&block);
  Location loc = use.getOwner()->getLoc();
  Dims column(dims.size(), one);
  column[0] = dims[0];
  Value count = graph::reshape(b, loc, start, column);
  for (auto [axis, stride] : llvm::enumerate(positions.alignedTo(dims.size()).strides)) {
    if (getConstant(stride) == 0)
      continue;
    Dims along(dims.size(), one);
    along[axis] = dims[axis];
    Value steps = IotaOp::create(b, loc, getTensorType(dims[axis], b.getI64Type()), 0, *getConstant(stride));
    count = AddOp::create(b, loc, count, graph::reshape(b, loc, steps, along));
  }
  if (getConstant(rest) != 0) {
    auto scalar = RankedTensorType::get({}, b.getI64Type());
    count = AddOp::create(b, loc, count, DimOp::create(b, loc, scalar, DimsAttr::get(b.getContext(), rest)));
  }
  if (getElementTypeOrSelf(value) != b.getI64Type())
    count = CastOp::create(
        b, loc, withElementType(cast<RankedTensorType>(count.getType()), getElementTypeOrSelf(value)), count);
  Type type = getTensorType(dims, getElementTypeOrSelf(value));
  return count.getType() == type ? count : BroadcastOp::create(b, loc, type, count);
}

/// What is computed of `value`, which has got a row for each sequence, has so as well.
bool Keeper::widenUsers(Value value) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) { return widen(use); });
}

bool Keeper::widen(OpOperand &use) {
  Operation *op = use.getOwner();
  Dims dims;
  auto gather = dyn_cast<GatherOp>(op);
  if (isa<RopeOp>(op) && use.getOperandNumber() > 0)
    return getDims(use.get()).size() == 3 || refuse("positions of each sequence do not fit", op);
  if (isElementwise(op)) {
    for (Value operand : op->getOperands())
      if (auto wider = broadcast(dims, getDims(operand)))
        dims = *wider;
      else
        return refuse("positions of each sequence do not fit", op);
  } else if (use.getOperandNumber() == 1 && (isa<EmbeddingOp>(op) || (gather && gather.getAxis() == 0))) {
    dims = getDims(use.get());
    Dims table = getDims(op->getOperand(0));
    dims.append(table.begin() + 1, table.end());
  } else if (isa<ReshapeOp>(op)) {
    dims = getDims(op->getResult(0));
    if (getConstant(dims.front()) != 1)
      dims.insert(dims.begin(), past.batch);
    dims.front() = past.batch;
  } else {
    return refuse("it counts earlier tokens, but not for each sequence", op);
  }
  Value result = op->getResult(0);
  if (dims == getDims(result))
    return true;
  result.setType(getTensorType(dims, getElementTypeOrSelf(result)));
  return widenUsers(result);
}

/// A table of positions has a row for each token of the context.
void Keeper::boundContext(OpOperand &use, const IndexExpr &positions) {
  auto gather = dyn_cast<GatherOp>(use.getOwner());
  bool isTable = isa<EmbeddingOp>(use.getOwner()) || (gather && gather.getAxis() == 0);
  auto first = getConstant(normalize(positions.offset - past.past));
  auto rows = isTable && use.getOperandNumber() == 1 ? getConstant(getDims(use.getOwner()->getOperand(0))[0])
                                                     : std::nullopt;
  if (!rows || !first || *rows - *first >= context)
    return;
  context = std::max<int64_t>(*rows - *first, 1);
  remark::passed(use.getOwner()->getLoc(), remark::RemarkOpts::name("context").category(kPass))
      << ("a context of " + Twine(context) + ": the table of positions has " + Twine(*rows) + " rows").str();
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

bool Keeper::checkNothingIsLeft() {
  for (BlockArgument argument : past.caches)
    if (!argument.use_empty()) {
      Operation *reader = *argument.user_begin();
      while (isa<ConcatOp, SliceOp, TransposeOp, UpdateOp, WhereOp>(reader) && !reader->use_empty())
        reader = *reader->user_begin();
      return refuse("something else than attention reads keys or values of earlier tokens", reader);
    }
  if (past.mask && !past.mask.use_empty())
    return refuse("something else than attention reads the attention_mask", *past.mask.user_begin());
  for (Operation &op : block)
    for (Type type : op.getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type);
          tensor && llvm::any_of(getDims(tensor), [&](Dim dim) { return past.isOfPast(dim); }))
        return refuse("its shape depends on the number of earlier tokens", &op);
  for (Operation &op : block)
    for (NamedAttribute attribute : op.getAttrs())
      if (auto dims = dyn_cast<DimsAttr>(attribute.getValue()))
        if (llvm::any_of(dims.getExprs(), [&](Dim dim) { return past.isOfPast(dim); }))
          return refuse("it depends on the number of earlier tokens", &op);
  for (RopeOp rope : graph.getOps<RopeOp>())
    if (rope.getCos().getType() != rope.getSin().getType())
      return refuse("its cosines and sines are not of the same positions", rope);
  // Rows are padded behind their tokens, and long texts are read in parts.
  if (Operation *mixer = findTokenMixer(block, past.batch, past.tokens))
    return refuse("tokens must meet in attention alone", mixer);
  return true;
}

/// Four inputs and the states; logits and these.
void Keeper::setSignature() {
  auto named = [&](StringRef name, bool isState) {
    SmallVector<NamedAttribute> attributes = {b.getNamedAttr(HTDialect::kNameAttr, b.getStringAttr(name))};
    if (isState)
      attributes.push_back(b.getNamedAttr(HTDialect::kStateAttr, b.getUnitAttr()));
    return b.getDictionaryAttr(attributes);
  };
  SmallVector<DictionaryAttr> arguments, results;
  for (StringRef name : {"input_ids", "sequences", "start", "wanted"})
    arguments.push_back(named(name, false));
  Operation *terminator = block.getTerminator();
  SmallVector<Value> returned = {terminator->getOperand(past.logits)};
  results.push_back(named("logits", false));
  for (auto &[cache, state] : states) {
    DictionaryAttr kept = named(getInputName(graph, cast<BlockArgument>(cache).getArgNumber()), true);
    arguments.push_back(kept);
    results.push_back(kept);
    returned.push_back(state.updated);
    // The context may have become less since they were made.
    for (Value value : {state.argument, state.updated}) {
      SmallVector<int64_t> shape(cast<RankedTensorType>(value.getType()).getShape());
      shape[1] = context;
      value.setType(RankedTensorType::get(shape, b.getF32Type()));
    }
  }
  terminator->setOperands(returned);
  unsigned old = graph.getNumArguments();
  block.eraseArguments(0, old);
  graph.setFunctionType(b.getFunctionType(block.getArgumentTypes(), terminator->getOperandTypes()));
  graph.setAllArgAttrs(arguments);
  graph.setAllResultAttrs(results);

  // No size depends on the past any more: the symbol's place is that of the wanted tokens.
  SmallVector<SymbolAttr> symbols = getSymbols(graph);
  int64_t batch = getLargest(graph, past.batch), tokens = std::min(getLargest(graph, past.tokens), context);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(past.tokens)) {
    SymbolAttr &attr = symbols[symbol.getPosition()];
    attr = SymbolAttr::get(b.getContext(), attr.getName(), std::min(attr.getMin(), tokens), tokens);
  }
  symbols[cast<AffineSymbolExpr>(past.past).getPosition()] =
      SymbolAttr::get(b.getContext(), "wanted", 1, batch * tokens);
  graph->setAttr(HTDialect::kSymbolsAttr,
                 b.getArrayAttr(SmallVector<Attribute>(symbols.begin(), symbols.end())));
}

bool Keeper::run() {
  for (auto [i, symbol] : llvm::enumerate(getSymbols(graph)))
    if (Dim dim = getAffineSymbolExpr(i, b.getContext());
        dim != past.batch && dim != past.tokens && dim != past.past)
      return refuse("its dimension \"" + symbol.getName() + "\" is neither of sequences nor of tokens");
  Value given = past.ids;
  ids = addArgument("input_ids", {past.batch, past.tokens});
  sequences = addArgument("sequences", {past.batch});
  start = addArgument("start", {past.batch});
  wanted = addArgument("wanted", {past.past});
  if (given.getType() != ids.getType()) {
    b.setInsertionPointToStart(&block);
    given.replaceAllUsesWith(CastOp::create(b, ids.getLoc(), given.getType(), ids));
  } else {
    given.replaceAllUsesWith(ids);
  }
  if (!keepCaches() || !attendStates())
    return false;
  eraseDeadOps(block);
  if (!countFromStart() || !checkNothingIsLeft())
    return false;
  selectWanted();
  setSignature();
  return true;
}

struct KeepPast : graph::impl::KeepPastBase<KeepPast> {
  void runOnOperation() override {
    func::FuncOp graph = getOperation();
    if (graph.isExternal())
      return;
    std::string reason;
    auto options = remark::RemarkOpts::name("past").category(kPass).function(graph.getName());
    auto leave = [&] {
      if (reason.empty())
        return; // It is no decoder.
      remark::missed(graph.getLoc(), options) << reason;
      graph.emitWarning()
          << "keys and values of earlier tokens stay inputs and outputs of the program, which will not "
             "write text: "
          << reason;
    };
    auto past = PastInterface::find(graph, reason);
    if (!past)
      return leave();
    OwningOpRef<func::FuncOp> copy = graph.clone();
    past = PastInterface::find(*copy, reason);
    Keeper keeper(*copy, *past);
    if (!keeper.run()) {
      reason = keeper.reason;
      return leave();
    }
    graph.getBody().takeBody(copy->getBody());
    graph->setAttrs((*copy)->getAttrDictionary());
    remark::passed(graph.getLoc(), options)
        << ("keys and values of up to " + Twine(keeper.getContext()) + " tokens are states").str();
  }
};

} // namespace
