//===- Endings.h - endings that come from outside ---------------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_ENDINGS_H
#define HALFTONE_COMPILER_DRIVER_ENDINGS_H

namespace halftone::driver {

/// From here on the process ends with one sentence and no temporary file where
/// memory runs out (exit code 1) or a mapped file shrinks while it is read (2).
/// Call after llvm::InitLLVM, whose handlers it replaces; interrupts stay LLVM's.
void installEndings();

} // namespace halftone::driver

#endif
