//===- Compiler.h - a model file through the phases -------------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_COMPILER_H
#define HALFTONE_COMPILER_DRIVER_COMPILER_H

#include "compiler/Driver/Console.h"
#include "compiler/Emit/Emit.h"
#include "compiler/Import/ONNX/Importer.h"
#include "compiler/Pipelines/Phases.h"

namespace halftone::driver {

struct CompileOptions {
  std::string model;
  std::string output;
  std::string cpu = "native";
  std::string compileFrom, compileTo; ///< phase names; empty: import and emit
  std::string linker;
  std::string tokenizer; ///< file, or "none"; empty: the one that is with the model
  ImportOptions import;
  pipelines::PhaseOptions phases;
  std::string calibrate; ///< file of inputs to observe activations on; empty: none
  uint64_t memory = 0; ///< bytes to take while weights are made; 0: any amount
  bool verbose = false;
  bool verifyEachPhase = false;
  /// Takes diagnostics where it is given; else they are printed.
  std::function<void(mlir::Diagnostic &)> takeDiagnostic;

  /// No format of weights means f32, or what they are in, of files that are usually quantized.
  CompileOptions() { phases.weights.clear(); }
};

/// Parses the values of --max and of each --constant and --elements.
llvm::Error parseImportOptions(llvm::StringRef maxima, llvm::ArrayRef<std::string> constants,
                               llvm::ArrayRef<std::string> elements, ImportOptions &options);

/// Parses the value of --past; empty is the default.
llvm::Error parsePast(llvm::StringRef text, pipelines::PhaseOptions &options);

/// One compilation: `load`, then phases, then `emit`.
class Compiler {
public:
  explicit Compiler(CompileOptions options);

  /// Reads the model, or the IR that an earlier phase left.
  ExitCode load();
  /// Runs the phases after the one the module is in, up to and with `last`.
  ExitCode runPhases(int last);
  /// Writes the module as text.
  ExitCode writeModule();
  /// Writes the program.
  ExitCode emit();

  mlir::ModuleOp getModule() { return *module; }
  const std::string &getModelDirectory() const { return options.phases.modelDirectory; }
  Progress &getProgress() { return progress; }
  int getFirstPhase() const { return firstPhase; }

private:
  CompileOptions options;
  mlir::MLIRContext context;
  DiagnosticPrinter diagnostics;
  Progress progress;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  int firstPhase = 0; ///< the phase the module has been through
};

} // namespace halftone::driver

#endif
