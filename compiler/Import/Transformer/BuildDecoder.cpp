//===- BuildDecoder.cpp - a decoder with its caches as a graph --------------===//

#include "compiler/Import/Transformer/Blocks.h"
#include "compiler/Import/Transformer/Graphs.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::transformer {

namespace {

/// Context without --max: enough for a page of text; longer ones are asked for, because caches are.
constexpr int64_t kDefaultContext = 2048;

class DecoderBuilder {
public:
  DecoderBuilder(Folder &folder, Checkpoint &checkpoint, const Decoder &decoder, int64_t batch,
                 int64_t sequence, int64_t context)
      : folder(folder), checkpoint(checkpoint), decoder(decoder), batch(batch), sequence(sequence),
        context(context) {}

  OwningOpRef<ModuleOp> build();

private:
  void makeGraph();
  Value attend(const Layer &layer, Value x, size_t index);

  Folder &folder;
  Checkpoint &checkpoint;
  const Decoder &decoder;
  int64_t batch, sequence, context; ///< maxima
  OwningOpRef<ModuleOp> module;
  func::FuncOp graph;
  std::optional<Blocks> blocks;
  Value ids, sequences, start, wanted, positions;
  std::vector<Blocks::Angles> ropes;
  SmallVector<Value> states; ///< what each becomes
};

/// Arguments: four inputs, then keys and values of each layer; results: logits, then these.
constexpr unsigned kInputs = 4;

} // namespace

void DecoderBuilder::makeGraph() {
  MLIRContext *context = &folder.getContext();
  OpBuilder b(context);
  Location loc = folder.getLocation();
  module = ModuleOp::create(loc);
  auto symbol = [&](unsigned i) { return getAffineSymbolExpr(i, context); };
  auto integers = [&](ArrayRef<Dim> dims) { return ht::getTensorType(dims, b.getI64Type()); };
  auto logits =
      ht::getTensorType({symbol(2), getAffineConstantExpr(decoder.vocabulary, context)}, b.getF32Type());
  SmallVector<Type> outputs = {logits}, inputs = {integers({symbol(0), symbol(1)}), integers(symbol(0)),
                                                  integers(symbol(0)), integers(symbol(2))};
  SmallVector<std::string> names;
  for (auto [i, layer] : llvm::enumerate(decoder.layers))
    for (const char *what : {"keys", "values"}) {
      Type type = RankedTensorType::get(
          {batch, this->context, layer.attention.kvHeads, layer.attention.headSize}, b.getF32Type());
      inputs.push_back(type);
      outputs.push_back(type);
      names.push_back("layers." + std::to_string(i) + "." + what);
    }
  b.setInsertionPointToEnd(module->getBody());
  graph = func::FuncOp::create(b, loc, "main", b.getFunctionType(inputs, outputs));
  SmallVector<Attribute> symbols = {ht::SymbolAttr::get(context, "batch", 1, batch),
                                    ht::SymbolAttr::get(context, "sequence", 1, sequence),
                                    ht::SymbolAttr::get(context, "wanted", 1, batch * sequence)};
  graph->setAttr(ht::HTDialect::kSymbolsAttr, b.getArrayAttr(symbols));
  auto named = [&](StringRef name) {
    return b.getNamedAttr(ht::HTDialect::kNameAttr, b.getStringAttr(name));
  };
  SmallVector<DictionaryAttr> arguments, results = {b.getDictionaryAttr(named("logits"))};
  for (StringRef name : {"input_ids", "sequences", "start", "wanted"})
    arguments.push_back(b.getDictionaryAttr(named(name)));
  for (StringRef name : names) {
    DictionaryAttr state =
        b.getDictionaryAttr({named(name), b.getNamedAttr(ht::HTDialect::kStateAttr, b.getUnitAttr())});
    arguments.push_back(state);
    results.push_back(state);
  }
  graph.setAllArgAttrs(arguments);
  graph.setAllResultAttrs(results);
  graph.addEntryBlock();
  ids = graph.getArgument(0);
  sequences = graph.getArgument(1);
  start = graph.getArgument(2);
  wanted = graph.getArgument(3);
  blocks.emplace(*module, graph, folder, checkpoint);
}

