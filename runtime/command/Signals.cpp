//===- Signals.cpp - endings that come from outside -----------------------===//

#include "runtime/command/Signals.h"
#include "runtime/command/Options.h"
#include "runtime/files/OutputFile.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace halftone::rt {

static std::atomic<bool> ending{false};

/// Removes files, in one thread: several may meet the same lost page, and the
/// process must not end before the first is done.
static void cleanUpOnce() {
  while (ending.exchange(true))
    pause();
  removeTemporaryFiles();
}

static void handleBusError(int) {
  cleanUpOnce();
  static const char message[] =
      "fatal: a file that was being read (an input, or this program itself) "
      "became shorter or unreadable\n";
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, message, sizeof(message) - 1);
  _exit(exitRunFailed);
}

static void handleEnd(int number) {
  cleanUpOnce();
  // By the default action, so that the parent sees the true reason. Not by
  // SA_RESETHAND: a second signal could then end the process before this.
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  raise(number);
}

void installSignalHandlers() {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  // None of them interrupts the handler of another.
  for (int number : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&action.sa_mask, number);
  action.sa_handler = handleBusError;
  sigaction(SIGBUS, &action, nullptr);
  action.sa_handler = handleEnd;
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before;
    // One that the parent ignores (nohup) stays ignored.
    if (sigaction(number, nullptr, &before) == 0 &&
        before.sa_handler != SIG_IGN)
      sigaction(number, &action, nullptr);
  }
}

} // namespace halftone::rt
