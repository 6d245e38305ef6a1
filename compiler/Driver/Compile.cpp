//===- Compile.cpp - halftone compile ---------------------------------------===//

#include "compiler/Driver/Arguments.h"
#include "compiler/Driver/Batch.h"
#include "compiler/Driver/Compiler.h"
#include "compiler/Driver/Verbs.h"
#include "dialects/HTQ/Formats.h"

#include "llvm/ADT/StringExtras.h"

namespace halftone::driver {

static std::string listPhases() {
  std::string text;
  for (const pipelines::Phase &phase : pipelines::getPhases())
    text += (text.empty() ? "" : ", ") + phase.name.str();
  return text;
}

static void printHelp(llvm::ArrayRef<OptionSpec> options) {
  llvm::outs() << "halftone compile MODEL -o OUTPUT [options]\n\n"
                  "Compiles a model (an ONNX file, a Hugging Face folder with config.json and\n"
                  "safetensors, a GGUF file, or a .bin of llama2.c) to one native program. The suffix of OUTPUT decides:\n"
                  "none: an executable; .so: a shared library and a C header; .o: an object and\n"
                  "a header. The weights are inside, packed and mapped, never copied.\n\n"
               << describeOptions(options)
               << "\nPhases (each can be stopped after, and gone on from):\n";
  for (const pipelines::Phase &phase : pipelines::getPhases())
    llvm::outs() << "  " << phase.name << std::string(10 - phase.name.size(), ' ') << phase.does << "\n";
  llvm::outs() << "\nFormats (-g128 may be any length; others are written as in IR, such as\n"
                  "'signed_max affine<i4, blocks [1, 48], scale f32>'):\n"
                  "  model           of weights: as the model file has them\n";
  for (const htq::NamedFormat &format : htq::getNamedFormats())
    llvm::outs() << "  " << llvm::left_justify(format.name, 16) << format.summary << "\n";
  llvm::outs() << "\nA plan is a list of rules, of which the first that matches the name of a weight or\n"
                  "of its node decides; the options decide the rest:\n"
                  "  [{\"match\": \"*.query.*\", \"weights\": \"int8\", \"activations\": \"int8-token\"},\n"
                  "   {\"match\": \"*embeddings*\", \"weights\": \"bf16\"}]\n"
                  "\nExamples:\n"
                  "  halftone compile model.onnx -o model --max batch=8,sequence=512\n"
                  "  ./model --describe\n"
                  "  halftone compile model.onnx -o model.so --weights bf16\n"
                  "  halftone compile model.onnx -o model --weights int8 --activations int8-token\n"
                  "  halftone compile model.Q4_0.gguf -o model --max context=4096\n"
                  "  halftone compile onnx/decoder_with_past.onnx -o model --max context=4096\n"
                  "  halftone compile model.onnx --compile-to=raise -o -\n\n"
                  "Of a batch, each line of JOBS is a JSON array with the arguments of one\n"
                  "compilation: [\"a.onnx\", \"-o\", \"a.so\"]. Standard output tells of each, by the\n"
                  "number of its line, when it starts and how it ended, one JSON object a line:\n"
                  "  {\"event\":\"started\",\"job\":1}\n"
                  "  {\"diagnostics\":\"\",\"event\":\"finished\",\"exit_code\":0,\"job\":1,\"seconds\":0.05}\n\n"
                  "Exit codes: 0 done, 1 the model cannot be compiled, 2 usage or unreadable\n"
                  "input, 3 internal error.\n";
}

static int checkPhase(llvm::StringRef option, llvm::StringRef phase, int &index, int otherwise) {
  index = phase.empty() ? otherwise : pipelines::findPhase(phase);
  if (index >= 0)
    return ExitOk;
  printError("unknown phase '" + phase.str() + "' for " + option.str() + "; the phases are " + listPhases());
  return ExitUsage;
}

/// `batched`: the arguments are those of one job of a batch.
static int run(llvm::ArrayRef<llvm::StringRef> arguments, bool batched) {
  CompileOptions options;
  std::string maxima, batch, past, memory;
  std::vector<std::string> constants, elements;
  bool help = false;
  const OptionSpec specs[] = {
      {"-o", "OUTPUT", "what to write; - is standard output (for IR)", &options.output},
      {"--max", "NAME=N,…", "largest values of the dynamic dimensions, e.g. batch=8,seq=512;\n"
       "a prefix of a name will do (default: 8 for the batch, 512 for others;\n"
       "context, of a language model: 2048, or what it was made for)", &maxima},
      {"--constant", "NAME=VALUE", "an input that becomes a constant: numbers, as in axes=0,1, or an array,\n"
       "as in table=file.npy; can be given several times", nullptr, nullptr, &constants},
      {"--elements", "NAME=SHAPE,…", "what an input that is a sequence or an optional holds: shapes as in\n"
       "states=3x4,2x4 or x=scalar, empty, or none for an absent optional; the\n"
       "inputs are then called states.0 and states.1", nullptr, nullptr, &elements},
      {"--weights", "FORMAT", "what linear and embedding weights are stored in (default f32; of GGUF and\n"
       "llama2.c, model; see below)",
       &options.phases.weights},
      {"--activations", "FORMAT", "what linears take their inputs as (default f32; see below)",
       &options.phases.activations},
      {"--rotation", "MATRIX", "Hadamard matrices before what linears take as integers: auto (default), none,\n"
       "or an order with a stride, such as 8x16 (which auto is) or 128", &options.phases.rotation},
      {"--attention", "FLOAT", "what attention multiplies in: f32, or bf16 (default: bf16 if all levels of\n"
       "--cpu have AMX, and activations are no f32)", &options.phases.attention},
      {"--kv", "FORMAT", "what keys and values of earlier tokens are kept in: f32 (default), f16, bf16, or\n"
       "int8, each row of a head by itself", &options.phases.states},
      {"--past", "FORM", "of an ONNX decoder that takes keys and values of earlier tokens and gives them\n"
       "back: states (default), so that the program keeps them and writes text, or\n"
       "inputs, as the file has them", &past},
      {"--plan", "FILE", "formats by rules for names of weights, instead of one for all (see below)",
       &options.phases.plan},
      {"--calibrate", "FILE", "inputs (.npz) to observe activations on: channels that are large then go\n"
       "into the weights before these are quantized", &options.calibrate},
      {"--save-plan", "FILE", "write the format of every weight as such rules, to be edited", &options.phases.savePlan},
      {"--tokenizer", "FILE", "of a language model (default: the one in its folder or file): tokenizer.json,\n"
       "tokenizer.model of sentencepiece, a .gguf file, or none", &options.tokenizer},
      {"--cpu", "NAME,…", "processors to compile for: native (default), x86-64-v3, x86-64-v4,\n"
       "or LLVM's name of one; of several the program runs the best that the\n"
       "computer has, on the same weights", &options.cpu},
      {"--compile-to", "PHASE", "stop after this phase and write IR", &options.compileTo},
      {"--compile-from", "PHASE", "MODEL is IR that this phase left; go on from there", &options.compileFrom},
      {"--verify-each-phase", "", "interpret the model after each phase on a sample and report the\n"
       "error that the phase added", nullptr, &options.verifyEachPhase},
      {"--memory", "BYTES", "what the compiler may take while it makes weights, e.g. 4GiB: it takes\n"
       "less, but for a weight that cannot be made in parts (default: any amount)", &memory},
      {"--linker", "DRIVER", "C compiler driver that links (default: clang-22)", &options.linker},
      {"--batch", "JOBS", "many compilations in one process, instead of MODEL (see below); - reads\n"
       "them from standard input as they come", &batch},
      {"-v", "", "show every step, remark and time", nullptr, &options.verbose},
      {"--help", "", "this text", nullptr, &help},
  };
  std::vector<std::string> positional;
  if (llvm::Error error = parseArguments(arguments, specs, positional))
    return fail(std::move(error), ExitUsage);
  if (batched && (help || !batch.empty() || options.output == "-")) {
    printError("a job of a batch has no --help and no --batch, and writes to a file");
    return ExitUsage;
  }
  if (help) {
    printHelp(specs);
    return ExitOk;
  }
  if (!batch.empty()) {
    if (arguments.size() > 2) {
      printError("--batch goes alone; its jobs have their own options");
      return ExitUsage;
    }
    return runBatch(batch, [](llvm::ArrayRef<llvm::StringRef> job) { return run(job, /*batched=*/true); });
  }
  if (positional.size() != 1) {
    printError(positional.empty() ? "no model given: halftone compile MODEL -o OUTPUT"
                                  : "more than one model given: '" + positional[1] + "'");
    return ExitUsage;
  }
  options.model = positional.front();
  if (llvm::Error error = parsePast(past, options.phases))
    return fail(std::move(error), ExitUsage);
  if (llvm::Error error = parseImportOptions(maxima, constants, elements, options.import))
    return fail(std::move(error), ExitUsage);
  if (!memory.empty()) {
    auto bytes = parseBytes(memory);
    if (!bytes)
      return fail(llvm::createStringError("--memory: " + llvm::toString(bytes.takeError())), ExitUsage);
    options.memory = *bytes;
  }
  int first, last, emitPhase = pipelines::getPhases().size() - 1;
  if (int code = checkPhase("--compile-from", options.compileFrom, first, 0))
    return code;
  if (int code = checkPhase("--compile-to", options.compileTo, last, emitPhase))
    return code;
  if (first > last || (first == last && !options.compileFrom.empty())) {
    printError("--compile-from=" + options.compileFrom + " is not before --compile-to");
    return ExitUsage;
  }
  if (options.output.empty()) {
    printError("no output given: add -o OUTPUT");
    return ExitUsage;
  }

  Compiler compiler(options);
  if (ExitCode code = compiler.load())
    return code;
  if (ExitCode code = compiler.runPhases(last))
    return code;
  return last == emitPhase ? compiler.emit() : compiler.writeModule();
}

int runCompile(llvm::ArrayRef<llvm::StringRef> arguments) { return run(arguments, /*batched=*/false); }

} // namespace halftone::driver
