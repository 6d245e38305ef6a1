//===- InputFile.cpp - a file mapped for reading --------------------------===//

#include "runtime/files/InputFile.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace halftone::rt {

InputFile::~InputFile() {
  if (contents.size)
    munmap(const_cast<unsigned char *>(contents.data), contents.size);
}

/// Maps the open file; the caller closes it.
static bool map(int file, const char *path, Bytes &contents,
                Diagnostic &diagnostic) {
  struct stat info;
  if (fstat(file, &info) != 0)
    return diagnostic.fail("cannot read %s: %s", quoted(path).c_str(),
                           strerror(errno));
  if (S_ISDIR(info.st_mode))
    return diagnostic.fail("cannot read %s: it is a folder",
                           quoted(path).c_str());
  if (!S_ISREG(info.st_mode))
    return diagnostic.fail("cannot read %s: it is not a regular file",
                           quoted(path).c_str());
  if (info.st_size == 0)
    return diagnostic.fail("%s is empty", quoted(path).c_str());
  size_t size = static_cast<size_t>(info.st_size);
  void *memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED)
    return diagnostic.fail("cannot map %s: %s", quoted(path).c_str(),
                           strerror(errno));
  contents = {static_cast<unsigned char *>(memory), size};
  return true;
}

bool InputFile::open(const char *path, Diagnostic &diagnostic) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return diagnostic.fail("cannot open %s: %s", quoted(path).c_str(),
                           strerror(errno));
  bool mapped = map(file, path, contents, diagnostic);
  close(file);
  return mapped;
}

} // namespace halftone::rt
