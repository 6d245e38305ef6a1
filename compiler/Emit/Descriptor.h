//===- Descriptor.h - the program's description of itself -------------------===//

#ifndef HALFTONE_COMPILER_EMIT_DESCRIPTOR_H
#define HALFTONE_COMPILER_EMIT_DESCRIPTOR_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace halftone::emit {

/// An input or output of the program.
struct TensorDescription {
  std::string name;
  uint32_t dtype; ///< halftone_dtype
  llvm::SmallVector<mlir::AffineExpr> dims;
};

struct SymbolDescription {
  std::string name;
  int64_t min, max;
};

/// What the descriptor says, taken from a lowered module before its graph form goes.
struct ProgramDescription {
  std::string name, buildInfo;
  std::vector<SymbolDescription> symbols;
  std::vector<TensorDescription> inputs, outputs;
  std::vector<std::string> faultSites;
  uint64_t cpuFeatures = 0, arenaBytes = 0, payloadBytes = 0;
};

/// Reads symbols, inputs and outputs of the graph function, in any phase.
llvm::Expected<ProgramDescription> describeGraph(mlir::ModuleOp module);

/// The same of a lowered module, with fault sites and sizes.
llvm::Expected<ProgramDescription> describeProgram(mlir::ModuleOp module);

/// Adds the constant `halftone_program` (runtime/include/halftone/abi.h) and the
/// function that computes output dimensions to a module that defines `step`.
/// `payloadSymbol` is the object that holds the weights.
void addDescriptor(llvm::Module &module, const ProgramDescription &description, llvm::StringRef payloadSymbol);

} // namespace halftone::emit

#endif
