//===- OutputFile.cpp - a file that appears whole or not at all -----------===//

#include "runtime/files/OutputFile.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace halftone::rt {

static constexpr size_t bufferBytes = 1 << 16;

/// Names of temporary files, for a handler of signals. Whoever takes a name out
/// of its slot owns it, so that a handler never reads one that was freed.
static constexpr size_t maxTemporaries = 64;
static std::atomic<char *> temporaries[maxTemporaries];

void removeTemporaryFiles() {
  for (auto &slot : temporaries)
    if (const char *name = slot.exchange(nullptr))
      unlink(name); // Not freed: a handler must not, and the process ends.
}

static void rememberTemporary(const char *name) {
  char *copy = strdup(name);
  for (auto &slot : temporaries) {
    char *expected = nullptr;
    if (copy && slot.compare_exchange_strong(expected, copy))
      return;
  }
  free(copy); // All slots are taken: an interruption would leave this file.
}

static void forgetTemporary(const char *name) {
  for (auto &slot : temporaries) {
    char *kept = slot.load();
    if (kept && strcmp(kept, name) == 0 &&
        slot.compare_exchange_strong(kept, nullptr))
      free(kept);
  }
}

OutputFile::OutputFile(OutputFile &&other) noexcept
    : file(std::exchange(other.file, -1)), error(other.error),
      total(other.total), buffered(std::exchange(other.buffered, 0)),
      buffer(std::move(other.buffer)), path(std::move(other.path)),
      target(std::move(other.target)), temporary(std::move(other.temporary)) {}

OutputFile::~OutputFile() {
  if (file >= 0)
    close(file);
  if (!temporary.empty()) {
    unlink(temporary.c_str());
    forgetTemporary(temporary.c_str());
  }
}

bool OutputFile::open(const char *userPath, Diagnostic &diagnostic) {
  path.append(userPath);
  auto failed = [&](const char *why) {
    return diagnostic.fail("cannot write %s: %s", quoted(userPath).c_str(),
                           why);
  };
  buffer.resize(bufferBytes);
  // Write where a symbolic link points to instead of replacing the link.
  char resolved[PATH_MAX];
  target.append(realpath(userPath, resolved) ? resolved : userPath);
  struct stat info;
  bool exists = stat(target.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode))
    return failed("it is a folder");
  if (exists && !S_ISREG(info.st_mode)) {
    file = ::open(userPath, O_WRONLY | O_CLOEXEC);
    return file >= 0 || failed(strerror(errno));
  }
  if (exists && access(target.c_str(), W_OK) != 0)
    return failed(strerror(errno));
  const char *slash = strrchr(target.c_str(), '/');
  size_t folder = slash ? static_cast<size_t>(slash - target.c_str()) + 1 : 0;
  for (unsigned attempt = 0;; ++attempt) {
    Text name;
    name.append(target.c_str(), folder);
    name.format(".halftone-%d-%u.tmp", static_cast<int>(getpid()), attempt);
    file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
      temporary = std::move(name);
      break;
    }
    if (errno != EEXIST || attempt == 1000)
      return failed(strerror(errno));
  }
  rememberTemporary(temporary.c_str());
  if (exists)
    fchmod(file, info.st_mode & 0777);
  return true;
}

/// Writes all of it. Returns 0 or an errno.
static int writeAll(int file, const char *data, size_t size) {
  while (size) {
    ssize_t written = ::write(file, data, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return errno;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

void OutputFile::flush() {
  if (!error)
    error = writeAll(file, buffer.data(), buffered);
  buffered = 0;
}

void OutputFile::write(const void *data, size_t size) {
  total += size;
  if (size > bufferBytes - buffered)
    flush();
  if (size > bufferBytes) {
    if (!error)
      error = writeAll(file, static_cast<const char *>(data), size);
    return;
  }
  if (size)
    memcpy(buffer.data() + buffered, data, size);
  buffered += size;
}

void OutputFile::write(const char *text) { write(text, strlen(text)); }

void OutputFile::format(const char *pattern, ...) {
  Text text;
  va_list arguments;
  va_start(arguments, pattern);
  text.formatList(pattern, arguments);
  va_end(arguments);
  write(text.c_str(), text.size());
}

bool OutputFile::finish(Diagnostic &diagnostic) {
  flush();
  if (!error && !temporary.empty() && fsync(file) != 0)
    error = errno;
  if (close(file) != 0 && !error)
    error = errno;
  file = -1;
  return !error ||
         diagnostic.fail("cannot write %s: %s", quoted(path.c_str()).c_str(),
                         strerror(error));
}

bool OutputFile::commit(Diagnostic &diagnostic) {
  if (temporary.empty())
    return true;
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return diagnostic.fail("cannot write %s: %s", quoted(path.c_str()).c_str(),
                           strerror(errno));
  forgetTemporary(temporary.c_str());
  temporary.clear();
  return true;
}

} // namespace halftone::rt
