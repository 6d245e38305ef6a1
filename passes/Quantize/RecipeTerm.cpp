//===- RecipeTerm.cpp - the term that a weight's recipe ends in -------------===//

#include "passes/Quantize/RecipeTerm.h"

#include "dialects/HTQ/Terms.h"
#include "passes/Graph/Matchers.h"

using namespace mlir;

namespace halftone::quantize {

/// Whether `cast` changes no value.
static bool widens(ht::CastOp cast) {
  auto from = dyn_cast<FloatType>(getElementTypeOrSelf(cast.getInput()));
  auto to = dyn_cast<FloatType>(getElementTypeOrSelf(cast.getResult()));
  return from && to && from.getWidth() < to.getWidth() && from.getFPMantissaWidth() <= to.getFPMantissaWidth();
}

std::optional<RecipeTerm> getRecipeTerm(ht::WeightOp weight) {
  if (weight.getWeightType().getRank() != 2)
    return std::nullopt;
  RecipeTerm recipe;
  recipe.permutation = {0, 1};
  Value value = weight.getYielded();
  while (!(recipe.dequantize = value.getDefiningOp<htq::DequantizeOp>())) {
    if (auto transpose = value.getDefiningOp<ht::TransposeOp>()) {
      // The outer transpose reads the inner one's axes.
      for (int64_t &axis : recipe.permutation)
        axis = transpose.getPermutation()[axis];
      value = transpose.getInput();
    } else if (auto cast = value.getDefiningOp<ht::CastOp>(); cast && widens(cast)) {
      value = cast.getInput();
    } else {
      return std::nullopt;
    }
  }
  // Values rounded to a narrow float are no longer those of the term.
  if (getElementTypeOrSelf(value).getIntOrFloatBitWidth() < 32)
    return std::nullopt;
  recipe.term = htq::mapBlocks(recipe.dequantize.getTerm(), [&](ArrayRef<int64_t> blocks) {
    SmallVector<int64_t> turned;
    for (int64_t axis : recipe.permutation)
      turned.push_back(blocks[axis]);
    if (turned.front() == htq::AffineAttr::kWhole)
      turned.front() = 1;
    return turned;
  });
  return recipe;
}

Value emitLeaf(OpBuilder &builder, RecipeTerm recipe, unsigned index) {
  Value value = recipe.dequantize.getLeaves()[index];
  ht::Dims dims;
  for (int64_t axis : recipe.permutation)
    dims.push_back(ht::getDims(recipe.dequantize.getResult())[axis]);
  htq::Leaf leaf = htq::describeLeaves(recipe.term, dims)[index];
  if (leaf.isCodebook)
    return value;
  Location loc = recipe.dequantize.getLoc();
  value = graph::transpose(builder, loc, value, recipe.permutation);
  auto type = ht::getTensorType(leaf.dims, leaf.element);
  return value.getType() == type ? value : ht::BroadcastOp::create(builder, loc, type, value).getResult();
}

} // namespace halftone::quantize
