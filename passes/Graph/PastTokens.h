//===- PastTokens.h - what a decoder's graph knows of earlier tokens --------===//
//
// Exporters of decoders have one interface: tokens, a mask of padding, positions, and keys
// and values of earlier tokens, which come back with the new ones behind them. Where nothing
// is padding, all of it follows from how many earlier tokens there are: the mask is all ones,
// positions count from there, and so do lengths that a graph sums up from its mask.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_PASTTOKENS_H
#define HALFTONE_PASSES_GRAPH_PASTTOKENS_H

#include "passes/Graph/IndexExpr.h"

#include "dialects/HT/HTOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace halftone::graph {

/// The inputs and outputs of such a graph.
struct PastInterface {
  mlir::BlockArgument ids, mask,
      positions; ///< [batch, tokens]; the mask's are earlier ones, too. Ids alone must be.
  ht::Dim batch, tokens, past;
  llvm::SmallVector<mlir::BlockArgument> caches; ///< what has the dimension `past`
  unsigned logits;                               ///< the result, [batch, tokens, vocabulary]

  /// Nullopt where `graph` has none; the reason, where it has keys and values of earlier tokens, in `reason`.
  static std::optional<PastInterface> find(mlir::func::FuncOp graph, std::string &reason);

  /// What is known of the inputs where nothing is padding.
  std::optional<IndexExpr> assume(mlir::Value value) const;
  std::optional<IndexExpr> getIndexExpr(mlir::Value value) const;
  std::optional<bool> getTruth(mlir::Value value) const;
  /// Whether `expr` is over the number of earlier tokens.
  bool isOfPast(ht::Dim expr) const;

  /// A cache with the new tokens behind the earlier ones.
  struct Append {
    mlir::BlockArgument cache;
    mlir::Operation *op;
    mlir::Value tokens;
    bool headsFirst; ///< tokens are [batch, heads, tokens, d], not [batch, tokens, heads, d]
  };
  /// What `value` is, whose tokens are along `axis`, 1 or 2; nullopt where it is something else.
  std::optional<Append> findAppend(mlir::Value value, int64_t axis) const;

  /// The axis of tokens in a cache.
  static constexpr int64_t kTokensFirst = 1, kHeadsFirst = 2;
  int64_t getTokenAxis(mlir::BlockArgument cache) const;

private:
  mlir::BlockArgument findCacheBefore(mlir::Value value) const;
};

} // namespace halftone::graph

#endif
