//===- Raise.h - the frame of a raising pass --------------------------------===//
//
// A raising pass has an anchor (the operation that gives a pattern away, such as
// erf), an analysis that returns a match or names the node in the way, and a
// rewrite. The frame runs them and turns each answer into a remark, category =
// pass name, so that a user sees which node of the model prevented a raise.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_RAISE_H
#define HALFTONE_PASSES_GRAPH_RAISE_H

#include "passes/Graph/Matchers.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"

namespace halftone::graph {

/// Why an anchor was not raised. Without an operation the anchor was no near
/// miss, only an ordinary use of that operation, and nothing is reported.
struct Blocker {
  Operation *op = nullptr;
  std::string reason;

  /// Records the obstacle; returns nullopt so that an analysis can `return blocker.at(…)`.
  std::nullopt_t at(Operation *blocking, const llvm::Twine &why) {
    op = blocking;
    reason = why.str();
    return std::nullopt;
  }
};

/// "ht.add at /encoder/layer.0/Add" or "ht.add at model.mlir:3:8".
std::string describe(Operation *op);

/// Remarks of category `pass` about `op`.
void remarkPassed(Operation *op, llvm::StringRef pass, llvm::StringRef raised);
void remarkMissed(Operation *op, llvm::StringRef pass, const Blocker &blocker);

/// Raises every `AnchorOp` of `function` that `analyse` accepts.
///   analyse: (AnchorOp, Blocker &) -> std::optional<Match>
///   rewrite: (mlir::IRRewriter &, Match &) -> StringRef, the name of the operation made
/// The rewriter stands at the anchor. Operations left without users are erased at the end.
template <typename AnchorOp, typename Analyse, typename Rewrite>
void raiseEach(mlir::func::FuncOp function, llvm::StringRef pass, Analyse analyse, Rewrite rewrite) {
  llvm::SmallVector<AnchorOp> anchors;
  function.walk([&](AnchorOp op) { anchors.push_back(op); });
  mlir::IRRewriter rewriter(function.getContext());
  for (AnchorOp anchor : anchors) {
    Blocker blocker;
    auto match = analyse(anchor, blocker);
    if (!match) {
      if (blocker.op)
        remarkMissed(anchor, pass, blocker);
      continue;
    }
    rewriter.setInsertionPoint(anchor);
    // The anchor may be erased by its own rewrite: report before.
    remarkPassed(anchor, pass, match->raised());
    rewrite(rewriter, *match);
  }
  if (!function.isExternal())
    eraseDeadOps(function.getBody().front());
}

} // namespace halftone::graph

#endif
