//===- Channels.h - what makes and what reads the channels of activations ---===//
//
// A change of basis of a linear's input can go into the parameters on both sides of it:
// into the recipes of the weights that read it, and of those that make it.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_QUANTIZE_CHANNELS_H
#define HALFTONE_PASSES_QUANTIZE_CHANNELS_H

#include "dialects/HT/HTOps.h"

#include "llvm/ADT/StringMap.h"

#include <optional>

namespace halftone::quantize {

/// The parameter of the model that `value` is; null: it is none.
ht::GetWeightOp getParameter(mlir::Value value);

/// Whether the decided format of `linear`'s weight makes codes of it.
bool makesCodes(ht::LinearOp linear);

/// Operands that make channels, and can be changed instead of them.
struct Producer {
  const char *name;
  mlir::OpOperand *matrix = nullptr;                    ///< a weight whose rows are the channels
  llvm::SmallVector<mlir::OpOperand *, 2> vectors = {}; ///< gains and biases of the channels
};

/// What makes the channels of `x` each for itself, so that it can scale them; nothing where
/// other operations than `readers` see `x`.
std::optional<Producer> findProducer(mlir::Value x, llvm::ArrayRef<ht::LinearOp> readers);

/// The linear that makes the values of the attention that makes `x`: its rows can be mixed
/// within a head, whose width is the second of the pair.
std::optional<std::pair<Producer, int64_t>> findHeads(mlir::Value x, llvm::ArrayRef<ht::LinearOp> readers);

/// Rewrites parameters in their recipes.
class RecipeEditor {
public:
  explicit RecipeEditor(mlir::ModuleOp module);

  ht::WeightOp lookup(ht::GetWeightOp get) { return symbols.lookup<ht::WeightOp>(get.getName()); }

  /// Whether nothing but `operand` reads its parameter.
  bool isOnlyUse(mlir::OpOperand &operand) { return numUses[getParameter(operand.get()).getName()] == 1; }

  /// What becomes of a parameter's value, in f32.
  using Edit = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::Value)>;
  /// Makes the parameter that all of `operands` are what `edit` makes of it. With other uses the
  /// old one stays, and the new one has its name and `suffix`.
  void edit(llvm::ArrayRef<mlir::OpOperand *> operands, llvm::StringRef suffix, Edit edit);

  /// A new parameter of these numbers, read at the builder's position.
  mlir::Value makeVector(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name,
                         llvm::ArrayRef<float> values);

private:
  mlir::SymbolTable symbols;
  llvm::StringMap<size_t> numUses;
};

} // namespace halftone::quantize

#endif
