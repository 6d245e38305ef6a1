//===- AttentionTiles.cpp - q, k and v of attention as tiles ----------------===//

#include "passes/CPU/AttentionTiles.h"

#include "passes/CPU/LaneShuffles.h"

using namespace mlir;

namespace halftone::cpu {

static constexpr int64_t kRowBytes = Tiles::kRowBytes;

AttentionTiles::AttentionTiles(KernelBuilder &kernel, ht::AttentionOp root, AttentionShape &shape,
                               int64_t keys)
    : steps(llvm::divideCeil(shape.keyWidth, kStep)), valueTiles(shape.valueWidth / kLanes + 1), k(kernel),
      emitter(kernel), tiles(kernel), root(root), shape(shape) {
  Type i32 = k.b.getI32Type();
  keyTiles = k.scratch(keys / kLanes * steps * kTileWords, i32);
  valuePairs = k.scratch(keys / kGroup * valueTiles * kTileWords, i32);
  ones = k.scratch(kLanes, i32);
  queryRows = k.scratch(kRows * steps * kStep, k.b.getI16Type());
  Value pair = k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(0x3f803f80)), kLanes);
  k.store(pair, ones, k.constant(0), {kLanes, {}});
  if (isOnes(valueTiles - 1))
    return;
  // Lanes of the last tile that no value fills.
  k.loop(k.constant(0), k.constant(keys / kGroup), 1, [&](Value group) {
    Value tile = k.mul(k.add(k.mul(group, valueTiles), valueTiles - 1), kTileWords);
    for (int64_t row = 0; row < kRows; ++row)
      k.store(pair, valuePairs, k.add(tile, row * kLanes), {kLanes, {}});
  });
}

Lanes AttentionTiles::getLanes(int64_t whole, int64_t count) {
  if (count >= whole)
    return {whole, {}};
  Value size = k.constant(count);
  auto type = VectorType::get({whole}, k.b.getI1Type());
  return {whole, vector::CreateMaskOp::create(k.b, k.loc, type, ValueRange{size}), size};
}

/// 32 channels of the row at `start`, zeros behind the last.
Value AttentionTiles::loadQueryChannels(Value start, int64_t channel) {
  return k.load(k.getBuffer(cast<BlockArgument>(root.getQuery())), k.add(start, channel), k.b.getI16Type(),
                getLanes(kStep, shape.keyWidth - channel));
}

Value AttentionTiles::loadKeyBits(Value operand, const KeyRow &row, int64_t channel, Lanes lanes) {
  if (auto argument = dyn_cast<BlockArgument>(operand))
    return k.load(k.getBuffer(argument), k.add(row.start, channel), k.b.getI16Type(), lanes);
  Value computed = shape.loadKey(emitter, operand, row, k.constant(channel), lanes);
  auto bits = VectorType::get({lanes.width}, k.b.getI16Type());
  return vector::BitCastOp::create(k.b, k.loc, bits, k.convertFloat(computed, k.b.getBF16Type()));
}

KeyRow AttentionTiles::getKey(const KeyBlock &block, Value index, int64_t width) {
  Value count = k.max(shape.keyCount, k.constant(1));
  return shape.getKeyRow(block.sequence, shape.clamp(k.add(block.first, index), count), block.head, width);
}

void AttentionTiles::packKeys(const KeyBlock &block) {
  auto words = VectorType::get({kLanes}, k.b.getI32Type());
  k.loop(k.constant(0), k.mul(k.ceilDiv(block.count, kGroup), 2), 1, [&](Value part) {
    SmallVector<KeyRow> keys;
    for (int64_t i = 0; i < kLanes; ++i)
      keys.push_back(getKey(block, k.add(k.mul(part, kLanes), i), shape.keyWidth));
    for (int64_t step = 0; step < steps; ++step) {
      SmallVector<Value> rows;
      for (const KeyRow &key : keys) {
        Lanes lanes = getLanes(kStep, shape.keyWidth - step * kStep);
        rows.push_back(vector::BitCastOp::create(k.b, k.loc, words,
                                                 loadKeyBits(root.getKey(), key, step * kStep, lanes)));
      }
      transposeLanes(k, rows);
      Value tile = k.mul(k.add(k.mul(part, steps), step), kTileWords);
      for (auto [i, row] : llvm::enumerate(rows))
        k.store(row, keyTiles, k.add(tile, i * kLanes), {kLanes, {}});
    }
  });
}

