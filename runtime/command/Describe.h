//===- Describe.h - what a compiled model is ------------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_DESCRIBE_H
#define HALFTONE_RUNTIME_COMMAND_DESCRIBE_H

#include "halftone/halftone.h"
#include "runtime/command/Options.h"

namespace halftone::rt {

/// Inputs, outputs, symbols, memory, levels and build information, to stdout.
/// Works on computers that cannot run the program; fails where a level is asked
/// for that it does not have.
ExitCode describe(const halftone_program &program, const Options &options,
                  Diagnostic &diagnostic);

void printHelp(const halftone_program &program, const char *self);
void printVersion(const halftone_program &program);

} // namespace halftone::rt

#endif
