//===- Phases.cpp - the table of compilation phases -------------------------===//

#include "compiler/Pipelines/Phases.h"

#include "passes/CPU/Passes.h"
#include "passes/Graph/Pipelines.h"
#include "passes/Kernels/Passes.h"
#include "passes/Layout/Passes.h"
#include "passes/Quantize/Passes.h"
#include "passes/Verify/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace halftone::pipelines {

static void buildRaise(OpPassManager &pm, const PhaseOptions &options) {
  graph::RaiseOptions raise;
  raise.modelDirectory = options.modelDirectory;
  raise.keepPast = options.keepPast;
  graph::buildRaisePipeline(pm, raise);
}

static void buildAssign(OpPassManager &pm, const PhaseOptions &options) {
  // First: what attention multiplies in depends on what it is kept in.
  pm.addPass(quantize::createNarrowStates({options.states}));
  pm.addPass(quantize::createAssign(
      {options.weights, options.activations, options.rotation, options.attention, options.plan, options.savePlan}));
}

static void buildFold(OpPassManager &pm, const PhaseOptions &options) {
  pm.addPass(quantize::createSmooth({options.smoothing, options.modelDirectory}));
  pm.addPass(quantize::createRotate());
}

static void buildQuantize(OpPassManager &pm, const PhaseOptions &) { pm.addPass(quantize::createQuantize()); }

static void buildFuse(OpPassManager &pm, const PhaseOptions &) {
  OpPassManager &functions = pm.nest<func::FuncOp>();
  // First: the transposes that it makes are operations to fuse.
  functions.addPass(kernels::createExpandLinears());
  functions.addPass(kernels::createFormKernels());
}

static void buildLayout(OpPassManager &pm, const PhaseOptions &) { pm.addPass(layout::createPackWeights()); }

static void buildLower(OpPassManager &pm, const PhaseOptions &) {
  pm.addPass(kernels::createSplitLevels());
  OpPassManager &levels = pm.nest<ModuleOp>();
  // After layout: only kernels that read equally packed weights are equal.
  levels.addPass(kernels::createOutlineKernels());
  levels.addPass(kernels::createBuildStep());
  levels.addPass(cpu::createLowerKernels());
  // Loop nests are written with repeated index arithmetic; one cleanup here
  // keeps the LLVM conversion and everything after it small.
  levels.addPass(createCanonicalizerPass());
  levels.addPass(createCSEPass());
  levels.addPass(cpu::createConvertToLLVM());
}

ArrayRef<Phase> getPhases() {
  static const Phase phases[] = {
      {"import", "reads the model file into primitive ht operations", "ht operations with symbolic shapes; weights "
       "are symbols; shape arithmetic is folded", nullptr},
      {"raise", "recognises transformer operations", "linear, attention, norm, rope, glu and embedding where they "
       "exist; equal for every exporter", buildRaise},
      {"assign", "decides the formats of weights and activations", "formats as attributes of linears and embeddings",
       buildAssign},
      {"fold", "moves scales and rotations of activations into weights", "no scale or rotation is left to move",
       buildFold},
      {"quantize", "makes these formats true", "weights and activations are leaves of their terms", buildQuantize},
      {"fuse", "groups operations into kernels", "@main holds kernels, views and weights only", buildFuse},
      {"layout", "packs weights for their kernels", "no kernel holds an unpacked ht.linear of a weight", buildLayout},
      {"lower", "kernels to vector loops to LLVM, one planned arena, barriers", "a module for each "
       "level: LLVM dialect and the weights' initializers", buildLower},
      {"emit", "makes weights, generates code, links", "the program", nullptr},
  };
  return phases;
}

int findPhase(StringRef name) {
  for (auto [i, phase] : llvm::enumerate(getPhases()))
    if (phase.name == name)
      return i;
  return -1;
}

void addPhase(OpPassManager &pm, const Phase &phase, const PhaseOptions &options) {
  if (phase.build)
    phase.build(pm, options);
  pm.addPass(verify::createVerifyPhase({phase.name.str()}));
}

namespace {
struct PhasePipelineOptions : PassPipelineOptions<PhasePipelineOptions> {
  Option<std::string> weights{*this, "weights", llvm::cl::desc("format of weights"), llvm::cl::init("f32")};
  Option<std::string> activations{*this, "activations", llvm::cl::desc("format of the linears' inputs"),
                                  llvm::cl::init("f32")};
  Option<std::string> rotation{*this, "rotation", llvm::cl::desc("rotation of inputs that will be codes"),
                               llvm::cl::init("auto")};
  Option<std::string> attention{*this, "attention", llvm::cl::desc("what attention multiplies in"),
                                llvm::cl::init("")};
  Option<std::string> states{*this, "states", llvm::cl::desc("format of kept keys and values"),
                             llvm::cl::init("f32")};
  Option<std::string> plan{*this, "plan", llvm::cl::desc("file of rules for formats"), llvm::cl::init("")};
  Option<std::string> savePlan{*this, "save-plan", llvm::cl::desc("file for the decided formats"), llvm::cl::init("")};
  Option<double> smoothing{*this, "smoothing", llvm::cl::desc("share of observed magnitudes that goes into weights"),
                           llvm::cl::init(0.5)};
  Option<std::string> modelDirectory{*this, "model-directory", llvm::cl::desc("folder of the model's files"),
                                     llvm::cl::init("")};
  Option<bool> keepPast{*this, "keep-past", llvm::cl::desc("keys and values that a decoder takes and gives become states"),
                        llvm::cl::init(true)};
};
} // namespace

void registerPhasePipelines() {
  for (const Phase &phase : getPhases()) {
    if (!phase.build)
      continue;
    PassPipelineRegistration<PhasePipelineOptions>(
        "phase-" + phase.name.str(), "phase " + phase.name.str() + ": " + phase.does.str(),
        [&phase](OpPassManager &pm, const PhasePipelineOptions &options) {
          addPhase(pm, phase, {options.weights, options.activations, options.rotation, options.attention, options.states,
                                options.plan, options.savePlan, options.smoothing, options.modelDirectory,
                                options.keepPast});
        });
  }
}

} // namespace halftone::pipelines
