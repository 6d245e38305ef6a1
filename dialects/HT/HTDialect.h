//===- HTDialect.h - the graph dialect --------------------------------------===//

#ifndef HALFTONE_DIALECTS_HT_HTDIALECT_H
#define HALFTONE_DIALECTS_HT_HTDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/HT/Shapes.h"

namespace halftone::ht {

/// Checks [F2] where no function declares symbols, and [F3].
mlir::LogicalResult verifySymbolicShapes(mlir::Operation *op);

/// Every `ht` operation's shapes are expressions over declared symbols.
template <typename ConcreteType>
struct SymbolicShapes : mlir::OpTrait::TraitBase<ConcreteType, SymbolicShapes> {
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) { return verifySymbolicShapes(op); }
};

} // namespace halftone::ht

#include "dialects/HT/HTDialect.h.inc"
#include "dialects/HT/HTEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/HT/HTAttrs.h.inc"

#endif
