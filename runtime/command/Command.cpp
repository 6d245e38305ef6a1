//===- Command.cpp - what the executable of a compiled model does ---------===//

#include "runtime/command/Command.h"
#include "runtime/command/Bench.h"
#include "runtime/command/Describe.h"
#include "runtime/command/Generate.h"
#include "runtime/command/Inputs.h"
#include "runtime/command/LanguageModel.h"
#include "runtime/command/Outputs.h"
#include "runtime/command/Runner.h"
#include "runtime/command/Signals.h"
#include "runtime/language/Signature.h"
#include "runtime/session/Error.h"
#include "runtime/session/Program.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace halftone::rt {

static bool collectInputs(const halftone_program &program,
                          const Options &options, Array<Tensor> &inputs,
                          Diagnostic &diagnostic) {
  if (options.hasInputs()) {
    if (!options.shape.empty())
      return diagnostic.fail("--shape is for inputs that --bench makes; these "
                             "come from files");
    return readInputs(program, options, inputs, diagnostic);
  }
  if (options.action == actionBench) {
    Array<int64_t> symbols;
    return chooseSymbols(program, options, symbols, diagnostic) &&
           makeInputs(program, symbols.data(), inputs, diagnostic);
  }
  if (program.num_inputs == 0)
    return true;
  Signature signature;
  Diagnostic ignored;
  if (signature.find(program, ignored))
    return diagnostic.fail("nothing is asked for: -p TEXT lets the model write; "
                           "see --help");
  return diagnostic.fail(
      "no inputs are given; this program needs: %s (--inputs "
      "FILE or --input NAME=FILE; see --help)",
      nameList(program.inputs, program.num_inputs).c_str());
}

/// --bench and plain runs.
static ExitCode runOnFiles(const halftone_program &program,
                           const Options &options, Diagnostic &diagnostic) {
  Array<Tensor> inputs;
  if (!OutputFiles::check(program, options, diagnostic) ||
      !collectInputs(program, options, inputs, diagnostic))
    return exitUsage;
  Runner runner(program);
  OutputFiles files;
  if (!runner.start(options, diagnostic) || !runner.prepare(inputs, diagnostic))
    return runner.exitCode();
  if (!files.open(options, diagnostic))
    return exitRunFailed;
  if (options.action == actionBench) {
    Timings timings;
    if (!measure(runner, options, timings, diagnostic))
      return runner.exitCode();
    printTimings(program, options, runner, inputs, timings);
  } else if (!runner.run(diagnostic))
    return runner.exitCode();
  if (!files.write(program, options, runner.outputs(), diagnostic))
    return exitRunFailed;
  if (options.action == actionRun && !options.outputsFile &&
      options.outputs.empty())
    printOutputs(runner.outputs());
  return exitOk;
}

static ExitCode act(const halftone_program &program, const Options &options,
                    const char *self, Diagnostic &diagnostic) {
  if (checkProgram(&program) != HALFTONE_OK) {
    diagnostic.fail("%s", lastError());
    return exitInternal;
  }
  switch (options.action) {
  case actionHelp:
    printHelp(program, self);
    return exitOk;
  case actionVersion:
    printVersion(program);
    return exitOk;
  case actionDescribe:
    return describe(program, options, diagnostic);
  case actionPerplexity:
    return runPerplexity(program, options, diagnostic);
  case actionNext:
    return runNext(program, options, diagnostic);
  case actionGenerate:
    return runGenerate(program, options, diagnostic);
  case actionChat:
    return runChat(program, options, diagnostic);
  case actionLogits:
    return runLogits(program, options, diagnostic);
  case actionLanguageBench:
    return runLanguageBench(program, options, diagnostic);
  default:
    return runOnFiles(program, options, diagnostic);
  }
}

int runCommand(const halftone_program &program, int argc,
               const char *const *argv) {
  installSignalHandlers();
  const char *self = argc > 0 ? argv[0] : "model";
  Options options;
  Diagnostic diagnostic;
  ExitCode code = exitUsage;
  if (parseOptions(argc > 0 ? argc - 1 : 0, argv + (argc > 0), options,
                   diagnostic))
    code = act(program, options, self, diagnostic);
  // Results that do not arrive are a failure: a full disk behind `> file`.
  bool written = fflush(stdout) == 0 && !ferror(stdout);
  if (!written && code == exitOk) {
    diagnostic.fail("cannot write to the standard output: %s", strerror(errno));
    code = exitRunFailed;
  }
  if (code != exitOk)
    fprintf(stderr, "error: %s\n", diagnostic.text());
  return code;
}

} // namespace halftone::rt
