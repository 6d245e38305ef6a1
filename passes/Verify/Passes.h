//===- Passes.h - exit contracts of phases ----------------------------------===//

#ifndef HALFTONE_PASSES_VERIFY_PASSES_H
#define HALFTONE_PASSES_VERIFY_PASSES_H

#include "dialects/HTK/HTKDialect.h"

#include "mlir/Pass/Pass.h"

namespace halftone::verify {

#define GEN_PASS_DECL
#include "passes/Verify/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Verify/Passes.h.inc"

} // namespace halftone::verify

#endif
