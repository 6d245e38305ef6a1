//===- Passes.h - weights in the order that kernels read them ---------------===//

#ifndef HALFTONE_PASSES_LAYOUT_PASSES_H
#define HALFTONE_PASSES_LAYOUT_PASSES_H

#include "dialects/HTK/HTKDialect.h"

#include "mlir/Pass/Pass.h"

namespace halftone::layout {

#define GEN_PASS_DECL
#include "passes/Layout/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Layout/Passes.h.inc"

} // namespace halftone::layout

#endif
