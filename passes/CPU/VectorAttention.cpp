//===- VectorAttention.cpp - attention with running softmax -----------------===//
//
// One work item is (batch, head, block of queries). Queries run along the lanes:
// the block of q is transposed once into scratch, scores of 64 keys at a time
// are [key][query], so maxima and sums over keys are lane-wise, and the result
// accumulates as [channel][query] and is transposed once at the end. Keys and
// values are read where they are, one broadcast element per FMA pair; nothing of
// size s x t exists. Running maxima rescale the result when they grow (Milakov
// and Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135).
//
// An excluded key weighs -0, as no other does. Its value has no part even where it
// is infinite or NaN: a tile of sums that is not finite is computed once more,
// without such keys.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Attention.h"

using namespace mlir;

namespace halftone::cpu {

static constexpr int64_t kKeys = 64; ///< keys per block: scores stay in L1
static constexpr int64_t kTile = 8;  ///< keys, or channels, per register tile
static constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

class VectorAttention::Emitter {
public:
  Emitter(KernelBuilder &kernel, ht::AttentionOp root, int64_t vectors)
      : k(kernel), emitter(kernel), root(root), shape(kernel, root),
        real(kernel.getComputeType(getElementTypeOrSelf(root.getType()))), vectors(vectors),
        block(vectors * kernel.lanes), keyWidth(shape.keyWidth), valueWidth(shape.valueWidth),
        queries(shape.queries), keyCount(shape.keyCount) {
    queryScratch = k.scratch(keyWidth * block, real);
    scores = k.scratch(kKeys * block, real);
    result = k.scratch(valueWidth * block, real);
    maxima = k.scratch(block, real);
    totals = k.scratch(block, real);
    rowScratch = k.scratch(block, real);
  }

  void emit() {
    Value blocks = k.ceilDiv(queries, block);
    auto [begin, end] = k.getShare(k.mul(k.mul(shape.batch, shape.heads), blocks));
    k.loop(begin, end, 1, [&](Value item) {
      Value rest = k.div(item, blocks), heads = k.constant(shape.heads);
      emitBlock(k.div(rest, heads), k.rem(rest, heads), k.mul(k.rem(item, blocks), block));
    });
  }

  void emitBlock(Value row, Value queryHead, Value first, Value count = {}) {
    batchIndex = row;
    head = queryHead;
    firstQuery = first;
    queryCount = count ? count : k.min(k.constant(block), k.sub(queries, firstQuery));
    kvHead = k.div(head, k.constant(shape.heads / shape.kvHeads));
    keyRow = shape.getSequence(emitter, row);
    firstPosition = k.add(firstQuery, shape.getStart(emitter, row));
    emitItem();
  }

private:
  Lanes vector() const { return {k.lanes, {}}; }
  Value at(Value row, int64_t v) { return k.add(k.mul(row, block), v * k.lanes); }
  Value read(Value scratch, Value row, int64_t v) { return k.load(scratch, at(row, v), real, vector()); }
  void write(Value value, Value scratch, Value row, int64_t v) {
    k.store(value, scratch, at(row, v), vector());
  }
  Value zero() { return k.constant(0); }

  Value loadQuery(Value position) {
    Value buffer = k.getBuffer(cast<BlockArgument>(root.getQuery()));
    return k.convertFloat(k.load(buffer, position, getElementTypeOrSelf(root.getQuery().getType()), Lanes()), real);
  }
  Value loadKey(Value tensor, const KeyRow &row, Value channel) {
    return k.convertFloat(shape.loadKey(emitter, tensor, row, channel, Lanes()), real);
  }
  Value clamp(Value index, Value count) { return shape.clamp(index, count); }

