//===- Console.h - what people see on stderr --------------------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_CONSOLE_H
#define HALFTONE_COMPILER_DRIVER_CONSOLE_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"

namespace halftone::driver {

/// How every program of ours ends.
enum ExitCode { ExitOk = 0, ExitFailed = 1, ExitUsage = 2, ExitInternal = 3 };

/// `text` with the control characters that a terminal would obey written as \XX;
/// lines and letters of any language stay. Everything printed to stderr goes
/// through it: names come from files.
std::string escapeControls(llvm::StringRef text);

/// Prints "halftone: error: <message>".
void printError(llvm::StringRef message);
int fail(llvm::Error error, ExitCode code);

/// Writes a file; returns how the program ends.
int writeBytes(llvm::StringRef path, llvm::StringRef bytes);

/// Where in the user's model a location is: `model.onnx: node "/layer.0/MatMul"`.
std::string describeLocation(mlir::Location location);

/// Prints diagnostics as the driver's own messages for as long as it lives: the
/// first error whole, with its notes; warnings; remarks only when `verbose`. Where
/// `take` is given it gets all of them instead.
class DiagnosticPrinter {
public:
  DiagnosticPrinter(mlir::MLIRContext &context, bool verbose,
                    const std::function<void(mlir::Diagnostic &)> &take = {});

  bool hasErrors() const { return errors != 0; }

private:
  unsigned errors = 0;
  bool verbose;
  mlir::ScopedDiagnosticHandler handler;
};

/// "[ 2.3 s] raise": a line when a step begins, once the whole takes more than
/// two seconds, or always when `verbose`.
class Progress {
public:
  explicit Progress(bool verbose);
  void operator()(llvm::StringRef step);
  double getSeconds() const;

private:
  bool verbose;
  double start;
};

} // namespace halftone::driver

#endif
