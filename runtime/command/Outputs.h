//===- Outputs.h - where a run's outputs go -------------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_OUTPUTS_H
#define HALFTONE_RUNTIME_COMMAND_OUTPUTS_H

#include "runtime/command/Options.h"
#include "runtime/files/OutputFile.h"
#include "runtime/files/Tensor.h"

namespace halftone::rt {

/// The files of --outputs and --output. They appear together, at the end; when
/// one cannot be written none appears.
class OutputFiles {
public:
  /// Checks names and suffixes: a usage error when it fails.
  static bool check(const halftone_program &program, const Options &options,
                    Diagnostic &diagnostic);

  /// Creates temporary files, before the run.
  bool open(const Options &options, Diagnostic &diagnostic);

  /// `outputs` in the program's order.
  bool write(const halftone_program &program, const Options &options,
             const Array<halftone_tensor> &outputs, Diagnostic &diagnostic);

private:
  Array<OutputFile> files; ///< of --outputs if given, then each --output
};

/// Name, dtype, shape and first elements of each output, to stdout.
void printOutputs(const Array<halftone_tensor> &outputs);

} // namespace halftone::rt

#endif
