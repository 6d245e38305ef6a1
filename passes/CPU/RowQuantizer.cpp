//===- RowQuantizer.cpp - codes of rows, by their own range -----------------===//
//
// Each block of a row is read twice: for its range, then, still in L1, for its codes:
// one division for the scale, one for its reciprocal, one multiplication for each code.
//
// An ordinary block by absmax, all finite and not close to 0, has no NaN to pass over and
// no code to clamp: |x| / scale exceeds the greatest code by 3 roundings at most, which
// round half to even takes off. Its magnitudes are compared as integers, whose order is
// that of floats with every NaN on top, so that the greatest says whether a block is
// ordinary; code for all others stands beside.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/RowQuantizer.h"

#include "passes/Elements/Conversions.h"
#include "passes/CPU/Instructions.h"

#include <cmath>

using namespace mlir;

namespace halftone::cpu {

/// Bits of the f32 numbers 2^-100, below which a reciprocal of a scale could overflow, and infinity.
static constexpr int64_t kLeastOrdinary = int64_t(127 - 100) << 23, kInfinity = int64_t(255) << 23;

LogicalResult verifyQuantizesRows(htq::DynamicQuantizeOp op) {
  htq::AffineAttr term = op.getTerm();
  if (op.getCodebook() || !isa<TypeAttr>(term.getScale()))
    return op.emitOpError() << "quantizes activations to codes with a scale, not to " << term;
  if (!llvm::all_of(term.getBlocks().drop_back(), [](int64_t block) { return block == 1; }))
    return op.emitOpError() << "quantizes activations row by row: the blocks of " << term
                            << " hold several rows";
  if (getElementTypeOrSelf(op.getInput()).isF64() ||
      !isa<IntegerType>(getElementTypeOrSelf(op.getLeaves()[0].getType())))
    return op.emitOpError() << "quantizes floats of up to 32 bits to integers";
  return success();
}

RowQuantizer::RowQuantizer(KernelBuilder &kernel, ElementEmitter &emitter, htq::DynamicQuantizeOp op,
                           ArrayRef<Value> leaves)
    : k(kernel), emitter(emitter), op(op), leaves(leaves), real(kernel.b.getF32Type()),
      arithmetic(kernel, real), block(op.getTerm().getBlocks().back()) {
  Type code = getElementTypeOrSelf(op.getLeaves()[0].getType());
  unsigned bits = code.getIntOrFloatBitWidth();
  least = code.isUnsignedInteger() ? 0 : -std::ldexp(1.0, bits - 1);
  greatest = std::ldexp(1.0, code.isUnsignedInteger() ? bits : bits - 1) - 1;
  // LLVM can see that one lane is left of such a block: see KernelBuilder::store.
  storeWidth = block != htq::AffineAttr::kWhole && block % k.lanes == 1 ? 1 : k.lanes;
}

void RowQuantizer::emit(ArrayRef<Value> indices, Value row) {
  outer.clear();
  for (Value index : indices)
    outer.push_back({index, false});
  Value columns = k.getDims(op.getInput()).back(), start = k.mul(row, columns);
  if (block == htq::AffineAttr::kWhole)
    return emitPart({k.constant(0), columns, start, row});
  Value blocks = k.ceilDiv(columns, block);
  k.loop(k.constant(0), blocks, 1, [&](Value index) {
    Value first = k.mul(index, block), size = k.min(k.constant(block), k.sub(columns, first));
    emitPart({first, size, k.add(start, first), k.add(k.mul(row, blocks), index)});
  });
}

void RowQuantizer::emitPart(const Part &part) {
  // Narrower scales round further away, or saturate.
  bool isF32 = getElementTypeOrSelf(op.getLeaves()[1].getType()).isF32(), isSigned = least < 0;
  if (op.getRule() != htq::Rule::Absmax || !isF32 || !isSigned)
    return emitCareful(part);
  Value bits = findAbsmaxBits(part);
  Value isOrdinary =
      arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ult,
                            arith::SubIOp::create(k.b, k.loc, bits, integer(kLeastOrdinary)),
                            integer(kInfinity - kLeastOrdinary));
  k.branch(
      isOrdinary, [&] { emitOrdinary(part, arith::BitcastOp::create(k.b, k.loc, real, bits)); },
      [&] { emitCareful(part); });
}

