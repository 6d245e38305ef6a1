//===- CodeRowProducts.cpp - products of few queries, of codes --------------===//
//
// Keys and values that are kept in bytes are multiplied as bytes (vpdpbusd, 64 products in an
// instruction), instead of being widened for each use. What they are multiplied by becomes codes of
// 16 bits, so that nothing but the kept codes loses: two bytes, whose sums of products are apart.
//
// Scores: codes of 16 keys are turned, groups of four channels to a lane, so that keys run along the
// lanes and the sums of a head are complete without adding lanes. The instruction multiplies unsigned by
// signed bytes: 128 is added to each code of a key, and the sums begin with what takes that off again.
//
// Values: of a block codes of four keys are put side by side for each channel, once for all heads. A
// weight times its value's scale is a fraction of the largest scale of the block: since no weight
// exceeds 1, that is its unit.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Instructions.h"
#include "passes/CPU/LaneShuffles.h"
#include "passes/CPU/RowProducts.h"

#include "dialects/HTQ/HTQOps.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kGroup = 4;               ///< bytes that a lane sums the products of
constexpr int64_t kChunk = kLanes * kGroup; ///< channels whose codes are a vector
constexpr int64_t kHeads = 4;               ///< whose values are summed at once
constexpr double kQueryCode = 127 * 256;    ///< the greatest: its upper byte has a sign
constexpr double kWeightCode = 254 * 256;   ///< of a weight of 1, which may be exceeded by a rounding

const htk::Intrinsic *getDot(const KernelBuilder &kernel) {
  const htk::Intrinsic *dot = htk::selectIntrinsics(kernel.cpu, htk::ProductKind::Bytes).back();
  return dot->name == "avx512_vnni" ? dot : nullptr;
}

class CodeRowProducts : public RowProducts {
public:
  CodeRowProducts(KernelBuilder &kernel, ht::AttentionOp root)
      : RowProducts(kernel, root), dot(*getDot(kernel)), i8(kernel.b.getI8Type()), i32(kernel.b.getI32Type()),
        keyChunks(llvm::divideCeil(shape.keyWidth, kChunk)),
        valueChunks(llvm::divideCeil(shape.valueWidth, kChunk)),
        queryCodes(kernel.scratch(sharing * keyChunks * 2 * kChunk, i8)),
        queryScales(kernel.scratch(sharing, real)), corrections(kernel.scratch(sharing * keyChunks, i32)),
        partial(kernel.scratch(sharing * kLanes, i32)), valueScales(kernel.scratch(kKeys, real)),
        weightCodes(kernel.scratch(sharing * 2 * kKeys, i8)),
        values(kernel.scratch(kKeys / kGroup * kChunk, i32)) {}

