//===- RowAttention.cpp - attention of few queries --------------------------===//
//
// One work item is (batch, head of k and v, query): a row of q for each head that
// shares these keys. Keys and values are read where they are, once for all heads of the
// item, in blocks whose scores stay in L1: what multiplies them is RowProducts. Of the
// scores keys run along the lanes: maxima, exponentials and totals.
//
// Keys out of a query's reach are not read. Those that a mask or a bias excludes weigh
// nothing; a result that is not finite is computed again by VectorAttention, which knows
// what has no part in it. So maxima need not know of NaN: a score of NaN weighs NaN.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Exp2.h"
#include "passes/CPU/LaneShuffles.h"
#include "passes/CPU/RowProducts.h"

#include <numbers>

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kKeys = RowProducts::kKeys;

class RowAttention {
public:
  RowAttention(KernelBuilder &kernel, ht::AttentionOp root)
      : k(kernel), emitter(kernel), root(root), shape(kernel, root), fallback(kernel, root, 1),
        products(whyNotCodes(kernel, root) ? makeFloatRowProducts(kernel, root)
                                           : makeCodeRowProducts(kernel, root)),
        p(*products), real(p.real), lanes(kernel.lanes), maxima(kernel.scratch(p.sharing, real)),
        totals(kernel.scratch(p.sharing * lanes, real)) {}

