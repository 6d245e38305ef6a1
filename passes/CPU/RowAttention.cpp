//===- RowAttention.cpp - attention of few queries --------------------------===//
//
// One work item is (batch, head of k and v, query): a row of q for each head that
// shares these keys. Channels run along the lanes, so keys and values are read where
// they are, once for all heads of the item, in blocks whose scores stay in L1. The
// sums of as many keys as a vector has lanes meet in one vector by a tree of shuffles,
// after which keys run along the lanes: maxima, exponentials and totals. Values are
// summed for some heads at once, from one broadcast weight each.
//
// Keys out of a query's reach are not read. Those that a mask or a bias excludes weigh
// nothing; a result that is not finite is computed again by VectorAttention, which knows
// what has no part in it.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Attention.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kKeys = 128;       ///< in a block
constexpr int64_t kHeads = 4;        ///< whose values are summed at once, by
constexpr int64_t kValueVectors = 4; ///< so many vectors of channels

class RowAttention {
public:
  RowAttention(KernelBuilder &kernel, ht::AttentionOp root)
      : k(kernel), emitter(kernel), root(root), shape(kernel, root), fallback(kernel, root, 1),
        real(kernel.getComputeType(getElementTypeOrSelf(root.getType()))), lanes(kernel.lanes),
        sharing(shape.heads / shape.kvHeads), keyWidth(llvm::alignTo(shape.keyWidth, lanes)),
        valueWidth(llvm::alignTo(shape.valueWidth, lanes)), queries(kernel.scratch(sharing * keyWidth, real)),
        scores(kernel.scratch(sharing * kKeys, real)), sums(kernel.scratch(sharing * valueWidth, real)),
        maxima(kernel.scratch(sharing, real)), totals(kernel.scratch(sharing, real)),
        factors(kernel.scratch(sharing, real)) {
    if (!isa<BlockArgument>(root.getKey()))
      widened = kernel.scratch(lanes * keyWidth, real);
  }

