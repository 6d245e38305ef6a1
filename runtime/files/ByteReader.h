//===- ByteReader.h - bytes of an untrusted file --------------------------===//

#ifndef HALFTONE_RUNTIME_FILES_BYTEREADER_H
#define HALFTONE_RUNTIME_FILES_BYTEREADER_H

#include "runtime/support/Checked.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace halftone::rt {

/// Part of a file in memory.
struct Bytes {
  const unsigned char *data = nullptr;
  size_t size = 0;

  /// Sets `part` to `count` bytes from `offset`; false when they reach beyond
  /// the end.
  [[nodiscard]] bool slice(uint64_t offset, uint64_t count, Bytes &part) const {
    if (!isInside(offset, count, size))
      return false;
    part.data = data + offset;
    part.size = static_cast<size_t>(count);
    return true;
  }
};

/// Reads little-endian numbers; every read says whether the bytes were there.
class ByteReader {
public:
  explicit ByteReader(Bytes bytes) : bytes(bytes) {}

  size_t position() const { return at; }
  size_t remaining() const { return bytes.size - at; }

  template <typename T>
  [[nodiscard]] bool read(T &value) {
    Bytes part;
    if (!take(sizeof(T), part))
      return false;
    memcpy(&value, part.data, sizeof(T));
    return true;
  }

  [[nodiscard]] bool take(uint64_t count, Bytes &part) {
    if (!bytes.slice(at, count, part))
      return false;
    at += part.size;
    return true;
  }

  [[nodiscard]] bool skip(uint64_t count) {
    Bytes part;
    return take(count, part);
  }

private:
  Bytes bytes;
  size_t at = 0;
};

} // namespace halftone::rt

#endif