  void prepareQueries() override;
  void emitScores(const RowBlock &block, Value first, Lanes width, Use use) override;
  void accumulateValues(const RowBlock &block) override;

private:
  Value integer(int64_t value) { return arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(value)); }
  Value splat(int64_t value) { return k.splat(integer(value), kLanes); }
  Value bitcast(Value value, Type element) {
    int64_t bytes =
        KernelBuilder::getWidth(value) * getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth() / 8;
    auto type = VectorType::get({bytes * 8 / static_cast<int64_t>(element.getIntOrFloatBitWidth())}, element);
    return vector::BitCastOp::create(k.b, k.loc, type, value);
  }
  Value toFloat(Value integers) {
    return arith::SIToFPOp::create(k.b, k.loc, k.getType(real, kLanes), integers);
  }
  Value addInts(Value x, Value y) { return arith::AddIOp::create(k.b, k.loc, x, y); }
  Value shiftLeft(Value x, int64_t bits) { return arith::ShLIOp::create(k.b, k.loc, x, splat(bits)); }
  /// Four neighbouring bytes in all lanes.
  Value loadGroup(Value bytes, Value position) {
    Value group = bitcast(k.load(bytes, position, i8, {kGroup, {}}), i32);
    return k.splat(vector::ExtractOp::create(k.b, k.loc, group, 0), kLanes);
  }
  /// The low bytes of 16 lanes.
  void storeBytes(Value integers, Value bytes, Value position) {
    Value low = arith::TruncIOp::create(k.b, k.loc, k.getType(i8, kLanes), integers);
    k.store(low, bytes, position, vector());
  }
  Value getQueryCodes(Value h, int64_t chunk, int64_t part) {
    return k.add(k.mul(h, keyChunks * 2 * kChunk), (chunk * 2 + part) * kChunk);
  }
  Value getWeightCodes(Value h, int64_t part) { return k.add(k.mul(h, 2 * kKeys), part * kKeys); }

  htq::DequantizeOp getKept(Value operand) { return operand.getDefiningOp<htq::DequantizeOp>(); }
  /// Scales of k or v from key `first` on, 0 behind the last of `width`.
  Value loadScales(Value operand, const RowBlock &block, Value first, Lanes width);
  /// Codes of a chunk of a row, 0 behind its last channel.
  Value loadCodes(Value operand, const KeyRow &row, int64_t chunk, int64_t channels) {
    Value codes = k.getBuffer(cast<BlockArgument>(getKept(operand).getLeaves()[0]));
    return k.load(codes, k.add(row.start, chunk * kChunk), i8, getLanes(kChunk, channels - chunk * kChunk));
  }
  void prefetch(const RowBlock &block, Value first, Value h);

  Value quantizeWeights(const RowBlock &block);
  void packValues(const RowBlock &block, int64_t chunk);
  void accumulateHeads(Value head, int64_t height, int64_t chunk, const RowBlock &block, Value unit);

  const htk::Intrinsic &dot;
  Type i8, i32;
  int64_t keyChunks, valueChunks;
  Value queryCodes;  ///< [head][chunk][upper and lower bytes]
  Value queryScales; ///< [head]
  Value corrections; ///< [head][chunk]: what products with codes of keys begin with
  Value partial;     ///< [head]: scores of the chunks so far
  Value valueScales; ///< [key]
  Value weightCodes; ///< [head][upper and lower bytes]
  Value values;      ///< [key / 4][channel / 4 % 4]: codes of four keys in each lane
};

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

void CodeRowProducts::prepareQueries() {
  forEachHead([&](Value h) {
    auto load = [&](int64_t d) { return read(queries, at(h, keyWidth, k.constant(d))); };
    // NaN becomes the scale, and all that is made with it.
    Value largest = k.getZero(real, kLanes);
    for (int64_t d = 0; d < keyWidth; d += kLanes)
      largest = arith::MaximumFOp::create(k.b, k.loc, largest, math::AbsFOp::create(k.b, k.loc, load(d)));
    largest = foldLanes(
        k, largest, [&](Value x, Value y) -> Value { return arith::MaximumFOp::create(k.b, k.loc, x, y); });
    Value greatest = k.floatConstant(kQueryCode, real, kLanes);
    Value scale = arith::DivFOp::create(k.b, k.loc, largest, greatest);
    Value inverse = arith::DivFOp::create(k.b, k.loc, greatest, largest);
    k.store(vector::ExtractOp::create(k.b, k.loc, scale, 0), queryScales, h, Lanes());
    for (int64_t chunk = 0; chunk < keyChunks; ++chunk) {
      Value sum = k.getZero(i32, kLanes);
      for (int64_t d = 0; d < kChunk; d += kLanes) {
        int64_t channel = chunk * kChunk + d;
        Value code =
            channel < keyWidth ? emitRoundEven(k, mul(load(channel), inverse)) : k.getZero(i32, kLanes);
        Value upper = arith::ShRSIOp::create(k.b, k.loc, addInts(code, splat(128)), splat(8));
        storeBytes(upper, queryCodes, k.add(getQueryCodes(h, chunk, 0), d));
        storeBytes(code, queryCodes, k.add(getQueryCodes(h, chunk, 1), d));
        sum = addInts(sum, code);
      }
      Value total = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::ADD, sum);
      k.store(arith::MulIOp::create(k.b, k.loc, total, integer(-128)), corrections,
              k.add(k.mul(h, keyChunks), chunk), Lanes());
    }
  });
}

