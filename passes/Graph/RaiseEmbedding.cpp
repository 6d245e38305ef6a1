//===- RaiseEmbedding.cpp - rows of a weight --------------------------------===//

#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

namespace halftone::graph {
#define GEN_PASS_DEF_RAISEEMBEDDING
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

struct EmbeddingMatch {
  Value table;
  GatherOp root;

  StringRef raised() const { return "ht.embedding"; }
};

std::optional<EmbeddingMatch> analyse(GatherOp gather, Blocker &blocker) {
  Value table = skipFloatCasts(gather.getInput());
  if (!table.getDefiningOp<GetWeightOp>() || !isa<FloatType>(getElementTypeOrSelf(table)))
    return std::nullopt;
  if (getDims(table).size() != 2)
    return blocker.at(table.getDefiningOp(), "an embedding table must have two dimensions");
  if (gather.getAxis() != 0)
    return blocker.at(gather, "an embedding gathers along axis 0");
  return EmbeddingMatch{table, gather};
}

void rewrite(IRRewriter &rewriter, EmbeddingMatch &match) {
  GatherOp gather = match.root;
  Value rows = EmbeddingOp::create(rewriter, gather.getLoc(), match.table, gather.getIndices());
  // A table stored narrower is read as f32; casts back to the graph's type are exact.
  if (rows.getType() != gather.getType()) {
    for (Operation *user : llvm::make_early_inc_range(gather->getUsers()))
      if (auto widen = dyn_cast<CastOp>(user); widen && widen.getType() == rows.getType())
        rewriter.replaceOp(widen, rows);
    rows = CastOp::create(rewriter, gather.getLoc(), gather.getType(), rows);
  }
  rewriter.replaceOp(gather, rows);
}

struct RaiseEmbedding : graph::impl::RaiseEmbeddingBase<RaiseEmbedding> {
  void runOnOperation() override {
    raiseEach<GatherOp>(getOperation(), "ht-raise-embedding", analyse, rewrite);
  }
};

} // namespace
