//===- TiledAttention.cpp - attention of bf16 in AMX tiles ------------------===//
//
// A work item is (batch, head, block of 16 queries). For a block of keys
//
//   S = Q K^T   tiles of Q are rows as they are in memory, tiles of K^T are packed;
//   P = 2^(c S - c max S)   in f32, rounded to bf16 (Exp2.h), where S lies in L1;
//   [O, total] += P [V, 1]   a tile of P is a row of 32 keys, tiles of V pairs of keys.
//
// Keys run along the lanes: maxima of 16 rows are reduced together, and masks and biases are read as they lie.
// The ones beside V make each row's total, of the weights as they were rounded, in the same product. Weights of
// one block of keys are relative to the maximum up to there, and O is rescaled where that grew (Milakov and
// Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135): nothing of size s x t exists.
//
// Items that share keys follow each other, so a thread packs a block of keys once for up to 32 of them, whose
// sums are kept from one block of keys to the next.
//
// Masks, biases and caps are a pass over S in L1 that blocks without them are spared. The tiles know nothing
// of keys without a part whose values are infinite or NaN: a block of queries with a result that is not finite
// is computed again by VectorAttention.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Attention.h"
#include "passes/CPU/Exp2.h"
#include "passes/CPU/Tiles.h"

#include <numbers>

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kRows = Tiles::kRows, kRowBytes = Tiles::kRowBytes;
constexpr int64_t kLanes = 16;
constexpr int64_t kStep = 32;     ///< channels of q and k, or keys, that one product sums over
constexpr int64_t kKeys = 512;    ///< keys in a block
constexpr int64_t kBlocks = 32;   ///< blocks of queries whose sums are kept
constexpr int64_t kSumTiles = 5;  ///< sums of a row that one pass over P makes: P and V need tiles as well
constexpr int64_t kTileWords = kRows * kLanes;
constexpr int64_t kGroup = 2 * kLanes; ///< keys in a row of P

class TiledAttention {
public:
  TiledAttention(KernelBuilder &kernel, ht::AttentionOp root)
      : k(kernel), emitter(kernel), tiles(kernel), root(root), shape(kernel, root), fallback(kernel, root, 1),
        real(kernel.b.getF32Type()), steps(llvm::divideCeil(shape.keyWidth, kStep)),
        valueTiles(llvm::divideCeil(shape.valueWidth + 1, kLanes)), width(valueTiles * kLanes) {
    Type i32 = k.b.getI32Type();
    keyTiles = k.scratch(kKeys / kLanes * steps * kTileWords, i32);
    values = k.scratch(kKeys / kGroup * valueTiles * kTileWords, i32);
    query = k.scratch(kRows * steps * kStep, k.b.getI16Type());
    scores = k.scratch(kKeys * kRows, real);
    weights = k.scratch(kKeys / kGroup * kTileWords, i32);
    sums = k.scratch(kBlocks * kRows * width, real);
    noSums = k.scratch(kLanes, real);
    maxima = k.scratch(kBlocks * kRows, real);
    shifts = k.scratch(kRows, real);
    factors = k.scratch(kRows, real);
    // A cap or bias is on scaled scores; a maximum stays one under positive factors only.
    double scale = root.getScale().convertToDouble();
    isScaled = root.getSoftcap().convertToDouble() > 0 || root.getBias() || !(scale > 0);
    factor = (isScaled ? 1 : scale) * std::numbers::log2e;
  }

