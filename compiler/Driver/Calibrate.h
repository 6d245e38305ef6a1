//===- Calibrate.h - what a sample of inputs shows of activations -----------===//

#ifndef HALFTONE_COMPILER_DRIVER_CALIBRATE_H
#define HALFTONE_COMPILER_DRIVER_CALIBRATE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace halftone::driver {

/// Interprets @main on the arrays of the .npz file `samples`, by name, and gives
/// every linear the greatest magnitude that each channel of its input had
/// (`htq.input_magnitudes`).
llvm::Error calibrate(mlir::ModuleOp module, llvm::StringRef samples, llvm::StringRef modelDirectory);

} // namespace halftone::driver

#endif
