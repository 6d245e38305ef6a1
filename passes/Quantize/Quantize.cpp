//===- Quantize.cpp - decided formats come true -----------------------------===//

#include "passes/Quantize/Passes.h"

#include "dialects/HTQ/Terms.h"
#include "passes/Graph/Matchers.h"
#include "passes/Quantize/RecipeTerm.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"

namespace halftone::quantize {
#define GEN_PASS_DEF_QUANTIZE
#include "passes/Quantize/Passes.h.inc"
} // namespace halftone::quantize

using namespace mlir;
using namespace halftone;
using namespace halftone::quantize;

namespace {

htq::FormatAttr takeFormat(Operation *op, StringRef name) {
  return cast_or_null<htq::FormatAttr>(op->removeAttr(name));
}

/// Makes the weights that hold a weight's leaves.
class LeafWeights {
public:
  explicit LeafWeights(ModuleOp module) : module(module), symbols(module) {}

  ht::WeightOp lookup(StringRef name) { return symbols.lookup<ht::WeightOp>(name); }

  /// The leaves of `weight` under `format`, from left to right.
  ArrayRef<ht::WeightOp> get(ht::WeightOp weight, htq::FormatAttr format) {
    SmallVector<ht::WeightOp> &leaves = known[{weight, format}];
    if (leaves.empty())
      make(weight, format, leaves);
    return leaves;
  }

  /// Erases what is read no longer, and gives a weight that only changed its type its name back.
  void finish() {
    llvm::DenseMap<StringAttr, SmallVector<ht::GetWeightOp>> gets;
    module.walk([&](ht::GetWeightOp get) { gets[get.getNameAttr().getAttr()].push_back(get); });
    llvm::DenseSet<Operation *> erased;
    for (auto &[key, leaves] : known) {
      auto [op, format] = key;
      if (erased.contains(op) || gets.contains(cast<ht::WeightOp>(op).getSymNameAttr()))
        continue;
      StringAttr name = cast<ht::WeightOp>(op).getSymNameAttr();
      erased.insert(op);
      symbols.erase(op);
      if (!isa<TypeAttr>(format.getTerm()))
        continue;
      ht::WeightOp cast = leaves.front();
      for (ht::GetWeightOp get : gets[cast.getSymNameAttr()])
        get.setName(name.getValue());
      symbols.remove(cast);
      cast.setSymNameAttr(name);
      symbols.insert(cast);
    }
  }

private:
  void make(ht::WeightOp weight, htq::FormatAttr format, SmallVector<ht::WeightOp> &leaves) {
    auto described = htq::describeLeaves(format.getTerm(), ht::getDims(weight.getWeightType()));
    unsigned result = 0;
    for (auto [i, leaf] : llvm::enumerate(described)) {
      if (leaf.isCodebook && format.getCodebook()) {
        leaves.push_back(getCodebook(weight, format.getCodebook()));
        continue;
      }
      OpBuilder builder(weight);
      auto copy = cast<ht::WeightOp>(builder.clone(*weight));
      std::string suffix = leaf.name.empty() ? llvm::formatv("{0}", leaf.element).str() : leaf.name;
      copy.setSymName((weight.getSymName() + "." + suffix).str());
      symbols.insert(copy, Block::iterator(weight));
      Block &recipe = copy.getInitializer().front();
      builder.setInsertionPoint(recipe.getTerminator());
      Value value = emit(builder, copy, format, i, result);
      if (!leaf.isCodebook)
        ++result;
      recipe.getTerminator()->setOperand(0, value);
      copy.setType(cast<RankedTensorType>(value.getType()));
      graph::eraseDeadOps(recipe);
      leaves.push_back(copy);
    }
  }

  /// Leaf `index`, which is result `result` of quantization.
  Value emit(OpBuilder &builder, ht::WeightOp weight, htq::FormatAttr format, unsigned index,
             unsigned result) {
    Location loc = weight.getLoc();
    RankedTensorType type = weight.getWeightType();
    if (auto plain = dyn_cast<TypeAttr>(format.getTerm())) {
      auto stored = ht::withElementType(type, plain.getValue());
      return ht::CastOp::create(builder, loc, stored, weight.getYielded());
    }
    if (!format.getRule())
      return emitLeaf(builder, *getRecipeTerm(weight), index);
    Value codebook;
    if (format.getCodebook())
      codebook = ht::ConstantOp::create(builder, loc, format.getCodebook());
    return htq::DynamicQuantizeOp::create(builder, loc, htq::getQuantizedTypes(format.getTerm(), type),
                                          *format.getRule(), cast<htq::AffineAttr>(format.getTerm()),
                                          weight.getYielded(), codebook)
        .getResult(result);
  }

