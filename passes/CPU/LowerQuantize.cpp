//===- LowerQuantize.cpp - codes of activations, by their own range ---------===//
//
// A work item is a row. Each of its blocks is read twice: for its range, then, still
// in L1, for its codes. Numbers are those that htq.dynamic_quantize defines, to the bit:
// one division for the scale, one for its reciprocal, one multiplication for each code.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/Arithmetic.h"
#include "passes/Elements/Conversions.h"
#include "passes/CPU/LoopNests.h"

#include <cmath>

using namespace mlir;

namespace halftone::cpu {

namespace {

class QuantizeEmitter {
public:
  QuantizeEmitter(KernelBuilder &kernel, htq::DynamicQuantizeOp root)
      : k(kernel), emitter(kernel), root(root), real(kernel.b.getF32Type()), arithmetic(kernel, real) {
    Type code = getElementTypeOrSelf(root.getLeaves()[0].getType());
    unsigned bits = code.getIntOrFloatBitWidth();
    least = code.isUnsignedInteger() ? 0 : -std::ldexp(1.0, bits - 1);
    greatest = std::ldexp(1.0, code.isUnsignedInteger() ? bits : bits - 1) - 1;
  }

  void emit() {
    SmallVector<Value> dims = k.getDims(root.getInput());
    Value columns = dims.pop_back_val();
    int64_t block = root.getTerm().getBlocks().back();
    bool isWhole = block == htq::AffineAttr::kWhole;
    // LLVM can see that one lane is left of such a block: see CodeBuilder::store.
    storeWidth = !isWhole && block % k.lanes == 1 ? 1 : k.lanes;
    Value blocks = isWhole ? k.constant(1) : k.ceilDiv(columns, block);
    auto [begin, end] = k.getShare(k.getProduct(dims));
    k.loop(begin, end, 1, [&](Value row) {
      outer.clear();
      for (Value index : k.delinearize(row, dims))
        outer.push_back({index, false});
      k.loop(k.constant(0), blocks, 1, [&](Value index) {
        Value first = isWhole ? k.constant(0) : k.mul(index, block);
        Value size = isWhole ? columns : k.min(k.constant(block), k.sub(columns, first));
        emitBlock(row, columns, first, size, k.add(k.mul(row, blocks), index));
      });
    });
  }

private:
  Value load(Value first, Index i, Lanes at) {
    Indices indices(outer);
    indices.push_back({k.add(first, i.base), i.lane});
    return k.convertFloat(emitter.getVector(root.getInput(), indices, at), real);
  }

  /// The extreme of `get(x)` over a block; NaN is passed over.
  Value findExtreme(Value first, Value size, bool isGreatest, double start, function_ref<Value(Value)> get) {
    auto better = [&](Value x, Value best) {
      auto predicate = isGreatest ? ht::ComparePredicate::GT : ht::ComparePredicate::LT;
      return k.select(arithmetic.compare(predicate, x, best), x, best);
    };
    Value lanes = k.vectorFold(size, k.lanes, k.floatConstant(start, real, k.lanes),
                               [&](Index i, Lanes at, Value best) {
                                 Value x = get(load(first, i, at));
                                 Value next = better(x, best);
                                 return at.mask ? k.select(at.mask, next, best) : next;
                               });
    auto kind = isGreatest ? vector::CombiningKind::MAXNUMF : vector::CombiningKind::MINNUMF;
    return vector::ReductionOp::create(k.b, k.loc, kind, lanes);
  }

