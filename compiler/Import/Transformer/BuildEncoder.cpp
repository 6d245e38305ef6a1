//===- BuildEncoder.cpp - an encoder as a graph -----------------------------===//

#include "compiler/Import/Transformer/Blocks.h"
#include "compiler/Import/Transformer/Graphs.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::transformer {

namespace {

class EncoderBuilder {
public:
  EncoderBuilder(Folder &folder, Checkpoint &checkpoint, const Encoder &encoder, int64_t batch,
                 int64_t sequence)
      : folder(folder), checkpoint(checkpoint), encoder(encoder), batch(batch), sequence(sequence) {}

  OwningOpRef<ModuleOp> build();

private:
  void makeGraph();
  Value makePositions();
  Value attend(const Layer &layer, Value x, Value mask);
  Value integer(int64_t value);

  Folder &folder;
  Checkpoint &checkpoint;
  const Encoder &encoder;
  int64_t batch, sequence; ///< maxima
  OwningOpRef<ModuleOp> module;
  func::FuncOp graph;
  std::optional<Blocks> blocks;
  Value ids, mask, types;
};

} // namespace

/// Without results, which follow from what the files have.
void EncoderBuilder::makeGraph() {
  MLIRContext *context = &folder.getContext();
  OpBuilder b(context);
  module = ModuleOp::create(folder.getLocation());
  auto tokens =
      ht::getTensorType({getAffineSymbolExpr(0, context), getAffineSymbolExpr(1, context)}, b.getI64Type());
  SmallVector<StringRef> names = {"input_ids", "attention_mask"};
  if (!encoder.types.empty())
    names.push_back("token_type_ids");
  b.setInsertionPointToEnd(module->getBody());
  graph = func::FuncOp::create(b, module->getLoc(), "main",
                               b.getFunctionType(SmallVector<Type>(names.size(), tokens), {}));
  SmallVector<Attribute> symbols = {ht::SymbolAttr::get(context, "batch", 1, batch),
                                    ht::SymbolAttr::get(context, "sequence", 1, sequence)};
  graph->setAttr(ht::HTDialect::kSymbolsAttr, b.getArrayAttr(symbols));
  for (auto [i, name] : llvm::enumerate(names))
    graph.setArgAttr(i, ht::HTDialect::kNameAttr, b.getStringAttr(name));
  graph.addEntryBlock();
  ids = graph.getArgument(0);
  mask = graph.getArgument(1);
  types = encoder.types.empty() ? Value() : graph.getArgument(2);
  blocks.emplace(*module, graph, folder, checkpoint);
}

Value EncoderBuilder::integer(int64_t value) {
  OpBuilder &b = blocks->getBuilder();
  auto type = RankedTensorType::get({}, b.getI64Type());
  return ht::ConstantOp::create(b, blocks->getLoc(), DenseElementsAttr::get(type, value));
}

/// Rows of the table of positions, [batch, sequence] or [sequence].
Value EncoderBuilder::makePositions() {
  OpBuilder &b = blocks->getBuilder();
  blocks->at("positions");
  Location loc = blocks->getLoc();
  if (encoder.padding < 0)
    return ht::IotaOp::create(b, loc, ht::getTensorType({ht::getDims(ids)[1]}, b.getI64Type()), 0, 1);
  Value padding = integer(encoder.padding);
  Value isToken = ht::CompareOp::create(b, loc, ht::ComparePredicate::NE, ids, padding);
  Value one = ht::CastOp::create(b, loc, ids.getType(), isToken, UnitAttr());
  Value count =
      ht::CumSumOp::create(b, loc, ids.getType(), one, b.getI64IntegerAttr(1), UnitAttr(), UnitAttr());
  return blocks->add(ht::MulOp::create(b, loc, count, one), padding);
}

