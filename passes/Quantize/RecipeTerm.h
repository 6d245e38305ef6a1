//===- RecipeTerm.h - the term that a weight's recipe ends in ---------------===//
//
// A weight that the model file has quantized is a float weight whose recipe ends
// in `htq.dequantize`, turned and widened as the graph wanted it. Here it is taken
// apart again: leaves that make up the same weight, for kernels that read codes.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_QUANTIZE_RECIPETERM_H
#define HALFTONE_PASSES_QUANTIZE_RECIPETERM_H

#include "dialects/HT/HTOps.h"
#include "dialects/HTQ/HTQOps.h"

namespace halftone::quantize {

struct RecipeTerm {
  htq::DequantizeOp dequantize;
  /// What turns the leaves' axes into the weight's.
  llvm::SmallVector<int64_t> permutation;
  /// The term in the weight's axes, with parameters of their own for each row.
  mlir::Attribute term;
};

/// The term of a matrix; nullopt if its recipe ends in something else.
std::optional<RecipeTerm> getRecipeTerm(ht::WeightOp weight);

/// Leaf `index` of the recipe's term, in the weight's axes, made at the builder's position.
mlir::Value emitLeaf(mlir::OpBuilder &builder, RecipeTerm recipe, unsigned index);

} // namespace halftone::quantize

#endif
