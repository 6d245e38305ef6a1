//===- Fusion.h - which operations run together -----------------------------===//

#ifndef HALFTONE_PASSES_KERNELS_FUSION_H
#define HALFTONE_PASSES_KERNELS_FUSION_H

#include "dialects/HT/HTOps.h"

namespace halftone::kernels {

/// How an operation takes part in kernels.
enum class Role {
  Source,      ///< constant, iota, dim: copied into each reader
  View,        ///< reshape: another name for the same bytes
  Elementwise, ///< y[i] from x[i] and broadcast operands
  Movement,    ///< y[i] from x at other indices
  Root,        ///< shapes a loop nest of its own
  Outside,     ///< weights, terminators: never in a kernel
};

Role getRole(mlir::Operation *op);

/// Whether a root can take elementwise operations after it into its loop nest.
bool takesEpilogue(mlir::Operation *root);

/// Whether a root needs its operands in memory, small literals included.
bool readsMemory(mlir::Operation *root);

/// Operations that run as one kernel. Others read the results of its last one, which
/// all have one shape.
struct Group {
  llvm::SetVector<mlir::Operation *> members;
  mlir::Operation *root = nullptr;
  mlir::Operation *last = nullptr;
  mlir::Value getOutput() const { return last->getResult(0); }
  /// How often each member is written out for one element of the output: once for
  /// every way from it to the output. Chains of x + x double at each step.
  llvm::DenseMap<mlir::Operation *, size_t> copies;
  size_t code = 0; ///< All copies, in operands.

  /// What `copies` would be of an operation whose readers are all members.
  size_t countCopies(mlir::Operation *op) const;
  void add(mlir::Operation *op);
};

/// Partitions a graph function into groups (an analysis: changes nothing).
class Fusion {
public:
  explicit Fusion(mlir::func::FuncOp function);

  /// In program order of their outputs.
  llvm::ArrayRef<std::unique_ptr<Group>> getGroups() const { return groups; }

  struct Missed {
    mlir::Operation *op;
    const char *reason;
  };
  /// Producers that could have joined their reader's kernel but did not.
  llvm::ArrayRef<Missed> getMissed() const { return missed; }

private:
  Group *findCommonReader(mlir::Operation *op);
  const char *whyNotJoin(mlir::Operation *op, const Group &group);

  llvm::SmallVector<std::unique_ptr<Group>> groups;
  llvm::DenseMap<mlir::Operation *, Group *> groupOf;
  llvm::SmallVector<Missed> missed;
};

} // namespace halftone::kernels

#endif
