//===- Files.cpp - files that appear whole or not at all --------------------===//

#include "compiler/Emit/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <fcntl.h>
#include <unistd.h>

namespace halftone::emit {

static llvm::Error makeError(llvm::StringRef path, std::error_code code) {
  return llvm::createStringError("cannot write '%s': %s", path.str().c_str(), code.message().c_str());
}

TemporaryFile::TemporaryFile(std::string path, int descriptor)
    : path(std::move(path)), stream(std::make_unique<llvm::raw_fd_ostream>(descriptor, /*shouldClose=*/true)) {
  llvm::sys::RemoveFileOnSignal(this->path);
}

TemporaryFile::TemporaryFile(TemporaryFile &&other) : path(std::move(other.path)), stream(std::move(other.stream)) {
  other.path.clear();
}

TemporaryFile::~TemporaryFile() {
  if (stream) {
    stream->clear_error(); // The error was reported, or another one was.
    stream.reset();
  }
  if (path.empty())
    return;
  llvm::sys::fs::remove(path);
  llvm::sys::DontRemoveFileOnSignal(path);
}

llvm::Expected<TemporaryFile> TemporaryFile::create(llvm::StringRef output, llvm::StringRef suffix) {
  // A name would take the place of a device or a pipe, not write to it.
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(output, status) && status.type() != llvm::sys::fs::file_type::regular_file)
    return llvm::createStringError("cannot write '%s': it is %s; name a file", output.str().c_str(),
                                   status.type() == llvm::sys::fs::file_type::directory_file ? "a folder"
                                                                                             : "no regular file");
  int descriptor;
  llvm::SmallString<128> path;
  std::string model = (output + ".%%%%%%%%." + suffix).str();
  if (std::error_code code = llvm::sys::fs::createUniqueFile(model, descriptor, path, llvm::sys::fs::OF_None,
                                                             llvm::sys::fs::all_read | llvm::sys::fs::owner_write))
    return makeError(output, code);
  return TemporaryFile(path.str().str(), descriptor);
}

llvm::Error TemporaryFile::close() {
  stream->close();
  std::error_code code = stream->error();
  stream->clear_error();
  stream.reset();
  return code ? makeError(path, code) : llvm::Error::success();
}

llvm::Error TemporaryFile::keep(llvm::StringRef output) {
  // Whatever wrote it last, the bytes are on disk before the name is.
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int failed = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0)
    ::close(descriptor);
  if (failed)
    return makeError(output, std::error_code(failed, std::generic_category()));
  if (std::error_code code = llvm::sys::fs::rename(path, output))
    return makeError(output, code);
  llvm::sys::DontRemoveFileOnSignal(path);
  path.clear();
  return llvm::Error::success();
}

} // namespace halftone::emit
