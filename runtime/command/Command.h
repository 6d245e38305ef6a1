//===- Command.h - what the executable of a compiled model does -----------===//

#ifndef HALFTONE_RUNTIME_COMMAND_COMMAND_H
#define HALFTONE_RUNTIME_COMMAND_COMMAND_H

#include "halftone/abi.h"

namespace halftone::rt {

/// The whole program: parses the command line, acts, prints errors to stderr,
/// returns the exit code.
int runCommand(const halftone_program &program, int argc,
               const char *const *argv);

} // namespace halftone::rt

#endif
