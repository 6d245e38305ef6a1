//===- TiledAttention.cpp - attention of bf16 in AMX tiles ------------------===//
//
// A work item is (batch, head, block of 16 queries). For a block of keys
//
//   S = Q K^T             in tiles, to L1;
//   P = 2^(c S - c max S) in f32, rounded to bf16 (Exp2.h);
//   [O, total] += P [V, 1] in tiles.
//
// Keys run along the lanes: maxima of 16 rows are reduced together, and masks and biases are read as they
// lie. The ones beside V make each row's total, of the weights as they were rounded, in the same product.
// Weights of one block of keys are relative to the maximum up to there, and O is rescaled where that grew
// (Milakov and Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135): nothing of size s x t exists.
//
// Items that share keys follow each other, so a thread packs a block of keys once for up to 32 of them, whose
// sums are kept from one block of keys to the next.
//
// Masks, biases and caps are a pass over S in L1 that blocks without them are spared. The tiles know nothing
// of keys without a part whose values are infinite or NaN: a block of queries with a result that is not
// finite is computed again by VectorAttention.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/AttentionTiles.h"
#include "passes/CPU/Exp2.h"
#include "passes/CPU/Instructions.h"
#include "passes/CPU/LaneShuffles.h"

#include <numbers>

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kRows = AttentionTiles::kRows, kLanes = AttentionTiles::kLanes,
                  kGroup = AttentionTiles::kGroup, kTileWords = AttentionTiles::kTileWords;
