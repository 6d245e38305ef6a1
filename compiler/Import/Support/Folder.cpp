//===- Folder.cpp - the files of a model ------------------------------------===//

#include "compiler/Import/Support/Folder.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace halftone {

std::string Folder::getPath(StringRef file) const {
  llvm::SmallString<128> full(path);
  llvm::sys::path::append(full, file);
  return full.str().str();
}

bool Folder::has(StringRef file) const { return llvm::sys::fs::exists(getPath(file)); }

Location Folder::getLocation(StringRef file) const {
  return FileLineColLoc::get(&context, getPath(file), 0, 0);
}

InFlightDiagnostic Folder::error(StringRef file, ImportFailure kind) {
  failure = kind;
  return emitError(getLocation(file));
}

std::optional<StringRef> Folder::open(StringRef file) {
  std::unique_ptr<MappedFile> &mapped = files[file];
  if (!mapped) {
    std::string message;
    mapped = MappedFile::open(getPath(file), message);
    if (!mapped) {
      error(file) << message;
      return std::nullopt;
    }
  }
  return mapped->bytes();
}

} // namespace halftone
