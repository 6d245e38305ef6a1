//===- MappedFile.h - a regular file, mapped read-only ----------------------===//
//
// Model files are read where they lie: nothing is copied, and a file larger than
// memory is fine. The size is taken from the opened descriptor. A file that
// another process shrinks while it is mapped raises SIGBUS, which ends `halftone`
// with a message (compiler/Driver/Endings.h).
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_SUPPORT_MAPPEDFILE_H
#define HALFTONE_COMPILER_IMPORT_SUPPORT_MAPPEDFILE_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <memory>
#include <optional>
#include <string>

namespace halftone {

/// A mapped file; unmapped when destroyed.
class MappedFile {
public:
  /// Maps the file that `path` names (symbolic links allowed: the user wrote
  /// it). On failure returns null and sets `error` to a sentence without the path.
  static std::unique_ptr<MappedFile> open(llvm::StringRef path, std::string &error);

  /// Maps `location`, a path that a model file gave, below `folder`: relative,
  /// without `..`, no symbolic or hard link anywhere below `folder`, regular.
  static std::unique_ptr<MappedFile> openBelow(llvm::StringRef folder, llvm::StringRef location,
                                               std::string &error);

  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  llvm::StringRef bytes() const { return {data, size}; }

private:
  MappedFile(const char *data, size_t size) : data(data), size(size) {}
  static std::unique_ptr<MappedFile> map(int descriptor, std::string &error);

  const char *data;
  size_t size;
};

/// The files that the external data of one model lie in, each opened once.
class ExternalFiles {
public:
  explicit ExternalFiles(llvm::StringRef folder) : folder(folder.str()) {}

  /// `length` bytes (all up to the end where absent) of `location` from
  /// `offset`; nullopt with `error` set where the file does not hold them.
  std::optional<llvm::StringRef> read(llvm::StringRef location, uint64_t offset,
                                      std::optional<uint64_t> length, std::string &error);

private:
  std::string folder;
  llvm::StringMap<std::unique_ptr<MappedFile>> files;
};

} // namespace halftone

#endif
