//===- OutputFile.h - a file that appears whole or not at all -------------===//

#ifndef HALFTONE_RUNTIME_FILES_OUTPUTFILE_H
#define HALFTONE_RUNTIME_FILES_OUTPUTFILE_H

#include "runtime/support/Array.h"
#include "runtime/support/Diagnostic.h"

#include <cstdint>

namespace halftone::rt {

/// Written under a temporary name in the same folder; commit() flushes it to
/// the disk and gives it its name. Without commit() the destructor removes it.
/// A device or pipe (/dev/stdout) is written to directly.
class OutputFile {
public:
  OutputFile() = default;
  OutputFile(OutputFile &&other) noexcept;
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  /// Creates the temporary file: a folder that is missing or read-only is
  /// reported here, before a long run.
  bool open(const char *path, Diagnostic &diagnostic);

  /// Buffered. After a failure further calls do nothing.
  void write(const void *data, size_t size);
  void write(const char *text);
  void format(const char *pattern, ...) __attribute__((format(printf, 2, 3)));

  /// How many bytes were written so far.
  uint64_t position() const { return total; }

  /// Writes and flushes everything, says what failed if anything did.
  bool finish(Diagnostic &diagnostic);

  /// After finish(): gives the file its name.
  bool commit(Diagnostic &diagnostic);

private:
  void flush();

  int file = -1;
  int error = 0; ///< of the first write that failed
  uint64_t total = 0;
  size_t buffered = 0;
  Array<char> buffer;
  Text path;      ///< as the user wrote it
  Text target;    ///< with symbolic links resolved
  Text temporary; ///< empty when written directly, or committed
};

/// Removes the temporary files that exist now. Async-signal-safe: for handlers.
void removeTemporaryFiles();

} // namespace halftone::rt

#endif
