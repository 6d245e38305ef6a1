//===- Inspect.cpp - halftone inspect ---------------------------------------===//

#include "compiler/Driver/Arguments.h"
#include "compiler/Driver/Compiler.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Pipelines/Phases.h"
#include "dialects/HT/HTOps.h"

#include "llvm/Support/FormatVariadic.h"

#include <map>

using namespace mlir;

namespace halftone::driver {

namespace {

struct Summary {
  std::vector<std::pair<std::string, std::string>> inputs, outputs;
  std::map<std::string, int64_t> operations, weightBytes;
  int64_t weights = 0, parameters = 0;
};

std::string describeType(Type type, ArrayRef<StringRef> symbols) {
  auto tensor = cast<RankedTensorType>(type);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << tensor.getElementType() << " " << ht::toString(ht::getDims(tensor), symbols);
  return text;
}

Summary summarize(ModuleOp module) {
  Summary summary;
  auto graph = module.lookupSymbol<func::FuncOp>("main");
  SmallVector<StringRef> symbols;
  for (ht::SymbolAttr symbol : ht::getSymbols(graph))
    symbols.push_back(symbol.getName());
  for (auto [i, type] : llvm::enumerate(graph.getArgumentTypes()))
    summary.inputs.push_back({ht::getInputName(graph, i), describeType(type, symbols)});
  for (auto [i, type] : llvm::enumerate(graph.getResultTypes()))
    summary.outputs.push_back({ht::getOutputName(graph, i), describeType(type, symbols)});
  for (Operation &op : graph.getBody().front())
    if (!isa<ht::GetWeightOp, func::ReturnOp>(op))
      ++summary.operations[op.getName().stripDialect().str()];
  for (auto weight : module.getOps<ht::WeightOp>()) {
    RankedTensorType type = weight.getWeightType();
    std::string element;
    llvm::raw_string_ostream(element) << type.getElementType();
    ++summary.weights;
    summary.parameters += type.getNumElements();
    summary.weightBytes[element] += type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  }
  return summary;
}

void printText(const Summary &summary, func::FuncOp graph) {
  llvm::raw_ostream &os = llvm::outs();
  for (auto &[name, type] : summary.inputs)
    os << llvm::formatv("input   {0,-24} {1}\n", name, type);
  for (auto &[name, type] : summary.outputs)
    os << llvm::formatv("output  {0,-24} {1}\n", name, type);
  for (ht::SymbolAttr symbol : ht::getSymbols(graph))
    os << llvm::formatv("symbol  {0,-24} {1} to {2}\n", symbol.getName(), symbol.getMin(), symbol.getMax());
  os << llvm::formatv("weights {0} tensors, {1:N} parameters\n", summary.weights, summary.parameters);
  for (auto &[element, bytes] : summary.weightBytes)
    os << llvm::formatv("        {0,-24} {1:F1} MB\n", element, bytes / 1e6);
  os << "operations after raising\n";
  for (auto &[name, count] : summary.operations)
    os << llvm::formatv("        {0,-24} {1}\n", name, count);
}

llvm::json::Value toJson(const Summary &summary, func::FuncOp graph) {
  auto tensors = [](const auto &list) {
    llvm::json::Array array;
    for (auto &[name, type] : list)
      array.push_back(llvm::json::Object{{"name", name}, {"type", type}});
    return array;
  };
  llvm::json::Array symbols;
  for (ht::SymbolAttr symbol : ht::getSymbols(graph))
    symbols.push_back(
        llvm::json::Object{{"name", symbol.getName()}, {"min", symbol.getMin()}, {"max", symbol.getMax()}});
  llvm::json::Object operations, bytes;
  for (auto &[name, count] : summary.operations)
    operations[name] = count;
  for (auto &[element, count] : summary.weightBytes)
    bytes[element] = count;
  return llvm::json::Object{{"schema_version", 1},
                            {"inputs", tensors(summary.inputs)},
                            {"outputs", tensors(summary.outputs)},
                            {"symbols", std::move(symbols)},
                            {"weights", summary.weights},
                            {"parameters", summary.parameters},
                            {"weight_bytes", std::move(bytes)},
                            {"operations", std::move(operations)}};
}

} // namespace

int runInspect(llvm::ArrayRef<llvm::StringRef> arguments) {
  CompileOptions options;
  bool help = false, json = false;
  const OptionSpec specs[] = {
      {"--json", "", "machine-readable, with a schema_version", nullptr, &json},
      {"-v", "", "show remarks: what was raised, and what prevented it", nullptr, &options.verbose},
      {"--help", "", "this text", nullptr, &help},
  };
  std::vector<std::string> positional;
  if (llvm::Error error = parseArguments(arguments, specs, positional))
    return fail(std::move(error), ExitUsage);
  if (help) {
    llvm::outs() << "halftone inspect MODEL [options]\n\nShows a model's inputs, outputs, weights, and the operations "
                    "it is raised to.\nReads headers only, no weights.\n\n"
                 << describeOptions(specs);
    return ExitOk;
  }
  if (positional.size() != 1) {
    printError("no model given: halftone inspect MODEL");
    return ExitUsage;
  }
  options.model = positional.front();
  Compiler compiler(options);
  if (ExitCode code = compiler.load())
    return code;
  if (ExitCode code = compiler.runPhases(pipelines::findPhase("raise")))
    return code;
  auto graph = compiler.getModule().lookupSymbol<func::FuncOp>("main");
  Summary summary = summarize(compiler.getModule());
  if (json)
    llvm::outs() << llvm::formatv("{0:2}\n", toJson(summary, graph));
  else
    printText(summary, graph);
  return ExitOk;
}

} // namespace halftone::driver
