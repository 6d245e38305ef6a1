//===- LinearProducts.h - the sums of a tile of a linear --------------------===//

#ifndef HALFTONE_PASSES_CPU_LINEARPRODUCTS_H
#define HALFTONE_PASSES_CPU_LINEARPRODUCTS_H

#include "dialects/HTK/Intrinsics.h"
#include "passes/CPU/LinearInput.h"
#include "passes/Elements/PackedWeight.h"

namespace halftone::cpu {

/// Rows of x in a tile at most, in vector registers and in tile registers.
constexpr int64_t kRegisterRows = 6, kTileRows = 32;

/// Makes the sums of tiles of rows by one panel: one strategy for each way to multiply.
/// A scale of x for all of k is left to whoever reads the sums.
class LinearProduct {
public:
  virtual ~LinearProduct() = default;

  /// What sums are: f64 or f32.
  mlir::Type getSumType() const { return real; }

  /// Before the tiles of rows [row, row + count) of the input's buffers, a block, which are multiplied by
  /// several panels: makes what all of these need of x.
  virtual void beginBlock(mlir::Value row, mlir::Value count) { (void)row, (void)count; }
  /// After all blocks.
  virtual void endBlocks() {}
  /// Makes the sums of rows [row, row + count) of the block by panel `panel`.
  virtual void emitTile(mlir::Value row, mlir::Value count, mlir::Value panel) = 0;
  /// The sums of the tile's row `r` from column `column` of the panel on.
  virtual mlir::Value loadSums(mlir::Value r, mlir::Value column, Lanes lanes) = 0;

protected:
  LinearProduct(KernelBuilder &kernel, htk::LinearOp linear, const LinearInput &x, mlir::Type real);

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
  /// Keeps the sums of rows [row, row + count) of x in all pieces.
  void emitInputSums(class InputSums &sums, mlir::Value row, mlir::Value count);
  /// The scale of a row's block, where x has several along k; else null.
  mlir::Value getInputScale(mlir::Value row, const Piece &piece);

  KernelBuilder &k;
  htk::LinearOp linear;
  mlir::Type real;
  PackedWeight weight;
  const LinearInput &source;
  mlir::Value input; ///< the buffer of x, or of its codes
  int64_t depth, pieceLength;
};

/// The sums of each row of a block's codes of x in each piece: what is to be subtracted
/// for the zeros of w, sum (u - zero) x = sum u x - zero sum x.
class InputSums {
public:
  /// Bytes are summed by `intrinsic`; at most `rows` rows of `pieces` are kept.
  InputSums(KernelBuilder &kernel, const htk::Intrinsic &intrinsic, mlir::Value input, int64_t rows,
            int64_t pieces);

  /// Those kept from here on begin with this row of x.
  void setFirstRow(mlir::Value row) { firstRow = row; }
  /// Stores the sum of `length` codes from `begin` on for a row of x.
  void emit(mlir::Value row, mlir::Value piece, mlir::Value begin, int64_t length);
  mlir::Value load(mlir::Value row, mlir::Value piece);

private:
  mlir::Value getPosition(mlir::Value row, mlir::Value piece);

  KernelBuilder &k;
  const htk::Intrinsic &intrinsic;
  mlir::Value input, sums, firstRow;
  int64_t pieces;
};

/// Codes by codes, or bf16 by bf16, group by group with one vector instruction of the catalogue.
std::unique_ptr<LinearProduct> makeDotProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                              const LinearInput &x, const htk::Intrinsic &intrinsic);

/// Values by values, column by column with FMA.
std::unique_ptr<LinearProduct> makeValueProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                                const LinearInput &x, mlir::Type real);

/// Codes by codes, or bf16 by bf16, with a tile instruction; `vector` is for the sums of codes.
std::unique_ptr<LinearProduct> makeTileProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                               const LinearInput &x, const htk::Intrinsic &intrinsic,
                                               const htk::Intrinsic &vector);
/// Null if tiles can compute `linear`, else the reason.
const char *whyNotTiles(htk::LinearOp linear, const htk::Intrinsic &intrinsic);

} // namespace halftone::cpu

#endif
