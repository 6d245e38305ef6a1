//===- ZipFormat.h - what the reader and the writer of archives share -----===//

#ifndef HALFTONE_RUNTIME_FILES_ZIPFORMAT_H
#define HALFTONE_RUNTIME_FILES_ZIPFORMAT_H

#include <cstddef>
#include <cstdint>

namespace halftone::rt::zip {

inline constexpr uint32_t localMagic = 0x04034b50;
inline constexpr uint32_t centralMagic = 0x02014b50;
inline constexpr uint32_t endMagic = 0x06054b50;
inline constexpr uint32_t end64Magic = 0x06064b50;
inline constexpr uint32_t locator64Magic = 0x07064b50;
inline constexpr uint16_t extra64Id = 1;

inline constexpr uint32_t in64 = 0xffffffff; ///< the value is in a zip64 record
inline constexpr uint16_t in64Short = 0xffff;

/// Fixed parts of the records, as they lie in the file.
struct __attribute__((packed)) Local {
  uint32_t magic;
  uint16_t versionNeeded, flags, method, time, date;
  uint32_t crc, packedBytes, bytes;
  uint16_t nameBytes, extraBytes;
};

struct __attribute__((packed)) Central {
  uint32_t magic;
  uint16_t versionMade, versionNeeded, flags, method, time, date;
  uint32_t crc, packedBytes, bytes;
  uint16_t nameBytes, extraBytes, commentBytes, disk, internalAttributes;
  uint32_t externalAttributes, localOffset;
};

struct __attribute__((packed)) End {
  uint32_t magic;
  uint16_t disk, centralDisk, entriesHere, entries;
  uint32_t centralBytes, centralOffset;
  uint16_t commentBytes;
};

struct __attribute__((packed)) End64 {
  uint32_t magic;
  uint64_t recordBytes;
  uint16_t versionMade, versionNeeded;
  uint32_t disk, centralDisk;
  uint64_t entriesHere, entries, centralBytes, centralOffset;
};

struct __attribute__((packed)) Locator64 {
  uint32_t magic, disk;
  uint64_t endOffset;
  uint32_t disks;
};

/// Continues the checksum `crc` (0 at the start) over more bytes.
uint32_t crc32(uint32_t crc, const void *data, size_t size);

} // namespace halftone::rt::zip

#endif
