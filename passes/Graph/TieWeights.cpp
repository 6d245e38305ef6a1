//===- TieWeights.cpp - one weight for copies of the same numbers -----------===//
//
// The output projection of many models is the embedding table, and some models
// use one layer many times. Exporters that fold the transposes before them write
// the same numbers twice. This pass reads files: it compares candidates, element
// by element where they lie, after a look at a few elements of each.
//
//===----------------------------------------------------------------------===//

#include "compiler/Evaluate/WeightSource.h"
#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/Hashing.h"

#include <map>

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

/// A weight that is a tensor of a file, or a matrix of it turned.
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
  bool isReadable = load && (!transpose || weight.getWeightType().getRank() == 2);
  return isReadable ? std::optional(Recipe{load, static_cast<bool>(transpose)}) : std::nullopt;
}

/// A weight's elements in a file, as rows and columns of what it yields.
struct View {
  evaluate::Tensor tensor;
  int64_t rows, columns, rowStride, columnStride;

  size_t elementSize() const { return static_cast<size_t>(tensor.getElementSize()); }
  const char *at(int64_t row, int64_t column) const {
    return tensor.data() + (row * rowStride + column * columnStride) * tensor.getElementSize();
  }

  /// A hash of elements spread over the tensor: equal for equal weights.
  uint64_t getFingerprint() const {
    constexpr int64_t kSamples = 8;
    llvm::hash_code hash = llvm::hash_combine(rows, columns);
    for (int64_t i = 0; i < std::min(kSamples, rows); ++i)
      for (int64_t j = 0; j < std::min(kSamples, columns); ++j) {
        const char *element =
            at(i * rows / std::min(kSamples, rows), j * columns / std::min(kSamples, columns));
        hash = llvm::hash_combine(hash, llvm::hash_combine_range(element, element + elementSize()));
      }
    return hash;
  }

  bool operator==(const View &other) const {
    // In squares, so that the turned one is not read across a page per element.
    constexpr int64_t kTile = 64;
    for (int64_t row = 0; row < rows; row += kTile)
      for (int64_t column = 0; column < columns; column += kTile)
        for (int64_t i = row; i < std::min(row + kTile, rows); ++i)
          for (int64_t j = column; j < std::min(column + kTile, columns); ++j)
            if (std::memcmp(at(i, j), other.at(i, j), elementSize()) != 0)
              return false;
    return true;
  }
};

llvm::Expected<View> open(WeightOp weight, Recipe recipe, evaluate::WeightSource &source) {
  auto tensor = source.load(recipe.load);
  if (!tensor)
    return tensor.takeError();
  ArrayRef<int64_t> shape = weight.getWeightType().getShape();
  int64_t columns = shape.empty() ? 1 : shape.back();
  int64_t rows = columns == 0 ? 0 : weight.getWeightType().getNumElements() / columns;
  return recipe.isTransposed ? View{*tensor, rows, columns, 1, rows}
                             : View{*tensor, rows, columns, columns, 1};
}

struct TieWeights : graph::impl::TieWeightsBase<TieWeights> {
  using TieWeightsBase::TieWeightsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    evaluate::WeightSource source(modelDirectory);
    // Candidates by type and fingerprint, in the order of their first use: the first stays.
    std::map<std::pair<const void *, uint64_t>, SmallVector<std::pair<WeightOp, View>>> kept;
    llvm::StringMap<StringAttr> finalNames;
    module.walk([&](GetWeightOp get) {
      auto [known, isNew] = finalNames.try_emplace(get.getName(), get.getNameAttr().getAttr());
      auto weight = isNew ? symbols.lookup<WeightOp>(get.getName()) : WeightOp();
      auto recipe = weight ? getRecipe(weight) : std::nullopt;
      if (recipe) {
        auto view = open(weight, *recipe, source);
        if (!view) {
          // Without the file the model is as right as with it, only larger.
          remarkMissed(get, kPass,
                       {weight, "the file must be readable (" + toString(view.takeError()) + ")"});
        } else {
          auto &same = kept[{weight.getWeightType().getAsOpaquePointer(), view->getFingerprint()}];
          auto twin = llvm::find_if(same, [&](auto &candidate) { return candidate.second == *view; });
          if (twin == same.end()) {
            same.push_back({weight, *view});
          } else {
            known->second = twin->first.getSymNameAttr();
            remarkPassed(get, kPass, ("the equal weight @" + twin->first.getSymName()).str());
          }
        }
      }
      get.setName(known->second.getValue());
    });
  }
};

} // namespace
