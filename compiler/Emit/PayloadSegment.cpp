//===- PayloadSegment.cpp - weights behind what was linked ------------------===//

#include "compiler/Emit/PayloadSegment.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm::ELF;

namespace halftone::emit {

static constexpr uint64_t kPage = 4096, kHugePage = 2 << 20;

uint64_t getPayloadAlignment(uint64_t size) {
  // A file may grow by as much as this.
  return size >= 16 * kHugePage ? kHugePage : kPage;
}

static llvm::Error lastError() { return llvm::errorCodeToError({errno, std::generic_category()}); }

PayloadSegment::~PayloadSegment() {
  if (descriptor >= 0)
    ::close(descriptor);
}

llvm::Error PayloadSegment::open(llvm::StringRef path, uint64_t newStart, uint64_t newSize) {
  if (descriptor < 0)
    descriptor = llvm::sys::RetryAfterSignal(-1, ::open, path.str().c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0)
    return lastError();
  start = newStart;
  size = newSize;
  opened.assign(llvm::divideCeil(size, kHugePage), false);
  if (ftruncate(descriptor, static_cast<off_t>(start + size)) != 0)
    return lastError();
  return llvm::Error::success();
}

llvm::Error PayloadSegment::attach(llvm::StringRef path, uint64_t newSize) {
  descriptor = llvm::sys::RetryAfterSignal(-1, ::open, path.str().c_str(), O_RDWR | O_CLOEXEC);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0)
    return lastError();
  auto begin = place(status.st_size, newSize);
  if (!begin)
    return begin.takeError();
  return open(path, *begin, newSize);
}

/// The bytes of `T` at `offset`; false where there are none.
template <typename T>
static bool readAt(int descriptor, uint64_t offset, T *values, size_t count) {
  ssize_t size = sizeof(T) * count;
  return llvm::sys::RetryAfterSignal(-1, ::pread, descriptor, values, size, static_cast<off_t>(offset)) ==
         size;
}

llvm::Expected<uint64_t> PayloadSegment::place(uint64_t fileSize, uint64_t bytes) {
  auto fail = [] {
    return llvm::createStringError("the linker left no segment for weights: lld 20 or later does");
  };
  Elf64_Ehdr header;
  if (!readAt(descriptor, 0, &header, 1) || header.e_phentsize != sizeof(Elf64_Phdr) ||
      header.e_shentsize != sizeof(Elf64_Shdr))
    return fail();
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (!readAt(descriptor, header.e_phoff, segments.data(), segments.size()) ||
      !readAt(descriptor, header.e_shoff, sections.data(), sections.size()))
    return fail();
  auto segment = std::find_if(segments.begin(), segments.end(), [&](const Elf64_Phdr &s) {
    return s.p_type == PT_LOAD && s.p_flags == PF_R && s.p_filesz == 0 && s.p_memsz >= bytes;
  });
  if (segment == segments.end())
    return fail();
  auto section = std::find_if(sections.begin(), sections.end(), [&](const Elf64_Shdr &s) {
    return s.sh_type == SHT_NOBITS && s.sh_addr == segment->p_vaddr && s.sh_size == bytes;
  });
  if (section == sections.end())
    return fail();
  uint64_t begin = llvm::alignTo(fileSize, std::max<uint64_t>(segment->p_align, kPage));
  segment->p_offset = section->sh_offset = begin;
  segment->p_filesz = segment->p_memsz = bytes;
  section->sh_type = SHT_PROGBITS;
  auto getBytes = [](const auto &values) {
    return llvm::ArrayRef(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(values[0]));
  };
  if (llvm::Error error = writeAt(header.e_phoff, getBytes(segments)))
    return std::move(error);
  if (llvm::Error error = writeAt(header.e_shoff, getBytes(sections)))
    return std::move(error);
  return begin;
}

llvm::Error PayloadSegment::writeAt(uint64_t position, llvm::ArrayRef<char> bytes) {
  while (!bytes.empty()) {
    ssize_t count = llvm::sys::RetryAfterSignal(-1, ::pwrite, descriptor, bytes.data(), bytes.size(),
                                                static_cast<off_t>(position));
    if (count < 0)
      return lastError();
    position += count;
    bytes = bytes.drop_front(count);
  }
  return llvm::Error::success();
}

/// The system caches what one call writes in pages as large as fit into that, and smaller parts that
/// come later go into the pages that are there.
llvm::Error PayloadSegment::openBlocks(uint64_t begin, uint64_t end) {
  static const std::vector<char> zeros(kHugePage);
  std::lock_guard<std::mutex> lock(mutex);
  for (uint64_t block = begin / kHugePage; block * kHugePage < end; ++block) {
    if (opened[block])
      continue;
    uint64_t offset = block * kHugePage;
    if (llvm::Error error = writeAt(start + offset, llvm::ArrayRef(zeros).take_front(size - offset)))
      return error;
    opened[block] = true;
  }
  return llvm::Error::success();
}

llvm::Error PayloadSegment::write(uint64_t offset, llvm::ArrayRef<char> bytes) {
  if (bytes.size() > size || offset > size - bytes.size())
    return llvm::createStringError("internal error: weights leave their place");
  if (start % kHugePage == 0)
    if (llvm::Error error = openBlocks(offset, offset + bytes.size()))
      return error;
  return writeAt(start + offset, bytes);
}

llvm::Error PayloadSegment::close() {
  int old = descriptor;
  descriptor = -1;
  return ::close(old) == 0 ? llvm::Error::success() : lastError();
}

} // namespace halftone::emit