  void emit() {
    k.store(splat(0), noSums, k.constant(0), vector());
    // What packed values do not fill has ones.
    Value ones = k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(0x3f803f80)), kLanes);
    k.loop(k.constant(0), k.constant(kKeys / kGroup * kRows), 1, [&](Value row) {
      Value tile = k.add(k.mul(k.div(row, k.constant(kRows)), valueTiles), valueTiles - 1);
      k.store(ones, values, k.add(k.mul(tile, kTileWords), k.mul(k.rem(row, k.constant(kRows)), kLanes)),
              vector());
    });

    Value blocks = k.ceilDiv(shape.queries, kRows);
    int64_t sharing = shape.heads / shape.kvHeads;
    Value perKeys = k.max(k.mul(blocks, sharing), k.constant(1)), kvHeads = k.constant(shape.kvHeads);
    auto [begin, end] = k.getShare(k.mul(k.mul(shape.batch, kvHeads), perKeys));
    Value last = k.div(k.add(end, k.sub(perKeys, k.constant(1))), perKeys);
    k.loop(k.div(begin, perKeys), last, 1, [&, begin = begin, end = end](Value unit) {
      row = k.div(unit, kvHeads);
      kvHead = k.rem(unit, kvHeads);
      keyRow = shape.getSequence(emitter, row);
      start = shape.getStart(emitter, row);
      Value firstItem = k.mul(unit, perKeys);
      Value from = k.sub(k.max(begin, firstItem), firstItem);
      Value to = k.sub(k.min(end, k.add(firstItem, perKeys)), firstItem);
      k.loop(from, to, kBlocks, [&](Value chunk) {
        Value count = k.min(k.constant(kBlocks), k.sub(to, chunk));
        // Without any key there is one block of none.
        k.loop(k.constant(0), k.max(shape.keyCount, k.constant(1)), kKeys, [&](Value key) {
          firstKey = key;
          keysHere = k.min(k.constant(kKeys), k.sub(shape.keyCount, key));
          packKeys();
          packValues();
          isMasked = hasMaskedKey();
          k.loop(k.constant(0), count, 1, [&](Value index) {
            Value item = k.add(chunk, index);
            head = k.add(k.mul(kvHead, sharing), k.div(item, blocks));
            firstQuery = k.mul(k.rem(item, blocks), kRows);
            emitBlock(index);
          });
        });
      });
    });
  }

