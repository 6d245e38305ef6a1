//===- Blocks.h - the parts of transformers as ht operations ----------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TRANSFORMER_BLOCKS_H
#define HALFTONE_COMPILER_IMPORT_TRANSFORMER_BLOCKS_H

#include "compiler/Import/Transformer/Checkpoint.h"
#include "compiler/Import/Transformer/Description.h"

#include "dialects/HT/HTOps.h"

#include "mlir/IR/SymbolTable.h"

namespace halftone::transformer {

/// The rows of a stored tensor that are wanted: `count` from `first` on, in each of `groups`
/// equal parts of `total`.
struct Rows {
  int64_t total, first = 0, count, groups = 1;
  explicit Rows(int64_t total) : total(total), count(total) {}
  Rows(int64_t total, int64_t first, int64_t count, int64_t groups = 1)
      : total(total), first(first), count(count), groups(groups) {}
};

/// Writes operations at the end of a graph. Never fails: after an error of the checkpoint
/// `isValid` is false, weights are of the right types, and the module is to be dropped.
class Blocks {
public:
  Blocks(mlir::ModuleOp module, mlir::func::FuncOp graph, Folder &folder, Checkpoint &checkpoint);

  bool isValid() const { return valid; }
  mlir::OpBuilder &getBuilder() { return builder; }

  /// Operations from here on carry this name.
  void at(const std::string &name);
  mlir::Location getLoc() const { return loc; }

  /// A matrix as it is stored, for linears and embeddings.
  mlir::Value getMatrix(const std::string &name, int64_t rows, int64_t columns);

  mlir::Value norm(mlir::Value x, const std::string &prefix, const Norm &norm);
  mlir::Value linear(mlir::Value x, const std::string &prefix, const Linear &linear, Rows rows);
  mlir::Value embedding(const std::string &name, int64_t rows, int64_t columns, mlir::Value ids);
  mlir::Value mlp(mlir::Value x, const std::string &prefix, const MLP &mlp);

  mlir::Value experts(mlir::Value x, const std::string &prefix, const Experts &experts);

  /// A whole layer, of which `attend` does the attention.
  mlir::Value layer(mlir::Value x, const Layer &layer, llvm::function_ref<mlir::Value(mlir::Value)> attend);

  /// Query, key and value of tokens [batch, sequence, hidden], as [batch, sequence, heads, size].
  struct Heads {
    mlir::Value query, key, value;
  };
  Heads heads(mlir::Value x, const std::string &prefix, const Attention &attention);

  /// Cosines and sines at positions [batch, sequence].
  struct Angles {
    mlir::Value cos, sin;
    bool interleaved;
  };
  Angles angles(const Rope &rope, mlir::Value positions);
  mlir::Value rotate(mlir::Value x, const Angles &angles);

  mlir::Value activate(Activation activation, mlir::Value x);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value scale(mlir::Value x, double factor);
  /// c tanh(x / c); x where c is 0.
  mlir::Value softcap(mlir::Value x, double c);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<ht::Dim> dims);
  ht::Dim constant(int64_t value) { return builder.getAffineConstantExpr(value); }

private:
  mlir::Value branch(mlir::Value x, mlir::Value from, const std::string &prefix, const Branch &norms,
                     llvm::function_ref<mlir::Value(mlir::Value)> body);
  using Recipe = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value)>;
  /// The weight SYMBOL that a recipe makes of `shape` of a stored tensor from row `first` on.
  mlir::Value makeWeight(const std::string &symbol, const StoredTensor *tensor, llvm::ArrayRef<int64_t> shape,
                         int64_t first, Recipe recipe);
  mlir::Value getVector(const std::string &name, Rows rows, bool plusOne = false);
  mlir::Value getRows(const std::string &name, Rows rows, int64_t columns, bool transposed);
  const StoredTensor *take(const std::string &name, llvm::ArrayRef<int64_t> shape);
  mlir::Value scalar(double value);

  mlir::func::FuncOp graph;
  mlir::SymbolTable symbols;
  Folder &folder;
  Checkpoint &checkpoint;
  mlir::OpBuilder builder;
  mlir::Location loc;
  llvm::StringMap<mlir::Value> weights; ///< by symbol
  bool valid = true;
};

} // namespace halftone::transformer

#endif
