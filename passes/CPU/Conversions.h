//===- Conversions.h - element types into each other ------------------------===//

#ifndef HALFTONE_PASSES_CPU_CONVERSIONS_H
#define HALFTONE_PASSES_CPU_CONVERSIONS_H

#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// `x`, as elements of graph type `from` are in registers, converted by the rules of `ht.cast`.
mlir::Value emitCast(KernelBuilder &kernel, mlir::Value x, mlir::Type from, mlir::Type to,
                     bool saturate = false);

/// The bits of `x` as an element of graph type `to`, which has as many.
mlir::Value emitBitcast(KernelBuilder &kernel, mlir::Value x, mlir::Type to);

} // namespace halftone::cpu

#endif
