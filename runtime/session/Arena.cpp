//===- Arena.cpp - working memory of a session ----------------------------===//

#include "runtime/session/Arena.h"
#include "runtime/support/Checked.h"

#include <sys/mman.h>

namespace halftone::rt {

static constexpr uint64_t pageBytes = 4096;
static constexpr uint64_t hugePageBytes = 2 << 20;

Arena::~Arena() {
  if (mapping)
    munmap(mapping, mappedBytes);
}

bool Arena::allocate(uint64_t bytes) {
  bool large = bytes >= 2 * hugePageBytes;
  uint64_t alignment = large ? hugePageBytes : pageBytes;
  // Room to move the start up to the alignment, and never an empty mapping.
  uint64_t wanted;
  if (!(Checked<uint64_t>(bytes ? bytes : 1) + alignment).get(wanted))
    return false;
  void *memory = mmap(nullptr, wanted, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  mapping = memory;
  mappedBytes = wanted;
  uintptr_t start = reinterpret_cast<uintptr_t>(memory);
  start = (start + alignment - 1) & ~(alignment - 1);
  aligned = reinterpret_cast<void *>(start);
  if (large)
    madvise(aligned, bytes, MADV_HUGEPAGE); // A hint; a refusal does no harm.
  return true;
}

void Arena::clear() {
  if (mapping)
    madvise(mapping, mappedBytes, MADV_DONTNEED);
}

void readPayloadAhead(const void *payload, uint64_t bytes) {
  uintptr_t start = reinterpret_cast<uintptr_t>(payload) & ~(pageBytes - 1);
  uintptr_t end = reinterpret_cast<uintptr_t>(payload) + bytes;
  if (bytes)
    madvise(reinterpret_cast<void *>(start), end - start, MADV_WILLNEED);
}

} // namespace halftone::rt