  void emit() {
    Value kvHeads = k.constant(shape.kvHeads);
    auto [begin, end] = k.getShare(k.mul(k.mul(shape.batch, kvHeads), shape.queries));
    k.loop(begin, end, 1, [&](Value item) {
      Value unit = k.div(item, shape.queries);
      query = k.rem(item, shape.queries);
      row = k.div(unit, kvHeads);
      kvHead = k.rem(unit, kvHeads);
      emitItem();
    });
  }

private:
  Value zero() { return k.constant(0); }
  Value infinity() { return k.floatConstant(-std::numeric_limits<double>::infinity(), real); }
  Lanes vector() const { return {lanes, {}}; }
  Value at(Value head, int64_t width, Value column) { return k.add(k.mul(head, width), column); }
  Value read(Value scratch, Value position) { return k.load(scratch, position, real, vector()); }
  void write(Value value, Value scratch, Value position) { k.store(value, scratch, position, vector()); }
  Value readOne(Value scratch, Value position) { return k.load(scratch, position, real, Lanes()); }
  Value fma(Value x, Value y, Value sum) { return vector::FMAOp::create(k.b, k.loc, x, y, sum); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(k.b, k.loc, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(k.b, k.loc, x, y); }
  Value greater(Value x, Value y) { return arith::MaximumFOp::create(k.b, k.loc, x, y); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(k.b, k.loc, predicate, x, y);
  }
  Value expOf(Value x, Value shift) {
    return math::ExpOp::create(k.b, k.loc, arith::SubFOp::create(k.b, k.loc, x, shift));
  }
  void forEachHead(function_ref<void(Value)> body) { k.loop(zero(), k.constant(sharing), 1, body); }
  Value getHead(Value h) { return k.add(k.mul(kvHead, sharing), h); }

  // Elements of an operand as numbers.
  Value loadQuery(Value position, Lanes width) {
    Value buffer = k.getBuffer(cast<BlockArgument>(root.getQuery()));
    return k.convertFloat(k.load(buffer, position, getElementTypeOrSelf(root.getQuery().getType()), width), real);
  }
  Value loadKey(Value tensor, const KeyRow &row, Value channel, Lanes width) {
    return k.convertFloat(shape.loadKey(emitter, tensor, row, channel, width), real);
  }

  void emitItem() {
    sequence = shape.getSequence(emitter, row);
    Value position = k.add(query, shape.getStart(emitter, row)), begin = zero();
    end = shape.keyCount;
    if (root.getCausal()) {
      end = k.min(end, k.add(position, 1));
      if (root.getWindow() > 0)
        begin = k.max(begin, k.sub(k.add(position, 1), k.constant(root.getWindow())));
    }
    loadQueries();
    k.loop(begin, end, kKeys, [&](Value first) {
      Value count = k.min(k.constant(kKeys), k.sub(end, first));
      emitScores(first, count);
      updateSoftmax(count);
      accumulateValues(first, count);
    });
    storeResult();
  }

  void loadQueries() {
    Value scale = k.splat(k.floatConstant(root.getScale().convertToDouble(), real), lanes);
    forEachHead([&](Value h) {
      Value start = shape.getQueryRow(row, query, getHead(h), shape.keyWidth);
      k.vectorLoop(k.constant(shape.keyWidth), lanes, [&](Index d, Lanes width) {
        write(mul(loadQuery(k.add(start, d.base), width), scale), queries, at(h, keyWidth, d.base));
      });
      k.store(infinity(), maxima, h, Lanes());
      k.store(k.floatConstant(0, real), totals, h, Lanes());
      k.loop(zero(), k.constant(valueWidth), lanes,
             [&](Value d) { write(k.getZero(real, lanes), sums, at(h, valueWidth, d)); });
    });
  }

  //===--------------------------------------------------------------------===//
  // Scores
  //===--------------------------------------------------------------------===//

  /// scores[h][j] = q_h · k_j, as softmax takes them; of keys behind the last one, -infinity.
  void emitScores(Value first, Value count) {
    k.vectorLoop(count, lanes, [&](Index j, Lanes width) {
      Value key = k.add(first, j.base);
      SmallVector<KeyRow> rows;
      for (int64_t r = 0; r < lanes; ++r) {
        // In whole groups these are a constant distance apart.
        Value token = width.mask ? shape.clamp(k.add(key, r), end) : key;
        KeyRow row = shape.getKeyRow(sequence, token, kvHead, shape.keyWidth);
        rows.push_back(width.mask ? row : shape.advance(row, r, shape.keyWidth));
      }
      widenKeys(rows);
      forEachHead([&](Value h) {
        Value score = maskScores(emitProducts(h, rows), h, key, width);
        if (width.mask)
          score = k.select(width.mask, score, k.splat(infinity(), lanes));
        write(score, scores, at(h, kKeys, j.base));
      });
    });
  }

  /// Keys that are computed are so once for all heads.
  void widenKeys(ArrayRef<KeyRow> rows) {
    if (!widened)
      return;
    for (auto [r, row] : llvm::enumerate(rows))
      k.vectorLoop(k.constant(shape.keyWidth), lanes, [&, row = row, r = r](Index d, Lanes width) {
        write(loadKey(root.getKey(), row, d.base, width), widened, k.add(d.base, r * keyWidth));
      });
  }

  /// Channels of row `r` of the keys at hand.
  Value getKey(int64_t r, const KeyRow &row, Value channel, Lanes width) {
    return widened ? read(widened, k.add(channel, r * keyWidth)) : loadKey(root.getKey(), row, channel, width);
  }

  /// The products of a head's query and the keys of `rows`, one in each lane.
  Value emitProducts(Value h, ArrayRef<KeyRow> rows) {
    SmallVector<Value> tile(lanes, k.getZero(real, lanes));
    auto accumulate = [&](Value d, Lanes width, ValueRange carried) {
      SmallVector<Value> next(carried);
      Value q = read(queries, at(h, keyWidth, d));
      for (auto [r, row] : llvm::enumerate(rows))
        next[r] = fma(q, getKey(r, row, d, width), next[r]);
      return next;
    };
    int64_t whole = shape.keyWidth / lanes * lanes;
    if (whole)
      tile = k.loop(zero(), k.constant(whole), lanes, tile,
                    [&](Value d, ValueRange carried) { return accumulate(d, vector(), carried); });
    if (int64_t rest = shape.keyWidth - whole) {
      auto type = VectorType::get({lanes}, k.b.getI1Type());
      Value mask = vector::CreateMaskOp::create(k.b, k.loc, type, ValueRange{k.constant(rest)});
      tile = accumulate(k.constant(whole), {lanes, mask, k.constant(rest)}, tile);
    }
    return sumLanes(tile);
  }

  /// A vector whose lane i is the sum of the lanes of `vectors[i]`. Each round adds the halves of the
  /// blocks of lanes that a sum is in, and puts two sums side by side.
  Value sumLanes(SmallVector<Value> vectors) {
    for (int64_t half = lanes / 2; half; half /= 2) {
      SmallVector<int64_t> low, high;
      for (int64_t block = 0; block < lanes; block += 2 * half)
        for (int64_t from : {block, block + lanes})
          for (int64_t i = from; i < from + half; ++i) {
            low.push_back(i);
            high.push_back(i + half);
          }
      SmallVector<Value> next;
      for (int64_t i = 0; i < half; ++i) {
        Value x = vectors[i], y = vectors[i + half];
        next.push_back(add(vector::ShuffleOp::create(k.b, k.loc, x, y, low),
                           vector::ShuffleOp::create(k.b, k.loc, x, y, high)));
      }
      vectors = std::move(next);
    }
    return vectors.front();
  }

  /// The scores of a head and the keys from `key` on after cap, bias and mask.
  Value maskScores(Value score, Value h, Value key, Lanes width) {
    if (double cap = root.getSoftcap().convertToDouble(); cap > 0) {
      Value limit = k.floatConstant(cap, real, lanes);
      score = mul(limit, math::TanhOp::create(k.b, k.loc, arith::DivFOp::create(k.b, k.loc, score, limit)));
    }
    auto getElements = [&](Value tensor) {
      return shape.getElement(emitter, tensor, row, getHead(h), query, {key, true}, width);
    };
    if (root.getBias())
      score = add(score, k.convertFloat(getElements(root.getBias()), real));
    if (root.getMask())
      score = k.select(getElements(root.getMask()), score, k.splat(infinity(), lanes));
    return score;
  }

  //===--------------------------------------------------------------------===//
  // Softmax and values
  //===--------------------------------------------------------------------===//

  /// Replaces the scores of a block by e^(score - maximum so far).
  void updateSoftmax(Value count) {
    Value width = k.mul(k.ceilDiv(count, lanes), lanes);
    forEachHead([&](Value h) {
      Value before = readOne(maxima, h);
      Value largest = k.loop(zero(), width, lanes, k.splat(before, lanes), [&](Value j, ValueRange carried) {
        return SmallVector<Value>{greater(carried[0], read(scores, at(h, kKeys, j)))};
      })[0];
      largest = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::MAXIMUMF, largest);
      // Where nothing may be attended so far what is subtracted stays finite.
      Value shift = k.select(compare(arith::CmpFPredicate::UGT, largest, infinity()), largest,
                             k.floatConstant(0, real));
      Value total = k.loop(zero(), width, lanes, k.getZero(real, lanes), [&](Value j, ValueRange carried) {
        Value weight = expOf(read(scores, at(h, kKeys, j)), k.splat(shift, lanes));
        write(weight, scores, at(h, kKeys, j));
        return SmallVector<Value>{add(carried[0], weight)};
      })[0];
      total = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::ADD, total);
      Value factor = expOf(before, shift);
      k.store(add(mul(readOne(totals, h), factor), total), totals, h, Lanes());
      k.store(largest, maxima, h, Lanes());
      k.store(factor, factors, h, Lanes());
    });
  }

  /// sums[h] = sums[h] * factor + sum over keys of weight * value.
  void accumulateValues(Value first, Value count) {
    int64_t whole = sharing / kHeads * kHeads;
    if (whole)
      k.loop(zero(), k.constant(whole), kHeads, [&](Value h) { accumulateHeads(h, kHeads, first, count); });
    if (sharing > whole)
      accumulateHeads(k.constant(whole), sharing - whole, first, count);
  }

  void accumulateHeads(Value head, int64_t height, Value first, Value count) {
    int64_t part = kValueVectors * lanes, whole = shape.valueWidth / part * part;
    if (whole)
      k.loop(zero(), k.constant(whole), part,
             [&](Value d) { accumulateChannels(head, height, d, part, first, count); });
    if (shape.valueWidth > whole)
      accumulateChannels(head, height, k.constant(whole), shape.valueWidth - whole, first, count);
  }

  /// The same for `height` heads from `head` on, and `width` channels from `channel` on.
  void accumulateChannels(Value head, int64_t height, Value channel, int64_t width, Value first, Value count) {
    SmallVector<Lanes> parts;
    for (int64_t d = 0; d < width; d += lanes) {
      parts.push_back(vector());
      if (int64_t rest = width - d; rest < lanes) {
        auto type = VectorType::get({lanes}, k.b.getI1Type());
        parts.back().mask = vector::CreateMaskOp::create(k.b, k.loc, type, ValueRange{k.constant(rest)});
        parts.back().count = k.constant(rest);
      }
    }
    auto position = [&](int64_t h, int64_t v) {
      return k.add(at(k.add(head, h), valueWidth, channel), v * lanes);
    };
    int64_t vectors = parts.size();
    SmallVector<Value> tile;
    for (int64_t h = 0; h < height; ++h) {
      Value factor = k.splat(readOne(factors, k.add(head, h)), lanes);
      for (int64_t v = 0; v < vectors; ++v)
        tile.push_back(mul(read(sums, position(h, v)), factor));
    }
    tile = k.loop(zero(), count, 1, tile, [&](Value j, ValueRange carried) {
      SmallVector<Value> next(carried), values;
      KeyRow row = shape.getKeyRow(sequence, k.add(first, j), kvHead, shape.valueWidth);
      for (auto [v, part] : llvm::enumerate(parts))
        values.push_back(loadKey(root.getValue(), row, k.add(channel, v * lanes), part));
      for (int64_t h = 0; h < height; ++h) {
        Value weight = k.splat(readOne(scores, at(k.add(head, h), kKeys, j)), lanes);
        for (int64_t v = 0; v < vectors; ++v)
          next[h * vectors + v] = fma(weight, values[v], next[h * vectors + v]);
      }
      return next;
    });
    for (int64_t h = 0; h < height; ++h)
      for (int64_t v = 0; v < vectors; ++v)
        write(tile[h * vectors + v], sums, position(h, v));
  }

  void storeResult() {
    Type element = getElementTypeOrSelf(root.getType());
    Value zeros = k.getZero(real, lanes);
    forEachHead([&](Value h) {
      // A query that attends nowhere has total 0 and gives zeros.
      Value total = readOne(totals, h), none = k.floatConstant(0, real);
      Value inverse = arith::DivFOp::create(k.b, k.loc, k.floatConstant(1, real), total);
      inverse = k.select(compare(arith::CmpFPredicate::UNE, total, none), inverse, none);
      Value head = getHead(h), start = shape.getQueryRow(row, query, head, shape.valueWidth);
      Value check = k.vectorFold(
          k.constant(shape.valueWidth), lanes, zeros, [&](Index d, Lanes width, Value carried) {
            Value y = mul(read(sums, at(h, valueWidth, d.base)), k.splat(inverse, lanes));
            k.store(k.convertFloat(y, element), k.getOutput(0), k.add(start, d.base), width);
            // Not zero where y is infinite or NaN.
            return fma(y, zeros, carried);
          });
      Value isWrong = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::OR,
                                                  compare(arith::CmpFPredicate::UNE, check, zeros));
      k.branch(isWrong, [&] { fallback.emitBlock(row, head, query, k.constant(1)); });
    });
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  ht::AttentionOp root;
  AttentionShape shape;
  VectorAttention fallback;
  Type real; ///< what scores and sums are computed in
  int64_t lanes;
  int64_t sharing;              ///< heads that share keys
  int64_t keyWidth, valueWidth; ///< channels, rounded up to vectors
  Value queries, scores, sums, maxima, totals, factors;
  Value widened; ///< keys at hand, where they are computed
  Value row, query, kvHead, sequence;
  Value end; ///< of the keys that the query may attend
};

} // namespace

void emitRowAttention(KernelBuilder &kernel, ht::AttentionOp root) { RowAttention(kernel, root).emit(); }

} // namespace halftone::cpu
