//===- Signals.cpp - endings that come from outside -----------------------===//

#include "runtime/command/Signals.h"
#include "runtime/command/Options.h"
#include "runtime/files/OutputFile.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

namespace halftone::rt {

static void handleBusError(int) {
  static const char message[] =
      "fatal: a file that was being read (an input, or this program itself) "
      "became shorter or unreadable\n";
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, message, sizeof(message) - 1);
  removeTemporaryFiles();
  _exit(exitRunFailed);
}

static void handleEnd(int signal) {
  removeTemporaryFiles();
  // SA_RESETHAND has restored the default: the parent sees the true reason.
  raise(signal);
}

void installSignalHandlers() {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = handleBusError;
  sigaction(SIGBUS, &action, nullptr);
  action.sa_handler = handleEnd;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before;
    // One that the parent ignores (nohup) stays ignored.
    if (sigaction(signal, nullptr, &before) == 0 &&
        before.sa_handler != SIG_IGN)
      sigaction(signal, &action, nullptr);
  }
}

} // namespace halftone::rt
