//===- TextScanner.h - what parsers of bounded text share -----------------===//

#ifndef HALFTONE_RUNTIME_FILES_TEXTSCANNER_H
#define HALFTONE_RUNTIME_FILES_TEXTSCANNER_H

#include "runtime/files/ByteReader.h"

#include <cstring>

namespace halftone::rt {

/// A position in text that ends where its bytes do, not at a zero.
class TextScanner {
protected:
  explicit TextScanner(Bytes bytes)
      : at(reinterpret_cast<const char *>(bytes.data)), end(at + bytes.size) {}

  void skipSpace() {
    while (at < end &&
           (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
      ++at;
  }
  bool accept(char wanted) {
    skipSpace();
    if (at == end || *at != wanted)
      return false;
    ++at;
    return true;
  }
  bool acceptWord(const char *word) {
    size_t size = strlen(word);
    if (static_cast<size_t>(end - at) < size || memcmp(at, word, size) != 0)
      return false;
    at += size;
    return true;
  }

  const char *at;
  const char *end;
};

} // namespace halftone::rt

#endif
