//===- Error.cpp - the message behind halftone_last_error -----------------===//

#include "runtime/session/Error.h"
#include "runtime/support/DataType.h"

#include <cstdarg>
#include <cstdio>

namespace halftone::rt {

/// A fixed buffer: it needs no allocation that could fail and nothing to free
/// when the thread ends.
static constinit thread_local char message[1536];

halftone_status fail(halftone_status status, const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(message, sizeof(message), pattern, arguments);
  va_end(arguments);
  return status;
}

const char *lastError() { return message; }

} // namespace halftone::rt

using namespace halftone::rt;

const char *halftone_last_error(void) { return lastError(); }

const char *halftone_status_name(halftone_status status) {
  switch (status) {
  case HALFTONE_OK:
    return "ok";
  case HALFTONE_INVALID_ARGUMENT:
    return "invalid argument";
  case HALFTONE_INVALID_PROGRAM:
    return "invalid program";
  case HALFTONE_UNSUPPORTED_CPU:
    return "unsupported CPU";
  case HALFTONE_OUT_OF_MEMORY:
    return "out of memory";
  case HALFTONE_SYSTEM_ERROR:
    return "system error";
  case HALFTONE_BUSY:
    return "busy";
  case HALFTONE_FAULT:
    return "fault";
  }
  return "unknown status";
}

const char *halftone_dtype_name(uint32_t dtype) {
  return typeBytes(dtype) ? typeName(dtype) : nullptr;
}

size_t halftone_dtype_bytes(uint32_t dtype) { return typeBytes(dtype); }
