//===- Run.cpp - halftone run -----------------------------------------------===//

#include "compiler/Driver/Arguments.h"
#include "compiler/Driver/Compiler.h"
#include "compiler/Driver/Reference.h"
#include "compiler/Driver/Verbs.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

namespace halftone::driver {

static void printHelp(llvm::ArrayRef<OptionSpec> options) {
  llvm::outs() << "halftone run MODEL [options] [options of the program]\n\n"
                  "Compiles MODEL to a temporary program and runs it, or interprets it with\n"
                  "--reference: slow, exact, every sum in double precision. The program's own\n"
                  "options (--inputs, --outputs, --bench, --perplexity, …) follow; see\n"
                  "halftone run MODEL -- --help.\n\n"
               << describeOptions(options)
               << "\nExamples:\n"
                  "  halftone run model.onnx --inputs in.npz --outputs out.npz\n"
                  "  halftone run --reference model.onnx --inputs in.npz --outputs exact.npz\n";
}

/// Compiles to a temporary executable and runs that.
static int runNative(Compiler &compiler, const std::string &program, llvm::ArrayRef<std::string> arguments) {
  if (ExitCode code = compiler.runPhases(pipelines::getPhases().size() - 1))
    return code;
  if (ExitCode code = compiler.emit())
    return code;
  std::vector<llvm::StringRef> argv{program};
  llvm::append_range(argv, arguments);
  std::string message;
  int status = llvm::sys::ExecuteAndWait(program, argv, std::nullopt, {}, 0, 0, &message);
  if (!message.empty())
    printError("cannot run the program: " + message);
  return status < 0 ? ExitInternal : status;
}

static bool asksForFormats(const pipelines::PhaseOptions &options) {
  pipelines::PhaseOptions defaults;
  bool weights = !options.weights.empty() && options.weights != defaults.weights;
  return weights || options.activations != defaults.activations ||
         !options.plan.empty() || !options.savePlan.empty();
}

int runRun(llvm::ArrayRef<llvm::StringRef> arguments) {
  CompileOptions options;
  std::string maxima, past;
  std::vector<std::string> constants, elements;
  bool help = false, reference = false;
  const OptionSpec specs[] = {
      {"--reference", "", "interpret the graph instead of compiling it: as imported, or in the formats\n"
       "that are asked for", nullptr, &reference},
      {"--max", "NAME=N,…", "as in halftone compile", &maxima},
      {"--constant", "NAME=VALUE", "as in halftone compile", nullptr, nullptr, &constants},
      {"--elements", "NAME=SHAPE,…", "as in halftone compile", nullptr, nullptr, &elements},
      {"--weights", "FORMAT", "as in halftone compile", &options.phases.weights},
      {"--activations", "FORMAT", "as in halftone compile", &options.phases.activations},
      {"--rotation", "MATRIX", "as in halftone compile", &options.phases.rotation},
      {"--past", "FORM", "as in halftone compile", &past},
      {"--plan", "FILE", "as in halftone compile", &options.phases.plan},
      {"--calibrate", "FILE", "as in halftone compile", &options.calibrate},
      {"--save-plan", "FILE", "as in halftone compile", &options.phases.savePlan},
      {"-v", "", "show every step", nullptr, &options.verbose},
      {"--help", "", "this text", nullptr, &help},
  };
  std::vector<std::string> positional, rest;
  // After "--" everything is the program's.
  auto split = llvm::find(arguments, "--");
  llvm::ArrayRef<llvm::StringRef> own = arguments.take_front(split - arguments.begin());
  if (llvm::Error error = parseArguments(own, specs, positional, &rest))
    return fail(std::move(error), ExitUsage);
  if (split != arguments.end())
    for (llvm::StringRef argument : arguments.drop_front(split - arguments.begin() + 1))
      rest.push_back(argument.str());
  if (help) {
    printHelp(specs);
    return ExitOk;
  }
  if (positional.size() != 1) {
    printError("no model given: halftone run MODEL …");
    return ExitUsage;
  }
  if (llvm::Error error = parseImportOptions(maxima, constants, elements, options.import))
    return fail(std::move(error), ExitUsage);
  if (llvm::Error error = parsePast(past, options.phases))
    return fail(std::move(error), ExitUsage);
  options.model = positional.front();
  llvm::SmallString<128> program;
  if (!reference) {
    if (std::error_code code = llvm::sys::fs::createUniqueDirectory("halftone-run", program))
      return fail(llvm::createStringError("cannot make a temporary folder: %s", code.message().c_str()), ExitFailed);
    program += "/program";
    options.output = program.str().str();
  }
  int status = ExitOk;
  {
    Compiler compiler(options);
    status = compiler.load();
    if (status == ExitOk && reference && asksForFormats(options.phases))
      status = compiler.runPhases(pipelines::findPhase("quantize"));
    if (status == ExitOk)
      status = reference ? runReference(compiler.getModule(), compiler.getModelDirectory(), rest)
                         : runNative(compiler, options.output, rest);
  }
  if (!reference)
    llvm::sys::fs::remove_directories(llvm::StringRef(program).drop_back(8));
  return status;
}

} // namespace halftone::driver
