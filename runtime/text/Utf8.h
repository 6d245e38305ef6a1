//===- Utf8.h - code points of UTF-8 --------------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_UTF8_H
#define HALFTONE_RUNTIME_TEXT_UTF8_H

#include "runtime/support/Array.h"

#include <cstdint>

namespace halftone::rt {

/// Text of known length, which may hold zeros.
struct TextView {
  const char *data = "";
  size_t size = 0;

  TextView slice(size_t begin, size_t end) const {
    return {data + begin, end - begin};
  }
};

/// How many bytes the code point that `lead` begins has, or what a broken
/// beginning promises; 0 where no code point begins so.
inline size_t utf8Length(unsigned char lead) {
  return lead < 0x80   ? 1
         : lead < 0xc2 ? 0
         : lead < 0xe0 ? 2
         : lead < 0xf0 ? 3
         : lead < 0xf5 ? 4
                       : 0;
}

/// How many bytes at `at` are the beginning of a code point, up to its length:
/// 0 where even the first byte cannot begin one.
inline size_t utf8Prefix(const char *at, size_t left) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(at[i]); };
  size_t length = left ? utf8Length(byte(0)) : 0;
  size_t seen = length != 0;
  for (; seen && seen < length && seen < left; ++seen) {
    unsigned least = 0x80, most = 0xbf;
    if (seen == 1) { // Neither overlong, nor a surrogate, nor beyond U+10FFFF.
      least = byte(0) == 0xe0 ? 0xa0 : byte(0) == 0xf0 ? 0x90 : least;
      most = byte(0) == 0xed ? 0x9f : byte(0) == 0xf4 ? 0x8f : most;
    }
    if (byte(seen) < least || byte(seen) > most)
      break;
  }
  return seen;
}

/// The number of leading bytes that are valid UTF-8.
inline size_t validUtf8(TextView text) {
  size_t at = 0;
  while (at < text.size) {
    size_t length = utf8Length(static_cast<unsigned char>(text.data[at]));
    if (length == 0 || utf8Prefix(text.data + at, text.size - at) != length)
      break;
    at += length;
  }
  return at;
}

/// The code point at `at`, which moves behind it. The text must be valid.
inline uint32_t nextCodePoint(TextView text, size_t &at) {
  auto byte = [&](size_t i) -> uint32_t {
    return i < text.size ? static_cast<unsigned char>(text.data[i]) : 0x80;
  };
  uint32_t lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  uint32_t point = lead & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i)
    point = point << 6 | (byte(at + i) & 0x3f);
  at = at + length < text.size ? at + length : text.size;
  return point;
}

/// Where the code point before `at` begins.
inline size_t previousCodePoint(TextView text, size_t at) {
  do
    --at;
  while (at && (static_cast<unsigned char>(text.data[at]) & 0xc0) == 0x80);
  return at;
}

/// The UTF-8 of `point`, at most four bytes; returns how many.
inline size_t encodeUtf8(uint32_t point, char *bytes) {
  auto put = [&](size_t i, uint32_t value) {
    bytes[i] = static_cast<char>(value);
  };
  if (point < 0x80) {
    put(0, point);
    return 1;
  }
  size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i; --i, point >>= 6)
    put(i, 0x80 | (point & 0x3f));
  put(0, (0xf00u >> length & 0xf0) | point);
  return length;
}

inline void appendCodePoint(Array<char> &text, uint32_t point) {
  char bytes[4];
  text.append(bytes, encodeUtf8(point, bytes));
}

} // namespace halftone::rt

#endif
