//===- TieWeights.cpp - one weight for two copies of the same numbers -------===//
//
// The output projection of many models is the embedding table. TorchScript's
// exporter folds the transpose between them, so that the file holds the table
// twice. This pass reads files: it compares the two, element by element.
//
//===----------------------------------------------------------------------===//

#include "compiler/Evaluate/WeightSource.h"
#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

#include "mlir/IR/SymbolTable.h"

namespace halftone::graph {
#define GEN_PASS_DEF_TIEWEIGHTS
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

constexpr llvm::StringLiteral kPass = "ht-tie-weights";

/// A weight that is a matrix of the file, possibly turned.
struct Recipe {
  LoadOp load;
  bool isTransposed;
};

std::optional<Recipe> getRecipe(WeightOp weight) {
  Value value = weight.getYielded();
  auto transpose = value.getDefiningOp<TransposeOp>();
  if (transpose)
    value = transpose.getInput();
  auto load = value.getDefiningOp<LoadOp>();
  bool isMatrix = load && weight.getWeightType().getRank() == 2;
  return isMatrix ? std::optional(Recipe{load, static_cast<bool>(transpose)}) : std::nullopt;
}

/// A matrix in a file, read where it lies.
struct View {
  evaluate::Tensor tensor;
  int64_t rowStride, columnStride;

  const char *at(int64_t row, int64_t column) const {
    return tensor.data() + (row * rowStride + column * columnStride) * tensor.getElementSize();
  }
};

llvm::Expected<View> open(WeightOp weight, Recipe recipe, evaluate::WeightSource &source) {
  auto tensor = source.load(recipe.load);
  if (!tensor)
    return tensor.takeError();
  ArrayRef<int64_t> shape = weight.getWeightType().getShape();
  return recipe.isTransposed ? View{*tensor, 1, shape[0]} : View{*tensor, shape[1], 1};
}

bool isEqual(const View &a, const View &b, ArrayRef<int64_t> shape) {
  auto size = static_cast<size_t>(a.tensor.getElementSize());
  // In squares, so that the turned one is not read across a page per element.
  constexpr int64_t kTile = 64;
  for (int64_t row = 0; row < shape[0]; row += kTile)
    for (int64_t column = 0; column < shape[1]; column += kTile)
      for (int64_t i = row; i < std::min(row + kTile, shape[0]); ++i)
        for (int64_t j = column; j < std::min(column + kTile, shape[1]); ++j)
          if (std::memcmp(a.at(i, j), b.at(i, j), size) != 0)
            return false;
  return true;
}

struct TieWeights : graph::impl::TieWeightsBase<TieWeights> {
  using TieWeightsBase::TieWeightsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    evaluate::WeightSource source(modelDirectory);
    SmallVector<WeightOp> tables;
    module.walk([&](EmbeddingOp op) {
      auto get = op.getTable().getDefiningOp<GetWeightOp>();
      auto weight = get ? symbols.lookup<WeightOp>(get.getName()) : WeightOp();
      if (weight && getRecipe(weight) && !llvm::is_contained(tables, weight))
        tables.push_back(weight);
    });
    module.walk([&](LinearOp op) {
      auto get = op.getWeight().getDefiningOp<GetWeightOp>();
      auto weight = get ? symbols.lookup<WeightOp>(get.getName()) : WeightOp();
      for (WeightOp table : tables)
        if (weight && weight != table && weight.getWeightType() == table.getWeightType() &&
            areEqual(op, weight, table, source)) {
          remarkPassed(op, kPass, ("the tied weight @" + table.getSymName()).str());
          get.setName(table.getSymName());
          return;
        }
    });
  }

private:
  bool areEqual(LinearOp op, WeightOp weight, WeightOp table, evaluate::WeightSource &source) {
    auto recipe = getRecipe(weight), tableRecipe = getRecipe(table);
    if (!recipe || !tableRecipe || recipe->load.getType().getElementType() != tableRecipe->load.getType().getElementType())
      return false;
    auto a = open(weight, *recipe, source), b = open(table, *tableRecipe, source);
    llvm::Error error = llvm::joinErrors(a ? llvm::Error::success() : a.takeError(),
                                         b ? llvm::Error::success() : b.takeError());
    if (error) {
      // Without the file the model is as right as with it, only larger.
      remarkMissed(op, kPass, {weight, "the weight's file must be readable (" + toString(std::move(error)) + ")"});
      return false;
    }
    return isEqual(*a, *b, weight.getWeightType().getShape());
  }
};

} // namespace