//===----------------------------------------------------------------------===//
// Ordinary blocks
//===----------------------------------------------------------------------===//

/// The greatest of a block's magnitudes as an integer.
Value RowQuantizer::findAbsmaxBits(const Part &part) {
  Type i32 = k.b.getI32Type();
  Value magnitude = k.splat(integer(0x7fffffff), k.lanes);
  Value lanes = k.vectorFold(part.size, k.lanes, k.getZero(i32, k.lanes), [&](Index i, Lanes at, Value best) {
    Value x = arith::BitcastOp::create(k.b, k.loc, k.getType(i32, at.width), load(part.first, i, at));
    Value next = arith::MaxUIOp::create(k.b, k.loc, arith::AndIOp::create(k.b, k.loc, x, magnitude), best);
    return at.mask ? k.select(at.mask, next, best) : next;
  });
  return vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::MAXUI, lanes);
}

void RowQuantizer::emitOrdinary(const Part &part, Value absmax) {
  Value scale = storeScale(arithmetic.div(absmax, literal(greatest)), part.parameter);
  Value inverse = arithmetic.div(literal(1), scale);
  auto getCode = [&](Index i, Lanes at) {
    return emitRoundEven(k, arithmetic.mul(load(part.first, i, at), k.splat(inverse, at.width)));
  };
  Type stored = cast<MemRefType>(leaves[0].getType()).getElementType();
  Value whole = k.constant(0);
  if (stored.isInteger(8)) {
    // Four registers of sums make one of codes.
    int64_t width = 4 * k.lanes;
    whole = k.mul(k.div(part.size, k.constant(width)), width);
    k.loop(k.constant(0), whole, width, [&](Value i) {
      SmallVector<Value> quarters;
      for (int64_t quarter = 0; quarter < 4; ++quarter)
        quarters.push_back(getCode({k.add(i, quarter * k.lanes), true}, {k.lanes}));
      k.store(emitPackedBytes(k, quarters), leaves[0], k.add(part.code, i), {width});
    });
  }
  k.vectorLoop(k.sub(part.size, whole), storeWidth, [&](Index i, Lanes at) {
    i.base = k.add(whole, i.base);
    Value code = arith::TruncIOp::create(k.b, k.loc, k.getType(stored, at.width), getCode(i, at));
    k.store(code, leaves[0], k.add(part.code, i.base), at);
  });
}

//===----------------------------------------------------------------------===//
// All others
//===----------------------------------------------------------------------===//

void RowQuantizer::emitCareful(const Part &part) {
  Value zeroCode = literal(0);
  auto same = [](Value x) { return x; };
  auto magnitude = [&](Value x) { return arithmetic.abs(x); };
  if (op.getRule() == htq::Rule::Absmax) {
    Value absmax = findExtreme(part, true, magnitude);
    Value scale = storeScale(arithmetic.div(absmax, literal(greatest)), part.parameter);
    return emitCodes(part, invert(scale), zeroCode, std::max(least, -greatest));
  }
  Value from = findExtreme(part, false, same), to = findExtreme(part, true, same);
  if (op.getRule() == htq::Rule::SignedMax) {
    Value negative = arithmetic.compare(ht::ComparePredicate::GT, arithmetic.neg(from), to);
    Value scale = arithmetic.div(k.select(negative, from, to), literal(least));
    return emitCodes(part, invert(storeScale(scale, part.parameter)), zeroCode, least);
  }
  Value scale = arithmetic.div(arithmetic.sub(to, from), literal(greatest - least));
  Value inverse = invert(storeScale(scale, part.parameter));
  zeroCode = roundEven(arithmetic.sub(literal(least), arithmetic.mul(from, inverse)));
  zeroCode = k.select(arithmetic.isNaN(zeroCode), literal(least), clamp(zeroCode, least));
  storeCode(zeroCode, 2, part.parameter, Lanes());
  emitCodes(part, inverse, zeroCode, least);
}

