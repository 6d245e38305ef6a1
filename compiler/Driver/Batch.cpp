//===- Batch.cpp - many jobs in one process ---------------------------------===//
//
// A process takes longer to start than a small model to compile. Who drives the
// compiler over many models gives them to one process and reads one line when a
// job starts and one when it ends. A crash ends the process: the job that started
// and did not finish is to blame, and the driver goes on behind it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Batch.h"

#include "compiler/Driver/Console.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <fstream>
#include <sys/mman.h>
#include <unistd.h>

namespace halftone::driver {

namespace {

/// What is written to standard error while it lives. The descriptor is
/// redirected, not a stream, so that nothing that is said escapes.
class CapturedErrors {
public:
  CapturedErrors() : saved(dup(STDERR_FILENO)), file(memfd_create("diagnostics", MFD_CLOEXEC)) {
    dup2(file, STDERR_FILENO);
  }
  ~CapturedErrors() {
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
  }
  CapturedErrors(const CapturedErrors &) = delete;

  std::string getText() const {
    std::string text(std::max<off_t>(0, lseek(file, 0, SEEK_END)), '\0');
    ssize_t size = pread(file, text.data(), text.size(), 0);
    text.resize(std::max<ssize_t>(0, size));
    return text;
  }

private:
  int saved, file;
};

} // namespace

/// Arguments, owned by `line`; an error when that is not an array of strings.
static llvm::Expected<std::vector<llvm::StringRef>> getArguments(const llvm::json::Value &line) {
  std::vector<llvm::StringRef> arguments;
  const llvm::json::Array *array = line.getAsArray();
  for (size_t i = 0; array && i < array->size(); ++i)
    if (auto argument = (*array)[i].getAsString())
      arguments.push_back(*argument);
    else
      array = nullptr;
  if (!array)
    return llvm::createStringError("a job is a JSON array of strings, the arguments of one compilation");
  return arguments;
}

static void report(llvm::json::Object event) {
  llvm::outs() << llvm::json::Value(std::move(event)) << "\n";
  llvm::outs().flush();
}

int runBatch(llvm::StringRef path, llvm::function_ref<int(llvm::ArrayRef<llvm::StringRef>)> job) {
  std::ifstream jobs(path == "-" ? "/dev/stdin" : path.str());
  if (!jobs) {
    printError("cannot open '" + path.str() + "'");
    return ExitUsage;
  }
  std::string text;
  for (int64_t number = 1; std::getline(jobs, text); ++number) {
    report(llvm::json::Object{{"event", "started"}, {"job", number}});
    auto start = std::chrono::steady_clock::now();
    int code = ExitUsage;
    std::string diagnostics;
    {
      CapturedErrors captured;
      if (auto line = llvm::json::parse(text); !line)
        fail(line.takeError(), ExitUsage);
      else if (auto arguments = getArguments(*line); !arguments)
        fail(arguments.takeError(), ExitUsage);
      else
        code = job(*arguments);
      diagnostics = captured.getText();
    }
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // A diagnostic may quote a file; JSON holds UTF-8 alone.
    report(llvm::json::Object{{"event", "finished"},
                              {"job", number},
                              {"exit_code", code},
                              {"seconds", seconds},
                              {"diagnostics", llvm::json::fixUTF8(diagnostics)}});
  }
  return ExitOk;
}

} // namespace halftone::driver
