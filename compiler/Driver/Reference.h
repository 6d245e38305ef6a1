//===- Reference.h - the interpreter behind a program's command line --------===//

#ifndef HALFTONE_COMPILER_DRIVER_REFERENCE_H
#define HALFTONE_COMPILER_DRIVER_REFERENCE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>

namespace halftone::driver {

/// Runs the command line of a compiled program (inputs, outputs, --perplexity, …)
/// with @main interpreted instead of compiled. Returns the exit code.
int runReference(mlir::ModuleOp module, const std::string &modelDirectory, llvm::ArrayRef<std::string> arguments);

} // namespace halftone::driver

#endif