  void emitBlock(Value row, Value columns, Value first, Value size, Value parameter) {
    Value zero = k.floatConstant(0, real), zeroCode = zero, scale;
    auto same = [](Value x) { return x; };
    auto magnitude = [&](Value x) { return arithmetic.abs(x); };
    auto literal = [&](double value) { return k.floatConstant(value, real); };
    double low = least;
    if (root.getRule() == htq::Rule::Minmax) {
      Value from = findExtreme(first, size, false, 0, same), to = findExtreme(first, size, true, 0, same);
      scale = arithmetic.div(arithmetic.sub(to, from), literal(greatest - least));
      scale = storeScale(scale, parameter);
      zeroCode = roundEven(arithmetic.sub(literal(least), arithmetic.mul(from, invert(scale))));
      zeroCode = k.select(arithmetic.isNaN(zeroCode), literal(least), clamp(zeroCode, least));
      storeCode(zeroCode, 2, parameter, Lanes());
    } else if (root.getRule() == htq::Rule::SignedMax) {
      Value from = findExtreme(first, size, false, 0, same), to = findExtreme(first, size, true, 0, same);
      Value negative = arithmetic.compare(ht::ComparePredicate::GT, arithmetic.neg(from), to);
      scale = storeScale(arithmetic.div(k.select(negative, from, to), literal(least)), parameter);
    } else {
      low = -greatest;
      scale = storeScale(arithmetic.div(findExtreme(first, size, true, 0, magnitude), literal(greatest)),
                         parameter);
    }
    Value inverse = invert(scale);
    k.vectorLoop(size, storeWidth, [&](Index i, Lanes at) {
      Value code = roundEven(arithmetic.mul(load(first, i, at), k.splat(inverse, at.width)));
      Value none = k.splat(zeroCode, at.width);
      code = k.select(arithmetic.isNaN(code), none, clamp(arithmetic.add(code, none), low));
      storeCode(code, 0, k.add(k.add(k.mul(row, columns), first), i.base), at);
    });
  }

  /// 1 / x, and 0 for 0.
  Value invert(Value x) {
    Value zero = k.floatConstant(0, real), one = k.floatConstant(1, real);
    return k.select(arithmetic.compare(ht::ComparePredicate::EQ, x, zero), zero, arithmetic.div(one, x));
  }
  Value roundEven(Value x) { return math::RoundEvenOp::create(k.b, k.loc, x); }
  Value clamp(Value x, double low) {
    Value bottom = arithmetic.like(low, x), top = arithmetic.like(greatest, x);
    x = k.select(arithmetic.compare(ht::ComparePredicate::LT, x, bottom), bottom, x);
    return k.select(arithmetic.compare(ht::ComparePredicate::GT, x, top), top, x);
  }

  /// Stores a scale rounded to its type and gives that back.
  Value storeScale(Value scale, Value position) {
    Type type = getElementTypeOrSelf(root.getLeaves()[1].getType());
    Value rounded = emitCast(k, scale, real, type, /*saturate=*/type.getIntOrFloatBitWidth() <= 8);
    k.store(rounded, k.getOutput(1), position, Lanes());
    return emitCast(k, rounded, type, real);
  }

  void storeCode(Value code, unsigned leaf, Value position, Lanes at) {
    Type type = getElementTypeOrSelf(root.getLeaves()[leaf].getType());
    Type i32 = at.width == 1 ? Type(k.b.getI32Type()) : Type(VectorType::get({at.width}, k.b.getI32Type()));
    Value integer = arith::FPToSIOp::create(k.b, k.loc, i32, code);
    Type stored = k.getType(type, at.width);
    if (stored != i32)
      integer = arith::TruncIOp::create(k.b, k.loc, stored, integer);
    k.store(integer, k.getOutput(leaf), position, at);
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  htq::DynamicQuantizeOp root;
  Type real;
  Arithmetic arithmetic;
  double least, greatest;
  int64_t storeWidth; ///< lanes of codes
  Indices outer;
};

} // namespace

LogicalResult lowerQuantize(KernelBuilder &kernel, htq::DynamicQuantizeOp root) {
  htq::AffineAttr term = root.getTerm();
  if (root.getCodebook() || !isa<TypeAttr>(term.getScale()))
    return root.emitOpError() << "quantizes activations to codes with a scale, not to " << term;
  if (!llvm::all_of(term.getBlocks().drop_back(), [](int64_t block) { return block == 1; }))
    return root.emitOpError() << "quantizes activations row by row: the blocks of " << term
                              << " hold several rows";
  if (getElementTypeOrSelf(root.getInput()).isF64() ||
      !isa<IntegerType>(getElementTypeOrSelf(root.getLeaves()[0].getType())))
    return root.emitOpError() << "quantizes floats of up to 32 bits to integers";
  QuantizeEmitter(kernel, root).emit();
  return success();
}

} // namespace halftone::cpu