  void emitItem() {
    loadQueries();
    for (int64_t v = 0; v < vectors; ++v) {
      write(k.floatConstant(kMinusInfinity, real, k.lanes), maxima, zero(), v);
      write(k.floatConstant(0, real, k.lanes), totals, zero(), v);
    }
    k.loop(zero(), k.constant(valueWidth), 1, [&](Value d) {
      for (int64_t v = 0; v < vectors; ++v)
        write(k.floatConstant(0, real, k.lanes), result, d, v);
    });

    Value end = keyCount;
    if (root.getCausal()) {
      // No key past the block's last query's reach.
      end = k.min(keyCount, k.add(firstPosition, block));
    }
    // Nor one before its first query's window.
    Value begin = zero();
    if (root.getWindow() > 0 && !root.getUniform())
      begin = k.max(begin, k.sub(firstPosition, k.constant(root.getWindow() - 1)));
    emitKeys(begin, end);
    if (root.getCausal() && root.getUniform())
      emitKeys(k.mul(k.ceilDiv(end, kKeys), k.constant(kKeys)), k.select(hasUniformRow(), keyCount, zero()));
    storeResult();
  }

  void emitKeys(Value begin, Value end) {
    k.loop(begin, end, kKeys, [&](Value firstKey) {
      Value count = k.min(k.constant(kKeys), k.sub(keyCount, firstKey));
      emitScores(firstKey, count);
      updateSoftmax(firstKey, count);
      accumulateValues(firstKey, count);
    });
  }