private:
  static Lanes vector() { return {kLanes, {}}; }
  Value load(Value buffer, Value position) {
    return k.load(buffer, position, cast<MemRefType>(buffer.getType()).getElementType(), vector());
  }
  Value splat(double value) { return k.floatConstant(value, real, kLanes); }
  Value isTrue(bool value) { return arith::ConstantOp::create(k.b, k.loc, k.b.getBoolAttr(value)); }
  Value either(Value x, Value y) { return arith::OrIOp::create(k.b, k.loc, x, y); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(k.b, k.loc, predicate, x, y);
  }
  /// Whether a lane of `bits` is set.
  Value any(Value bits) {
    return vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::OR, bits);
  }
  /// The greater; y where either is NaN, as vmaxps has it.
  Value greater(Value x, Value y) { return k.select(compare(arith::CmpFPredicate::OGT, x, y), x, y); }
  Value bound(Value index, int64_t least, int64_t most) {
    return k.max(k.constant(least), k.min(index, k.constant(most)));
  }
  Value words(Value halves) {
    return vector::BitCastOp::create(k.b, k.loc, VectorType::get({kLanes}, k.b.getI32Type()), halves);
  }
  /// Lanes of a vector of `count` elements; a masked one where that is less than `whole`.
  Lanes getLanes(int64_t whole, int64_t count) {
    if (count >= whole)
      return {whole, {}};
    Value size = k.constant(count);
    auto type = VectorType::get({whole}, k.b.getI1Type());
    return {whole, vector::CreateMaskOp::create(k.b, k.loc, type, ValueRange{size}), size};
  }

  //===--------------------------------------------------------------------===//
  // Operands
  //===--------------------------------------------------------------------===//

  /// 32 channels from channel `channel` on of the row at `start`, zeros behind the last.
  Value loadChannels(Value tensor, Value start, int64_t channel) {
    return k.load(k.getBuffer(cast<BlockArgument>(tensor)), k.add(start, channel), k.b.getI16Type(),
                  getLanes(kStep, shape.keyWidth - channel));
  }

  Value getKey(Value index) {
    return shape.clamp(k.add(firstKey, index), k.max(shape.keyCount, k.constant(1)));
  }

  /// Keys by 16: pairs of channels as rows, a key in each lane.
  void packKeys() {
    Value groups = k.mul(k.ceilDiv(keysHere, kGroup), 2);
    k.loop(k.constant(0), groups, 1, [&](Value group) {
      SmallVector<Value> starts;
      for (int64_t i = 0; i < kLanes; ++i)
        starts.push_back(
            shape.getKeyRow(keyRow, getKey(k.add(k.mul(group, kLanes), i)), kvHead, shape.keyWidth));
      for (int64_t step = 0; step < steps; ++step) {
        SmallVector<Value> rows;
        for (Value start : starts)
          rows.push_back(words(loadChannels(root.getKey(), start, step * kStep)));
        transpose(rows);
        Value position = k.mul(k.add(k.mul(group, steps), step), kTileWords);
        for (auto [i, row] : llvm::enumerate(rows))
          k.store(row, keyTiles, k.add(position, i * kLanes), vector());
      }
    });
  }

  /// 16 vectors of 16 lanes: halves, quarters, ... change places.
  void transpose(SmallVector<Value> &rows) {
    for (int64_t size = kLanes / 2; size > 0; size /= 2)
      for (int64_t i = 0; i < kLanes; ++i) {
        if (i & size)
          continue;
        auto [first, second] = exchange(rows[i], rows[i + size], size);
        rows[i] = first;
        rows[i + size] = second;
      }
  }
  std::pair<Value, Value> exchange(Value x, Value y, int64_t size) {
    SmallVector<int64_t> even, odd;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      even.push_back(lane & size ? kLanes + lane - size : lane);
      odd.push_back(lane & size ? kLanes + lane : lane + size);
    }
    return {vector::ShuffleOp::create(k.b, k.loc, x, y, even),
            vector::ShuffleOp::create(k.b, k.loc, x, y, odd)};
  }

  /// Values by 32 keys: rows of channels, keys j and j + 16 in each lane, as emitUpperHalves makes weights.
  void packValues() {
    Type wide = VectorType::get({kLanes}, k.b.getI32Type());
    Value sixteen = k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(16)), kLanes);
    Value buffer = k.getBuffer(cast<BlockArgument>(root.getValue()));
    k.loop(k.constant(0), k.ceilDiv(keysHere, kGroup), 1, [&](Value group) {
      k.loop(k.constant(0), k.constant(kRows), 1, [&](Value pair) {
        Value key = k.add(k.mul(group, kGroup), pair), starts[2];
        for (int64_t i = 0; i < 2; ++i)
          starts[i] = shape.getKeyRow(keyRow, getKey(k.add(key, i * kLanes)), kvHead, shape.valueWidth);
        for (int64_t channel = 0; channel < shape.valueWidth; channel += kLanes) {
          Lanes lanes = getLanes(kLanes, shape.valueWidth - channel);
          Value halves[2];
          for (int64_t i = 0; i < 2; ++i)
            halves[i] = arith::ExtUIOp::create(
                k.b, k.loc, wide, k.load(buffer, k.add(starts[i], channel), k.b.getI16Type(), lanes));
          Value upper = arith::ShLIOp::create(k.b, k.loc, halves[1], sixteen);
          Value tile = k.add(k.mul(group, valueTiles), channel / kLanes);
          k.store(arith::OrIOp::create(k.b, k.loc, halves[0], upper), values,
                  k.add(k.mul(tile, kTileWords), k.mul(pair, kLanes)), lanes);
        }
      });
    });
  }

  void loadQueries() {
    k.loop(k.constant(0), k.constant(kRows), 1, [&](Value r) {
      Value token = shape.clamp(k.add(firstQuery, r), shape.queries);
      Value from = shape.getQueryRow(row, token, head, shape.keyWidth);
      for (int64_t step = 0; step < steps; ++step)
        k.store(loadChannels(root.getQuery(), from, step * kStep), query,
                k.add(k.mul(r, steps * kStep), step * kStep), {kStep, {}});
    });
  }

  /// Whether no query may attend some key of the block; null where masks are each query's own.
  Value hasMaskedKey() {
    if (!isMaskOfKeys())
      return {};
    Value none = k.getZero(k.b.getI1Type(), kLanes);
    Value masked = k.vectorFold(keysHere, kLanes, none, [&](Index i, Lanes lanes, Value before) -> Value {
      Value zero = k.constant(0), allowed = getAllowed(zero, zero, k.add(firstKey, i.base), lanes);
      Value excluded = arith::XOrIOp::create(k.b, k.loc, allowed, allOf(kLanes));
      if (lanes.mask)
        excluded = arith::AndIOp::create(k.b, k.loc, excluded, lanes.mask);
      return either(before, excluded);
    });
    return any(masked);
  }
  bool isMaskOfKeys() {
    if (!root.getMask())
      return false;
    ht::Dims dims = ht::getDims(root.getMask());
    return ht::getConstant(dims[1]) == 1 && ht::getConstant(dims[2]) == 1;
  }
  Value allOf(int64_t width) {
    auto type = VectorType::get({width}, k.b.getI1Type());
    return arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, true));
  }
  Value getAllowed(Value head, Value query, Value key, Lanes lanes) {
    return shape.getElement(emitter, root.getMask(), row, head, query, {key, true}, lanes);
  }

  //===--------------------------------------------------------------------===//
  // A block of queries by a block of keys
  //===--------------------------------------------------------------------===//

  /// The blocks of keys, by their first, that the queries attend: at least one.
  std::pair<Value, Value> getReach() {
    Value keys = k.constant(kKeys), one = k.constant(1), count = k.max(shape.keyCount, one);
    Value begin = k.constant(0), end = count;
    // A row that attends nowhere yet may need all keys.
    if (root.getCausal() && !root.getUniform()) {
      end = k.max(k.min(count, k.add(firstPosition, kRows)), one);
      if (root.getWindow() > 0) {
        Value first = k.sub(firstPosition, k.constant(root.getWindow() - 1));
        first = k.max(k.constant(0), k.min(first, k.sub(end, one)));
        begin = k.mul(k.div(first, keys), keys);
      }
    }
    return {begin, end};
  }

  void emitBlock(Value index) {
    firstPosition = k.add(start, firstQuery);
    auto [begin, end] = getReach();
    Value afterBegin = k.less(k.sub(begin, k.constant(1)), firstKey), beforeEnd = k.less(firstKey, end);
    k.branch(arith::AndIOp::create(k.b, k.loc, afterBegin, beforeEnd), [&, begin = begin, end = end] {
      Value isFirst = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, firstKey, begin);
      Value left = k.min(keysHere, k.sub(end, firstKey));
      groups = k.ceilDiv(left, kGroup);
      sumStart = k.mul(index, kRows * width);
      loadQueries();
      emitScores();
      maskScores();
      emitShifts(k.mul(index, kRows), isFirst);
      accumulate(isFirst);
      k.branch(k.less(k.sub(end, k.constant(kKeys + 1)), firstKey), [&] { storeResult(); });
    });
  }

  /// Of row `r` of the 32 keys of a group: from key 16 `half` on.
  Value scoreAt(Value group, Value r, int64_t half) {
    return k.add(k.add(k.mul(group, kGroup * kRows), k.mul(r, kGroup)), half * kLanes);
  }

  void emitScores() {
    k.loop(k.constant(0), groups, 1, [&](Value group) {
      SmallVector<Value> sum{tiles.zero(), tiles.zero()};
      auto step = [&](Value step, ValueRange before) {
        Value a = tiles.load(tiles.getAddress(query, k.mul(step, kStep)), steps * kStep * 2);
        SmallVector<Value> next;
        for (int64_t half = 0; half < 2; ++half) {
          Value tile = k.add(k.mul(k.add(k.mul(group, 2), half), steps), step);
          Value b = tiles.load(tiles.getAddress(keyTiles, k.mul(tile, kTileWords)), kRowBytes);
          next.push_back(tiles.multiplyBF16(before[half], a, b));
        }
        return next;
      };
      sum = steps == 1 ? step(k.constant(0), sum) : k.loop(k.constant(0), k.constant(steps), 1, sum, step);
      for (int64_t half = 0; half < 2; ++half)
        tiles.store(sum[half], tiles.getAddress(scores, scoreAt(group, k.constant(0), half)), kGroup * 4);
    });
  }

  /// Scale, cap, bias and masks where there are any, and -inf for keys past the last.
  void maskScores() {
    bool always = isScaled || (root.getMask() && !isMasked);
    Value all = isTrue(always);
    if (!always && isMasked)
      all = isMasked;
    if (!always && root.getCausal()) {
      Value lastKey = k.add(firstKey, k.mul(groups, kGroup));
      all = either(all, k.less(k.add(firstPosition, 1), lastKey));
      if (root.getWindow() > 0)
        all = either(all, k.less(firstKey, k.add(firstPosition, kRows - root.getWindow())));
    }
    Value from = k.select(all, k.constant(0), k.div(keysHere, k.constant(kGroup)));
    k.loop(from, groups, 1, [&](Value group) {
      k.loop(k.constant(0), k.constant(kRows), 1, [&](Value r) {
        for (int64_t half = 0; half < 2; ++half) {
          Value position = scoreAt(group, r, half);
          Value key = k.add(k.mul(group, kGroup), half * kLanes);
          k.store(maskScore(load(scores, position), r, key), scores, position, vector());
        }
      });
    });
  }

  Value maskScore(Value score, Value r, Value key) {
    Value infinity = splat(-std::numeric_limits<double>::infinity());
    Value query = shape.clamp(k.add(firstQuery, r), shape.queries), column = k.add(firstKey, key);
    Value count = bound(k.sub(keysHere, key), 0, kLanes);
    auto maskType = VectorType::get({kLanes}, k.b.getI1Type());
    Value exists = vector::CreateMaskOp::create(k.b, k.loc, maskType, ValueRange{count});
    Lanes lanes{kLanes, exists, count};
    if (isScaled)
      score = arith::MulFOp::create(k.b, k.loc, score, splat(root.getScale().convertToDouble()));
    if (double cap = root.getSoftcap().convertToDouble(); cap > 0) {
      Value limit = splat(cap), ratio = arith::DivFOp::create(k.b, k.loc, score, limit);
      score = arith::MulFOp::create(k.b, k.loc, limit, math::TanhOp::create(k.b, k.loc, ratio));
    }
    if (root.getBias()) {
      Value bias = shape.getElement(emitter, root.getBias(), row, head, query, {column, true}, lanes);
      score = arith::AddFOp::create(k.b, k.loc, score, k.convertFloat(bias, real));
    }
    if (root.getMask())
      score = k.select(getAllowed(head, query, column, lanes), score, infinity);
    if (root.getCausal()) {
      // Keys to the query's own, relative to the first lane; those from lane 16 on are alike.
      Value own = k.sub(k.add(firstPosition, r), column);
      score = k.select(isBelow(bound(k.add(own, 1), 0, kLanes)), score, infinity);
      if (root.getWindow() > 0) {
        Value before = bound(k.sub(own, k.constant(root.getWindow() - 1)), 0, kLanes);
        score = k.select(isBelow(before), infinity, score);
      }
    }
    if (root.getUniform())
      score = greater(score, splat(kMaskedScore));
    return k.select(exists, score, infinity);
  }
  /// Lanes below `count`.
  Value isBelow(Value count) {
    auto maskType = VectorType::get({kLanes}, k.b.getI1Type());
    return vector::CreateMaskOp::create(k.b, k.loc, maskType, ValueRange{count});
  }

  /// Maxima up to here of all rows, what that shifts exponents by, and factors for sums of keys before.
  void emitShifts(Value at, Value isFirst) {
    SmallVector<Value> rows(kRows, splat(-std::numeric_limits<double>::infinity()));
    rows = k.loop(k.constant(0), groups, 1, rows, [&](Value group, ValueRange before) {
      SmallVector<Value> next(before);
      for (int64_t r = 0; r < kRows; ++r)
        for (int64_t half = 0; half < 2; ++half)
          next[r] = greater(load(scores, scoreAt(group, k.constant(r), half)), next[r]);
      return next;
    });
    // Halving the rows and the lanes that each has leaves row r in lane r.
    for (int64_t size = kRows / 2; size > 0; size /= 2)
      for (int64_t i = 0; i < size; ++i) {
        auto [even, odd] = exchange(rows[i], rows[i + size], size);
        rows[i] = greater(even, odd);
      }
    Value infinity = splat(-std::numeric_limits<double>::infinity());
    Value before = k.select(isFirst, infinity, load(maxima, at)), largest = greater(rows[0], before);
    k.store(largest, maxima, at, vector());
    // A row that attends nowhere is not shifted; uniform ones are, by the masked score.
    Value attends = compare(arith::CmpFPredicate::OGT, largest, infinity);
    Value minus = arith::MulFOp::create(k.b, k.loc, largest, splat(-factor));
    k.store(k.select(attends, minus, splat(0)), shifts, k.constant(0), vector());

    Value same = compare(arith::CmpFPredicate::OEQ, before, largest);
    Value grown = arith::MulFOp::create(k.b, k.loc, arith::SubFOp::create(k.b, k.loc, before, largest), splat(factor));
    Value rescale = k.select(same, splat(1), emitExp2(k, grown, Exp2Use::F32));
    k.store(rescale, factors, k.constant(0), vector());
    Value changed = any(arith::XOrIOp::create(k.b, k.loc, same, allOf(kLanes)));
    changed = k.select(isFirst, isTrue(false), changed);
    k.branch(changed, [&] {
      k.loop(k.constant(0), k.constant(kRows), 1, [&](Value r) {
        Value by = k.splat(k.load(factors, r, real, Lanes()), kLanes);
        for (int64_t channel = 0; channel < width; channel += kLanes) {
          Value position = k.add(k.add(sumStart, k.mul(r, width)), channel);
          k.store(arith::MulFOp::create(k.b, k.loc, load(sums, position), by), sums, position, vector());
        }
      });
    });
  }

  /// Weights from scores, and the sums of values by them.
  void accumulate(Value isFirst) {
    for (int64_t tile = 0; tile < valueTiles; tile += kSumTiles) {
      int64_t count = std::min(kSumTiles, valueTiles - tile);
      SmallVector<Value> before;
      for (int64_t i = 0; i < count; ++i)
        before.push_back(loadSums(tile + i, isFirst));
      before = k.loop(k.constant(0), groups, 1, before, [&](Value group, ValueRange carried) {
        if (tile == 0)
          emitWeights(group);
        Value a = tiles.load(tiles.getAddress(weights, k.mul(group, kTileWords)), kRowBytes);
        SmallVector<Value> next;
        for (auto [i, sum] : llvm::enumerate(carried)) {
          Value position = k.mul(k.add(k.mul(group, valueTiles), tile + i), kTileWords);
          next.push_back(tiles.multiplyBF16(sum, a, tiles.load(tiles.getAddress(values, position), kRowBytes)));
        }
        return next;
      });
      for (auto [i, sum] : llvm::enumerate(before))
        tiles.store(sum, tiles.getAddress(sums, k.add(sumStart, (tile + i) * kLanes)), width * 4);
    }
  }

  /// Sums of 16 channels; for the first block of keys one row of zeros, 16 times.
  Value loadSums(int64_t tile, Value isFirst) {
    Value address = tiles.getAddress(sums, k.add(sumStart, tile * kLanes));
    Value zeros = tiles.getAddress(noSums, k.constant(0));
    return tiles.load(LLVM::SelectOp::create(k.b, k.loc, isFirst, zeros, address),
                      k.select(isFirst, k.constant(0), k.constant(width * 4)));
  }

  void emitWeights(Value group) {
    constexpr int64_t unrolled = 4;
    Value c = splat(factor);
    k.loop(k.constant(0), k.constant(kRows), unrolled, [&](Value first) {
      for (int64_t i = 0; i < unrolled; ++i) {
        Value r = k.add(first, i), halves[2];
        Value shift = k.splat(k.load(shifts, r, real, Lanes()), kLanes);
        for (int64_t half = 0; half < 2; ++half) {
          Value score = load(scores, scoreAt(group, r, half));
          halves[half] = emitExp2(k, vector::FMAOp::create(k.b, k.loc, score, c, shift), Exp2Use::BF16);
        }
        k.store(emitUpperHalves(k, halves[0], halves[1]), weights,
                k.add(k.mul(group, kTileWords), k.mul(r, kLanes)), vector());
      }
    });
  }

  void storeResult() {
    for (int64_t r = 0; r < kRows; ++r) {
      Value total = k.load(sums, k.add(sumStart, r * width + shape.valueWidth), real, Lanes());
      k.store(total, factors, k.constant(r), Lanes());
    }
    // A query that attends nowhere has total 0 and gives zeros.
    Value total = load(factors, k.constant(0));
    Value inverse = arith::DivFOp::create(k.b, k.loc, splat(1), total);
    Value some = compare(arith::CmpFPredicate::UNE, total, splat(0));
    k.store(k.select(some, inverse, splat(0)), factors, k.constant(0), vector());

    Value count = k.min(k.constant(kRows), k.sub(shape.queries, firstQuery));
    Type element = getElementTypeOrSelf(root.getType());
    SmallVector<Value> none{splat(0)};
    Value zeros = k.loop(k.constant(0), count, 1, none, [&](Value r, ValueRange carried) {
      Value by = k.splat(k.load(factors, r, real, Lanes()), kLanes), check = carried[0];
      Value to = shape.getQueryRow(row, k.add(firstQuery, r), head, shape.valueWidth);
      for (int64_t channel = 0; channel < shape.valueWidth; channel += kLanes) {
        Lanes lanes = getLanes(kLanes, shape.valueWidth - channel);
        Value sum = load(sums, k.add(k.add(sumStart, k.mul(r, width)), channel));
        Value y = arith::MulFOp::create(k.b, k.loc, sum, by);
        check = vector::FMAOp::create(k.b, k.loc, y, splat(0), check);
        k.store(k.convertFloat(y, element), k.getOutput(0), k.add(to, channel), lanes);
      }
      return SmallVector<Value>{check};
    })[0];
    k.branch(any(compare(arith::CmpFPredicate::UNE, zeros, splat(0))),
             [&] { fallback.emitBlock(row, head, firstQuery); });
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  Tiles tiles;
  ht::AttentionOp root;
  AttentionShape shape;
  VectorAttention fallback;
  Type real;
  int64_t steps;      ///< along the channels of q and k
  int64_t valueTiles; ///< of 16 channels of v, and of the ones beside
  int64_t width;      ///< of a row of sums
  bool isScaled;      ///< scores are scaled before their masks, not in the exponent
  double factor;      ///< from a score to the exponent of 2
  Value keyTiles, values, query, scores, weights, sums, noSums, maxima, shifts, factors;
  Value row, kvHead, keyRow, start, firstKey, keysHere, isMasked;
  Value head, firstQuery, firstPosition, groups, sumStart;
};

} // namespace

void emitTiledAttention(KernelBuilder &kernel, ht::AttentionOp root) { TiledAttention(kernel, root).emit(); }

const char *whyNotTiles(ht::AttentionOp root) {
  auto size = [](Value tensor) { return cast<RankedTensorType>(tensor.getType()).getDimSize(3); };
  // Packed keys and values are on the stack, and to stay in L2.
  if (size(root.getQuery()) > 256 || size(root.getValue()) > 256)
    return "heads of more than 256 channels do not fit in L2";
  return nullptr;
}

} // namespace halftone::cpu
