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

/// Operations that run as one kernel.
struct Group {
  llvm::SetVector<mlir::Operation *> members;
  /// What shapes the loop nest. Several are linears of one input.
  llvm::SmallVector<mlir::Operation *, 3> roots;
  /// Whose results others read. With several, each ends a part that is computed on its own.
  llvm::SmallVector<mlir::Operation *, 3> outputs;
  /// The output that each member is computed for; none for what prepares the input.
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> outputOf;
  /// How often each member is written out for one element of the output: once for
  /// every way from it to the output. Chains of x + x double at each step.
  llvm::DenseMap<mlir::Operation *, size_t> copies;
  size_t code = 0; ///< All copies, in operands.

  mlir::Operation *getRoot() const { return roots.empty() ? nullptr : roots.front(); }
  /// The output that all readers of `op` are computed for, or null.
  mlir::Operation *getOutput(mlir::Operation *op) const;
  /// What `copies` would be of an operation whose readers are all members.
  size_t countCopies(mlir::Operation *op) const;
  void addOutput(mlir::Operation *op);
  /// Adds what only the readers of one output read, …
  void add(mlir::Operation *op);
  /// … or what makes the input of all roots.
  void addPrologue(mlir::Operation *op);
  /// Takes all of `other`, whose parts stay parts.
  void take(Group &other);

private:
  void insert(mlir::Operation *op);
};

/// Partitions a graph function into groups (an analysis: changes nothing).
class Fusion {
public:
  /// With `oneRoot`, linears of one input stay apart, and apart from what makes it.
  explicit Fusion(mlir::func::FuncOp function, bool oneRoot = false);

  llvm::ArrayRef<std::unique_ptr<Group>> getGroups() const { return groups; }

  struct Missed {
    mlir::Operation *op;
    const char *reason;
  };
  /// Producers that could have joined their reader's kernel but did not.
  llvm::ArrayRef<Missed> getMissed() const { return missed; }
  /// Linears that could have joined that of another with the same input but did not.
  llvm::ArrayRef<Missed> getApart() const { return apart; }

private:
  Group *findCommonReader(mlir::Operation *op);
  const char *whyNotJoin(mlir::Operation *op, const Group &group);
  bool takes(mlir::Operation *op, Group &group);
  const char *whyNotTake(const Group &group, const Group &other);
  bool reaches(const Group &from, const Group &to);
  void joinLinears(mlir::ValueRange inputs);

  bool oneRoot;
  llvm::SmallVector<std::unique_ptr<Group>> groups;
  llvm::DenseMap<mlir::Operation *, Group *> groupOf;
  llvm::SmallVector<Missed> missed, apart;
};

} // namespace halftone::kernels

#endif
