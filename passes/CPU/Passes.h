//===- Passes.h - kernels as x86 vector code --------------------------------===//

#ifndef HALFTONE_PASSES_CPU_PASSES_H
#define HALFTONE_PASSES_CPU_PASSES_H

#include "dialects/HTK/HTKDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace halftone::cpu {

#define GEN_PASS_DECL
#include "passes/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/CPU/Passes.h.inc"

} // namespace halftone::cpu

#endif