  /// Whether a query has met no key that it may attend: it needs the keys behind its reach as well.
  Value hasUniformRow() {
    Value lowest;
    for (int64_t v = 0; v < vectors; ++v) {
      Value least =
          vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::MINIMUMF, read(maxima, zero(), v));
      lowest = v == 0 ? least : arith::MinimumFOp::create(k.b, k.loc, lowest, least).getResult();
    }
    return arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLE, lowest,
                                 k.floatConstant(kMaskedScore, real));
  }

  void loadQueries() {
    k.loop(zero(), k.constant(block), 1, [&](Value i) {
      Value token = clamp(k.add(firstQuery, i), queries);
      Value start = shape.getQueryRow(batchIndex, token, head, keyWidth);
      Value scale = k.floatConstant(root.getScale().convertToDouble(), real);
      k.loop(zero(), k.constant(keyWidth), 1, [&](Value d) {
        Value q = arith::MulFOp::create(k.b, k.loc, loadQuery(k.add(start, d)), scale);
        k.store(q, queryScratch, k.add(k.mul(d, block), i), Lanes());
      });
    });
  }

  /// scores[j][query] = k_j · q for the block of keys.
  void emitScores(Value firstKey, Value count) {
    k.loop(zero(), count, kTile, [&](Value j) {
      SmallVector<KeyRow> rows;
      for (int64_t r = 0; r < kTile; ++r)
        rows.push_back(
            shape.getKeyRow(keyRow, clamp(k.add(k.add(firstKey, j), r), keyCount), kvHead, keyWidth));
      SmallVector<Value> sums(kTile * vectors, k.floatConstant(0, real, k.lanes));
      sums = k.loop(zero(), k.constant(keyWidth), 1, sums, [&](Value d, ValueRange carried) {
        return emitOuterProduct(carried, queryScratch, d, /*skip=*/false,
                                [&](int64_t r) { return loadKey(root.getKey(), rows[r], d); });
      });
      for (int64_t r = 0; r < kTile; ++r)
        for (int64_t v = 0; v < vectors; ++v)
          write(sums[r * vectors + v], scores, k.add(j, r), v);
    });
  }

  /// sums[r][query] += element(r) * scratch[row][query]; with `skip` not where the scratch has -0.
  SmallVector<Value> emitOuterProduct(ValueRange sums, Value scratch, Value row, bool skip,
                                      function_ref<Value(int64_t)> element) {
    SmallVector<Value> next(sums), lanes, skipped;
    for (int64_t v = 0; v < vectors; ++v) {
      lanes.push_back(read(scratch, row, v));
      if (skip)
        skipped.push_back(isMinusZero(lanes.back()));
    }
    for (int64_t r = 0, e = sums.size() / vectors; r < e; ++r) {
      Value factor = k.splat(element(r), k.lanes);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = next[r * vectors + v];
        Value product = vector::FMAOp::create(k.b, k.loc, factor, lanes[v], sum);
        sum = skip ? k.select(skipped[v], sum, product) : product;
      }
    }
    return next;
  }

  Value isAbove(Value x, Value floor) {
    // NaN is: rows that meet it become NaN.
    return arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::UGT, x, floor);
  }

  Value isMinusZero(Value x) {
    auto bits = VectorType::get({k.lanes}, k.b.getIntegerType(real.getIntOrFloatBitWidth()));
    Value minusZero = arith::BitcastOp::create(k.b, k.loc, bits, k.floatConstant(-0.0, real, k.lanes));
    return arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq,
                                 arith::BitcastOp::create(k.b, k.loc, bits, x), minusZero);
  }

  /// Whether no lane is infinite or NaN: zero times it is zero then.
  Value areFinite(ArrayRef<Value> vectors) {
    Value zeros = k.floatConstant(0, real, k.lanes), sum = zeros;
    for (Value x : vectors)
      sum = vector::FMAOp::create(k.b, k.loc, x, zeros, sum);
    return vector::ReductionOp::create(
        k.b, k.loc, vector::CombiningKind::AND,
        arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, sum, zeros));
  }

  /// Masks the scores, then replaces them by e^(score - new maximum), -0 of excluded keys.
  void updateSoftmax(Value firstKey, Value count) {
    SmallVector<Value> before;
    for (int64_t v = 0; v < vectors; ++v)
      before.push_back(read(maxima, zero(), v));
    SmallVector<Value> largest = k.loop(zero(), count, 1, before, [&](Value j, ValueRange carried) {
      SmallVector<Value> next, row;
      for (int64_t v = 0; v < vectors; ++v)
        row.push_back(read(scores, j, v));
      maskRow(row, k.add(firstKey, j));
      for (int64_t v = 0; v < vectors; ++v) {
        write(row[v], scores, j, v);
        next.push_back(arith::MaximumFOp::create(k.b, k.loc, carried[v], row[v]));
      }
      return next;
    });

    // Where nothing may be attended so far the maximum is the floor: what is subtracted stays finite.
    Value infinity = k.floatConstant(kMinusInfinity, real, k.lanes);
    Value floor = root.getUniform() ? k.floatConstant(kMaskedScore, real, k.lanes) : infinity;
    SmallVector<Value> shift, attends, excluded;
    for (int64_t v = 0; v < vectors; ++v) {
      attends.push_back(isAbove(largest[v], floor));
      shift.push_back(root.getUniform()
                          ? largest[v]
                          : k.select(attends[v], largest[v], k.floatConstant(0, real, k.lanes)));
      excluded.push_back(root.getUniform() ? k.select(attends[v], floor, infinity) : infinity);
    }
    SmallVector<Value> none(vectors, k.floatConstant(0, real, k.lanes));
    SmallVector<Value> sums = k.loop(zero(), count, 1, none, [&](Value j, ValueRange carried) {
      SmallVector<Value> next;
      for (int64_t v = 0; v < vectors; ++v) {
        Value score = read(scores, j, v);
        Value weight = math::ExpOp::create(k.b, k.loc, arith::SubFOp::create(k.b, k.loc, score, shift[v]));
        Value isExcluded = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLE, score, excluded[v]);
        weight = k.select(isExcluded, k.floatConstant(-0.0, real, k.lanes), weight);
        write(weight, scores, j, v);
        next.push_back(arith::AddFOp::create(k.b, k.loc, carried[v], weight));
      }
      return next;
    });

    SmallVector<Value> factors, changes;
    for (int64_t v = 0; v < vectors; ++v) {
      changes.push_back(
          arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ne, isAbove(before[v], floor), attends[v]));
      Value factor = math::ExpOp::create(k.b, k.loc, arith::SubFOp::create(k.b, k.loc, before[v], shift[v]));
      factors.push_back(factor);
      Value total = arith::MulFOp::create(k.b, k.loc, read(totals, zero(), v), factor);
      write(arith::AddFOp::create(k.b, k.loc, total, sums[v]), totals, zero(), v);
      write(largest[v], maxima, zero(), v);
    }
    k.loop(zero(), k.constant(valueWidth), 1, [&](Value d) {
      for (int64_t v = 0; v < vectors; ++v) {
        Value rescaled = arith::MulFOp::create(k.b, k.loc, read(result, d, v), factors[v]);
        // What excluded keys made while the row was uniform has no part once it attends.
        if (root.getUniform())
          rescaled = k.select(changes[v], k.floatConstant(0, real, k.lanes), rescaled);
        write(rescaled, result, d, v);
      }
    });
  }

  /// Applies cap, bias, mask and causality to the scores of key `key`.
  void maskRow(SmallVector<Value> &row, Value key) {
    Value infinity = k.floatConstant(kMinusInfinity, real);
    if (double cap = root.getSoftcap().convertToDouble(); cap > 0)
      for (Value &score : row) {
        Value limit = k.floatConstant(cap, real, k.lanes);
        Value capped = math::TanhOp::create(k.b, k.loc, arith::DivFOp::create(k.b, k.loc, score, limit));
        score = arith::MulFOp::create(k.b, k.loc, limit, capped);
      }
    if (root.getBias()) {
      SmallVector<Value> bias =
          loadRow(root.getBias(), key, [&](Value x) { return k.convertFloat(x, real); });
      for (auto [v, term] : llvm::enumerate(bias))
        row[v] = arith::AddFOp::create(k.b, k.loc, row[v], term);
    }
    if (root.getMask()) {
      // As a number, so that a mask by query goes through the same scratch row as a bias.
      SmallVector<Value> terms = loadRow(root.getMask(), key, [&](Value allowed) {
        return k.select(allowed, k.floatConstant(0, real), infinity);
      });
      for (auto [v, term] : llvm::enumerate(terms))
        row[v] = k.select(arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, term,
                                                k.floatConstant(0, real, k.lanes)),
                          row[v], k.splat(infinity, k.lanes));
    }
    if (root.getCausal()) {
      Type i64 = k.b.getI64Type();
      Value limit = arith::IndexCastOp::create(k.b, k.loc, i64, k.sub(key, firstPosition));
      for (int64_t v = 0; v < vectors; ++v) {
        auto offsets = llvm::to_vector(llvm::seq<int64_t>(v * k.lanes, (v + 1) * k.lanes));
        auto type = VectorType::get({k.lanes}, i64);
        Value lane =
            arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, ArrayRef<int64_t>(offsets)));
        Value allowed =
            arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::sge, lane, k.splat(limit, k.lanes));
        if (root.getWindow() > 0) {
          Value width = arith::ConstantOp::create(k.b, k.loc, k.b.getI64IntegerAttr(root.getWindow()));
          Value past = k.splat(arith::AddIOp::create(k.b, k.loc, limit, width), k.lanes);
          Value near = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::slt, lane, past);
          allowed = arith::AndIOp::create(k.b, k.loc, allowed, near);
        }
        row[v] = k.select(allowed, row[v], k.splat(infinity, k.lanes));
      }
    }
    // All keys weigh 1 until one is met that may be attended.
    if (root.getUniform())
      for (Value &score : row)
        score = arith::MaximumFOp::create(k.b, k.loc, score, k.floatConstant(kMaskedScore, real, k.lanes));
  }

  /// f(tensor[batch, head, query, key]) for the block's queries.
  SmallVector<Value> loadRow(Value tensor, Value key, function_ref<Value(Value)> f) {
    auto element = [&](Value query) {
      return f(shape.getElement(emitter, tensor, batchIndex, head, query, {key, false}, Lanes()));
    };
    if (ht::getConstant(ht::getDims(tensor)[2]) == 1)
      return SmallVector<Value>(vectors, k.splat(element(zero()), k.lanes));
    k.loop(zero(), k.constant(block), 1,
           [&](Value i) { k.store(element(clamp(k.add(firstQuery, i), queries)), rowScratch, i, Lanes()); });
    SmallVector<Value> row;
    for (int64_t v = 0; v < vectors; ++v)
      row.push_back(read(rowScratch, zero(), v));
    return row;
  }

  /// result[d][query] += sum over keys of value * weight.
  void accumulateValues(Value firstKey, Value count) {
    auto sum = [&](Value d, int64_t height, bool skip) {
      SmallVector<Value> sums;
      for (int64_t r = 0; r < height; ++r)
        for (int64_t v = 0; v < vectors; ++v)
          sums.push_back(read(result, k.add(d, r), v));
      return k.loop(zero(), count, 1, sums, [&](Value j, ValueRange carried) {
        KeyRow row = shape.getKeyRow(keyRow, k.add(firstKey, j), kvHead, valueWidth);
        return emitOuterProduct(carried, scores, j, skip,
                                [&](int64_t r) { return loadKey(root.getValue(), row, k.add(d, r)); });
      });
    };
    auto tile = [&](Value d, int64_t height) {
      auto keep = [&](ArrayRef<Value> sums) {
        for (int64_t r = 0; r < height; ++r)
          for (int64_t v = 0; v < vectors; ++v)
            write(sums[r * vectors + v], result, k.add(d, r), v);
      };
      SmallVector<Value> sums = sum(d, height, /*skip=*/false);
      k.branch(
          areFinite(sums), [&] { keep(sums); }, [&] { keep(sum(d, height, /*skip=*/true)); });
    };
    int64_t whole = valueWidth / kTile * kTile;
    if (whole > 0)
      k.loop(zero(), k.constant(whole), kTile, [&](Value d) { tile(d, kTile); });
    if (valueWidth > whole)
      tile(k.constant(whole), valueWidth - whole);
  }

  void storeResult() {
    // A query that attends nowhere has total 0 and gives zeros.
    SmallVector<Value> factors;
    for (int64_t v = 0; v < vectors; ++v) {
      Value total = read(totals, zero(), v), none = k.floatConstant(0, real, k.lanes);
      Value some = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::UNE, total, none);
      Value inverse = arith::DivFOp::create(k.b, k.loc, k.floatConstant(1, real, k.lanes), total);
      factors.push_back(k.select(some, inverse, none));
    }
    k.loop(zero(), k.constant(valueWidth), 1, [&](Value d) {
      for (int64_t v = 0; v < vectors; ++v)
        write(arith::MulFOp::create(k.b, k.loc, read(result, d, v), factors[v]), result, d, v);
    });
    Type element = getElementTypeOrSelf(root.getType());
    k.loop(zero(), queryCount, 1, [&](Value i) {
      Value start = shape.getQueryRow(batchIndex, k.add(firstQuery, i), head, valueWidth);
      k.loop(zero(), k.constant(valueWidth), 1, [&](Value d) {
        Value y = k.load(result, k.add(k.mul(d, block), i), real, Lanes());
        k.store(k.convertFloat(y, element), k.getOutput(0), k.add(start, d), Lanes());
      });
    });
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  ht::AttentionOp root;
  AttentionShape shape;
  Type real; ///< what scores and sums are computed in
  int64_t vectors, block, keyWidth, valueWidth;
  Value queries, keyCount;
  Value queryScratch, scores, result, maxima, totals, rowScratch;
  Value firstQuery, queryCount, firstPosition, head, batchIndex, keyRow, kvHead;
};

VectorAttention::VectorAttention(KernelBuilder &kernel, ht::AttentionOp root, int64_t vectors)
    : emitter(std::make_unique<Emitter>(kernel, root, vectors)) {}
VectorAttention::~VectorAttention() = default;
void VectorAttention::emit() { emitter->emit(); }
void VectorAttention::emitBlock(Value row, Value head, Value firstQuery, Value count) {
  emitter->emitBlock(row, head, firstQuery, count);
}

} // namespace halftone::cpu
