//===- Intrinsics.h - the catalogue of multiplying instructions -------------===//
//
// What the processors we generate code for can multiply with, in one table: the
// layout of packed weights suits every entry, selection asks for its features and
// rates, kernels are emitted for the one selected. `rows x columns x depth` are the
// products that one instruction adds up: columns are rows of W along vector lanes (or
// tile columns), depth are neighbouring k.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTK_INTRINSICS_H
#define HALFTONE_DIALECTS_HTK_INTRINSICS_H

#include "dialects/HTK/HTKDialect.h"

namespace halftone::htk {

/// What is multiplied, and summed in.
enum class ProductKind {
  Bytes, ///< signed bytes of x by unsigned bytes of w, in i32
  BF16,  ///< bf16 by bf16, in f32
  Values ///< any, converted: f32 (or f64) by FMA
};

struct Intrinsic {
  llvm::StringLiteral name;
  /// By LLVM's name; empty where every processor of this vector length has it.
  llvm::StringLiteral feature;
  unsigned vectorBits;
  ProductKind kind;
  int64_t rows, columns, depth;
  /// Products in a cycle on a core, about: to choose by.
  double rate;
  /// Rows of x from which on it pays.
  int64_t leastRows;

  bool isTile() const { return rows > 1; }
};

llvm::ArrayRef<Intrinsic> getIntrinsics();

/// How a product of these terms is computed.
ProductKind getProductKind(mlir::Attribute inputTerm, mlir::Attribute weightTerm);

/// The fastest instruction on `cpu` for it, and before that one the fastest tile, if there is any.
llvm::SmallVector<const Intrinsic *> selectIntrinsics(CpuAttr cpu, ProductKind kind);

} // namespace halftone::htk

#endif
