//===- StepPlan.cpp - when launches run and where their values are ----------===//

#include "passes/Kernels/StepPlan.h"

#include "dialects/HTK/States.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;

namespace halftone::kernels {

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static int64_t multiplySaturated(int64_t x, int64_t y) {
  int64_t product;
  if (!llvm::MulOverflow(x, y, product))
    return product;
  return (x < 0) == (y < 0) ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

/// Smallest and largest value of a dimension for all runs. Most dimensions are
/// largest at the symbols' maxima; `512 - s0` and `s0 mod 8` are not.
static std::pair<int64_t, int64_t> getRange(ht::Dim dim, ArrayRef<ht::SymbolAttr> symbols) {
  if (auto constant = ht::getConstant(dim))
    return {*constant, *constant};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim))
    return {symbols[symbol.getPosition()].getMin(), symbols[symbol.getPosition()].getMax()};
  auto binary = cast<AffineBinaryOpExpr>(dim);
  auto [a, b] = getRange(binary.getLHS(), symbols);
  auto [c, d] = getRange(binary.getRHS(), symbols);
  auto overCorners = [&](auto f) { return std::minmax({f(a, c), f(a, d), f(b, c), f(b, d)}); };
  switch (dim.getKind()) {
  case AffineExprKind::Add:
    return {a + c, b + d};
  case AffineExprKind::Mul:
    return overCorners(multiplySaturated);
  case AffineExprKind::Mod:
    return {0, std::max<int64_t>(0, a >= 0 ? std::min(b, d - 1) : d - 1)};
  default:
    // Division is monotone in both operands where the divisor is positive.
    if (c <= 0)
      return {-std::max(std::abs(a), std::abs(b)), std::max(std::abs(a), std::abs(b))};
    if (dim.getKind() == AffineExprKind::FloorDiv)
      return overCorners([](int64_t x, int64_t y) { return llvm::divideFloorSigned(x, y); });
    return overCorners([](int64_t x, int64_t y) { return llvm::divideCeilSigned(x, y); });
  }
}

/// The most elements that a tensor of this type can have.
static int64_t getMaxElements(RankedTensorType type, ArrayRef<ht::SymbolAttr> symbols) {
  int64_t elements = 1;
  for (ht::Dim dim : ht::getDims(type))
    elements = multiplySaturated(elements, std::max<int64_t>(0, getRange(dim, symbols).second));
  return elements;
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// The value whose bytes `value` names.
static Value skipViews(Value value) {
  while (auto view = value.getDefiningOp<ht::ReshapeOp>())
    value = view.getInput();
  return value;
}

/// The operand that a launch of an `ht.update` changes in place; null for others.
static Value getUpdated(htk::LaunchOp launch) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(launch, launch.getCalleeAttr());
  if (!kernel || kernel.isDeclaration())
    return {};
  Operation *yield = kernel.getBody().front().getTerminator();
  auto update = yield->getNumOperands() == 1 ? yield->getOperand(0).getDefiningOp<ht::UpdateOp>() : ht::UpdateOp();
  auto state = update ? dyn_cast<BlockArgument>(update.getState()) : BlockArgument();
  return state ? launch.getInputs()[state.getArgNumber()] : Value();
}

Value StepPlan::getStorage(Value value) const {
  value = skipViews(value);
  Value state = states.lookup(value);
  return state ? state : value;
}

void StepPlan::findStates(func::FuncOp graph) {
  for (auto launch : graph.getOps<htk::LaunchOp>())
    if (Value updated = getUpdated(launch))
      states[launch.getResult(0)] = getStorage(updated);
  Operation *yield = graph.getBody().front().getTerminator();
  for (const htk::State &state : htk::getStates(graph)) {
    Value argument = graph.getArgument(state.argument), result = skipViews(yield->getOperand(state.result));
    if (result != argument)
      states[result] = argument;
  }
}

//===----------------------------------------------------------------------===//
// Epochs
//===----------------------------------------------------------------------===//

