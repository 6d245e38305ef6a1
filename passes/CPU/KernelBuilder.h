//===- KernelBuilder.h - what all loop nests are written with ---------------===//

#ifndef HALFTONE_PASSES_CPU_KERNELBUILDER_H
#define HALFTONE_PASSES_CPU_KERNELBUILDER_H

#include "passes/CPU/Passes.h"
#include "passes/Elements/CodeBuilder.h"

namespace halftone::cpu {

using namespace elements;

/// Emits one lowered kernel function: `(step, thread, inputs…, outputs…)`.
class KernelBuilder : public CodeBuilder {
public:
  /// Makes the function of the tensor form `source`, positioned at its start.
  KernelBuilder(mlir::func::FuncOp source, htk::CpuAttr cpu, Tables &tables);

  /// The processor to lower for.
  const htk::CpuAttr cpu;
  mlir::Value step, thread;

  /// This thread's part of `[0, total)`.
  std::pair<mlir::Value, mlir::Value> getShare(mlir::Value total);

  /// The fault is the step's, and named after the node the user knows.
  mlir::Value checkIndex(mlir::Value index, mlir::Value bound, mlir::Location site) override;
};

} // namespace halftone::cpu

#endif