Value EncoderBuilder::attend(const Layer &layer, Value x, Value allowed) {
  const Attention &attention = layer.attention;
  OpBuilder &b = blocks->getBuilder();
  Blocks::Heads heads = blocks->heads(x, layer.prefix, attention);
  blocks->at(layer.prefix + "attention");
  // `uniform`: masks of encoders are large finite numbers.
  Value y = ht::AttentionOp::create(
      b, blocks->getLoc(), heads.query.getType(), heads.query, heads.key, heads.value,
      /*sequences=*/Value(), /*start=*/Value(), allowed, /*bias=*/Value(), b.getF64FloatAttr(attention.scale),
      /*causal=*/UnitAttr(), b.getF64FloatAttr(attention.softcap), b.getUnitAttr(), b.getI64IntegerAttr(0));
  return blocks->linear(blocks->reshape(y, ht::getDims(x)), layer.prefix, attention.output,
                        Rows(encoder.hidden));
}

OwningOpRef<ModuleOp> EncoderBuilder::build() {
  makeGraph();
  OpBuilder &b = blocks->getBuilder();
  Dims tokens = ht::getDims(ids);
  Value x = blocks->embedding(encoder.tokens, encoder.vocabulary, encoder.hidden, ids);
  if (types)
    x = blocks->add(x, blocks->embedding(encoder.types, encoder.numTypes, encoder.hidden, types));
  Value positions = makePositions();
  x = blocks->add(x, blocks->embedding(encoder.positions, encoder.context + encoder.firstPosition,
                                       encoder.hidden, positions));
  x = blocks->norm(x, "", encoder.norm);

  blocks->at("attention_mask");
  Value allowed = ht::CompareOp::create(b, blocks->getLoc(), ht::ComparePredicate::NE, mask, integer(0));
  allowed = blocks->reshape(allowed, {tokens[0], blocks->constant(1), blocks->constant(1), tokens[1]});
  for (const Layer &layer : encoder.layers) {
    x = blocks->layer(x, layer, [&](Value y) { return attend(layer, y, allowed); });
    if (!blocks->isValid())
      return {};
  }

  SmallVector<Value> results = {x};
  SmallVector<StringRef> names = {"last_hidden_state"};
  if (!encoder.pooler.name.empty() && checkpoint.has(encoder.pooler.name + ".weight")) {
    blocks->at(encoder.pooler.name);
    Dim one = blocks->constant(1), hidden = blocks->constant(encoder.hidden);
    SmallVector<AffineExpr> starts(3, blocks->constant(0));
    Value first =
        ht::SliceOp::create(b, blocks->getLoc(), ht::getTensorType({tokens[0], one, hidden}, b.getF32Type()),
                            x, ht::DimsAttr::get(b.getContext(), starts), ArrayRef<int64_t>{1, 1, 1});
    Value pooled =
        blocks->linear(blocks->reshape(first, {tokens[0], hidden}), "", encoder.pooler, Rows(encoder.hidden));
    results.push_back(ht::TanhOp::create(b, blocks->getLoc(), pooled));
    names.push_back("pooler_output");
  }
  func::ReturnOp::create(b, blocks->getLoc(), results);
  graph.setFunctionType(b.getFunctionType(graph.getArgumentTypes(), ValueRange(results).getTypes()));
  for (auto [i, name] : llvm::enumerate(names))
    graph.setResultAttr(i, ht::HTDialect::kNameAttr, b.getStringAttr(name));

  if (!blocks->isValid())
    return {};
  for (const std::string &ending : encoder.ignored)
    checkpoint.ignore("", ending);
  unsigned left = 0;
  for (const std::string &beginning : encoder.heads)
    left += checkpoint.ignore(beginning, "");
  if (left)
    emitWarning(folder.getLocation())
        << left << " tensors of a head for a task are left out: the program ends with the hidden state";
  if (failed(checkpoint.checkAllTaken()))
    return {};
  return std::move(module);
}

OwningOpRef<ModuleOp> buildGraph(Folder &folder, Checkpoint &checkpoint, const Encoder &encoder,
                                 const ImportOptions &options) {
  auto maxima = Maxima::create(folder, options, {"batch", "sequence"});
  if (!maxima)
    return {};
  int64_t sequence = maxima->get("sequence", std::min(options.defaultMax, encoder.context));
  if (sequence > encoder.context) {
    folder.error(ImportFailure::Options) << "--max: sequence=" << sequence << " is more than the "
                                         << encoder.context << " tokens that the model was made for";
    return {};
  }
  return EncoderBuilder(folder, checkpoint, encoder, maxima->get("batch", options.defaultBatch), sequence)
      .build();
}

} // namespace halftone::transformer