Value CodeRowProducts::loadScales(Value operand, const RowBlock &block, Value first, Lanes width) {
  auto type = VectorType::get({kLanes}, i32);
  SmallVector<int32_t> distances;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    distances.push_back(lane * shape.kvHeads);
  Value offsets = arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, ArrayRef(distances)));
  Value all = width.mask;
  if (!all)
    all = arith::ConstantOp::create(k.b, k.loc,
                                    DenseElementsAttr::get(VectorType::get({kLanes}, k.b.getI1Type()), true));
  Value scales = k.getBuffer(cast<BlockArgument>(getKept(operand).getLeaves()[1]));
  Value position = shape.getKeyRow(block.sequence, first, block.head, 1).start;
  return vector::GatherOp::create(k.b, k.loc, VectorType::get({kLanes}, real), scales, ValueRange{position},
                                  offsets, all, k.getZero(real, kLanes));
}

/// Asks for what comes next, in each head for a part: memory answers while these are multiplied.
void CodeRowProducts::prefetch(const RowBlock &block, Value first, Value h) {
  int64_t count = llvm::divideCeil(kLanes, sharing);
  auto ask = [&](Value operand, Value token, int64_t channels) {
    Value codes = k.getBuffer(cast<BlockArgument>(getKept(operand).getLeaves()[0]));
    KeyRow row = shape.getKeyRow(block.sequence, token, block.head, channels);
    for (int64_t channel = 0; channel < channels; channel += kChunk)
      memref::PrefetchOp::create(k.b, k.loc, codes, k.add(row.start, channel), /*isWrite=*/false,
                                 /*localityHint=*/3,
                                 /*isDataCache=*/true);
  };
  for (int64_t i = 0; i < count; ++i) {
    Value token = k.add(first, k.add(k.mul(h, count), i));
    ask(root.getValue(), token, shape.valueWidth);
    ask(root.getKey(), k.add(token, kKeys), shape.keyWidth);
  }
}

