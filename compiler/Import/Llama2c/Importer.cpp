//===- Importer.cpp - a checkpoint of llama2.c as a graph of the ht dialect -===//

#include "compiler/Import/Llama2c/Importer.h"

#include "compiler/Import/Llama2c/Header.h"
#include "compiler/Import/Llama2c/Layout.h"
#include "compiler/Import/Transformer/Graphs.h"
#include "compiler/Import/Transformer/Rotations.h"
#include "dialects/HT/HTOps.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace mlir;
using halftone::transformer::Checkpoint;
using halftone::transformer::StoredTensor;

namespace halftone::llama2c {

using namespace transformer;

namespace {

/// Codes of i8, and behind all of them a float for each group of them, from row to row.
class GroupEncoding : public Encoding {
public:
  explicit GroupEncoding(int64_t group) : group(group) {}

  StringRef getName() const override { return "i8 in groups"; }

  Value load(OpBuilder &b, Location loc, const StoredTensor &tensor, int64_t first,
             int64_t count) const override {
    int64_t rows = tensor.type.getDimSize(0), columns = tensor.type.getDimSize(1);
    uint64_t scales = tensor.offset + rows * columns;
    Type code = b.getI8Type(), real = b.getF32Type();
    auto load = [&](ArrayRef<int64_t> shape, Type element, uint64_t offset) -> Value {
      return ht::LoadOp::create(b, loc, RankedTensorType::get(shape, element), tensor.file, offset);
    };
    auto dequantize = [&](ArrayRef<int64_t> shape, ArrayRef<int64_t> blocks, Value codes,
                          Value scale) -> Value {
      return htq::DequantizeOp::create(b, loc, RankedTensorType::get(shape, real),
                                       htq::getAffine(code, blocks, real), ValueRange{codes, scale});
    };
    if (columns % group == 0) {
      uint64_t perRow = columns / group;
      return dequantize({count, columns}, {1, group},
                        load({count, columns}, code, tensor.offset + first * columns),
                        load({count, static_cast<int64_t>(perRow)}, real, scales + first * perRow * 4));
    }
    // Groups that end within a row are those of the whole as one row.
    int64_t all = rows * columns;
    Value numbers =
        dequantize({all}, {group}, load({all}, code, tensor.offset), load({all / group}, real, scales));
    numbers = ht::ReshapeOp::create(b, loc, RankedTensorType::get({rows, columns}, real), numbers);
    if (count == rows)
      return numbers;
    SmallVector<AffineExpr> starts = {b.getAffineConstantExpr(first), b.getAffineConstantExpr(0)};
    return ht::SliceOp::create(b, loc, RankedTensorType::get({count, columns}, real), numbers,
                               ht::DimsAttr::get(b.getContext(), starts), ArrayRef<int64_t>{1, 1});
  }

private:
  int64_t group;
};

} // namespace

static Decoder describe(const Header &header) {
  constexpr double kEpsilon = 1e-5, kBase = 10000;
  Decoder decoder;
  decoder.vocabulary = header.vocabulary;
  decoder.hidden = header.dim;
  decoder.context = header.context;
  decoder.tokens = "tok_embeddings";
  if (!header.tied)
    decoder.head = {"output"};
  decoder.norm = {Norm::RMS, "norm", kEpsilon};

  Layer layer;
  layer.aroundAttention.input = {Norm::RMS, "attention_norm", kEpsilon};
  layer.aroundMlp.input = {Norm::RMS, "ffn_norm", kEpsilon};
  Attention &attention = layer.attention;
  attention.heads = header.heads;
  attention.kvHeads = header.kvHeads;
  attention.headSize = header.getHeadSize();
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.headSize));
  attention.rope = 0;
  attention.query = {"attention.wq"};
  attention.key = {"attention.wk"};
  attention.value = {"attention.wv"};
  attention.output = {"attention.wo"};
  layer.mlp.size = header.hidden;
  layer.mlp.gate = {"feed_forward.w1"};
  layer.mlp.up = {"feed_forward.w3"};
  layer.mlp.down = {"feed_forward.w2"};
  for (int64_t i = 0; i < header.layers; ++i) {
    layer.prefix = "layers." + std::to_string(i) + ".";
    decoder.layers.push_back(layer);
  }
  Rope rope;
  rope.frequencies = getFrequencies(kBase, attention.headSize);
  rope.interleaved = true;
  decoder.ropes = {rope};
  return decoder;
}

/// What a file describes; null after an error.
static OwningOpRef<ModuleOp> import(Folder &folder, const ImportOptions &options) {
  auto bytes = folder.open(folder.getMain());
  if (!bytes)
    return {};
  auto header = readHeader(*bytes);
  if (!header) {
    folder.error() << llvm::toString(header.takeError());
    return {};
  }
  auto layout = lay(*header);
  if (!layout) {
    folder.error() << llvm::toString(layout.takeError());
    return {};
  }
  if (layout->end != bytes->size()) {
    folder.error() << "it has " << bytes->size() << " bytes, where a model of its header's sizes has "
                   << layout->end << ": it was cut off, or damaged";
    return {};
  }
  auto groups = std::make_shared<GroupEncoding>(header->group);
  Type element = Float32Type::get(&folder.getContext());
  llvm::StringMap<StoredTensor> tensors;
  for (const Place &place : layout->places) {
    StoredTensor tensor{folder.getMain().str(), place.offset, RankedTensorType::get(place.shape, element),
                        nullptr};
    if (place.isQuantized)
      tensor.encoding = groups;
    tensors.try_emplace(place.name, tensor);
  }
  Checkpoint checkpoint(folder, folder.getMain(), std::move(tensors));
  return buildGraph(folder, checkpoint, describe(*header), options);
}

} // namespace halftone::llama2c

OwningOpRef<ModuleOp> halftone::importLlama2c(StringRef path, MLIRContext &context,
                                              const ImportOptions &options, ImportFailure *failure) {
  context.loadDialect<func::FuncDialect, ht::HTDialect, htq::HTQDialect>();
  Folder folder(llvm::sys::path::parent_path(path), llvm::sys::path::filename(path), context);
  return transformer::finishImport(folder, llama2c::import(folder, options), failure);
}

bool halftone::isLlama2c(StringRef path) {
  std::string error;
  auto file = MappedFile::open(path, error);
  if (!file)
    return false;
  if (file->bytes().starts_with("24ka"))
    return true;
  auto header = llama2c::readHeader(file->bytes());
  auto layout = header ? llama2c::lay(*header) : header.takeError();
  if (layout)
    return layout->end == file->bytes().size();
  llvm::consumeError(layout.takeError());
  return false;
}
