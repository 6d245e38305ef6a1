//===- Options.h - the command line of a compiled model -------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_OPTIONS_H
#define HALFTONE_RUNTIME_COMMAND_OPTIONS_H

#include "halftone/abi.h"
#include "runtime/support/Array.h"
#include "runtime/support/Diagnostic.h"

namespace halftone::rt {

/// How the process ends.
enum ExitCode {
  exitOk = 0,
  exitRunFailed = 1, ///< shape, dtype, fault, output that cannot be written
  exitUsage = 2,     ///< bad option or unreadable input
  exitInternal = 3,  ///< damaged program, out of memory
};

/// What the program is asked to do: bits, since options name the actions they
/// belong to.
enum Action : unsigned {
  actionRun = 1,
  actionBench = 2,
  actionPerplexity = 4,
  actionNext = 8,
  actionDescribe = 16,
  actionHelp = 32,
  actionVersion = 64,
  actionAny = 127,
};

struct NamedPath {
  Text name;
  const char *path;
};

struct SymbolValue {
  Text name;
  int64_t value;
};

struct Options {
  Action action = actionRun;
  const char *inputsFile = nullptr;
  const char *outputsFile = nullptr;
  const char *tokensFile = nullptr;
  const char *level = nullptr; ///< null: what the environment says, or the best
  Array<NamedPath> inputs;
  Array<NamedPath> outputs;
  Array<SymbolValue> shape;
  uint64_t threads = 0; ///< 0: as many as the session likes
  uint64_t benchRuns = 0;
  uint64_t warmup = 3;
  uint64_t window = 0; ///< 0: the default
  uint64_t top = 5;
  bool pin = false;
  bool json = false;

  bool hasInputs() const { return inputsFile || !inputs.empty(); }
};

/// Arguments after the program's name. Pointers into `arguments` are kept.
bool parseOptions(int count, const char *const *arguments, Options &options,
                  Diagnostic &diagnostic);

} // namespace halftone::rt

#endif
