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

/// What a session keeps, and where.
struct StateDescription {
  TensorDescription tensor;
  uint64_t offset, bytes;
};

struct SymbolDescription {
  std::string name;
  int64_t min, max;
};

struct LevelDescription {
  std::string name;
  uint64_t cpuFeatures = 0, arenaBytes = 0;
  std::vector<std::string> faultSites;
  std::string step; ///< the symbol of its step function
};

/// What a program knows of texts (abi.h, `halftone_text`); without a tokenizer: nothing.
struct TextDescription {
  std::string tokenizer, chat; ///< compiled forms
  std::vector<uint32_t> ends;
};

/// What the descriptor says, taken from a lowered module before its graph form goes.
struct ProgramDescription {
  std::string name, buildInfo;
  std::vector<SymbolDescription> symbols;
  std::vector<TensorDescription> inputs, outputs;
  std::vector<StateDescription> states;
  std::vector<LevelDescription> levels;
  TextDescription text;
  uint64_t payloadBytes = 0;

  /// Whether the API of language models is part of it (runtime/include/halftone/language.h).
  bool isLanguageModel() const { return !states.empty() || !text.tokenizer.empty(); }
};

/// Reads symbols, inputs, outputs and states of the graph function, in any phase.
llvm::Expected<ProgramDescription> describeGraph(mlir::ModuleOp module);

/// Bytes of the weights that the lowered module of a level has.
uint64_t getPayloadBytes(mlir::ModuleOp level);

/// Of a level's lowered module: its name, fault sites and arena.
llvm::Expected<LevelDescription> describeLevel(mlir::ModuleOp level);

/// Adds the constant `halftone_program` (runtime/include/halftone/abi.h) and the
/// function that computes output dimensions to a module. The levels' step functions
/// and `payloadSymbol`, the object that holds the weights, are declared.
void addDescriptor(llvm::Module &module, const ProgramDescription &description, llvm::StringRef payloadSymbol);

} // namespace halftone::emit

#endif
