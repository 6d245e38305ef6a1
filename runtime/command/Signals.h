//===- Signals.h - endings that come from outside -------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_SIGNALS_H
#define HALFTONE_RUNTIME_COMMAND_SIGNALS_H

namespace halftone::rt {

/// SIGBUS (a mapped file became shorter, or the disk failed) ends the process
/// with one line and exit code 1. SIGINT, SIGTERM and SIGHUP remove unfinished
/// output files first. For executables only: a library must not do this.
void installSignalHandlers();

} // namespace halftone::rt

#endif
