//===- StepPlan.h - when launches run and where their values are ------------===//

#ifndef HALFTONE_PASSES_KERNELS_STEPPLAN_H
#define HALFTONE_PASSES_KERNELS_STEPPLAN_H

#include "dialects/HTK/HTKDialect.h"

namespace halftone::kernels {

/// Epochs, storage and arena offsets of a graph of launches (an analysis: changes nothing).
class StepPlan {
public:
  /// Reports what cannot be planned.
  static mlir::FailureOr<StepPlan> create(mlir::func::FuncOp graph);

  /// Launches of one epoch may run at the same time; a barrier stands before the next.
  unsigned getEpoch(mlir::Operation *launch) const { return epochs.lookup(launch); }
  /// The value whose memory `value` is in: itself, what it is a view of, or the state
  /// (an argument) that it is the next form of.
  mlir::Value getStorage(mlir::Value value) const;
  /// Bytes from the arena's start, of a value that is its own storage.
  int64_t getOffset(mlir::Value value) const { return offsets.lookup(value); }
  int64_t getArenaBytes() const { return arenaBytes; }

private:
  StepPlan() = default;
  void findStates(mlir::func::FuncOp graph);
  mlir::LogicalResult assignEpochs(mlir::func::FuncOp graph);
  mlir::LogicalResult placeInArena(mlir::func::FuncOp graph);

  llvm::DenseMap<mlir::Operation *, unsigned> epochs;
  llvm::DenseMap<mlir::Value, mlir::Value> states; ///< results of launches in the memory of a state
  llvm::DenseMap<mlir::Value, int64_t> offsets;
  int64_t arenaBytes = 0;
};

} // namespace halftone::kernels

#endif
