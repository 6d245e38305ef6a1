//===- NarrowStates.cpp - keys and values kept in fewer bits ----------------===//
//
// What an attention reads of earlier tokens grows with the text, and at a few thousand
// tokens is as much to read as the weights of a small model. A row of a token's head is
// quantized by itself when the token comes: nothing that is kept changes later.
//
//===----------------------------------------------------------------------===//

#include "passes/Quantize/Passes.h"

#include "dialects/HTK/States.h"
#include "dialects/HTQ/Formats.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/STLExtras.h"

namespace halftone::quantize {
#define GEN_PASS_DEF_NARROWSTATES
#include "passes/Quantize/Passes.h.inc"
} // namespace halftone::quantize

using namespace mlir;
using namespace halftone;

namespace {

constexpr llvm::StringLiteral kPass = "htq-narrow-states";

/// Keys or values of an attention: the new tokens' f32 go into a state, which it reads.
struct Cache {
  unsigned argument, result; ///< of the graph
  ht::UpdateOp update;
};

/// Puts states of a format, and their updates, in the place of caches.
class Narrower {
public:
  Narrower(func::FuncOp graph, htq::FormatAttr format) : graph(graph), format(format) {}

  void narrow(const Cache &cache) {
    ht::UpdateOp update = cache.update;
    OpBuilder builder(update);
    Location loc = update.getLoc();
    auto wide = cast<RankedTensorType>(update.getType());
    SmallVector<Value> kept;
    Value value;
    if (auto plain = dyn_cast<TypeAttr>(format.getTerm())) {
      Type element = plain.getValue();
      auto input = cast<RankedTensorType>(update.getInput().getType());
      Value narrowed = ht::CastOp::create(builder, loc, ht::withElementType(input, element), update.getInput());
      kept = keep(builder, cache, {narrowed}, {ht::withElementType(wide, element)});
      value = ht::CastOp::create(builder, loc, wide, kept.front());
    } else {
      auto term = cast<htq::AffineAttr>(htq::withRank(format.getTerm(), wide.getRank()));
      auto input = cast<RankedTensorType>(update.getInput().getType());
      auto leaves = htq::DynamicQuantizeOp::create(builder, loc, htq::getQuantizedTypes(term, input), *format.getRule(),
                                                   term, update.getInput(), Value());
      kept = keep(builder, cache, leaves.getResults(), htq::getQuantizedTypes(term, wide));
      value = htq::DequantizeOp::create(builder, loc, wide, term, kept);
    }
    update.getResult().replaceUsesWithIf(value, [](OpOperand &use) { return isa<ht::AttentionOp>(use.getOwner()); });
    update.erase();
    remark::passed(loc, remark::RemarkOpts::name("state").category(kPass))
        << "\"" + ht::getInputName(graph, cache.argument) + "\" is kept as " +
               htq::getName(format, htq::Use::Activations);
  }

private:
  /// Updates of states of these types by `inputs`: the first takes the place of the cache's, others come last.
  SmallVector<Value> keep(OpBuilder &builder, const Cache &cache, ValueRange inputs, TypeRange types) {
    static constexpr const char *kNames[] = {"", ".scale", ".zero"};
    ht::UpdateOp update = cache.update;
    Operation *terminator = graph.getBody().front().getTerminator();
    std::string name = ht::getInputName(graph, cache.argument);
    SmallVector<Value> kept;
    for (auto [i, input, type] : llvm::enumerate(inputs, types)) {
      Value state = update.getState();
      if (i == 0) {
        state.setType(type);
      } else {
        auto named = builder.getDictionaryAttr(
            {builder.getNamedAttr(ht::HTDialect::kNameAttr, builder.getStringAttr(name + kNames[i])),
             builder.getNamedAttr(ht::HTDialect::kStateAttr, builder.getUnitAttr())});
        unsigned argument = graph.getNumArguments(), result = graph.getNumResults();
        (void)graph.insertArgument(argument, type, named, update.getLoc());
        (void)graph.insertResult(result, type, named);
        state = graph.getArgument(argument);
      }
      kept.push_back(ht::UpdateOp::create(builder, update.getLoc(), type, state, input, update.getSequences(),
                                          update.getStart()));
      if (i == 0)
        terminator->setOperand(cache.result, kept.front());
      else
        terminator->insertOperands(terminator->getNumOperands(), kept.back());
    }
    graph.setFunctionType(FunctionType::get(graph.getContext(), graph.getBody().front().getArgumentTypes(),
                                            terminator->getOperandTypes()));
    return kept;
  }

