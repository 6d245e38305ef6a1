//===- Console.cpp - what people see on stderr ------------------------------===//

#include "compiler/Driver/Console.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace mlir;

namespace halftone::driver {

std::string escapeControls(llvm::StringRef text) {
  std::string escaped;
  auto append = [&](unsigned char byte) {
    (escaped += '\\') += llvm::hexdigit(byte >> 4);
    escaped += llvm::hexdigit(byte & 15);
  };
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = text[i], next = i + 1 < text.size() ? text[i + 1] : 0;
    // U+0080 to U+009F, the control characters of eight bits, and those that change the direction of writing.
    bool isWide = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    bool isDirection = text.substr(i).starts_with("\u202A") || text.substr(i).starts_with("\u202B") ||
                       text.substr(i).starts_with("\u202D") || text.substr(i).starts_with("\u202E");
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F || isWide || isDirection)
      append(byte);
    else
      escaped += text[i];
  }
  return escaped;
}

void printError(llvm::StringRef message) {
  llvm::errs() << "halftone: error: " << escapeControls(message) << "\n";
}

int fail(llvm::Error error, ExitCode code) {
  printError(llvm::toString(std::move(error)));
  return code;
}

int writeBytes(llvm::StringRef path, llvm::StringRef bytes) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code) {
    os << bytes;
    os.close();
    code = os.error();
  }
  if (!code)
    return ExitOk;
  os.clear_error();
  printError("cannot write " + path.str() + ": " + code.message());
  return ExitFailed;
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
    node = "node \"" + escapeControls(node) + "\"";
  return file + (!file.empty() && !node.empty() ? ": " : "") + node;
}

DiagnosticPrinter::DiagnosticPrinter(MLIRContext &context, bool verbose,
                                     const std::function<void(Diagnostic &)> &take)
    : verbose(verbose), handler(&context, [this, take](Diagnostic &diagnostic) {
        bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
        if (take) {
          errors += isError;
          take(diagnostic);
          return success();
        }
        // One cause can have many symptoms: the first error is the one to read.
        if (isError && errors++ > 0)
          return success();
        if (!isError && diagnostic.getSeverity() != DiagnosticSeverity::Warning && !this->verbose)
          return success();
        llvm::StringRef kind = isError                                                       ? "error"
                               : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                                                                                             : "remark";
        std::string where = describeLocation(diagnostic.getLocation());
        std::string text = "halftone: " + kind.str() + ": " + where + (where.empty() ? "" : ": ") + diagnostic.str() + "\n";
        for (Diagnostic &note : diagnostic.getNotes())
          // "see current operation" dumps are for pass authors.
          if (this->verbose || !llvm::StringRef(note.str()).starts_with("see current operation"))
            text += "  note: " + note.str() + "\n";
        llvm::errs() << escapeControls(text);
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
