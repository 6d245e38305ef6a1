//===- Pipelines.cpp - the raise phase --------------------------------------===//

#include "passes/Graph/Pipelines.h"

#include "passes/Graph/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace halftone::graph {

/// Folders and common subexpressions: what leaves one node for what an exporter wrote twice.
static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void buildRaisePipeline(OpPassManager &pm, const RaiseOptions &options) {
  // Raising counts users ("used once, by a square root"), so duplicates go first.
  addCleanup(pm);
  // Before constants are folded: tables of positions become iota, which the mask of
  // a static graph can be read off; folded, it would be a table of bits.
  pm.addNestedPass<func::FuncOp>(createSimplify());
  pm.addNestedPass<func::FuncOp>(createFoldConstants());
  addCleanup(pm);

  // These see only arithmetic that no other raise touches; in any order.
  pm.addNestedPass<func::FuncOp>(createRaiseNorm());
  pm.addNestedPass<func::FuncOp>(createRaiseActivation());
  pm.addNestedPass<func::FuncOp>(createRaiseEmbedding());
  // After embedding: a table that is also the output projection is then read by
  // two operations in one layout, and no transposed copy is made.
  pm.addPass(createRaiseLinear());

  // Rope before attention: it leaves transposes around itself, which attention
  // takes into its operands; and repeated heads must still be seen behind it.
  pm.addNestedPass<func::FuncOp>(createRaiseRope());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createRaiseAttention());

  // The transposes around rope and attention cancel here; masks lose their broadcasts.
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createSimplify());
  addCleanup(pm);

  // On attention with its transposes gone: caches are what it reads.
  if (options.keepPast)
    pm.addNestedPass<func::FuncOp>(createKeepPast());
  // What is a state is known now.
  pm.addNestedPass<func::FuncOp>(createExpandUpdates());
  addCleanup(pm);

  // Weights have their final layout now, so that copies can be compared.
  if (!options.modelDirectory.empty()) {
    TieWeightsOptions tie;
    tie.modelDirectory = options.modelDirectory;
    pm.addPass(createTieWeights(tie));
    pm.addPass(createCSEPass());
  }

  // Last, on what is left: what no one reads, and one order of the rest.
  pm.addPass(createDropUnusedWeights());
  pm.addPass(createSortGraph());
}

void registerPipelines() {
  PassPipelineRegistration<RaiseOptions>("ht-raise", "Raise an imported graph to transformer operations",
                                         buildRaisePipeline);
}

} // namespace halftone::graph
