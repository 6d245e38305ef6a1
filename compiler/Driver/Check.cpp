//===- Check.cpp - halftone check -------------------------------------------===//
//
// What is checked is what `halftone compile` does: the whole import, which goes on
// after an error, and every phase up to machine code. Weights are located, not read.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Arguments.h"
#include "compiler/Driver/CheckReport.h"
#include "compiler/Driver/Compiler.h"
#include "compiler/Driver/ModelKind.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Emit/Files.h"
#include "compiler/Import/ONNX/Extract.h"
#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Reader.h"
#include "compiler/Pipelines/Phases.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace halftone::driver {

static void printHelp(llvm::ArrayRef<OptionSpec> options) {
  llvm::outs() << "halftone check MODEL [options]\n\n"
                  "Says whether MODEL can be compiled, and if not, what stands in the way: each\n"
                  "operator with the number of its nodes, each node that is refused with the cause\n"
                  "and, where one is known, a remedy. Nothing is compiled and no weight is read.\n\n"
               << describeOptions(options)
               << "\nA node is refused for its operator, for an attribute or type, or because a shape\n"
                  "depends on data. If that data is an input of the model (axes, k, pads, …) whose\n"
                  "value you know, give it with --constant and check again.\n\n"
                  "A node that should work makes a good report: save it and attach the file.\n\n"
                  "Examples:\n"
                  "  halftone check model.onnx\n"
                  "  halftone check model.onnx --constant axes=0,1 --max batch=8\n"
                  "  halftone check model.onnx --json | jq .problems\n"
                  "  halftone check model.onnx --save-node /encoder/layer.0/MatMul -o node.onnx\n"
                  "  halftone check --list-operators\n\n"
                  "Exit codes: 0 supported, 1 not supported, 2 usage or unreadable input.\n";
}

/// What a diagnostic says about a node, from its metadata, or about the model.
static Problem makeProblem(Diagnostic &diagnostic) {
  Problem problem;
  problem.cause = escapeControls(diagnostic.str());
  auto &metadata = diagnostic.getMetadata();
  if (metadata.size() == 3) {
    problem.node = metadata[0].getAsString().str();
    problem.op = metadata[1].getAsString().str();
    problem.cause = escapeControls(metadata[2].getAsString());
  } else {
    problem.place = describeLocation(diagnostic.getLocation());
  }
  for (Diagnostic &note : diagnostic.getNotes())
    if (!llvm::StringRef(note.str()).starts_with("see current operation"))
      problem.remedies.push_back(escapeControls(note.str()));
  return problem;
}

/// Writes the model of one node.
static int saveNode(const onnx::Model &model, const std::string &path, llvm::StringRef node,
                    const std::string &output, const ImportReport &found) {
  auto extracted = onnx::extractNode(model, llvm::sys::path::parent_path(path), node, found);
  if (!extracted)
    return fail(llvm::createStringError("--save-node: %s: %s", quote(node).c_str(),
                                        llvm::toString(extracted.takeError()).c_str()),
                ExitUsage);
  auto file = emit::TemporaryFile::create(output, "tmp");
  if (!file)
    return fail(file.takeError(), ExitUsage);
  *file->getStream() << extracted->bytes;
  if (llvm::Error error = file->close())
    return fail(std::move(error), ExitUsage);
  if (llvm::Error error = file->keep(output))
    return fail(std::move(error), ExitUsage);
  for (const std::string &remark : extracted->remarks)
    llvm::errs() << "halftone: remark: " << remark << "\n";
  return ExitOk;
}

int runCheck(llvm::ArrayRef<llvm::StringRef> arguments) {
  CompileOptions options;
  std::string maxima, node;
  std::vector<std::string> constants, elements;
  bool help = false, json = false, operators = false;
  const OptionSpec specs[] = {
      {"--max", "NAME=N,…", "as in halftone compile", &maxima},
      {"--constant", "NAME=VALUE", "as in halftone compile", nullptr, nullptr, &constants},
      {"--elements", "NAME=SHAPE,…", "as in halftone compile", nullptr, nullptr, &elements},
      {"--json", "", "machine-readable, with a schema_version", nullptr, &json},
      {"--save-node", "NAME", "write the node called NAME (or whose first output is) with what it\n"
       "reads as an ONNX model of its own, instead of a report", &node},
      {"-o", "FILE", "where --save-node writes", &options.output},
      {"--list-operators", "", "all operators that there are, as a table in Markdown", nullptr, &operators},
      {"--help", "", "this text", nullptr, &help},
  };
  std::vector<std::string> positional;
  if (llvm::Error error = parseArguments(arguments, specs, positional))
    return fail(std::move(error), ExitUsage);
  if (help) {
    printHelp(specs);
    return ExitOk;
  }
  if (operators) {
    onnx::printOperators(llvm::outs());
    return ExitOk;
  }
  if (positional.size() != 1) {
    printError(positional.empty() ? "no model given: halftone check MODEL"
                                  : "more than one model given: '" + positional[1] + "'");
    return ExitUsage;
  }
  if (node.empty() != options.output.empty()) {
    printError("--save-node NAME and -o FILE go together");
    return ExitUsage;
  }
  if (llvm::Error error = parseImportOptions(maxima, constants, elements, options.import))
    return fail(std::move(error), ExitUsage);

  options.model = positional.front();
  ModelKind kind = getModelKind(options.model);
  if (kind != ModelKind::ONNX) {
    printError("'" + options.model + "' is " + getName(kind).str() + ": check tells of the nodes of an ONNX model; what "
               "is wrong with another, halftone compile says");
    return ExitUsage;
  }
  std::string error;
  std::unique_ptr<onnx::Model> model = onnx::readModel(options.model, error);
  if (!model) {
    printError(options.model + ": " + error);
    return ExitUsage;
  }
  CheckReport report;
  ImportReport found;
  options.import.keepGoing = true;
  options.import.report = &found;
  options.takeDiagnostic = [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      report.problems.push_back(makeProblem(diagnostic));
    else if (diagnostic.getSeverity() == DiagnosticSeverity::Warning)
      report.warnings.push_back(escapeControls(diagnostic.str()));
  };
  Compiler compiler(options);
  ExitCode code = compiler.load();
  report.describe(*model, found, code == ExitOk ? compiler.getModule() : ModuleOp());
  if (code == ExitOk)
    code = compiler.runPhases(pipelines::findPhase("lower"));
  if (!node.empty())
    return saveNode(*model, options.model, node, options.output, found);
  report.supported = code == ExitOk;
  report.file = options.model;
  if (json)
    report.printJson(llvm::outs());
  else
    report.printText(llvm::outs());
  return code;
}

} // namespace halftone::driver