Value DecoderBuilder::attend(const Layer &layer, Value x, size_t index) {
  const Attention &attention = layer.attention;
  OpBuilder &b = blocks->getBuilder();
  Blocks::Heads heads = blocks->heads(x, layer.prefix, attention);
  blocks->at(layer.prefix + "attention");
  if (attention.rope >= 0) {
    heads.query = blocks->rotate(heads.query, ropes[attention.rope]);
    heads.key = blocks->rotate(heads.key, ropes[attention.rope]);
  }
  Value caches[2] = {heads.key, heads.value};
  for (auto [i, cache] : llvm::enumerate(caches)) {
    Value old = graph.getArgument(kInputs + 2 * index + i);
    cache = ht::UpdateOp::create(b, blocks->getLoc(), old.getType(), old, cache, sequences, start);
    states.push_back(cache);
  }
  // No token is further back than the cache is long.
  int64_t window = attention.window < context ? attention.window : 0;
  Value y = ht::AttentionOp::create(
      b, blocks->getLoc(), heads.query.getType(), heads.query, caches[0], caches[1], sequences, start,
      /*mask=*/Value(), /*bias=*/Value(), b.getF64FloatAttr(attention.scale), b.getUnitAttr(),
      b.getF64FloatAttr(attention.softcap), /*uniform=*/UnitAttr(), b.getI64IntegerAttr(window));
  Dims dims = ht::getDims(x);
  dims.back() = blocks->constant(attention.heads * attention.headSize);
  return blocks->linear(blocks->reshape(y, dims), layer.prefix, attention.output, Rows(decoder.hidden));
}

OwningOpRef<ModuleOp> DecoderBuilder::build() {
  makeGraph();
  OpBuilder &b = blocks->getBuilder();
  blocks->at("positions");
  Dims tokens = ht::getDims(ids);
  Value steps = ht::IotaOp::create(b, blocks->getLoc(), ht::getTensorType({tokens[1]}, b.getI64Type()), 0, 1);
  positions = blocks->add(blocks->reshape(start, {tokens[0], blocks->constant(1)}), steps);
  for (const Rope &rope : decoder.ropes)
    ropes.push_back(blocks->angles(rope, positions));

  auto mixed = llvm::find_if(decoder.layers, [](const Layer &layer) { return layer.experts.count > 0; });
  if (mixed != decoder.layers.end())
    emitWarning(folder.getLocation())
        << "all " << mixed->experts.count << " experts of a layer are computed for every token, which has "
        << mixed->experts.perToken << " of them: the program is slower than the model could be";

  Value x = blocks->embedding(decoder.tokens, decoder.vocabulary, decoder.hidden, ids);
  x = blocks->scale(x, decoder.tokenScale);
  if (!decoder.positions.empty()) {
    int64_t rows = decoder.context + decoder.firstPosition;
    Value row = positions;
    if (decoder.firstPosition) {
      auto first = DenseElementsAttr::get(RankedTensorType::get({}, b.getI64Type()), decoder.firstPosition);
      row = blocks->add(row, ht::ConstantOp::create(b, blocks->getLoc(), first));
    }
    x = blocks->add(x, blocks->embedding(decoder.positions, rows, decoder.hidden, row));
  }
  for (auto [i, layer] : llvm::enumerate(decoder.layers)) {
    x = blocks->layer(x, layer, [&](Value y) { return attend(layer, y, i); });
    if (!blocks->isValid())
      return {};
  }

  // Of most tokens nobody wants to know what comes next; the head is a good part of a small model.
  blocks->at("wanted");
  x = blocks->reshape(x, {ht::getProduct(tokens, b.getContext()), blocks->constant(decoder.hidden)});
  x = ht::GatherOp::create(b, blocks->getLoc(), x, wanted, b.getI64IntegerAttr(0));
  x = blocks->norm(x, "", decoder.norm);
  Value logits;
  if (decoder.head.name.empty()) {
    blocks->at("logits");
    Value table = blocks->getMatrix(decoder.tokens + ".weight", decoder.vocabulary, decoder.hidden);
    logits = ht::LinearOp::create(b, blocks->getLoc(), x, table, Value());
  } else {
    logits = blocks->linear(x, "", decoder.head, Rows(decoder.vocabulary));
  }
  logits = blocks->softcap(blocks->scale(logits, decoder.headScale), decoder.headSoftcap);
  SmallVector<Value> results = {logits};
  llvm::append_range(results, states);
  func::ReturnOp::create(b, blocks->getLoc(), results);

  if (!blocks->isValid())
    return {};
  for (const std::string &ending : decoder.ignored)
    checkpoint.ignore("", ending);
  if (failed(checkpoint.checkAllTaken()))
    return {};
  return std::move(module);
}

OwningOpRef<ModuleOp> buildGraph(Folder &folder, Checkpoint &checkpoint, const Decoder &decoder,
                                 const ImportOptions &options) {
  auto maxima = Maxima::create(folder, options, {"batch", "sequence", "context"});
  if (!maxima)
    return {};
  int64_t context = maxima->get("context", std::min(decoder.context, kDefaultContext));
  if (context > decoder.context) {
    folder.error(ImportFailure::Options) << "--max: context=" << context << " is more than the "
                                         << decoder.context << " tokens that the model was made for";
    return {};
  }
  int64_t sequence = maxima->get("sequence", std::min(options.defaultMax, context));
  if (sequence > context) {
    folder.error(ImportFailure::Options)
        << "--max: sequence=" << sequence << " is more than context=" << context;
    return {};
  }
  return DecoderBuilder(folder, checkpoint, decoder, maxima->get("batch", options.defaultBatch), sequence,
                        context)
      .build();
}

} // namespace halftone::transformer
