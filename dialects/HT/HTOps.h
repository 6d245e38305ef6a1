//===- HTOps.h - operations of the graph dialect ----------------------------===//

#ifndef HALFTONE_DIALECTS_HT_HTOPS_H
#define HALFTONE_DIALECTS_HT_HTOPS_H

#include "dialects/HT/HTDialect.h"

#define GET_OP_CLASSES
#include "dialects/HT/HTOps.h.inc"

namespace halftone::ht {

/// The declared symbols of a graph function, in order.
llvm::SmallVector<SymbolAttr> getSymbols(mlir::func::FuncOp function);

/// The user's name of argument or result `index`; falls back to "input0", "output0", ….
std::string getInputName(mlir::func::FuncOp function, unsigned index);
std::string getOutputName(mlir::func::FuncOp function, unsigned index);

/// Whether `op` computes each result element from the operands' elements at the same place (with
/// broadcasting).
bool isElementwise(mlir::Operation *op);

/// Whether an argument is a state that steps keep ([F4]).
bool isState(mlir::func::FuncOp function, unsigned argument);

/// The result that is what argument `argument`, a state, becomes.
std::optional<unsigned> getStateResult(mlir::func::FuncOp function, unsigned argument);

} // namespace halftone::ht

#endif