  /// The weight of a codebook, which all weights share.
  ht::WeightOp getCodebook(ht::WeightOp before, DenseElementsAttr values) {
    ht::WeightOp &weight = codebooks[values];
    if (weight)
      return weight;
    OpBuilder builder(before);
    weight = ht::WeightOp::create(builder, before.getLoc(), builder.getStringAttr("codebook"),
                                  TypeAttr::get(values.getType()), /*sym_visibility=*/StringAttr());
    builder.createBlock(&weight.getInitializer());
    Value constant = ht::ConstantOp::create(builder, before.getLoc(), values);
    ht::YieldOp::create(builder, before.getLoc(), constant);
    symbols.insert(weight, Block::iterator(before)); // Renames on collision.
    return weight;
  }

  ModuleOp module;
  SymbolTable symbols;
  llvm::MapVector<std::pair<Operation *, htq::FormatAttr>, SmallVector<ht::WeightOp>> known;
  llvm::DenseMap<Attribute, ht::WeightOp> codebooks;
};

/// Rewrites readers of weights into operations on terms.
class Quantizer {
public:
  explicit Quantizer(ModuleOp module) : weights(module) {}

  LogicalResult quantize(Operation *op) {
    auto weightFormat = takeFormat(op, htq::HTQDialect::kWeightsAttr);
    auto inputFormat = takeFormat(op, htq::HTQDialect::kActivationsAttr);
    if (!weightFormat && !inputFormat)
      return success();
    if (op->hasAttr(htq::HTQDialect::kRotationAttr))
      return op->emitOpError() << "has a rotation to come before quantization: htq-rotate makes it";
    if (auto attention = dyn_cast<ht::AttentionOp>(op)) {
      quantizeAttention(attention, cast<TypeAttr>(inputFormat.getTerm()).getValue());
      return success();
    }
    Value matrix = op->getOperand(isa<ht::LinearOp>(op) ? 1 : 0);
    auto get = matrix.getDefiningOp<ht::GetWeightOp>();
    if (!get)
      return op->emitOpError() << "has a format for a weight that is no parameter of the model";
    auto weight = weights.lookup(get.getName());
    if (!weightFormat)
      weightFormat = htq::FormatAttr::get(op->getContext(), std::nullopt,
                                          TypeAttr::get(weight.getWeightType().getElementType()), {});
    if (failed(verifyFormat(op, weight, weightFormat)))
      return failure();
    auto linear = dyn_cast<ht::LinearOp>(op);
    bool isPlain = isa<TypeAttr>(weightFormat.getTerm());
    if (isPlain && !inputFormat)
      op->setOperand(linear ? 1 : 0, readLeaves(op, weight, weightFormat).front());
    else if (linear)
      quantizeLinear(linear, weight, weightFormat, inputFormat);
    else
      quantizeEmbedding(cast<ht::EmbeddingOp>(op), weight, weightFormat);
    if (get->use_empty())
      get->erase();
    return success();
  }

  void finish() { weights.finish(); }

private:
  static LogicalResult verifyFormat(Operation *op, ht::WeightOp weight, htq::FormatAttr format) {
    if (isa<TypeAttr>(format.getTerm()) || format.getRule())
      return success();
    auto recipe = getRecipeTerm(weight);
    if (recipe && recipe->term == format.getTerm())
      return success();
    return op->emitOpError() << "has a format without a rule, but @" << weight.getSymName()
                             << " is no value of its term";
  }

  SmallVector<Value> readLeaves(Operation *op, ht::WeightOp weight, htq::FormatAttr format) {
    OpBuilder builder(op);
    // A weight of this type already is its leaf.
    if (format.getTerm() == Attribute(TypeAttr::get(weight.getWeightType().getElementType())))
      return {ht::GetWeightOp::create(builder, op->getLoc(), weight.getWeightType(), weight.getSymName())};
    SmallVector<Value> values;
    for (ht::WeightOp leaf : weights.get(weight, format))
      values.push_back(
          ht::GetWeightOp::create(builder, op->getLoc(), leaf.getWeightType(), leaf.getSymName()));
    return values;
  }

  /// The leaves of `input`, made once for all that read them. A null format is its element type.
  SmallVector<Value> getInput(Value input, htq::FormatAttr format) {
    if (!format)
      return {input};
    SmallVector<Value> &leaves = inputs[{input, format}];
    if (!leaves.empty())
      return leaves;
    auto type = cast<RankedTensorType>(input.getType());
    if (auto plain = dyn_cast<TypeAttr>(format.getTerm())) {
      leaves = {narrow(input, plain.getValue())};
      return leaves;
    }
    OpBuilder builder(input.getContext());
    builder.setInsertionPointAfterValue(input);
    auto term = cast<htq::AffineAttr>(htq::withRank(format.getTerm(), type.getRank()));
    llvm::append_range(leaves,
                       htq::DynamicQuantizeOp::create(builder, input.getLoc(), htq::getQuantizedTypes(term, type),
                                                      *format.getRule(), term, input, Value())
                           .getResults());
    return leaves;
  }

