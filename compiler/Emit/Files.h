//===- Files.h - files that appear whole or not at all ----------------------===//

#ifndef HALFTONE_COMPILER_EMIT_FILES_H
#define HALFTONE_COMPILER_EMIT_FILES_H

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <string>

namespace halftone::emit {

/// A file beside its final place, removed unless `keep` is called; also on
/// signals. It is on the output's file system, so that a full or read-only disk
/// shows before anything is replaced.
class TemporaryFile {
public:
  /// `<output>.<random>.<suffix>`
  static llvm::Expected<TemporaryFile> create(llvm::StringRef output, llvm::StringRef suffix);
  TemporaryFile(TemporaryFile &&other);
  TemporaryFile &operator=(TemporaryFile &&) = delete;
  ~TemporaryFile();

  const std::string &getPath() const { return path; }
  /// Null after `close`.
  llvm::raw_fd_ostream *getStream() { return stream.get(); }
  llvm::Error close();
  /// Syncs the file and renames it to `output`, replacing it.
  llvm::Error keep(llvm::StringRef output);

private:
  TemporaryFile(std::string path, int descriptor);
  std::string path;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

} // namespace halftone::emit

#endif
