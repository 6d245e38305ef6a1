//===- LinearProducts.h - the sums of a tile of a linear --------------------===//

#ifndef HALFTONE_PASSES_CPU_LINEARPRODUCTS_H
#define HALFTONE_PASSES_CPU_LINEARPRODUCTS_H

#include "dialects/HTK/Intrinsics.h"
#include "passes/CPU/PackedWeight.h"

namespace halftone::cpu {

/// Rows of x in a register tile.
inline constexpr int64_t kTileRows = 6;

/// Writes the sums of tiles of rows by parts of a panel: one strategy for each way to
/// multiply. They go to a scratch of `kTileRows` rows of a panel; a scale of x for all
/// of k is left to the epilogue.
class LinearProduct {
public:
  virtual ~LinearProduct() = default;

  mlir::Value getSums() const { return sums; }
  /// What sums are: f64 or f32.
  mlir::Type getSumType() const { return real; }
  /// Vectors that a part of a panel is wide.
  int64_t getPartVectors() const { return partVectors; }

  void setPanel(mlir::Value index) { weight.setPanel(index); }
  /// Before the parts of a tile: `count` rows from `row` on, in all panels.
  virtual void beginTile(mlir::Value row, mlir::Value count) { (void)row, (void)count; }
  /// The sums of a part, from vector `first` of the panel on, for `height` rows.
  virtual void emitPart(mlir::Value row, int64_t height, int64_t first) = 0;

protected:
  LinearProduct(KernelBuilder &kernel, htk::LinearOp linear, mlir::Type real, int64_t partVectors);

  /// A stretch of k in which no scale changes.
  struct Piece {
    mlir::Value index, begin, period; ///< number, first k, and that in periods of the packed weight
    mlir::Value inputBlock, weightBlock;
    int64_t length;
  };
  int64_t getNumPieces() const { return (depth + pieceLength - 1) / pieceLength; }
  /// Pieces in order: those of equal length in one loop, a shorter last one after it.
  void forEachPiece(llvm::function_ref<void(const Piece &)> emit);
  /// Before a part whose pieces `accumulate`.
  void clear(int64_t height, int64_t first);
  /// The part's sums are `value * factor` (1 where null); with several pieces, that is
  /// added to them by FMA.
  void accumulate(int64_t r, int64_t vector, mlir::Value value, mlir::Value factor);

  /// Carries `sums` through the steps of a piece's periods. `body(period, step count, sums)`
  /// is for whole periods, several at once where they are short, then for what is left.
  using Steps = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value period, int64_t columns,
                                                                  mlir::ValueRange sums)>;
  llvm::SmallVector<mlir::Value> forEachPeriod(const Piece &piece, mlir::ValueRange initial, Steps body);

  KernelBuilder &k;
  htk::LinearOp linear;
  mlir::Type real;
  PackedWeight weight;
  int64_t partVectors;
  mlir::Value sums;
  mlir::Value input; ///< the buffer of x, or of its codes
  mlir::Type inputElement;
  int64_t depth, pieceLength;
};

/// Codes by codes, or bf16 by bf16, group by group with one instruction of the catalogue.
std::unique_ptr<LinearProduct> makeDotProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                              const htk::Intrinsic &intrinsic);

/// Values by values, column by column with FMA.
std::unique_ptr<LinearProduct> makeValueProduct(KernelBuilder &kernel, htk::LinearOp linear, mlir::Type real);

} // namespace halftone::cpu

#endif
