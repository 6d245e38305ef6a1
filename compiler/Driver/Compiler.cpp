//===- Compiler.cpp - a model file through the phases -----------------------===//

#include "compiler/Driver/Compiler.h"

#include "compiler/Driver/Calibrate.h"
#include "compiler/Driver/Installation.h"
#include "compiler/Driver/ModelKind.h"
#include "compiler/Driver/ModelText.h"
#include "compiler/Driver/Registration.h"
#include "compiler/Driver/VerifyPhases.h"
#include "compiler/Emit/Files.h"
#include "compiler/Import/GGUF/Importer.h"
#include "compiler/Import/HuggingFace/Importer.h"
#include "compiler/Import/Llama2c/Importer.h"
#include "dialects/HTK/HTKDialect.h"
#include "passes/Kernels/Passes.h"
#include "passes/Quantize/Plan.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace halftone::driver {

/// Module attribute of IR that a phase wrote: where its weights' files are.
static constexpr llvm::StringLiteral kModelDirectoryAttr = "ht.model_directory";

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

llvm::Error parseImportOptions(llvm::StringRef maxima, llvm::ArrayRef<std::string> constants,
                               llvm::ArrayRef<std::string> elements, ImportOptions &options) {
  std::string error;
  if (!maxima.empty() && !parseMaxima(maxima, options, error))
    return llvm::createStringError("--max: " + error);
  for (const std::string &constant : constants)
    if (!parseConstant(constant, options, error))
      return llvm::createStringError("--constant: " + error);
  for (const std::string &entry : elements)
    if (!parseElements(entry, options, error))
      return llvm::createStringError("--elements: " + error);
  return llvm::Error::success();
}

llvm::Error parsePast(llvm::StringRef text, pipelines::PhaseOptions &options) {
  if (!text.empty() && text != "states" && text != "inputs")
    return llvm::createStringError("--past takes states or inputs, not '" + text + "'");
  options.keepPast = text != "inputs";
  return llvm::Error::success();
}

Compiler::Compiler(CompileOptions given)
    : options(std::move(given)), context(makeRegistry(), MLIRContext::Threading::DISABLED),
      diagnostics(context, options.verbose, options.takeDiagnostic), progress(options.verbose) {
  // Reports about the compiler itself go to our handler, not beside it.
  context.printOpOnDiagnostic(false);
  context.loadDialect<htk::HTKDialect, htq::HTQDialect>();
}

ExitCode Compiler::load() {
  bool exists = llvm::sys::fs::exists(options.model);
  bool isIR = !options.compileFrom.empty() || llvm::StringRef(options.model).ends_with(".mlir");
  ModelKind kind = exists && !isIR ? getModelKind(options.model) : ModelKind::ONNX;
  pipelines::PhaseOptions &formats = options.phases;
  if (formats.weights.empty())
    formats.weights = isUsuallyQuantized(kind) ? quantize::kAsInModel : "f32";
  auto plan = quantize::Plan::read(
      {formats.weights, formats.activations, formats.rotation, formats.attention, formats.plan}, &context);
  if (!plan)
    return static_cast<ExitCode>(fail(plan.takeError(), ExitUsage));
  if (!exists) {
    printError("cannot open '" + options.model + "': no such file");
    return ExitUsage;
  }
  llvm::SmallString<128> directory(options.model);
  llvm::sys::fs::make_absolute(directory);
  if (kind != ModelKind::HuggingFace)
    llvm::sys::path::remove_filename(directory);
  std::string &modelDirectory = options.phases.modelDirectory;
  modelDirectory = directory.str().str();

  firstPhase = options.compileFrom.empty() ? 0 : pipelines::findPhase(options.compileFrom);
  if (isIR) {
    progress("reading " + options.model);
    module = parseSourceFile<ModuleOp>(options.model, &context);
    if (!module)
      return ExitUsage;
    if (auto from = (*module)->getAttrOfType<StringAttr>(kModelDirectoryAttr)) {
      modelDirectory = from.str();
      (*module)->removeAttr(kModelDirectoryAttr);
    }
    return ExitOk;
  }
  progress("import");
  ImportFailure failure = ImportFailure::None;
  auto import = kind == ModelKind::HuggingFace ? importHuggingFace
                : kind == ModelKind::GGUF      ? importGGUF
                : kind == ModelKind::Llama2c   ? importLlama2c
                                               : importONNX;
  module = import(options.model, context, options.import, &failure);
  if (!module)
    return failure == ImportFailure::Unsupported ? ExitFailed : ExitUsage;
  if (llvm::Error error = setTokenizer(*module, options.model, options.tokenizer))
    return static_cast<ExitCode>(fail(std::move(error), ExitUsage));
  return ExitOk;
}

