//===- Arena.h - working memory of a session ------------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_ARENA_H
#define HALFTONE_RUNTIME_SESSION_ARENA_H

#include <cstddef>
#include <cstdint>

namespace halftone::rt {

/// One mapping, planned by the compiler for the largest run. Pages that a
/// smaller run does not touch take no memory.
class Arena {
public:
  Arena() = default;
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;
  ~Arena();

  /// Aligned to a page, or to 2 MiB and asked for in huge pages when it is
  /// large. False when there is not enough memory.
  [[nodiscard]] bool allocate(uint64_t bytes);

  void *data() const { return aligned; }

  /// Zeros again, without memory.
  void clear();

private:
  void *mapping = nullptr;
  size_t mappedBytes = 0;
  void *aligned = nullptr;
};

/// Asks the kernel to read the packed weights ahead; without it the first run
/// would fetch them page by page from the disk.
void readPayloadAhead(const void *payload, uint64_t bytes);

} // namespace halftone::rt

#endif
