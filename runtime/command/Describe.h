//===- Describe.h - what a compiled model is ------------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_DESCRIBE_H
#define HALFTONE_RUNTIME_COMMAND_DESCRIBE_H

#include "halftone/halftone.h"

namespace halftone::rt {

/// Inputs, outputs, symbols, memory, CPU features and build information, to
/// stdout. Works on computers that cannot run the program.
void describe(const halftone_program &program, bool json);

void printHelp(const halftone_program &program, const char *self);
void printVersion(const halftone_program &program);

} // namespace halftone::rt

#endif
