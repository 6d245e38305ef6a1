//===- BuildStep.cpp - values become buffers, with barriers and an arena ----===//

#include "passes/Kernels/Passes.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

namespace halftone::kernels {
#define GEN_PASS_DEF_BUILDSTEP
#include "passes/Kernels/Passes.h.inc"
} // namespace halftone::kernels

using namespace mlir;
using namespace halftone;

namespace {

/// Vectors, cache lines and AMX tile rows are all 64 bytes.
constexpr int64_t kAlignment = 64;

/// More than any machine maps: sums of sizes up to here cannot overflow.
constexpr int64_t kMaxBytes = int64_t(1) << 46;

int64_t multiplySaturated(int64_t x, int64_t y) {
  int64_t product;
  if (!llvm::MulOverflow(x, y, product))
    return product;
  return (x < 0) == (y < 0) ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

/// A value in the arena: live in epochs [first, last], at `offset` once placed.
struct Lifetime {
  Value value;
  int64_t bytes;
  unsigned first, last;
  int64_t offset = 0;
};

int64_t getElementBytes(Type type) { return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8); }

/// The value whose bytes `value` names.
Value skipViews(Value value) {
  while (auto view = value.getDefiningOp<ht::ReshapeOp>())
    value = view.getInput();
  return value;
}

/// Smallest and largest value of a dimension for all runs. Most dimensions are
/// largest at the symbols' maxima; `512 - s0` and `s0 mod 8` are not.
std::pair<int64_t, int64_t> getRange(ht::Dim dim, ArrayRef<ht::SymbolAttr> symbols) {
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
int64_t getMaxElements(RankedTensorType type, ArrayRef<ht::SymbolAttr> symbols) {
  int64_t elements = 1;
  for (ht::Dim dim : ht::getDims(type))
    elements = multiplySaturated(elements, std::max<int64_t>(0, getRange(dim, symbols).second));
  return elements;
}

/// Epochs and arena offsets of a graph of launches.
class Plan {
public:
  explicit Plan(func::FuncOp function) {
    assignEpochs(function);
    collectLifetimes(function, ht::getSymbols(function));
    place();
  }

  unsigned getEpoch(Operation *launch) const { return epochs.lookup(launch); }
  int64_t getOffset(Value value) const { return offsets.lookup(value); }
  int64_t getArenaBytes() const { return arenaBytes; }
  /// The sizes that the symbols' bounds allow cannot be planned.
  bool isTooLarge() const { return tooLarge || arenaBytes > kMaxBytes; }

private:
  void assignEpochs(func::FuncOp function) {
    unsigned epoch = 0;
    for (auto launch : function.getOps<htk::LaunchOp>()) {
      for (Value input : launch.getInputs())
        if (Operation *producer = skipViews(input).getDefiningOp<htk::LaunchOp>())
          if (getEpoch(producer) == epoch)
            ++epoch;
      epochs[launch] = epoch;
    }
  }

  void collectLifetimes(func::FuncOp function, ArrayRef<ht::SymbolAttr> symbols) {
    llvm::SmallPtrSet<Value, 4> returned;
    for (Value result : function.getBody().front().getTerminator()->getOperands())
      returned.insert(skipViews(result));
    llvm::DenseMap<Value, unsigned> index;
    for (auto launch : function.getOps<htk::LaunchOp>()) {
      unsigned epoch = getEpoch(launch);
      for (Value input : launch.getInputs())
        if (auto it = index.find(skipViews(input)); it != index.end())
          lifetimes[it->second].last = epoch;
      for (Value result : launch.getResults()) {
        if (returned.contains(result))
          continue;
        auto type = cast<RankedTensorType>(result.getType());
        int64_t elements = std::max<int64_t>(1, getMaxElements(type, symbols));
        index[result] = lifetimes.size();
        int64_t bytes = multiplySaturated(elements, getElementBytes(type.getElementType()));
        tooLarge |= bytes > kMaxBytes;
        lifetimes.push_back({result, std::min(bytes, kMaxBytes), epoch, epoch});
      }
    }
  }

  /// First fit by decreasing size: near optimal for the few sizes that layers repeat.
  void place() {
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
        offset = std::max(offset, static_cast<int64_t>(llvm::alignTo(other->offset + other->bytes, kAlignment)));
      }
      lifetime->offset = offset;
      offsets[lifetime->value] = offset;
      arenaBytes = std::max(arenaBytes, static_cast<int64_t>(llvm::alignTo(offset + lifetime->bytes, kAlignment)));
      auto at = llvm::upper_bound(placed, offset, [](int64_t key, Lifetime *other) { return key < other->offset; });
      placed.insert(at, lifetime);
    }
  }

