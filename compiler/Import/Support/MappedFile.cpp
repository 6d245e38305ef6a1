//===- MappedFile.cpp - a regular file, mapped read-only --------------------===//

#include "compiler/Import/Support/MappedFile.h"

#include "runtime/support/Checked.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace halftone {

namespace {

/// Files that one model may spread its data over.
constexpr size_t kMaxExternalFiles = 4096;

/// Closes a descriptor when it goes out of scope.
struct Descriptor {
  int fd;
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  void reset(int next) {
    if (fd >= 0)
      ::close(fd);
    fd = next;
  }
};

std::string systemError() { return std::strerror(errno); }

} // namespace

std::unique_ptr<MappedFile> MappedFile::map(int descriptor, std::string &error) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) {
    error = systemError();
    return nullptr;
  }
  if (!S_ISREG(status.st_mode)) {
    error = S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file";
    return nullptr;
  }
  auto size = static_cast<size_t>(status.st_size);
  if (size == 0)
    return std::unique_ptr<MappedFile>(new MappedFile("", 0));
  void *data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) {
    error = systemError();
    return nullptr;
  }
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<const char *>(data), size));
}

MappedFile::~MappedFile() {
  if (size)
    ::munmap(const_cast<char *>(data), size);
}

std::unique_ptr<MappedFile> MappedFile::open(StringRef path, std::string &error) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; `map` then refuses it.
  Descriptor file(::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) {
    error = systemError();
    return nullptr;
  }
  return map(file.fd, error);
}

std::unique_ptr<MappedFile> MappedFile::openBelow(StringRef folder, StringRef location, std::string &error) {
  auto refuse = [&](const char *reason) {
    error = reason;
    return nullptr;
  };
  if (location.empty())
    return refuse("the location is empty");
  if (location.contains('\0'))
    return refuse("the location holds a NUL character");
  if (location.starts_with("/") || location.starts_with("\\") || (location.size() > 1 && location[1] == ':'))
    return refuse("the location must be relative to the model's folder");

  SmallVector<StringRef> parts;
  location.split(parts, '/', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  llvm::erase(parts, ".");
  if (parts.empty())
    return refuse("the location names no file");
  if (llvm::is_contained(parts, ".."))
    return refuse("the location must not contain '..'");

  // One component at a time, so that no link below the folder can lead out of it.
  std::string base = folder.empty() ? "." : folder.str();
  Descriptor at(::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (auto [i, part] : enumerate(parts)) {
    if (at.fd < 0)
      break;
    bool last = i + 1 == parts.size();
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY);
    int next = ::openat(at.fd, part.str().c_str(), flags);
    if (next < 0 && (errno == ELOOP || (errno == ENOTDIR && !last)))
      return refuse("the location must not go through a symbolic link");
    at.reset(next);
  }
  if (at.fd < 0) {
    error = systemError();
    return nullptr;
  }
  struct stat status;
  if (::fstat(at.fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 1)
    return refuse("the location must not be a hard link");
  return map(at.fd, error);
}

std::optional<StringRef> ExternalFiles::read(StringRef location, uint64_t offset,
                                             std::optional<uint64_t> length, std::string &error) {
  auto it = files.find(location);
  if (it == files.end()) {
    if (files.size() >= kMaxExternalFiles) {
      error = "the model names more than " + std::to_string(kMaxExternalFiles) + " external files";
      return std::nullopt;
    }
    auto file = MappedFile::openBelow(folder, location, error);
    if (!file)
      return std::nullopt;
    it = files.try_emplace(location, std::move(file)).first;
  }
  StringRef bytes = it->second->bytes();
  if (!isInside(offset, length.value_or(0), bytes.size())) {
    error = "needs " + (length ? std::to_string(*length) : std::string("the")) + " bytes from offset " +
            std::to_string(offset) + ", but the file has " + std::to_string(bytes.size());
    return std::nullopt;
  }
  return length ? bytes.substr(offset, *length) : bytes.substr(offset);
}

} // namespace halftone
