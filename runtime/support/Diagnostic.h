//===- Diagnostic.h - the first thing that went wrong ---------------------===//

#ifndef HALFTONE_RUNTIME_SUPPORT_DIAGNOSTIC_H
#define HALFTONE_RUNTIME_SUPPORT_DIAGNOSTIC_H

#include "runtime/support/Text.h"

#include <cstdarg>

namespace halftone::rt {

/// Functions that can fail take one and return false when they do.
class Diagnostic {
public:
  /// Keeps the message, unless there is one already. Always returns false.
  bool fail(const char *pattern, ...) __attribute__((format(printf, 2, 3))) {
    if (!message.empty())
      return false;
    va_list arguments;
    va_start(arguments, pattern);
    message.formatList(pattern, arguments);
    va_end(arguments);
    return false;
  }

  const char *text() const { return message.c_str(); }
  bool failed() const { return !message.empty(); }

private:
  Text message;
};

} // namespace halftone::rt

#endif
