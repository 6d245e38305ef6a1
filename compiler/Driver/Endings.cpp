//===- Endings.cpp - endings that come from outside -------------------------===//

#include "compiler/Driver/Endings.h"

#include "compiler/Driver/Console.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

namespace halftone::driver {

/// Nothing here allocates: memory may be what is missing.
[[noreturn]] static void end(const char *message, ExitCode code) {
  llvm::sys::RunInterruptHandlers(); // removes temporary files
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, message, std::strlen(message));
  ::_exit(code);
}

static void handleOutOfMemory(void *, const char *, bool) {
  end("halftone: error: there is not enough memory for this\n", ExitFailed);
}

static void handleBusError(int) {
  end("halftone: error: a file that was being read became shorter or unreadable\n", ExitUsage);
}

void installEndings() {
  // A file that may not grow further is an error to report, not a crash.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGBUS, handleBusError);
  llvm::install_bad_alloc_error_handler(handleOutOfMemory);
}

} // namespace halftone::driver
