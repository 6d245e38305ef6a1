//===- Console.cpp - what people see on stderr ------------------------------===//

#include "compiler/Driver/Console.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace mlir;

namespace halftone::driver {

void printError(llvm::StringRef message) { llvm::errs() << "halftone: error: " << message << "\n"; }

int fail(llvm::Error error, ExitCode code) {
  printError(llvm::toString(std::move(error)));
  return code;
}

std::string describeLocation(Location location) {
  std::string file, node;
  location->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner); named && node.empty())
      node = named.getName().str();
    if (auto position = dyn_cast<FileLineColLoc>(inner); position && file.empty()) {
      file = position.getFilename().str();
      if (position.getLine() > 0)
        file += ":" + std::to_string(position.getLine()) + ":" + std::to_string(position.getColumn());
    }
    return WalkResult::advance();
  });
  if (!node.empty())
    node = "node \"" + node + "\"";
  return file + (!file.empty() && !node.empty() ? ": " : "") + node;
}

DiagnosticPrinter::DiagnosticPrinter(MLIRContext &context, bool verbose)
    : verbose(verbose), handler(&context, [this](Diagnostic &diagnostic) {
        bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
        // One cause can have many symptoms: the first error is the one to read.
        if (isError && errors++ > 0)
          return success();
        if (!isError && diagnostic.getSeverity() != DiagnosticSeverity::Warning && !this->verbose)
          return success();
        llvm::StringRef kind = isError                                                       ? "error"
                               : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                                                                                             : "remark";
        std::string where = describeLocation(diagnostic.getLocation());
        llvm::errs() << "halftone: " << kind << ": " << where << (where.empty() ? "" : ": ") << diagnostic.str()
                     << "\n";
        for (Diagnostic &note : diagnostic.getNotes())
          // "see current operation" dumps are for pass authors.
          if (this->verbose || !llvm::StringRef(note.str()).starts_with("see current operation"))
            llvm::errs() << "  note: " << note.str() << "\n";
        return success();
      }) {}

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Progress::Progress(bool verbose) : verbose(verbose), start(now()) {}

double Progress::getSeconds() const { return now() - start; }

void Progress::operator()(llvm::StringRef step) {
  if (verbose || getSeconds() > 2)
    llvm::errs() << llvm::format("[%5.1f s] ", getSeconds()) << step << "\n";
}

} // namespace halftone::driver
