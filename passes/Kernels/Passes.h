//===- Passes.h - from a graph to kernels and a step ------------------------===//

#ifndef HALFTONE_PASSES_KERNELS_PASSES_H
#define HALFTONE_PASSES_KERNELS_PASSES_H

#include "dialects/HTK/HTKDialect.h"

#include "mlir/Pass/Pass.h"

namespace halftone::kernels {

#define GEN_PASS_DECL
#include "passes/Kernels/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Kernels/Passes.h.inc"

/// Module attribute: the `#htk.cpu` of each level that a program is to have, the one
/// to prefer first.
inline constexpr llvm::StringLiteral kLevelsAttr = "htk.levels";

} // namespace halftone::kernels

#endif