ExitCode Compiler::runPhases(int last) {
  auto cpus = target::getCpus(options.cpu);
  if (!cpus)
    return static_cast<ExitCode>(fail(cpus.takeError(), ExitUsage));
  auto levels = llvm::map_to_vector(*cpus, [&](const target::Cpu &cpu) -> Attribute {
    auto features = llvm::map_to_vector(
        cpu.features, [&](const std::string &name) { return StringAttr::get(&context, name); });
    return htk::CpuAttr::get(&context, cpu.name, cpu.vectorBits, features);
  });
  // What is decided before levels part must suit the least of them.
  if (firstPhase < pipelines::findPhase("lower")) {
    (*module)->setAttr(kernels::kLevelsAttr, ArrayAttr::get(&context, levels));
    (*module)->setAttr(htk::HTKDialect::kCpuAttr, levels.back());
  }

  std::optional<PhaseVerifier> verifier;
  if (options.verifyEachPhase) {
    verifier.emplace(getModelDirectory());
    if (llvm::Error error = verifier->start(*module))
      return static_cast<ExitCode>(fail(std::move(error), ExitFailed));
  }
  for (int i = firstPhase + 1; i <= last; ++i) {
    const pipelines::Phase &phase = pipelines::getPhases()[i];
    if (!phase.build)
      break;
    if (phase.name == "assign" && !options.calibrate.empty()) {
      progress("calibrate");
      if (llvm::Error error = calibrate(*module, options.calibrate, getModelDirectory()))
        return static_cast<ExitCode>(fail(std::move(error), ExitFailed));
    }
    progress(phase.name);
    PassManager pm(&context);
    pipelines::addPhase(pm, phase, options.phases);
    if (failed(pm.run(*module))) {
      if (!diagnostics.hasErrors())
        printError("internal error: phase '" + phase.name.str() + "' failed without a message");
      return ExitFailed;
    }
    if (verifier)
      if (llvm::Error error = verifier->check(*module, phase.name))
        return static_cast<ExitCode>(fail(std::move(error), ExitFailed));
  }
  return ExitOk;
}

ExitCode Compiler::writeModule() {
  Builder builder(&context);
  (*module)->setAttr(kModelDirectoryAttr, builder.getStringAttr(getModelDirectory()));
  if (options.output == "-" || options.output.empty()) {
    module->print(llvm::outs());
    return ExitOk;
  }
  auto file = emit::TemporaryFile::create(options.output, "tmp");
  if (!file)
    return static_cast<ExitCode>(fail(file.takeError(), ExitFailed));
  OpPrintingFlags flags;
  flags.enableDebugInfo(); // Node names travel with the module.
  module->print(*file->getStream(), flags);
  if (llvm::Error error = file->close())
    return static_cast<ExitCode>(fail(std::move(error), ExitFailed));
  if (llvm::Error error = file->keep(options.output))
    return static_cast<ExitCode>(fail(std::move(error), ExitFailed));
  return ExitOk;
}

ExitCode Compiler::emit() {
  auto cpus = target::getCpus(options.cpu);
  if (!cpus)
    return static_cast<ExitCode>(fail(cpus.takeError(), ExitUsage));
  emit::EmitOptions emitOptions;
  emitOptions.output = options.output;
  emitOptions.modelDirectory = getModelDirectory();
  emitOptions.cpus = *cpus;
  emitOptions.memory = options.memory;
  emitOptions.runtimeLibraries = getRuntimeLibraries();
  emitOptions.linker = options.linker.empty() ? getDefaultLinker() : options.linker;
  auto text = readText(*module, getModelDirectory());
  if (!text)
    return static_cast<ExitCode>(fail(text.takeError(), ExitUsage));
  emitOptions.text = std::move(*text);
  llvm::json::Array levels;
  for (const target::Cpu &cpu : *cpus)
    levels.push_back(llvm::json::Object{{"name", cpu.name}, {"cpu", cpu.level}, {"tune", cpu.tune}});
  // Only what shapes the program, so that equal compilations give equal bytes.
  emitOptions.buildInfo = llvm::json::Object{{"compiler", "Halftone " HALFTONE_VERSION},
                                             {"source", llvm::sys::path::filename(llvm::StringRef(options.model).rtrim('/'))},
                                             {"weights", options.phases.weights},
                                             {"activations", options.phases.activations},
                                             {"rotation", options.phases.rotation},
                                             {"kv", options.phases.states},
                                             {"plan", llvm::sys::path::filename(options.phases.plan)},
                                             {"levels", std::move(levels)}};
  emitOptions.progress = [this](llvm::StringRef step) { progress(step); };
  auto result = emit::emitProgram(*module, emitOptions);
  if (!result)
    return static_cast<ExitCode>(fail(result.takeError(), ExitFailed));
  if (options.verbose || progress.getSeconds() > 2)
    llvm::errs() << llvm::formatv("[{0,5:F1} s] wrote {1}: weights {2:F1} MB, arena {3:F1} MB at the largest shapes\n",
                                  progress.getSeconds(), options.output, result->payloadBytes / 1e6,
                                  result->arenaBytes / 1e6);
  return ExitOk;
}

} // namespace halftone::driver