void CodeRowProducts::emitScores(const RowBlock &block, Value first, Lanes width, Use use) {
  SmallVector<KeyRow> rows = getRows(block, first, width);
  Value scales = loadScales(root.getKey(), block, first, width);
  Value bias = k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getI8IntegerAttr(-128)), kChunk);
  for (int64_t chunk = 0; chunk < keyChunks; ++chunk) {
    SmallVector<Value> words;
    for (const KeyRow &row : rows) {
      Value codes = loadCodes(root.getKey(), row, chunk, shape.keyWidth);
      words.push_back(bitcast(arith::XOrIOp::create(k.b, k.loc, codes, bias), i32));
    }
    transposeLanes(k, words);
    int64_t groups = llvm::divideCeil(std::min(kChunk, shape.keyWidth - chunk * kChunk), kGroup);
    forEachHead([&](Value h) {
      if (chunk == 0)
        prefetch(block, first, h);
      Value correction = k.load(corrections, k.add(k.mul(h, keyChunks), chunk), i32, Lanes());
      // Two sums of each part: an instruction waits for the one before.
      SmallVector<Value> tile(4, k.getZero(i32, kLanes));
      tile.back() = k.splat(correction, kLanes);
      for (int64_t group = 0; group < groups; ++group)
        for (int64_t part = 0; part < 2; ++part) {
          Value query = loadGroup(queryCodes, k.add(getQueryCodes(h, chunk, part), group * kGroup));
          Value &sum = tile[2 * part + group % 2];
          sum = emitDot(k, dot, sum, words[group], query);
        }
      Value upper = addInts(tile[0], tile[1]), lower = addInts(tile[2], tile[3]);
      Value sum = addInts(shiftLeft(upper, 8), lower), position = k.mul(h, kLanes);
      if (chunk > 0)
        sum = addInts(sum, k.load(partial, position, i32, vector()));
      if (chunk + 1 < keyChunks)
        return k.store(sum, partial, position, vector());
      use(h, mul(toFloat(sum), mul(scales, k.splat(readOne(queryScales, h), kLanes))));
    });
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Codes of the block's weights times their values' scales. Returns their unit.
Value CodeRowProducts::quantizeWeights(const RowBlock &block) {
  Value largest = k.vectorFold(
      block.count, kLanes, k.getZero(real, kLanes), [&](Index j, Lanes width, Value before) -> Value {
        Value scales = loadScales(root.getValue(), block, k.add(block.first, j.base), width);
        write(scales, valueScales, j.base);
        return arith::MaximumFOp::create(k.b, k.loc, before, scales);
      });
  largest = foldLanes(k, largest,
                      [&](Value x, Value y) -> Value { return arith::MaximumFOp::create(k.b, k.loc, x, y); });
  Value greatest = k.floatConstant(kWeightCode, real, kLanes), zero = k.getZero(real, kLanes);
  Value unit = arith::DivFOp::create(k.b, k.loc, largest, greatest);
  Value inverse = arith::DivFOp::create(k.b, k.loc, greatest, largest);
  Value isZero = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, largest, zero);
  inverse = k.select(isZero, zero, inverse);
  k.loop(k.constant(0), k.mul(k.ceilDiv(block.count, kLanes), kLanes), kLanes, [&](Value j) {
    Value scales = mul(read(valueScales, j), inverse);
    forEachHead([&](Value h) {
      Value code = emitRoundEven(k, mul(read(scores, at(h, kKeys, j)), scales));
      storeBytes(arith::ShRUIOp::create(k.b, k.loc, code, splat(8)), weightCodes,
                 k.add(getWeightCodes(h, 0), j));
      storeBytes(code, weightCodes, k.add(getWeightCodes(h, 1), j));
    });
  });
  return unit;
}

/// Puts codes of four keys side by side. A vector has four neighbouring channels of each 16 in its lanes.
void CodeRowProducts::packValues(const RowBlock &block, int64_t chunk) {
  k.loop(k.constant(0), block.count, kGroup, [&](Value j) {
    SmallVector<Value> rows;
    for (int64_t r = 0; r < kGroup; ++r) {
      Value token = shape.clamp(k.add(k.add(block.first, j), r), block.end);
      KeyRow row = shape.getKeyRow(block.sequence, token, block.head, shape.valueWidth);
      rows.push_back(loadCodes(root.getValue(), row, chunk, shape.valueWidth));
    }
    // Elements of x and y in turn, of the lower or the upper halves of each 16 bytes.
    auto interleave = [&](Value x, Value y, bool upper) -> Value {
      SmallVector<int64_t> order;
      int64_t count = KernelBuilder::getWidth(x), part = count / (kChunk / 16);
      for (int64_t i = 0; i < count; i += part)
        for (int64_t e = 0; e < part / 2; ++e)
          for (int64_t from : {int64_t(0), count})
            order.push_back(from + i + e + (upper ? part / 2 : 0));
      return vector::ShuffleOp::create(k.b, k.loc, x, y, order);
    };
    Type i16 = k.b.getI16Type();
    for (int64_t v = 0; v < kGroup; ++v) {
      auto pair = [&](Value x, Value y) { return bitcast(interleave(x, y, v / 2), i16); };
      Value all = interleave(pair(rows[0], rows[1]), pair(rows[2], rows[3]), v % 2);
      k.store(bitcast(all, i32), values, k.add(k.mul(j, kLanes), v * kLanes), vector());
    }
  });
}

