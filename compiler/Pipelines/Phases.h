//===- Phases.h - the table of compilation phases ---------------------------===//
//
// One table: the driver's --compile-to and --compile-from, the pipelines that
// halftone-opt registers (phase-<name>), the documentation and the reports all
// read it.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_PIPELINES_PHASES_H
#define HALFTONE_COMPILER_PIPELINES_PHASES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace mlir {
class OpPassManager;
}

namespace halftone::pipelines {

/// What phases need to know beside the module.
struct PhaseOptions {
  std::string weights = "f32";     ///< the format of weights
  std::string activations = "f32"; ///< the format of the linears' inputs
  std::string rotation = "auto";   ///< of inputs that will be codes
  std::string attention;           ///< what attention multiplies in; empty: as activations and the levels ask for
  std::string states = "f32";      ///< the format of keys and values that are kept
  std::string plan;                ///< file of rules that come before these; empty: none
  std::string savePlan;            ///< file for what was decided; empty: none
  double smoothing = 0.5;          ///< the share of observed magnitudes that goes into weights
  std::string modelDirectory;      ///< folder of the model's files; empty: passes read no file
  bool keepPast = true;            ///< keys and values that a decoder takes and gives become states
};

struct Phase {
  llvm::StringRef name;
  llvm::StringRef does;
  llvm::StringRef leaves; ///< the exit contract, which the verify pass checks
  /// Null for `import` and `emit`, which are not passes on a module.
  void (*build)(mlir::OpPassManager &, const PhaseOptions &);
};

/// All phases in order.
llvm::ArrayRef<Phase> getPhases();

/// The position of the phase called `name`, or -1.
int findPhase(llvm::StringRef name);

/// Adds a phase's passes, then the pass that checks its exit contract.
void addPhase(mlir::OpPassManager &pm, const Phase &phase, const PhaseOptions &options);

/// Registers `phase-<name>` for every phase that has passes.
void registerPhasePipelines();

} // namespace halftone::pipelines

#endif
