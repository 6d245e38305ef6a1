//===- Emit.h - a lowered module becomes a program --------------------------===//

#ifndef HALFTONE_COMPILER_EMIT_EMIT_H
#define HALFTONE_COMPILER_EMIT_EMIT_H

#include "compiler/Emit/Descriptor.h"
#include "compiler/Target/Cpu.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace halftone::emit {

/// The suffix of the output decides: none, `.so`, `.o`.
enum class OutputKind { Executable, SharedLibrary, Object };

OutputKind getOutputKind(llvm::StringRef path);

struct EmitOptions {
  std::string output;         ///< written whole, or not at all
  std::string modelDirectory; ///< what the weights' files are relative to
  std::vector<target::Cpu> cpus; ///< of the module's levels, in their order
  std::string runtimeLibraries; ///< folder of libhalftone_rt*.a
  std::string linker;           ///< a C compiler driver that links
  TextDescription text;         ///< of language models
  llvm::json::Object buildInfo; ///< what shaped the program, for --describe
  unsigned threads = 0;         ///< for making weights; 0: as many as there are processors
  uint64_t memory = 0;          ///< what the compiler may take while it makes weights; 0: any amount
  std::function<void(llvm::StringRef)> progress;
};

/// What was written.
struct EmitResult {
  uint64_t codeBytes = 0;
  uint64_t payloadBytes = 0;
  uint64_t arenaBytes = 0; ///< of the level that needs most
  std::string header; ///< path of the C header, if one was written
};

/// Emits the levels that the lower phase left. The module is consumed.
llvm::Expected<EmitResult> emitProgram(mlir::ModuleOp module, const EmitOptions &options);

} // namespace halftone::emit

#endif
