//===- Instructions.h - x86 instructions that MLIR has no operation for -----===//

#ifndef HALFTONE_PASSES_CPU_INSTRUCTIONS_H
#define HALFTONE_PASSES_CPU_INSTRUCTIONS_H

#include "dialects/HTK/Intrinsics.h"
#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// `sums` plus the products of groups of w and x by `intrinsic`, no tile: all are vectors
/// of 32-bit lanes, i32 sums of bytes and f32 sums of bf16. Lanes of w and x are 4 bytes
/// or 2 bf16.
mlir::Value emitDot(KernelBuilder &kernel, const htk::Intrinsic &intrinsic, mlir::Value sums, mlir::Value w,
                    mlir::Value x);

/// The sum of each lane's 4 signed bytes, added to `sums`.
mlir::Value emitByteSum(KernelBuilder &kernel, const htk::Intrinsic &intrinsic, mlir::Value sums,
                        mlir::Value x);

/// f32 rounded half to even, as i32, which every number must fit.
mlir::Value emitRoundEven(KernelBuilder &kernel, mlir::Value x);

/// The lanes of four vectors of i32, saturated to signed bytes, one vector after the other.
mlir::Value emitPackedBytes(KernelBuilder &kernel, llvm::ArrayRef<mlir::Value> quarters);

/// 16 lanes of f32 rounded to bf16 by the instruction for it: denormals become zero.
mlir::Value emitRoundToBF16(KernelBuilder &kernel, mlir::Value x);

/// The upper halves of two vectors' 32-bit lanes: those of `low` in the lower halves of the result's lanes,
/// those of `high` in the upper ones.
mlir::Value emitUpperHalves(KernelBuilder &kernel, mlir::Value low, mlir::Value high);

/// table[indices[i] mod 16]: 16 lanes of f32.
mlir::Value emitPermutation(KernelBuilder &kernel, mlir::Value table, mlir::Value indices);

} // namespace halftone::cpu

#endif