  /// `value` in a narrower float: what it was widened from, or a cast, made once for all. Views come after
  /// it, so that a kernel can end in it.
  Value narrow(Value value, Type element) {
    Value &result = narrowed[{value, element}];
    if (result)
      return result;
    if (auto widening = value.getDefiningOp<ht::CastOp>())
      if (getElementTypeOrSelf(widening.getInput()) == element)
        return result = widening.getInput();
    OpBuilder builder(value.getContext());
    builder.setInsertionPointAfterValue(value);
    auto type = ht::withElementType(cast<RankedTensorType>(value.getType()), element);
    Value made;
    if (auto view = value.getDefiningOp<ht::ReshapeOp>())
      made = ht::ReshapeOp::create(builder, value.getLoc(), type, narrow(view.getInput(), element));
    else if (auto kept = value.getDefiningOp<htq::DequantizeOp>(); kept && kept->hasOneUse())
      made = htq::DequantizeOp::create(builder, value.getLoc(), type, kept.getTerm(), kept.getLeaves());
    else
      made = ht::CastOp::create(builder, value.getLoc(), type, value);
    return narrowed[{value, element}] = made;
  }

  /// Whether all that reads `value`, through views, are linears that cast it to `element`.
  static bool isOnlyReadAs(Type element, Value value) {
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      if (auto view = dyn_cast<ht::ReshapeOp>(user))
        return isOnlyReadAs(element, view.getResult());
      auto format = user->getAttrOfType<htq::FormatAttr>(htq::HTQDialect::kActivationsAttr);
      return isa<ht::LinearOp>(user) && format && format.getTerm() == TypeAttr::get(element);
    });
  }

  void quantizeAttention(ht::AttentionOp attention, Type element) {
    for (OpOperand &operand : attention->getOpOperands().take_front(3))
      operand.set(narrow(operand.get(), element));
    Value result = attention.getResult();
    if (!isOnlyReadAs(element, result))
      return;
    OpBuilder builder(attention->getContext());
    builder.setInsertionPointAfter(attention);
    auto wide = cast<RankedTensorType>(result.getType());
    result.setType(ht::withElementType(wide, element));
    auto widening = ht::CastOp::create(builder, attention.getLoc(), wide, result);
    result.replaceAllUsesExcept(widening, widening);
  }

  void quantizeLinear(ht::LinearOp linear, ht::WeightOp weight, htq::FormatAttr weightFormat,
                      htq::FormatAttr inputFormat) {
    Location loc = linear.getLoc();
    Value x = linear.getInput();
    auto rank = cast<RankedTensorType>(x.getType()).getRank();
    Attribute inputTerm = inputFormat ? htq::withRank(inputFormat.getTerm(), rank)
                                      : Attribute(TypeAttr::get(getElementTypeOrSelf(x)));
    SmallVector<Value> input = getInput(x, inputFormat), leaves = readLeaves(linear, weight, weightFormat);
    OpBuilder builder(linear);
    Value result = htq::LinearOp::create(builder, loc, linear.getType(), inputTerm, input,
                                         weightFormat.getTerm(), leaves);
    if (linear.getBias())
      result = ht::AddOp::create(builder, loc, result, linear.getBias());
    linear.replaceAllUsesWith(result);
    linear.erase();
  }

  /// Rows of codes and of their parameters are gathered, and are a term again.
  void quantizeEmbedding(ht::EmbeddingOp embedding, ht::WeightOp table, htq::FormatAttr format) {
    OpBuilder builder(embedding);
    Location loc = embedding.getLoc();
    SmallVector<Value> gathered;
    auto described = htq::describeLeaves(format.getTerm(), ht::getDims(table.getWeightType()));
    for (auto [leaf, value] : llvm::zip_equal(described, readLeaves(embedding, table, format))) {
      if (!leaf.isCodebook)
        value = ht::GatherOp::create(builder, loc, value, embedding.getIds(), /*axis=*/0);
      gathered.push_back(value);
    }
    Attribute term = htq::withRank(format.getTerm(), cast<RankedTensorType>(embedding.getType()).getRank());
    Value result = htq::DequantizeOp::create(builder, loc, embedding.getType(), term, gathered);
    embedding.replaceAllUsesWith(result);
    embedding.erase();
  }

  LeafWeights weights;
  llvm::DenseMap<std::pair<Value, htq::FormatAttr>, SmallVector<Value>> inputs;
  llvm::DenseMap<std::pair<Value, Type>, Value> narrowed;
};

struct QuantizePass : quantize::impl::QuantizeBase<QuantizePass> {
  void runOnOperation() override {
    Quantizer quantizer(getOperation());
    WalkResult result = getOperation().walk([&](Operation *op) {
      bool isReader = isa<ht::LinearOp, ht::EmbeddingOp, ht::AttentionOp>(op);
      return isReader && failed(quantizer.quantize(op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    quantizer.finish();
    // Widenings that were seen through.
    getOperation().walk([](func::FuncOp function) { graph::eraseDeadOps(function.getBody().front()); });
  }
};

} // namespace
