//===- Passes.h - kernels for NVIDIA GPUs -----------------------------------===//

#ifndef HALFTONE_PASSES_CUDA_PASSES_H
#define HALFTONE_PASSES_CUDA_PASSES_H

#include "dialects/HTK/HTKDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace halftone::cuda {

#define GEN_PASS_DECL
#include "passes/CUDA/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/CUDA/Passes.h.inc"

} // namespace halftone::cuda

#endif