constexpr int64_t kKeys = 256;  ///< keys in a block
constexpr int64_t kBlocks = 32; ///< blocks of queries whose sums are kept
/// Tiles of queries that a loop over keys keeps beside two of keys and two of scores.
constexpr int64_t kQueryTiles = 4;
/// Tiles of sums that a loop over keys keeps: others of the eight are for weights and values.
constexpr int64_t kSumTiles = 5;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class TiledAttention {
public:
  TiledAttention(KernelBuilder &kernel, ht::AttentionOp root)
      : k(kernel), emitter(kernel), tiles(kernel), root(root), shape(kernel, root),
        operands(kernel, root, shape, kKeys), fallback(kernel, root, 1), real(kernel.b.getF32Type()),
        width(operands.valueTiles * kLanes) {
    scores = k.scratch(kKeys * kRows, real);
    weights = k.scratch(kKeys / kGroup * kTileWords, k.b.getI32Type());
    sums = k.scratch(kBlocks * kRows * width, real);
    noSums = k.scratch(kLanes, real);
    maxima = k.scratch(kBlocks * kRows, real);
    factors = k.scratch(kRows, real);
    // A cap or bias is on scaled scores; a maximum stays one under positive factors only.
    double scale = root.getScale().convertToDouble();
    isScaled = root.getSoftcap().convertToDouble() > 0 || root.getBias() || !(scale > 0);
    exponent = (isScaled ? 1 : scale) * std::numbers::log2e;
  }

  void emit() {
    k.store(splat(0), noSums, k.constant(0), vector());
    blocks = k.ceilDiv(shape.queries, kRows);
    sharing = shape.heads / shape.kvHeads;
    Value perKeys = k.max(k.mul(blocks, sharing), k.constant(1)), kvHeads = k.constant(shape.kvHeads);
    auto [begin, end] = k.getShare(k.mul(k.mul(shape.batch, kvHeads), perKeys));
    Value last = k.div(k.add(end, k.sub(perKeys, k.constant(1))), perKeys);
    k.loop(k.div(begin, perKeys), last, 1, [&, begin = begin, end = end](Value unit) {
      row = k.div(unit, kvHeads);
      start = shape.getStart(emitter, row);
      keys.sequence = shape.getSequence(emitter, row);
      keys.head = k.rem(unit, kvHeads);
      Value firstItem = k.mul(unit, perKeys);
      Value from = k.sub(k.max(begin, firstItem), firstItem);
      Value to = k.sub(k.min(end, k.add(firstItem, perKeys)), firstItem);
      k.loop(from, to, kBlocks, [&](Value item) {
        Value count = k.min(k.constant(kBlocks), k.sub(to, item));
        // Without any key there is one block of none.
        k.loop(k.constant(0), k.max(shape.keyCount, k.constant(1)), kKeys, [&](Value key) {
          keys.first = key;
          keys.count = k.min(k.constant(kKeys), k.sub(shape.keyCount, key));
          operands.packKeys(keys);
          operands.packValues(keys);
          isMasked = hasMaskedKey();
          emitBlocks(item, count);
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
  Value negate(Value lanes) {
    auto type = cast<VectorType>(lanes.getType());
    Value all = arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, true));
    return arith::XOrIOp::create(k.b, k.loc, lanes, all);
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(k.b, k.loc, predicate, x, y);
  }
  Value any(Value lanes) { return vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::OR, lanes); }
  /// The greater; y where either is NaN, as vmaxps has it.
  Value greater(Value x, Value y) { return k.select(compare(arith::CmpFPredicate::OGT, x, y), x, y); }
  /// The first lanes of 16: `count` of them, which may be any number.
  Lanes getFirst(Value count) {
    count = k.max(k.constant(0), k.min(count, k.constant(kLanes)));
    auto type = VectorType::get({kLanes}, k.b.getI1Type());
    return {kLanes, vector::CreateMaskOp::create(k.b, k.loc, type, ValueRange{count}), count};
  }

  //===--------------------------------------------------------------------===//
  // Blocks of queries
  //===--------------------------------------------------------------------===//

  QueryBlock getBlock(Value item) {
    Value one = k.constant(1), count = k.max(shape.keyCount, one);
    QueryBlock block;
    block.row = row;
    block.head = k.add(k.mul(keys.head, sharing), k.div(item, blocks));
    block.first = k.mul(k.rem(item, blocks), kRows);
    block.position = k.add(start, block.first);
    block.begin = k.constant(0);
    block.end = count;
    // A row that attends nowhere yet may need all keys.
    if (root.getCausal() && !root.getUniform()) {
      block.end = k.max(k.min(count, k.add(block.position, kRows)), one);
      if (root.getWindow() > 0) {
        Value first = k.sub(block.position, k.constant(root.getWindow() - 1));
        first = k.max(k.constant(0), k.min(first, k.sub(block.end, one)));
        block.begin = k.mul(k.div(first, k.constant(kKeys)), k.constant(kKeys));
      }
    }
    block.groups = k.ceilDiv(k.min(keys.count, k.sub(block.end, keys.first)), kGroup);
    return block;
  }

  /// `count` blocks of queries from `item` on by the block of keys.
  void emitBlocks(Value item, Value count) {
    k.loop(k.constant(0), count, 1, [&](Value index) {
      QueryBlock block = getBlock(k.add(item, index));
      Value isReached = arith::AndIOp::create(k.b, k.loc, k.less(keys.first, block.end),
                                              k.less(block.begin, k.add(keys.first, 1)));
      k.branch(isReached, [&] {
        Value isFirst = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, keys.first, block.begin);
        sumStart = k.mul(index, kRows * width);
        emitScores(block);
        maskScores(block);
        emitShifts(block, k.mul(index, kRows), isFirst);
        accumulate(block, isFirst);
        k.branch(k.less(block.end, k.add(keys.first, kKeys + 1)), [&] { storeResult(block); });
      });
    });
  }

  //===--------------------------------------------------------------------===//
  // Scores
  //===--------------------------------------------------------------------===//

  /// Of row `r` of the 32 keys of a group: from key 16 `half` on.
  Value scoreAt(Value group, Value r, int64_t half) {
    return k.add(k.add(k.mul(group, kGroup * kRows), k.mul(r, kLanes)), half * kTileWords);
  }

  void emitScores(const QueryBlock &block) {
    operands.prepareQueries(block);
    SmallVector<Value> queries;
    for (int64_t step = 0; step < operands.steps && operands.steps <= kQueryTiles; ++step)
      queries.push_back(operands.loadQueries(k.constant(step)));
    k.loop(k.constant(0), block.groups, 1, [&](Value group) {
      SmallVector<Value> sum{tiles.zero(), tiles.zero()};
      auto step = [&](Value index, ValueRange before, Value query) {
        SmallVector<Value> next;
        Value halves[] = {operands.loadKeys(group, 0, index), operands.loadKeys(group, 1, index)};
        for (int64_t half = 0; half < 2; ++half)
          next.push_back(tiles.multiplyBF16(before[half], query, halves[half]));
        return next;
      };
      for (auto [index, query] : llvm::enumerate(queries))
        sum = step(k.constant(index), sum, query);
      if (queries.empty())
        sum = k.loop(k.constant(0), k.constant(operands.steps), 1, sum, [&](Value index, ValueRange before) {
          return step(index, before, operands.loadQueries(index));
        });
      for (int64_t half = 0; half < 2; ++half)
        tiles.store(sum[half], tiles.getAddress(scores, scoreAt(group, k.constant(0), half)),
                    Tiles::kRowBytes);
    });
  }

  /// Whether some key of the block is masked for all queries; null where masks are each query's own.
  Value hasMaskedKey() {
    if (!root.getMask())
      return {};
    ht::Dims dims = ht::getDims(root.getMask());
    if (ht::getConstant(dims[1]) != 1 || ht::getConstant(dims[2]) != 1)
      return {};
    Value none = k.getZero(k.b.getI1Type(), kLanes), zero = k.constant(0);
    return any(k.vectorFold(keys.count, kLanes, none, [&](Index i, Lanes lanes, Value before) -> Value {
      Index key{k.add(keys.first, i.base), true};
      Value masked = negate(shape.getElement(emitter, root.getMask(), row, zero, zero, key, lanes));
      if (lanes.mask)
        masked = arith::AndIOp::create(k.b, k.loc, masked, lanes.mask);
      return either(before, masked);
    }));
  }

  /// Scale, cap, bias and masks where there are any, and -inf for keys past the last.
  void maskScores(const QueryBlock &block) {
    bool always = isScaled || (root.getMask() && !isMasked);
    Value all = isTrue(always);
    if (!always && isMasked)
      all = isMasked;
    if (!always && root.getCausal()) {
      Value behind = k.add(keys.first, k.mul(block.groups, kGroup));
      all = either(all, k.less(k.add(block.position, 1), behind));
      if (root.getWindow() > 0)
        all = either(all, k.less(keys.first, k.add(block.position, kRows - root.getWindow())));
    }
    Value from = k.select(all, k.constant(0), k.div(keys.count, k.constant(kGroup)));
    k.loop(from, block.groups, 1, [&](Value group) {
      k.loop(k.constant(0), k.constant(kRows), 1, [&](Value r) {
        for (int64_t half = 0; half < 2; ++half) {
          Value position = scoreAt(group, r, half);
          Value key = k.add(k.mul(group, kGroup), half * kLanes);
          k.store(maskScore(block, load(scores, position), r, key), scores, position, vector());
        }
      });
    });
  }

  Value maskScore(const QueryBlock &block, Value score, Value r, Value key) {
    Value infinity = splat(-kInfinity);
    Value query = shape.clamp(k.add(block.first, r), shape.queries), column = k.add(keys.first, key);
    Lanes exist = getFirst(k.sub(keys.count, key));
    auto getExtra = [&](Value tensor) {
      return shape.getElement(emitter, tensor, row, block.head, query, {column, true}, exist);
    };
    if (isScaled)
      score = arith::MulFOp::create(k.b, k.loc, score, splat(root.getScale().convertToDouble()));
    if (double cap = root.getSoftcap().convertToDouble(); cap > 0) {
      Value limit = splat(cap), ratio = arith::DivFOp::create(k.b, k.loc, score, limit);
      score = arith::MulFOp::create(k.b, k.loc, limit, math::TanhOp::create(k.b, k.loc, ratio));
    }
    if (root.getBias())
      score = arith::AddFOp::create(k.b, k.loc, score, k.convertFloat(getExtra(root.getBias()), real));
    if (root.getMask())
      score = k.select(getExtra(root.getMask()), score, infinity);
    if (root.getCausal()) {
      // How far the query's own key is behind the first lane's.
      Value own = k.sub(k.add(block.position, r), column);
      score = k.select(getFirst(k.add(own, 1)).mask, score, infinity);
      if (root.getWindow() > 0)
        score = k.select(getFirst(k.sub(own, k.constant(root.getWindow() - 1))).mask, infinity, score);
    }
    if (root.getUniform())
      score = greater(score, splat(kMaskedScore));
    return k.select(exist.mask, score, infinity);
  }

  //===--------------------------------------------------------------------===//
  // Weights and sums
  //===--------------------------------------------------------------------===//

  /// What the exponents of each row are shifted by; rescales sums of keys before.
  void emitShifts(const QueryBlock &block, Value at, Value isFirst) {
    SmallVector<Value> rows(kRows, splat(-kInfinity));
    rows = k.loop(k.constant(0), block.groups, 1, rows, [&](Value group, ValueRange before) {
      SmallVector<Value> next(before);
      for (int64_t r = 0; r < kRows; ++r)
        for (int64_t half = 0; half < 2; ++half)
          next[r] = greater(load(scores, scoreAt(group, k.constant(r), half)), next[r]);
      return next;
    });
    // Halving the rows, and the lanes that each has, leaves row r in lane r.
    for (int64_t size = kRows / 2; size > 0; size /= 2)
      for (int64_t i = 0; i < size; ++i) {
        auto [without, with] = exchangeLanes(k, rows[i], rows[i + size], size);
        rows[i] = greater(without, with);
      }
    Value infinity = splat(-kInfinity);
    Value before = k.select(isFirst, infinity, load(maxima, at)), largest = greater(rows[0], before);
    k.store(largest, maxima, at, vector());

    Value same = compare(arith::CmpFPredicate::OEQ, before, largest);
    k.branch(k.select(isFirst, isTrue(false), any(negate(same))), [&] {
      Value growth = arith::SubFOp::create(k.b, k.loc, before, largest);
      Value power = emitExp2(k, arith::MulFOp::create(k.b, k.loc, growth, splat(exponent)), Exp2Use::F32);
      k.store(k.select(same, splat(1), power), factors, k.constant(0), vector());
      k.loop(k.constant(0), k.constant(kRows), 1, [&](Value r) {
        Value factor = k.splat(k.load(factors, r, real, Lanes()), kLanes);
        for (int64_t channel = 0; channel < width; channel += kLanes) {
          Value position = k.add(k.add(sumStart, k.mul(r, width)), channel);
          k.store(arith::MulFOp::create(k.b, k.loc, load(sums, position), factor), sums, position, vector());
        }
      });
    });
    // Not where a row attends nowhere yet. (Masked scores of uniform rows are finite.)
    Value attends = compare(arith::CmpFPredicate::OGT, largest, infinity);
    Value shift = arith::MulFOp::create(k.b, k.loc, largest, splat(-exponent));
    k.store(k.select(attends, shift, splat(0)), factors, k.constant(0), vector());
  }

  /// Weights from scores, and the sums of values by them.
  void accumulate(const QueryBlock &block, Value isFirst) {
    for (int64_t tile = 0; tile < operands.valueTiles; tile += kSumTiles) {
      int64_t count = std::min(kSumTiles, operands.valueTiles - tile);
      SmallVector<Value> carried;
      for (int64_t i = 0; i < count; ++i)
        carried.push_back(loadSums(tile + i, isFirst));
      // Ones are the same for all keys.
      Value ones = operands.isOnes(tile + count - 1) && count < kSumTiles
                       ? operands.loadValues(k.constant(0), tile + count - 1)
                       : Value();
      carried = k.loop(k.constant(0), block.groups, 1, carried, [&](Value group, ValueRange before) {
        if (tile == 0)
          emitWeights(group);
        Value a = tiles.load(tiles.getAddress(weights, getWeights(group)), Tiles::kRowBytes);
        SmallVector<Value> next;
        for (auto [i, sum] : llvm::enumerate(before)) {
          bool isKept = ones && operands.isOnes(tile + i);
          next.push_back(tiles.multiplyBF16(sum, a, isKept ? ones : operands.loadValues(group, tile + i)));
        }
        return next;
      });
      for (auto [i, sum] : llvm::enumerate(carried))
        tiles.store(sum, tiles.getAddress(sums, k.add(sumStart, (tile + i) * kLanes)), width * 4);
    }
  }

  /// Where weights of a group are: kept where there are more sums than one loop over keys makes.
  Value getWeights(Value group) {
    return operands.valueTiles > kSumTiles ? k.mul(group, kTileWords) : k.constant(0);
  }

  /// Sums of 16 channels; for the first block of keys one row of zeros, 16 times.
  Value loadSums(int64_t tile, Value isFirst) {
    Value address = tiles.getAddress(sums, k.add(sumStart, tile * kLanes));
    Value zeros = tiles.getAddress(noSums, k.constant(0));
    return tiles.load(LLVM::SelectOp::create(k.b, k.loc, isFirst, zeros, address),
                      k.select(isFirst, k.constant(0), k.constant(width * 4)));
  }

  void emitWeights(Value group) {
    constexpr int64_t kUnrolled = 4;
    Value c = splat(exponent);
    k.loop(k.constant(0), k.constant(kRows), kUnrolled, [&](Value first) {
      for (int64_t i = 0; i < kUnrolled; ++i) {
        Value r = k.add(first, i), halves[2];
        Value by = k.splat(k.load(factors, r, real, Lanes()), kLanes);
        for (int64_t half = 0; half < 2; ++half) {
          Value score = load(scores, scoreAt(group, r, half));
          halves[half] = emitExp2(k, vector::FMAOp::create(k.b, k.loc, score, c, by), Exp2Use::BF16);
        }
        k.store(emitUpperHalves(k, halves[0], halves[1]), weights, k.add(getWeights(group), k.mul(r, kLanes)),
                vector());
      }
    });
  }

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  void storeResult(const QueryBlock &block) {
    // A query that attends nowhere has total 0 and gives zeros.
    SmallVector<int64_t> offsets;
    for (int64_t r = 0; r < kRows; ++r)
      offsets.push_back(r * width);
    auto indices = VectorType::get({kLanes}, k.b.getI64Type());
    Value at =
        arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(indices, ArrayRef<int64_t>(offsets)));
    Value none = k.getZero(k.b.getI1Type(), kLanes);
    Value total =
        vector::GatherOp::create(k.b, k.loc, VectorType::get({kLanes}, real), sums,
                                 ValueRange{k.add(sumStart, shape.valueWidth)}, at, negate(none), splat(0));
    Value inverse = arith::DivFOp::create(k.b, k.loc, splat(1), total);
    Value some = compare(arith::CmpFPredicate::UNE, total, splat(0));
    k.store(k.select(some, inverse, splat(0)), factors, k.constant(0), vector());

    Value count = k.min(k.constant(kRows), k.sub(shape.queries, block.first));
    Type element = getElementTypeOrSelf(root.getType());
    SmallVector<Value> zeros{splat(0)};
    zeros = k.loop(k.constant(0), count, 1, zeros, [&](Value r, ValueRange carried) {
      Value factor = k.splat(k.load(factors, r, real, Lanes()), kLanes), check = carried[0];
      Value to = shape.getQueryRow(row, k.add(block.first, r), block.head, shape.valueWidth);
      for (int64_t channel = 0; channel < shape.valueWidth; channel += kLanes) {
        Value sum = load(sums, k.add(k.add(sumStart, k.mul(r, width)), channel));
        Value y = arith::MulFOp::create(k.b, k.loc, sum, factor);
        // Not zero where y is infinite or NaN.
        check = vector::FMAOp::create(k.b, k.loc, y, splat(0), check);
        y = element.isBF16() ? emitRoundToBF16(k, y) : y;
        k.store(y, k.getOutput(0), k.add(to, channel), operands.getLanes(kLanes, shape.valueWidth - channel));
      }
      return SmallVector<Value>{check};
    });
    k.branch(any(compare(arith::CmpFPredicate::UNE, zeros[0], splat(0))),
             [&] { fallback.emitBlock(row, block.head, block.first); });
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  Tiles tiles;
  ht::AttentionOp root;
  AttentionShape shape;
  AttentionTiles operands;
  VectorAttention fallback;
  Type real;
  int64_t width;   ///< of a row of sums
  int64_t sharing; ///< heads that share keys
  bool isScaled;   ///< scores are scaled before their masks, not in the exponent
  double exponent; ///< of 2, for each unit of a score
  Value scores, weights, sums, noSums, maxima, factors;
  Value blocks; ///< of queries, of a head
  Value row, start, isMasked, sumStart;
  KeyBlock keys;
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
