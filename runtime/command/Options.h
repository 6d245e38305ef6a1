//===- Options.h - the command line of a compiled model -------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_OPTIONS_H
#define HALFTONE_RUNTIME_COMMAND_OPTIONS_H

#include "halftone/language.h"
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
  actionGenerate = 128,
  actionChat = 256,
  actionLogits = 512,
  actionLanguageBench = 1024,
  actionAny = 2047,
};

struct NamedPath {
  Text name;
  const char *path;
};

struct SymbolValue {
  Text name;
  int64_t value;
};

/// What --bench prefill=N,decode=M asks for.
struct LanguageBench {
  uint64_t prefill = 0; ///< tokens read at once
  uint64_t decode = 0;  ///< tokens written, one after the other
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
  const char *prompt = nullptr;
  const char *promptFile = nullptr;
  const char *system = nullptr;
  const char *logitsFile = nullptr;
  const char *saveFile = nullptr;
  const char *restoreFile = nullptr;
  Array<const char *> stops;
  /// Of what is written; struct_size and stops are set where it is used.
  halftone_generate_options generate = {};
  bool isSeeded = false; ///< by --seed; else every run draws others
  LanguageBench languageBench;
  bool echo = true; ///< the prompt too
  bool pin = false;
  bool json = false;

  Options() {
    generate.temperature = 0.8;
    generate.top_k = 40;
    generate.top_p = 0.95;
  }

  bool hasInputs() const { return inputsFile || !inputs.empty(); }
};

/// Arguments after the program's name. Pointers into `arguments` are kept.
bool parseOptions(int count, const char *const *arguments, Options &options,
                  Diagnostic &diagnostic);

} // namespace halftone::rt

#endif
