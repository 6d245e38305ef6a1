//===- Conversions.h - element types into each other ------------------------===//

#ifndef HALFTONE_PASSES_ELEMENTS_CONVERSIONS_H
#define HALFTONE_PASSES_ELEMENTS_CONVERSIONS_H

#include "passes/Elements/CodeBuilder.h"

namespace halftone::elements {

/// `x`, as elements of graph type `from` are in registers, converted by the rules of `ht.cast`.
mlir::Value emitCast(CodeBuilder &kernel, mlir::Value x, mlir::Type from, mlir::Type to,
                     bool saturate = false);

/// The bits of `x` as an element of graph type `to`, which has as many.
mlir::Value emitBitcast(CodeBuilder &kernel, mlir::Value x, mlir::Type to);

} // namespace halftone::elements

#endif
