//===- Tiles.h - AMX tiles as values ----------------------------------------===//
//
// A tile is a value of x86_amx: up to 16 rows of 64 bytes. LLVM allocates tiles and
// configures them by the shape that each use states (rows, and bytes of a row); one
// register cannot have two shapes in a function, so a nest uses few. These are whole:
// 16 rows of 16 f32, or of 16 pairs of bf16.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_CPU_TILES_H
#define HALFTONE_PASSES_CPU_TILES_H

#include "passes/CPU/KernelBuilder.h"

namespace halftone::cpu {

/// Emits operations on whole tiles.
class Tiles {
public:
  static constexpr int64_t kRows = 16, kRowBytes = 64;

  explicit Tiles(KernelBuilder &kernel) : k(kernel) {}

  mlir::Value zero();
  /// 16 rows from `address` on, `stride` bytes apart.
  mlir::Value load(mlir::Value address, mlir::Value stride);
  mlir::Value load(mlir::Value address, int64_t stride) { return load(address, k.constant(stride)); }
  void store(mlir::Value tile, mlir::Value address, int64_t stride);
  /// c plus a by b in bf16 and f32: rows of `a` are sums' rows, rows of `b` pairs of neighbours along the
  /// sum.
  mlir::Value multiplyBF16(mlir::Value c, mlir::Value a, mlir::Value b);

  /// Where element `position` of a buffer is.
  mlir::Value getAddress(mlir::Value buffer, mlir::Value position);

private:
  mlir::Value call(llvm::StringRef name, mlir::ValueRange operands);
  mlir::Value i16(int64_t value);
  mlir::Value i64(mlir::Value index);

  KernelBuilder &k;
};

} // namespace halftone::cpu

#endif