  func::FuncOp graph;
  htq::FormatAttr format;
};

/// Null if this is what an attention keeps of its keys or values, else the reason.
const char *whyNotNarrow(func::FuncOp graph, const htk::State &state, Cache &cache) {
  BlockArgument argument = graph.getArgument(state.argument);
  Operation *terminator = graph.getBody().front().getTerminator();
  cache = {state.argument, state.result, {}};
  if (!argument.hasOneUse() || !(cache.update = dyn_cast<ht::UpdateOp>(*argument.user_begin())) ||
      cache.update.getState() != argument)
    return "no tokens are written to it, or something reads it before";
  if (!getElementTypeOrSelf(argument.getType()).isF32() || cast<RankedTensorType>(argument.getType()).getRank() != 4)
    return "it is no f32 of sequences, tokens, heads and channels";
  if (terminator->getOperand(state.result) != cache.update.getResult())
    return "it becomes something else than its update";
  for (OpOperand &use : cache.update.getResult().getUses()) {
    auto attention = dyn_cast<ht::AttentionOp>(use.getOwner());
    bool isReturn = use.getOwner() == terminator && use.getOperandNumber() == state.result;
    if (!isReturn && (!attention || (use.get() != attention.getKey() && use.get() != attention.getValue())))
      return "something else than an attention reads it";
  }
  return nullptr;
}

struct NarrowStatesPass : quantize::impl::NarrowStatesBase<NarrowStatesPass> {
  using NarrowStatesBase::NarrowStatesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::string error;
    auto parsed = htq::parseFormat(format, &getContext(), error);
    if (succeeded(parsed) && !canKeep(*parsed)) {
      parsed = failure();
      error = "states are kept as f32, f16, bf16, or codes of whole bytes with a scale, such as int8; not as '" +
              format + "'";
    }
    if (failed(parsed)) {
      module.emitError() << error;
      return signalPassFailure();
    }
    auto graph = module.lookupSymbol<func::FuncOp>("main");
    bool isF32 = (*parsed).getTerm() == TypeAttr::get(Float32Type::get(&getContext()));
    if (!graph || graph.isDeclaration() || isF32)
      return;
    Narrower narrower(graph, *parsed);
    SmallVector<Cache> caches;
    for (const htk::State &state : htk::getStates(graph)) {
      Cache cache;
      if (const char *reason = whyNotNarrow(graph, state, cache))
        remark::missed(graph.getLoc(), remark::RemarkOpts::name("state").category(kPass))
            << "\"" + ht::getInputName(graph, state.argument) + "\" stays as it is: " + reason;
      else
        caches.push_back(cache);
    }
    for (const Cache &cache : caches)
      narrower.narrow(cache);
  }

private:
  /// Codes that take part of a byte would be kept in whole ones.
  static bool canKeep(htq::FormatAttr format) {
    if (auto plain = dyn_cast<TypeAttr>(format.getTerm()))
      return isa<Float32Type, Float16Type, BFloat16Type>(plain.getValue());
    auto affine = dyn_cast<htq::AffineAttr>(format.getTerm());
    auto codes = affine ? dyn_cast<TypeAttr>(affine.getCodes()) : TypeAttr();
    return codes && isa<TypeAttr>(affine.getScale()) && format.getRule() &&
           codes.getValue().getIntOrFloatBitWidth() == 8;
  }
};

} // namespace
