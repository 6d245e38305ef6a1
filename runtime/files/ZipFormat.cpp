//===- ZipFormat.cpp - the checksum of archives ---------------------------===//

#include "runtime/files/ZipFormat.h"

#include <cstring>

namespace halftone::rt::zip {

namespace {
/// Eight tables, so that eight bytes are folded in at once: a checksum byte by
/// byte would take longer than writing the file.
struct Tables {
  uint32_t entry[8][256];
  constexpr Tables() : entry() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
      entry[0][i] = value;
    }
    for (int table = 1; table < 8; ++table)
      for (uint32_t i = 0; i < 256; ++i) {
        uint32_t before = entry[table - 1][i];
        entry[table][i] = before >> 8 ^ entry[0][before & 255];
      }
  }
};
} // namespace

static constexpr Tables tables;

uint32_t crc32(uint32_t crc, const void *data, size_t size) {
  const auto *at = static_cast<const unsigned char *>(data);
  crc = ~crc;
  for (; size >= 8; size -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    word ^= crc;
    crc = 0;
    for (int byte = 0; byte < 8; ++byte)
      crc ^= tables.entry[7 - byte][word >> (8 * byte) & 255];
  }
  for (; size; --size, ++at)
    crc = crc >> 8 ^ tables.entry[0][(crc ^ *at) & 255];
  return ~crc;
}

} // namespace halftone::rt::zip
