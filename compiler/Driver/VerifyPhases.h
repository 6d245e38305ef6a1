//===- VerifyPhases.h - the error that each phase adds ----------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_VERIFYPHASES_H
#define HALFTONE_COMPILER_DRIVER_VERIFYPHASES_H

#include "compiler/Evaluate/WeightSource.h"

#include "mlir/IR/BuiltinOps.h"

namespace halftone::driver {

/// Inputs that a model accepts: ids and counts small, masks all ones, floats in
/// [-1, 1) from a fixed seed; symbols small and different from each other.
std::vector<evaluate::Tensor> makeSampleInputs(mlir::func::FuncOp graph);

/// Interprets @main before the first phase and after each one, and reports the
/// largest difference to the phase before, relative to the output's largest
/// value. `lower` leaves code that only a machine runs: it is left to
/// comparisons of the program with `halftone run --reference`.
class PhaseVerifier {
public:
  explicit PhaseVerifier(std::string modelDirectory);

  llvm::Error start(mlir::ModuleOp module);
  /// An error when the difference is more than storage can explain.
  llvm::Error check(mlir::ModuleOp module, llvm::StringRef phase);

private:
  llvm::Expected<std::vector<evaluate::Tensor>> run(mlir::ModuleOp module);

  std::string modelDirectory;
  std::vector<evaluate::Tensor> inputs, before;
};

} // namespace halftone::driver

#endif
