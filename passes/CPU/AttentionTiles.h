//===- AttentionTiles.h - q, k and v of attention as tiles ------------------===//

#ifndef HALFTONE_PASSES_CPU_ATTENTIONTILES_H
#define HALFTONE_PASSES_CPU_ATTENTIONTILES_H

#include "passes/CPU/Attention.h"
#include "passes/CPU/Tiles.h"

namespace halftone::cpu {

/// Some keys of a head, from `first` on.
struct KeyBlock {
  mlir::Value sequence, head; ///< row and head of k and v
  mlir::Value first, count;
};

/// 16 queries of a head.
struct QueryBlock {
  mlir::Value row, head, first;
  mlir::Value position;   ///< of the first in its sequence
  mlir::Value begin, end; ///< from the first key of a block on, the keys that they may attend
  mlir::Value groups;     ///< of 32 keys, in the block of keys at hand
};

/// Loads and packs them. Keys are packed by 16, with pairs of channels as rows and a key in each lane; values
/// by 32 keys, with keys j and j + 16 as row j and a channel in each lane. Queries are tiles as they lie but
/// where rows or channels are missing.
class AttentionTiles {
public:
  static constexpr int64_t kRows = Tiles::kRows, kLanes = 16;
  static constexpr int64_t kGroup = 2 * kLanes; ///< keys that one product of weights sums over
  static constexpr int64_t kStep = 32;          ///< channels that one product of scores sums over
  static constexpr int64_t kTileWords = kRows * kLanes;

  /// Holds blocks of up to `keys` keys.
  AttentionTiles(KernelBuilder &kernel, ht::AttentionOp root, AttentionShape &shape, int64_t keys);

  const int64_t steps;      ///< along the channels of q and k
  const int64_t valueTiles; ///< of 16 channels of v, and of ones behind them

  /// Packs a block, its last key repeated up to a whole group.
  void packKeys(const KeyBlock &block);
  void packValues(const KeyBlock &block);
  void prepareQueries(const QueryBlock &block);

  mlir::Value loadQueries(mlir::Value step);
  mlir::Value loadKeys(mlir::Value group, int64_t half, mlir::Value step);
  mlir::Value loadValues(mlir::Value group, int64_t tile);
  /// Whether tile `tile` of values is one of ones, the same for all groups.
  bool isOnes(int64_t tile) const { return tile * kLanes >= shape.valueWidth; }

  /// Lanes of `count` elements: a masked vector where that is less than `whole`.
  Lanes getLanes(int64_t whole, int64_t count);

private:
  mlir::Value loadQueryChannels(mlir::Value start, int64_t channel);
  /// The bits of a row of k or v, 16 for each element.
  mlir::Value loadKeyBits(mlir::Value operand, const KeyRow &row, int64_t channel, Lanes lanes);
  KeyRow getKey(const KeyBlock &block, mlir::Value index, int64_t width);

  KernelBuilder &k;
  ElementEmitter emitter;
  Tiles tiles;
  ht::AttentionOp root;
  AttentionShape &shape;
  mlir::Value keyTiles, valuePairs, ones, queryRows;
  mlir::Value queryStart, isWhole, queryStride;
};

} // namespace halftone::cpu

#endif
