//===- Error.h - the message behind halftone_last_error -------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_ERROR_H
#define HALFTONE_RUNTIME_SESSION_ERROR_H

#include "halftone/halftone.h"

namespace halftone::rt {

/// Keeps the message for this thread and returns `status`.
halftone_status fail(halftone_status status, const char *pattern, ...)
    __attribute__((format(printf, 2, 3)));

/// What halftone_last_error returns. Inside the runtime this is called instead
/// of the exported function, which another library may interpose.
const char *lastError();

} // namespace halftone::rt

#endif
