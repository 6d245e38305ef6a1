//===- WhiteSpace.h - what chat templates strip ---------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_WHITESPACE_H
#define HALFTONE_RUNTIME_TEXT_WHITESPACE_H

#include "runtime/text/Utf8.h"

namespace halftone::rt {

/// White space as Python's str.strip() has it.
inline bool isSpace(uint32_t point) {
  return (point >= 0x09 && point <= 0x0d) || (point >= 0x1c && point <= 0x20) ||
         point == 0x85 || point == 0xa0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
         point == 0x2029 || point == 0x202f || point == 0x205f ||
         point == 0x3000;
}

} // namespace halftone::rt

#endif
