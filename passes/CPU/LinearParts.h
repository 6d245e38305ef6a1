//===- LinearParts.h - the results of a kernel of linears -------------------===//

#ifndef HALFTONE_PASSES_CPU_LINEARPARTS_H
#define HALFTONE_PASSES_CPU_LINEARPARTS_H

#include "dialects/HTK/Packing.h"
#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// Results of a kernel of linears that one piece of code computes: they differ in the buffers
/// that are read and written only, as q, k and v do.
struct LinearPart {
  /// The first of them, which the code is made of, and its linears.
  mlir::Value output;
  llvm::SmallVector<htk::LinearOp, 2> roots;
  /// Numbers of the kernel's results.
  llvm::SmallVector<unsigned, 3> results;
  /// What each argument of the first is for the others.
  llvm::MapVector<mlir::Value, llvm::SmallVector<mlir::Value, 2>> arguments;

  int64_t getColumns() const {
    return mlir::cast<mlir::RankedTensorType>(output.getType()).getShape().back();
  }
  int64_t getPanels() const { return llvm::divideCeil(getColumns(), htk::Packing::kPanel); }
};

/// The parts of a kernel that yields `outputs`; reports what is none.
mlir::FailureOr<llvm::SmallVector<LinearPart>> getLinearParts(mlir::Operation *yield);

} // namespace halftone::cpu

#endif