  void emit() {
    Value kvHeads = k.constant(shape.kvHeads);
    auto [begin, end] = k.getShare(k.mul(k.mul(shape.batch, kvHeads), shape.queries));
    k.loop(begin, end, 1, [&](Value item) {
      Value unit = k.div(item, shape.queries);
      query = k.rem(item, shape.queries);
      row = k.div(unit, kvHeads);
      block.head = k.rem(unit, kvHeads);
      emitItem();
    });
  }

private:
  Value zero() { return k.constant(0); }
  Value infinity() { return k.floatConstant(-std::numeric_limits<double>::infinity(), real); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(k.b, k.loc, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(k.b, k.loc, x, y); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(k.b, k.loc, predicate, x, y);
  }
  /// `y` where `x` is NaN: one instruction.
  Value greater(Value x, Value y) { return k.select(compare(arith::CmpFPredicate::OGT, x, y), x, y); }
  Value getHead(Value h) { return k.add(k.mul(block.head, p.sharing), h); }

  /// e^(x - shift), as good as what attention multiplies in.
  Value expOf(Value x, Value shift) {
    Value difference = arith::SubFOp::create(k.b, k.loc, x, shift);
    if (!getElementTypeOrSelf(root.getQuery().getType()).isBF16() || KernelBuilder::getWidth(x) != 16)
      return math::ExpOp::create(k.b, k.loc, difference);
    return emitExp2(k, mul(difference, k.floatConstant(std::numbers::log2e, real, lanes)), Exp2Use::F32);
  }

  Value loadQuery(Value position, Lanes width) {
    Value buffer = k.getBuffer(cast<BlockArgument>(root.getQuery()));
    return k.convertFloat(k.load(buffer, position, getElementTypeOrSelf(root.getQuery().getType()), width),
                          real);
  }

  void emitItem() {
    block.sequence = shape.getSequence(emitter, row);
    Value position = k.add(query, shape.getStart(emitter, row)), begin = zero();
    block.end = shape.keyCount;
    if (root.getCausal()) {
      block.end = k.min(block.end, k.add(position, 1));
      if (root.getWindow() > 0)
        begin = k.max(begin, k.sub(k.add(position, 1), k.constant(root.getWindow())));
    }
    loadQueries();
    k.loop(begin, block.end, kKeys, [&](Value first) {
      block.first = first;
      block.count = k.min(k.constant(kKeys), k.sub(block.end, first));
      emitScores();
      updateSoftmax();
      p.accumulateValues(block);
    });
    storeResult();
  }

  void loadQueries() {
    Value scale = k.splat(k.floatConstant(root.getScale().convertToDouble(), real), lanes);
    p.forEachHead([&](Value h) {
      Value start = shape.getQueryRow(row, query, getHead(h), shape.keyWidth);
      k.vectorLoop(k.constant(shape.keyWidth), lanes, [&](Index d, Lanes width) {
        p.write(mul(loadQuery(k.add(start, d.base), width), scale), p.queries, p.at(h, p.keyWidth, d.base));
      });
      k.store(infinity(), maxima, h, Lanes());
      p.write(k.getZero(real, lanes), totals, k.mul(h, lanes));
      k.loop(zero(), k.constant(p.valueWidth), lanes,
             [&](Value d) { p.write(k.getZero(real, lanes), p.sums, p.at(h, p.valueWidth, d)); });
    });
    p.prepareQueries();
  }

  /// scores[h][j] = q_h · k_j, as softmax takes them; of keys behind the last one, -infinity.
  void emitScores() {
    k.vectorLoop(block.count, lanes, [&](Index j, Lanes width) {
      Value key = k.add(block.first, j.base);
      p.emitScores(block, key, width, [&](Value h, Value score) {
        score = maskScores(score, h, key, width);
        if (width.mask)
          score = k.select(width.mask, score, k.splat(infinity(), lanes));
        p.write(score, p.scores, p.at(h, kKeys, j.base));
      });
    });
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

  /// Replaces the scores of a block by e^(score - maximum so far).
  void updateSoftmax() {
    Value width = k.mul(k.ceilDiv(block.count, lanes), lanes);
    p.forEachHead([&](Value h) {
      Value before = k.splat(p.readOne(maxima, h), lanes);
      Value largest = k.loop(zero(), width, lanes, before, [&](Value j, ValueRange carried) {
        return SmallVector<Value>{greater(p.read(p.scores, p.at(h, kKeys, j)), carried[0])};
      })[0];
      largest = foldLanes(k, largest, [&](Value x, Value y) { return greater(x, y); });
      // Where nothing may be attended so far what is subtracted stays finite.
      Value none = k.splat(infinity(), lanes);
      Value shift =
          k.select(compare(arith::CmpFPredicate::OGT, largest, none), largest, k.getZero(real, lanes));
      Value total = k.loop(zero(), width, lanes, k.getZero(real, lanes), [&](Value j, ValueRange carried) {
        Value weight = expOf(p.read(p.scores, p.at(h, kKeys, j)), shift);
        p.write(weight, p.scores, p.at(h, kKeys, j));
        return SmallVector<Value>{add(carried[0], weight)};
      })[0];
      Value same = compare(arith::CmpFPredicate::OEQ, before, shift), position = k.mul(h, lanes);
      Value factor = k.select(same, k.floatConstant(1, real, lanes), expOf(before, shift));
      p.write(add(mul(p.read(totals, position), factor), total), totals, position);
      k.store(vector::ExtractOp::create(k.b, k.loc, largest, 0), maxima, h, Lanes());
      k.store(vector::ExtractOp::create(k.b, k.loc, factor, 0), p.factors, h, Lanes());
    });
  }

  void storeResult() {
    Type element = getElementTypeOrSelf(root.getType());
    Value zeros = k.getZero(real, lanes), ones = k.floatConstant(1, real, lanes);
    p.forEachHead([&](Value h) {
      // A query that attends nowhere has total 0 and gives zeros.
      Value total =
          foldLanes(k, p.read(totals, k.mul(h, lanes)), [&](Value x, Value y) { return add(x, y); });
      Value inverse = arith::DivFOp::create(k.b, k.loc, ones, total);
      inverse = k.select(compare(arith::CmpFPredicate::UNE, total, zeros), inverse, zeros);
      Value head = getHead(h), start = shape.getQueryRow(row, query, head, shape.valueWidth);
      Value check = k.vectorFold(
          k.constant(shape.valueWidth), lanes, zeros, [&](Index d, Lanes width, Value carried) -> Value {
            Value y = mul(p.read(p.sums, p.at(h, p.valueWidth, d.base)), inverse);
            k.store(k.convertFloat(y, element), k.getOutput(0), k.add(start, d.base), width);
            // Not zero where y is infinite or NaN.
            return vector::FMAOp::create(k.b, k.loc, y, zeros, carried);
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
  std::unique_ptr<RowProducts> products;
  RowProducts &p;
  Type real;
  int64_t lanes;
  Value maxima, totals; ///< of each head; of each lane's keys
  Value row, query;
  RowBlock block;
};

} // namespace

void emitRowAttention(KernelBuilder &kernel, ht::AttentionOp root) { RowAttention(kernel, root).emit(); }

} // namespace halftone::cpu
