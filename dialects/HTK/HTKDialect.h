//===- HTKDialect.h - the kernel dialect ------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTK_HTKDIALECT_H
#define HALFTONE_DIALECTS_HTK_HTKDIALECT_H

#include "dialects/HT/HTOps.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

#include "dialects/HTK/HTKDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/HTK/HTKAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/HTK/HTKOps.h.inc"

namespace halftone::htk {

/// What an element is in memory: a signless integer of whole bytes, f16, f32 or f64.
/// Booleans and codes take a byte each; bf16 are bits, which no CPU can do without.
mlir::Type getStorageType(mlir::Type element);

/// Bytes of an element in memory.
int64_t getStorageBytes(mlir::Type element);

/// What every buffer is aligned to: vectors, cache lines and AMX tile rows are all 64 bytes.
constexpr int64_t kAlignment = 64;

/// More bytes than any machine maps: sums of sizes up to here cannot overflow.
constexpr int64_t kMaxBytes = int64_t(1) << 46;

/// The buffer that holds a tensor: flat, row-major.
mlir::MemRefType getBufferType(mlir::Type tensor);

/// Whether `op` shapes the loop nest of the kernel it is in.
bool isRoot(mlir::Operation *op);

} // namespace halftone::htk

#endif
