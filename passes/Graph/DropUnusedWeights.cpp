//===- DropUnusedWeights.cpp - erase weights that no function reads ---------===//

#include "passes/Graph/Passes.h"

#include "dialects/HT/HTOps.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

namespace halftone::graph {
#define GEN_PASS_DEF_DROPUNUSEDWEIGHTS
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone::ht;

namespace {

struct DropUnusedWeights : halftone::graph::impl::DropUnusedWeightsBase<DropUnusedWeights> {
  void runOnOperation() override {
    llvm::StringSet<> read;
    getOperation().walk([&](GetWeightOp get) { read.insert(get.getName()); });
    for (WeightOp weight : llvm::make_early_inc_range(getOperation().getOps<WeightOp>()))
      if (!read.contains(weight.getSymName()))
        weight.erase();
  }
};

} // namespace
