//===- Roots.h - what shapes the loop nest of a kernel ----------------------===//

#ifndef HALFTONE_DIALECTS_HTK_ROOTS_H
#define HALFTONE_DIALECTS_HTK_ROOTS_H

#include "dialects/HTK/HTKDialect.h"

namespace halftone::htk {

/// Whether `op` multiplies rows by a weight: values, terms, or packed leaves.
bool isLinear(mlir::Operation *op);
/// The leaves of the rows that a linear multiplies.
mlir::ValueRange getLinearInput(mlir::Operation *linear);
/// Whether two linears multiply the same rows under the same term.
bool haveSameInput(mlir::Operation *linear, mlir::Operation *other);
/// Whether `op` does nothing but make the rows that linears multiply: codes and scales of
/// them, or another type.
bool isPrologue(mlir::Operation *op);
/// Whether `op` does nothing but widen kept keys or values for the attention that reads them.
bool isWidenedState(mlir::Operation *op);

/// The roots of a kernel's body, in order: one, or linears that multiply the same rows.
llvm::SmallVector<mlir::Operation *> getRoots(mlir::Block &body);

} // namespace halftone::htk

#endif