void CodeRowProducts::accumulateHeads(Value head, int64_t height, int64_t chunk, const RowBlock &block,
                                      Value unit) {
  SmallVector<Value> tile(height * kGroup, k.getZero(i32, kLanes));
  for (int64_t part = 0; part < 2; ++part) {
    if (part == 1)
      for (Value &sum : tile)
        sum = shiftLeft(sum, 8);
    tile = k.loop(k.constant(0), block.count, kGroup, tile, [&](Value j, ValueRange carried) {
      SmallVector<Value> next(carried), codes;
      for (int64_t v = 0; v < kGroup; ++v)
        codes.push_back(k.load(values, k.add(k.mul(j, kLanes), v * kLanes), i32, vector()));
      for (int64_t h = 0; h < height; ++h) {
        Value weights = loadGroup(weightCodes, k.add(getWeightCodes(k.add(head, h), part), j));
        for (int64_t v = 0; v < kGroup; ++v)
          next[h * kGroup + v] = emitDot(k, dot, next[h * kGroup + v], weights, codes[v]);
      }
      return next;
    });
  }
  for (int64_t h = 0; h < height; ++h) {
    MutableArrayRef<Value> vectors = MutableArrayRef(tile).slice(h * kGroup, kGroup);
    // Four lanes of each to four vectors of neighbouring channels.
    for (int64_t size : {2, 1})
      for (int64_t i = 0; i < kGroup; ++i)
        if (!(i & size))
          std::tie(vectors[i], vectors[i + size]) =
              exchangeLanes(k, vectors[i], vectors[i + size], kGroup * size);
    Value factor = k.splat(readOne(factors, k.add(head, h)), kLanes);
    for (int64_t v = 0; v < kGroup && chunk * kChunk + v * kLanes < valueWidth; ++v) {
      Value position = at(k.add(head, h), valueWidth, k.constant(chunk * kChunk + v * kLanes));
      write(fma(toFloat(vectors[v]), unit, mul(read(sums, position), factor)), sums, position);
    }
  }
}

void CodeRowProducts::accumulateValues(const RowBlock &block) {
  Value unit = quantizeWeights(block);
  int64_t whole = sharing / kHeads * kHeads;
  for (int64_t chunk = 0; chunk < valueChunks; ++chunk) {
    packValues(block, chunk);
    if (whole)
      k.loop(k.constant(0), k.constant(whole), kHeads,
             [&](Value h) { accumulateHeads(h, kHeads, chunk, block, unit); });
    if (sharing > whole)
      accumulateHeads(k.constant(whole), sharing - whole, chunk, block, unit);
  }
}

} // namespace

std::unique_ptr<RowProducts> makeCodeRowProducts(KernelBuilder &kernel, ht::AttentionOp root) {
  return std::make_unique<CodeRowProducts>(kernel, root);
}

const char *whyNotCodes(const KernelBuilder &kernel, ht::AttentionOp root) {
  for (Value operand : {root.getKey(), root.getValue()}) {
    auto kept = operand.getDefiningOp<htq::DequantizeOp>();
    auto term = kept ? dyn_cast<htq::AffineAttr>(kept.getTerm()) : htq::AffineAttr();
    if (!term)
      return "keys and values are no codes";
    auto has = [](Attribute part, Type type) { return part == TypeAttr::get(type); };
    Builder b(root.getContext());
    if (!has(term.getCodes(), b.getI8Type()) || !has(term.getScale(), b.getF32Type()) || term.getZero() ||
        term.getBlocks() != ArrayRef<int64_t>{1, 1, 1, htq::AffineAttr::kWhole})
      return "they are no signed bytes with a scale of f32 for each row of a head";
  }
  if (!getDot(kernel))
    return "the processor has no AVX-512 VNNI";
  return nullptr;
}

} // namespace halftone::cpu