/// The extreme of `get(x)` over a block, and of 0; NaN is passed over.
Value RowQuantizer::findExtreme(const Part &part, bool isGreatest, function_ref<Value(Value)> get) {
  auto better = [&](Value x, Value best) {
    auto predicate = isGreatest ? ht::ComparePredicate::GT : ht::ComparePredicate::LT;
    return k.select(arithmetic.compare(predicate, x, best), x, best);
  };
  Value lanes = k.vectorFold(part.size, k.lanes, k.floatConstant(0, real, k.lanes),
                             [&](Index i, Lanes at, Value best) {
                               Value next = better(get(load(part.first, i, at)), best);
                               return at.mask ? k.select(at.mask, next, best) : next;
                             });
  auto kind = isGreatest ? vector::CombiningKind::MAXNUMF : vector::CombiningKind::MINNUMF;
  return vector::ReductionOp::create(k.b, k.loc, kind, lanes);
}

void RowQuantizer::emitCodes(const Part &part, Value inverse, Value zeroCode, double low) {
  k.vectorLoop(part.size, storeWidth, [&](Index i, Lanes at) {
    Value code = roundEven(arithmetic.mul(load(part.first, i, at), k.splat(inverse, at.width)));
    Value none = k.splat(zeroCode, at.width);
    code = k.select(arithmetic.isNaN(code), none, clamp(arithmetic.add(code, none), low));
    storeCode(code, 0, k.add(part.code, i.base), at);
  });
}

/// 1 / x, and 0 for 0.
Value RowQuantizer::invert(Value x) {
  Value zero = literal(0);
  return k.select(arithmetic.compare(ht::ComparePredicate::EQ, x, zero), zero, arithmetic.div(literal(1), x));
}

Value RowQuantizer::roundEven(Value x) { return math::RoundEvenOp::create(k.b, k.loc, x); }

Value RowQuantizer::clamp(Value x, double low) {
  Value bottom = arithmetic.like(low, x), top = arithmetic.like(greatest, x);
  x = k.select(arithmetic.compare(ht::ComparePredicate::LT, x, bottom), bottom, x);
  return k.select(arithmetic.compare(ht::ComparePredicate::GT, x, top), top, x);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value RowQuantizer::load(Value first, Index i, Lanes at) {
  Indices indices(outer);
  indices.push_back({k.add(first, i.base), i.lane});
  return k.convertFloat(emitter.getVector(op.getInput(), indices, at), real);
}

Value RowQuantizer::integer(int64_t value) {
  return arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(value));
}

/// Stores a scale rounded to its type and gives that back.
Value RowQuantizer::storeScale(Value scale, Value position) {
  Type type = getElementTypeOrSelf(op.getLeaves()[1].getType());
  Value rounded = emitCast(k, scale, real, type, /*saturate=*/type.getIntOrFloatBitWidth() <= 8);
  k.store(rounded, leaves[1], position, Lanes());
  return emitCast(k, rounded, type, real);
}

void RowQuantizer::storeCode(Value code, unsigned leaf, Value position, Lanes at) {
  Type type = getElementTypeOrSelf(op.getLeaves()[leaf].getType());
  Type i32 = k.getType(k.b.getI32Type(), at.width), stored = k.getType(type, at.width);
  Value number = arith::FPToSIOp::create(k.b, k.loc, i32, code);
  if (stored != i32)
    number = arith::TruncIOp::create(k.b, k.loc, stored, number);
  k.store(number, leaves[leaf], position, at);
}

} // namespace halftone::cpu