void AttentionTiles::packValues(const KeyBlock &block) {
  auto words = VectorType::get({kLanes}, k.b.getI32Type());
  Value sixteen = k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(16)), kLanes);
  k.loop(k.constant(0), k.ceilDiv(block.count, kGroup), 1, [&](Value group) {
    k.loop(k.constant(0), k.constant(kRows), 1, [&](Value row) {
      KeyRow keys[2];
      for (int64_t i = 0; i < 2; ++i)
        keys[i] = getKey(block, k.add(k.add(k.mul(group, kGroup), row), i * kLanes), shape.valueWidth);
      for (int64_t channel = 0; channel < shape.valueWidth; channel += kLanes) {
        Lanes lanes = getLanes(kLanes, shape.valueWidth - channel);
        Value halves[2];
        for (int64_t i = 0; i < 2; ++i)
          halves[i] = arith::ExtUIOp::create(k.b, k.loc, words,
                                             loadKeyBits(root.getValue(), keys[i], channel, lanes));
        Value upper = arith::ShLIOp::create(k.b, k.loc, halves[1], sixteen);
        Value tile = k.add(k.mul(group, valueTiles), channel / kLanes);
        k.store(arith::OrIOp::create(k.b, k.loc, halves[0], upper), valuePairs,
                k.add(k.mul(tile, kTileWords), k.mul(row, kLanes)), lanes);
      }
    });
  });
}

void AttentionTiles::prepareQueries(const QueryBlock &block) {
  int64_t packed = steps * kStep;
  queryStart = shape.getQueryRow(block.row, block.first, block.head, shape.keyWidth);
  isWhole = shape.keyWidth % kStep == 0
                ? k.less(k.add(block.first, kRows - 1), shape.queries)
                : arith::ConstantOp::create(k.b, k.loc, k.b.getBoolAttr(false)).getResult();
  queryStride = k.select(isWhole, k.constant(shape.heads * shape.keyWidth * 2), k.constant(packed * 2));
  k.branch(
      isWhole, [] {},
      [&] {
        k.loop(k.constant(0), k.constant(kRows), 1, [&](Value r) {
          Value token = shape.clamp(k.add(block.first, r), shape.queries);
          Value from = shape.getQueryRow(block.row, token, block.head, shape.keyWidth);
          for (int64_t channel = 0; channel < packed; channel += kStep)
            k.store(loadQueryChannels(from, channel), queryRows, k.add(k.mul(r, packed), channel),
                    {kStep, {}});
        });
      });
}

Value AttentionTiles::loadQueries(Value step) {
  Value channel = k.mul(step, kStep);
  Value input = k.getBuffer(cast<BlockArgument>(root.getQuery()));
  Value address =
      LLVM::SelectOp::create(k.b, k.loc, isWhole, tiles.getAddress(input, k.add(queryStart, channel)),
                             tiles.getAddress(queryRows, channel));
  return tiles.load(address, queryStride);
}

Value AttentionTiles::loadKeys(Value group, int64_t half, Value step) {
  Value tile = k.add(k.mul(k.add(k.mul(group, 2), half), steps), step);
  return tiles.load(tiles.getAddress(keyTiles, k.mul(tile, kTileWords)), kRowBytes);
}

Value AttentionTiles::loadValues(Value group, int64_t tile) {
  if (isOnes(tile))
    return tiles.load(tiles.getAddress(ones, k.constant(0)), int64_t(0));
  Value position = k.mul(k.add(k.mul(group, valueTiles), tile), kTileWords);
  return tiles.load(tiles.getAddress(valuePairs, position), kRowBytes);
}

} // namespace halftone::cpu