LogicalResult StepPlan::assignEpochs(func::FuncOp graph) {
  unsigned epoch = 0;
  llvm::DenseMap<Value, Value> current;      // What a state's memory holds.
  llvm::DenseMap<Value, unsigned> lastRead;  // The epoch that last read it.
  auto isState = [&](Value storage) {
    auto argument = dyn_cast<BlockArgument>(storage);
    return argument && ht::isState(graph, argument.getArgNumber());
  };
  for (auto launch : graph.getOps<htk::LaunchOp>()) {
    Value updated = getUpdated(launch), written;
    if (updated && !isState(getStorage(updated)))
      return launch.emitOpError() << "updates a value that no state of the graph is: it would change its operand";
    for (Value result : launch.getResults())
      if (Value storage = getStorage(result); isState(storage))
        written = storage;
    for (Value input : launch.getInputs()) {
      if (Operation *producer = skipViews(input).getDefiningOp<htk::LaunchOp>(); producer && getEpoch(producer) == epoch)
        ++epoch;
      Value storage = getStorage(input);
      if (!isState(storage))
        continue;
      Value &held = current.try_emplace(storage, storage).first->second;
      if (held != skipViews(input) || (storage == written && input != updated))
        return launch.emitOpError() << "reads a state that has been, or is being, overwritten";
    }
    if (auto read = lastRead.find(written); written && read != lastRead.end() && read->second == epoch)
      ++epoch;
    for (Value input : launch.getInputs())
      if (Value storage = getStorage(input); storage != written)
        lastRead[storage] = epoch;
    if (written)
      current[written] = launch.getResult(0);
    epochs[launch] = epoch;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Arena
//===----------------------------------------------------------------------===//

namespace {

/// A value in the arena: live in epochs [first, last], at `offset` once placed.
struct Lifetime {
  Value value;
  int64_t bytes;
  unsigned first, last;
  int64_t offset = 0;
};

} // namespace

LogicalResult StepPlan::placeInArena(func::FuncOp graph) {
  SmallVector<ht::SymbolAttr> symbols = ht::getSymbols(graph);
  llvm::SmallPtrSet<Value, 4> returned;
  for (Value result : graph.getBody().front().getTerminator()->getOperands())
    returned.insert(skipViews(result));
  SmallVector<Lifetime> lifetimes;
  llvm::DenseMap<Value, unsigned> index;
  bool isTooLarge = false;
  for (auto launch : graph.getOps<htk::LaunchOp>()) {
    unsigned epoch = getEpoch(launch);
    for (Value input : launch.getInputs())
      if (auto it = index.find(skipViews(input)); it != index.end())
        lifetimes[it->second].last = epoch;
    for (Value result : launch.getResults()) {
      if (returned.contains(result) || getStorage(result) != result)
        continue;
      auto type = cast<RankedTensorType>(result.getType());
      int64_t elements = std::max<int64_t>(1, getMaxElements(type, symbols));
      index[result] = lifetimes.size();
      int64_t bytes = multiplySaturated(elements, htk::getStorageBytes(type.getElementType()));
      isTooLarge |= bytes > htk::kMaxBytes;
      lifetimes.push_back({result, std::min(bytes, htk::kMaxBytes), epoch, epoch});
    }
  }

  // First fit by decreasing size: near optimal for the few sizes that layers repeat.
  SmallVector<Lifetime *> order;
  for (Lifetime &lifetime : lifetimes)
    order.push_back(&lifetime);
  llvm::sort(order, [](Lifetime *a, Lifetime *b) { return std::tie(b->bytes, a) < std::tie(a->bytes, b); });
  SmallVector<Lifetime *> placed; // Sorted by offset.
  for (Lifetime *lifetime : order) {
    int64_t offset = 0;
    for (Lifetime *other : placed) {
      if (other->last < lifetime->first || lifetime->last < other->first)
        continue;
      if (offset + lifetime->bytes <= other->offset)
        break;
      offset = std::max(offset, static_cast<int64_t>(llvm::alignTo(other->offset + other->bytes, htk::kAlignment)));
    }
    lifetime->offset = offset;
    offsets[lifetime->value] = offset;
    arenaBytes = std::max(arenaBytes, static_cast<int64_t>(llvm::alignTo(offset + lifetime->bytes, htk::kAlignment)));
    auto at = llvm::upper_bound(placed, offset, [](int64_t key, Lifetime *other) { return key < other->offset; });
    placed.insert(at, lifetime);
  }
  if (!isTooLarge && arenaBytes <= htk::kMaxBytes)
    return success();
  return graph.emitError() << "values of the largest shapes need more than " << (htk::kMaxBytes >> 40)
                           << " TiB: give the dynamic dimensions smaller maxima (--max)";
}

FailureOr<StepPlan> StepPlan::create(func::FuncOp graph) {
  int64_t stateBytes = 0;
  for (const htk::State &state : htk::getStates(graph))
    stateBytes = std::max(stateBytes, state.offset + state.bytes);
  if (stateBytes > htk::kMaxBytes)
    return graph.emitError() << "states need more than " << (htk::kMaxBytes >> 40) << " TiB";
  StepPlan plan;
  plan.findStates(graph);
  if (failed(plan.assignEpochs(graph)) || failed(plan.placeInArena(graph)))
    return failure();
  return plan;
}

} // namespace halftone::kernels