  llvm::DenseMap<Operation *, unsigned> epochs;
  SmallVector<Lifetime> lifetimes;
  llvm::DenseMap<Value, int64_t> offsets;
  int64_t arenaBytes = 0;
  bool tooLarge = false;
};

/// Writes the step function for a planned graph.
class StepBuilder {
public:
  StepBuilder(func::FuncOp graph, const Plan &plan) : graph(graph), plan(plan), builder(graph.getContext()) {}

  func::FuncOp build() {
    MLIRContext *context = graph.getContext();
    Location loc = graph.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(context);
    builder.setInsertionPointAfter(graph);
    auto function =
        func::FuncOp::create(builder, loc, "step", builder.getFunctionType({pointer, builder.getIndexType()}, {}));
    function->setAttr(htk::HTKDialect::kArenaBytesAttr, builder.getI64IntegerAttr(plan.getArenaBytes()));
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToEnd(block);
    step = block->getArgument(0);
    thread = block->getArgument(1);

    for (auto [i, argument] : llvm::enumerate(graph.getArguments()))
      buffers[argument] = htk::InputOp::create(builder, argument.getLoc(), htk::getBufferType(argument.getType()), step, i);
    for (auto [i, result] : llvm::enumerate(graph.getBody().front().getTerminator()->getOperands()))
      buffers[skipViews(result)] =
          htk::OutputOp::create(builder, loc, htk::getBufferType(result.getType()), step, i);

    unsigned epoch = 0;
    for (auto launch : graph.getOps<htk::LaunchOp>()) {
      if (plan.getEpoch(launch) != epoch) {
        htk::BarrierOp::create(builder, launch.getLoc(), step, thread);
        epoch = plan.getEpoch(launch);
      }
      SmallVector<Value> inputs, outputs;
      for (Value input : launch.getInputs())
        inputs.push_back(getBuffer(skipViews(input)));
      for (Value result : launch.getResults())
        outputs.push_back(getBuffer(result));
      htk::LaunchOp::create(builder, launch.getLoc(), TypeRange(), launch.getCallee(), inputs, outputs, step, thread);
    }
    func::ReturnOp::create(builder, loc);
    return function;
  }

private:
  Value getBuffer(Value value) {
    Value &buffer = buffers[value];
    if (!buffer) {
      MemRefType type = htk::getBufferType(value.getType());
      if (auto weight = value.getDefiningOp<ht::GetWeightOp>())
        buffer = htk::PayloadOp::create(builder, value.getLoc(), type, step, weight.getNameAttr());
      else
        buffer = htk::ArenaOp::create(builder, value.getLoc(), type, step, plan.getOffset(value));
    }
    return buffer;
  }

  func::FuncOp graph;
  const Plan &plan;
  OpBuilder builder;
  Value step, thread;
  llvm::DenseMap<Value, Value> buffers;
};

/// Payload offsets in order of first use; weights that nothing uses are dropped.
void placeWeights(ModuleOp module, func::FuncOp graph) {
  SymbolTable symbols(module);
  Builder builder(module.getContext());
  int64_t offset = 0;
  llvm::SmallPtrSet<Operation *, 16> used;
  for (auto get : graph.getOps<ht::GetWeightOp>()) {
    auto weight = symbols.lookup<ht::WeightOp>(get.getName());
    if (!used.insert(weight).second)
      continue;
    weight->setAttr(htk::HTKDialect::kPayloadOffsetAttr, builder.getI64IntegerAttr(offset));
    int64_t bytes = weight.getWeightType().getNumElements() * getElementBytes(weight.getWeightType().getElementType());
    offset = llvm::alignTo(offset + bytes, kAlignment);
  }
  for (auto weight : llvm::make_early_inc_range(module.getOps<ht::WeightOp>()))
    if (!used.contains(weight))
      weight.erase();
}

struct BuildStepPass : kernels::impl::BuildStepBase<BuildStepPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto graph = module.lookupSymbol<func::FuncOp>("main");
    if (!graph) {
      module.emitError() << "expected a graph function @main";
      return signalPassFailure();
    }
    for (Operation &op : graph.getBody().front())
      if (!isa<htk::LaunchOp, ht::GetWeightOp, ht::ReshapeOp, func::ReturnOp>(op)) {
        op.emitOpError() << "is not in a kernel: run htk-form-kernels and htk-outline-kernels first";
        return signalPassFailure();
      }

    placeWeights(module, graph);
    Plan plan(graph);
    if (plan.isTooLarge()) {
      graph.emitError() << "values of the largest shapes need more than " << (kMaxBytes >> 40)
                        << " TiB: give the dynamic dimensions smaller maxima (--max)";
      return signalPassFailure();
    }
    StepBuilder(graph, plan).build();

    // The signature stays as a declaration: emission describes inputs and outputs by it.
    graph.eraseBody();
    graph.setPrivate();
  }
};

} // namespace
