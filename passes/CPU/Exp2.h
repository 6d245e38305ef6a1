//===- Exp2.h - powers of two for weights of bf16 ---------------------------===//

#ifndef HALFTONE_PASSES_CPU_EXP2_H
#define HALFTONE_PASSES_CPU_EXP2_H

#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// What the lanes of `emitExp2` are good for.
enum class Exp2Use {
  F32, ///< 2^x with a relative error below 2^-13
  BF16 ///< their upper halves are 2^x rounded to bf16
};

/// 2^x for 16 lanes of f32 in six instructions of AVX-512. NaN stays NaN, -inf and what is far below
/// gives 0, +inf +inf.
mlir::Value emitExp2(KernelBuilder &kernel, mlir::Value x, Exp2Use use);

} // namespace halftone::cpu

#endif
