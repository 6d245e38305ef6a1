//===- InputFile.h - a file mapped for reading ----------------------------===//

#ifndef HALFTONE_RUNTIME_FILES_INPUTFILE_H
#define HALFTONE_RUNTIME_FILES_INPUTFILE_H

#include "runtime/files/ByteReader.h"
#include "runtime/support/Diagnostic.h"

namespace halftone::rt {

/// Mapped, so that a huge file costs no memory before its sizes are checked. If
/// another process shortens it meanwhile, SIGBUS ends this one with a message
/// (see Signals.h).
class InputFile {
public:
  InputFile() = default;
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;
  ~InputFile();

  /// Regular files only: a pipe or device has no size to check against.
  bool open(const char *path, Diagnostic &diagnostic);

  Bytes bytes() const { return contents; }

private:
  Bytes contents;
};

} // namespace halftone::rt

#endif
