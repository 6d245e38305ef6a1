//===- FloatRowProducts.cpp - products of few queries, of numbers -----------===//
//
// Channels run along the lanes, so keys and values are read where they are, once for all
// heads of the item. The sums of as many keys as a vector has lanes meet in one vector
// by a tree of shuffles. Values are summed for some heads at once, from one broadcast
// weight each.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LaneShuffles.h"
#include "passes/CPU/RowProducts.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kHeads = 4;        ///< whose values are summed at once, by
constexpr int64_t kValueVectors = 4; ///< so many vectors of channels

class FloatRowProducts : public RowProducts {
public:
  FloatRowProducts(KernelBuilder &kernel, ht::AttentionOp root) : RowProducts(kernel, root) {
    if (!isa<BlockArgument>(root.getKey()))
      widened = kernel.scratch(k.lanes * keyWidth, real);
  }

  void emitScores(const RowBlock &block, Value first, Lanes width, Use use) override {
    SmallVector<KeyRow> rows = getRows(block, first, width);
    widenKeys(rows);
    forEachHead([&](Value h) { use(h, emitProducts(h, rows)); });
  }

  void accumulateValues(const RowBlock &block) override {
    int64_t whole = sharing / kHeads * kHeads;
    if (whole)
      k.loop(k.constant(0), k.constant(whole), kHeads, [&](Value h) { accumulateHeads(h, kHeads, block); });
    if (sharing > whole)
      accumulateHeads(k.constant(whole), sharing - whole, block);
  }

private:
  Value loadKey(Value tensor, const KeyRow &row, Value channel, Lanes width) {
    return k.convertFloat(shape.loadKey(emitter, tensor, row, channel, width), real);
  }

  /// Keys that are computed are so once for all heads.
  void widenKeys(ArrayRef<KeyRow> rows) {
    if (!widened)
      return;
    for (auto [r, row] : llvm::enumerate(rows))
      k.vectorLoop(k.constant(shape.keyWidth), k.lanes, [&, row = row, r = r](Index d, Lanes width) {
        write(loadKey(root.getKey(), row, d.base, width), widened, k.add(d.base, r * keyWidth));
      });
  }

  /// Channels of row `r` of the keys at hand.
  Value getKey(int64_t r, const KeyRow &row, Value channel, Lanes width) {
    return widened ? read(widened, k.add(channel, r * keyWidth))
                   : loadKey(root.getKey(), row, channel, width);
  }

  /// The products of a head's query and the keys of `rows`, one in each lane.
  Value emitProducts(Value h, ArrayRef<KeyRow> rows) {
    SmallVector<Value> tile(k.lanes, k.getZero(real, k.lanes));
    auto accumulate = [&](Value d, Lanes width, ValueRange carried) {
      SmallVector<Value> next(carried);
      Value q = read(queries, at(h, keyWidth, d));
      for (auto [r, row] : llvm::enumerate(rows))
        next[r] = fma(q, getKey(r, row, d, width), next[r]);
      return next;
    };
    int64_t whole = shape.keyWidth / k.lanes * k.lanes;
    if (whole)
      tile = k.loop(k.constant(0), k.constant(whole), k.lanes, tile,
                    [&](Value d, ValueRange carried) { return accumulate(d, vector(), carried); });
    if (shape.keyWidth > whole)
      tile = accumulate(k.constant(whole), getLanes(k.lanes, shape.keyWidth - whole), tile);
    return sumLanes(k, tile);
  }

  void accumulateHeads(Value head, int64_t height, const RowBlock &block) {
    int64_t part = kValueVectors * k.lanes, whole = shape.valueWidth / part * part;
    if (whole)
      k.loop(k.constant(0), k.constant(whole), part,
             [&](Value d) { accumulateChannels(head, height, d, part, block); });
    if (shape.valueWidth > whole)
      accumulateChannels(head, height, k.constant(whole), shape.valueWidth - whole, block);
  }

  /// The same for `height` heads from `head` on, and `width` channels from `channel` on.
  void accumulateChannels(Value head, int64_t height, Value channel, int64_t width, const RowBlock &block) {
    SmallVector<Lanes> parts;
    for (int64_t d = 0; d < width; d += k.lanes)
      parts.push_back(getLanes(k.lanes, width - d));
    auto position = [&](int64_t h, int64_t v) {
      return k.add(at(k.add(head, h), valueWidth, channel), v * k.lanes);
    };
    int64_t vectors = parts.size();
    SmallVector<Value> tile;
    for (int64_t h = 0; h < height; ++h) {
      Value factor = k.splat(readOne(factors, k.add(head, h)), k.lanes);
      for (int64_t v = 0; v < vectors; ++v)
        tile.push_back(mul(read(sums, position(h, v)), factor));
    }
    tile = k.loop(k.constant(0), block.count, 1, tile, [&](Value j, ValueRange carried) {
      SmallVector<Value> next(carried), values;
      KeyRow row = shape.getKeyRow(block.sequence, k.add(block.first, j), block.head, shape.valueWidth);
      for (auto [v, part] : llvm::enumerate(parts))
        values.push_back(loadKey(root.getValue(), row, k.add(channel, v * k.lanes), part));
      for (int64_t h = 0; h < height; ++h) {
        Value weight = k.splat(readOne(scores, at(k.add(head, h), kKeys, j)), k.lanes);
        for (int64_t v = 0; v < vectors; ++v)
          next[h * vectors + v] = fma(weight, values[v], next[h * vectors + v]);
      }
      return next;
    });
    for (int64_t h = 0; h < height; ++h)
      for (int64_t v = 0; v < vectors; ++v)
        write(tile[h * vectors + v], sums, position(h, v));
  }

  Value widened; ///< keys at hand, where they are computed
};

} // namespace

std::unique_ptr<RowProducts> makeFloatRowProducts(KernelBuilder &kernel, ht::AttentionOp root) {
  return std::make_unique<FloatRowProducts>(kernel, root);
}

} // namespace halftone::cpu
