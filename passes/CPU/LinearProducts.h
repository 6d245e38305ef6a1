//===- LinearProducts.h - the sums of a tile of a linear --------------------===//

#ifndef HALFTONE_PASSES_CPU_LINEARPRODUCTS_H
#define HALFTONE_PASSES_CPU_LINEARPRODUCTS_H

#include "dialects/HTK/Intrinsics.h"
#include "passes/CPU/KernelBuilder.h"
#include "passes/Elements/PackedWeight.h"

namespace halftone::cpu {

/// Makes the sums of tiles of rows by one panel: one strategy for each way to multiply.
/// A scale of x for all of k is left to whoever reads the sums.
class LinearProduct {
public:
  virtual ~LinearProduct() = default;

  /// Rows of x in a tile, at most.
  virtual int64_t getTileRows() const = 0;
  /// What sums are: f64 or f32.
  mlir::Type getSumType() const { return real; }

  /// Makes the sums of rows [row, row + count) by panel `panel`.
  virtual void emitTile(mlir::Value row, mlir::Value count, mlir::Value panel) = 0;
  /// The sums of the tile's row `r` from column `column` of the panel on.
  virtual mlir::Value loadSums(mlir::Value r, mlir::Value column, Lanes lanes) = 0;

protected:
  LinearProduct(KernelBuilder &kernel, htk::LinearOp linear, mlir::Type real);

  /// A stretch of k in which no scale changes.
  struct Piece {
    mlir::Value index, begin, period; ///< number, first k, and that in periods of the packed weight
    mlir::Value inputBlock, weightBlock;
    int64_t length;
  };
  int64_t getNumPieces() const { return (depth + pieceLength - 1) / pieceLength; }
  /// The only piece, or the last one.
  Piece getPiece(mlir::Value index, int64_t length);
  /// Pieces in order: those of equal length in one loop, a shorter last one after it.
  void forEachPiece(llvm::function_ref<void(const Piece &)> emit);
  /// The scale of a row's block, where x has several along k; else null.
  mlir::Value getInputScale(mlir::Value row, const Piece &piece);

  KernelBuilder &k;
  htk::LinearOp linear;
  mlir::Type real;
  PackedWeight weight;
  mlir::Value input; ///< the buffer of x, or of its codes
  mlir::Type inputElement;
  int64_t depth, pieceLength;
};

/// The sums of each row of a tile's codes of x in each piece: what is to be subtracted
/// for the zeros of w, sum (u - zero) x = sum u x - zero sum x.
class InputSums {
public:
  /// Bytes are summed by `intrinsic`.
  InputSums(KernelBuilder &kernel, const htk::Intrinsic &intrinsic, mlir::Value input, int64_t rows,
            int64_t pieces);

  /// Stores the sum of `length` codes from `begin` on.
  void emit(mlir::Value r, mlir::Value piece, mlir::Value begin, int64_t length);
  mlir::Value load(mlir::Value r, mlir::Value piece);

private:
  KernelBuilder &k;
  const htk::Intrinsic &intrinsic;
  mlir::Value input, sums;
  int64_t pieces;
};

/// Codes by codes, or bf16 by bf16, group by group with one vector instruction of the catalogue.
std::unique_ptr<LinearProduct> makeDotProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                              const htk::Intrinsic &intrinsic);

/// Values by values, column by column with FMA.
std::unique_ptr<LinearProduct> makeValueProduct(KernelBuilder &kernel, htk::LinearOp linear, mlir::Type real);

/// Codes by codes, or bf16 by bf16, with a tile instruction; `vector` is for the sums of codes.
std::unique_ptr<LinearProduct> makeTileProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                               const htk::Intrinsic &intrinsic, const htk::Intrinsic &vector);
/// Null if tiles can compute `linear`, else the reason.
const char *whyNotTiles(htk::LinearOp linear, const htk::Intrinsic &intrinsic);

} // namespace halftone::cpu

#endif
