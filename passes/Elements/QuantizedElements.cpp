//===- QuantizedElements.cpp - elements of terms, and codes under them ------===//
//
// A term is computed where it is read, by one recursion over its constructors. A
// parameter's index is that of the code, divided by the block. Lanes along an axis
// whose blocks are as long as a vector meet two parameters at most: both are read,
// and chosen from. Shorter blocks and lookups have no vector form.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/Arithmetic.h"
#include "passes/Elements/Conversions.h"
#include "passes/Elements/ElementEmitter.h"

using namespace mlir;

namespace halftone::elements {

namespace {

/// The element of a parameter, or of a code, at some indices.
using Read = function_ref<Value(ArrayRef<Index>, Lanes)>;

/// read at the block that each index is in, for lanes of codes that are `dims` in all.
Value readParameter(CodeBuilder &k, htq::AffineAttr affine, ArrayRef<Value> dims, ArrayRef<Index> indices,
                    Lanes lanes, Read read) {
  Indices at, next;
  Value boundary;
  for (auto [index, dim, block] : llvm::zip_equal(indices, dims, affine.getBlocks())) {
    if (block == htq::AffineAttr::kWhole) {
      at.push_back({k.constant(0), false});
    } else if (block == 1) {
      at.push_back(index);
    } else {
      at.push_back({k.div(index.base, k.constant(block)), false});
      if (index.lane) {
        // Lanes from here on are in the next block.
        next = at;
        next.back().base = k.min(k.add(at.back().base, 1), k.sub(k.ceilDiv(dim, block), k.constant(1)));
        boundary = k.sub(k.mul(k.add(at.back().base, 1), block), index.base);
        continue;
      }
    }
    if (boundary)
      next.push_back(at.back());
  }
  Value first = k.splat(read(at, lanes), lanes.width);
  if (!boundary)
    return first;
  auto maskType = VectorType::get({lanes.width}, k.b.getI1Type());
  Value inFirst = vector::CreateMaskOp::create(k.b, k.loc, maskType, ValueRange{boundary});
  return k.select(inFirst, first, k.splat(read(next, lanes), lanes.width));
}

/// Numbers of a term in registers, and what graph type they are of.
struct Number {
  Value value;
  Type type;
};

/// Computes a term's elements: a leaf is stored, all else is f32, or f64.
class TermEmitter {
public:
  TermEmitter(CodeBuilder &kernel, ElementEmitter &emitter, htq::DequantizeOp op)
      : k(kernel), emitter(emitter), op(op), leaves(op.getLeaves()) {}

  Number emit(Attribute term, ArrayRef<Index> indices, Lanes lanes) {
    if (isa<TypeAttr>(term)) {
      Value leaf = leaves.front();
      leaves = leaves.drop_front();
      return {emitter.get(leaf, indices, lanes), getElementTypeOrSelf(leaf.getType())};
    }
    if (auto affine = dyn_cast<htq::AffineAttr>(term))
      return emitAffine(affine, indices, lanes);
    if (auto lookup = dyn_cast<htq::LookupAttr>(term))
      return emitLookup(lookup, indices);
    auto sum = cast<htq::SumAttr>(term);
    Number lhs = emit(sum.getLhs(), indices, lanes), rhs = emit(sum.getRhs(), indices, lanes);
    Type real = lhs.type.isF64() ? lhs.type : k.getComputeType(rhs.type);
    return combine<arith::AddFOp>(lhs, rhs, real, lanes);
  }

private:
  Value convert(Number number, Type to, Lanes lanes) {
    return k.splat(emitCast(k, number.value, number.type, to), lanes.width);
  }

  /// x + y or x - y in f64, where that is exact, and rounded to `real`.
  template <typename OpTy>
  Number combine(Number x, Number y, Type real, Lanes lanes) {
    auto isSmall = [](Type type) { return type.getIntOrFloatBitWidth() <= 16 || type.isF32(); };
    Type exact = isSmall(x.type) && isSmall(y.type) ? real : Type(k.b.getF64Type());
    Value result = OpTy::create(k.b, k.loc, convert(x, exact, lanes), convert(y, exact, lanes));
    return {k.convertFloat(result, real), real};
  }

  Number emitAffine(htq::AffineAttr affine, ArrayRef<Index> indices, Lanes lanes) {
    Number codes = emit(affine.getCodes(), indices, lanes);
    auto parameter = [&](Attribute term) {
      Number number;
      // Both blocks' parameters are of the same leaves.
      ValueRange from = leaves;
      number.value = readParameter(k, affine, k.getDims(op.getResult()), indices, lanes,
                                   [&](ArrayRef<Index> at, Lanes width) {
                                     leaves = from;
                                     Number one = emit(term, at, width);
                                     number.type = one.type;
                                     return one.value;
                                   });
      return number;
    };
    Number scale = parameter(affine.getScale());
    Type real = k.getComputeType(scale.type);
    Value difference;
    if (affine.getZero())
      difference = combine<arith::SubFOp>(codes, parameter(affine.getZero()), real, lanes).value;
    else
      difference = convert(codes, real, lanes);
    return {arith::MulFOp::create(k.b, k.loc, difference, convert(scale, real, lanes)), real};
  }

  Number emitLookup(htq::LookupAttr lookup, ArrayRef<Index> indices) {
    Value codes = leaves.front(), extent = k.getDims(leaves[1]).front();
    leaves = leaves.drop_front();
    Value position = emitter.getPosition(codes, indices, extent, op.getLoc());
    return emit(lookup.getCodebook(), Index{position, false}, Lanes());
  }

  CodeBuilder &k;
  ElementEmitter &emitter;
  htq::DequantizeOp op;
  ValueRange leaves; ///< those still to come
};

/// Whether every part of a term has a vector form along axis `lane`; its code leaves,
/// whose lanes are neighbours as they are in the term, go to `operands`.
bool takesLanes(Attribute term, int64_t lane, int64_t width, ValueRange &leaves,
                SmallVectorImpl<std::pair<Value, int64_t>> *operands) {
  if (isa<TypeAttr>(term)) {
    if (operands)
      operands->push_back({leaves.front(), lane});
    leaves = leaves.drop_front();
    return true;
  }
  if (isa<htq::LookupAttr>(term))
    return false;
  if (auto sum = dyn_cast<htq::SumAttr>(term))
    return takesLanes(sum.getLhs(), lane, width, leaves, operands) &&
           takesLanes(sum.getRhs(), lane, width, leaves, operands);
  auto affine = cast<htq::AffineAttr>(term);
  int64_t block = affine.getBlocks()[lane];
  if (block != htq::AffineAttr::kWhole && block != 1 && block < width)
    return false;
  auto *parameters = block == 1 ? operands : nullptr;
  return takesLanes(affine.getCodes(), lane, width, leaves, operands) &&
         takesLanes(affine.getScale(), lane, width, leaves, parameters) &&
         (!affine.getZero() || takesLanes(affine.getZero(), lane, width, leaves, parameters));
}

} // namespace

std::optional<ElementEmitter::LaneOperands> ElementEmitter::getTermOperands(htq::DequantizeOp op,
                                                                            int64_t lane) {
  LaneOperands operands;
  ValueRange leaves = op.getLeaves();
  if (!takesLanes(op.getTerm(), lane, k.lanes, leaves, &operands))
    return std::nullopt;
  return operands;
}

/// Adds the parameters of `affine` that have lanes along axis `lane`; false if it has no vector form there.
static bool addLaneParameters(htq::AffineAttr affine, ValueRange parameters, int64_t lane, int64_t width,
                              SmallVectorImpl<std::pair<Value, int64_t>> &operands) {
  int64_t block = affine.getBlocks()[lane];
  if (block == 1)
    for (Value parameter : parameters)
      operands.push_back({parameter, lane});
  return block == htq::AffineAttr::kWhole || block == 1 || block >= width;
}

std::optional<ElementEmitter::LaneOperands> ElementEmitter::getQuantizeOperands(htq::QuantizeOp op,
                                                                                int64_t lane) {
  LaneOperands operands{{op.getInput(), lane}};
  if (!addLaneParameters(op.getTerm(), op->getOperands().drop_front(), lane, k.lanes, operands))
    return std::nullopt;
  return operands;
}

std::optional<ElementEmitter::LaneOperands> ElementEmitter::getRequantizeOperands(htq::RequantizeOp op,
                                                                                  int64_t lane) {
  LaneOperands operands{{op.getInput().front(), lane}};
  if (!addLaneParameters(op.getFrom(), op.getInput().drop_front(), lane, k.lanes, operands) ||
      !addLaneParameters(op.getTo(), op.getParameters(), lane, k.lanes, operands))
    return std::nullopt;
  return operands;
}

Value ElementEmitter::emitDequantize(htq::DequantizeOp op, ArrayRef<Index> indices, Lanes lanes) {
  Number number = TermEmitter(k, *this, op).emit(op.getTerm(), indices, lanes);
  return emitCast(k, k.splat(number.value, lanes.width), number.type, getElementTypeOrSelf(op.getType()));
}

/// `x` rounded half to even, plus the zero, clamped to integers of type `to`; NaN gives the zero. Asked for
/// the zero in a type that sums are exact in; null is 0.
static Value emitCode(CodeBuilder &k, Value x, function_ref<Value(Type)> getZero, Type to, Lanes lanes) {
  // In f32 a sum of numbers of 16 bits, clamped first, is exact; wider codes need f64.
  unsigned bits = to.getIntOrFloatBitWidth();
  Type real = bits > 16 ? k.b.getF64Type() : getElementTypeOrSelf(x.getType());
  bool isUnsigned = to.isUnsignedInteger() || to.isInteger(1);
  double least = isUnsigned ? 0 : -std::ldexp(1.0, bits - 1);
  double greatest = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
  Arithmetic arithmetic(k, real);
  Value rounded = k.convertFloat(math::RoundEvenOp::create(k.b, k.loc, x), real);
  Value zero = getZero(real);
  if (!zero)
    zero = k.floatConstant(0, real, lanes.width);
  Value low = arithmetic.like(least, rounded), high = arithmetic.like(greatest, rounded);
  Value code = arithmetic.max(rounded, arithmetic.sub(low, zero));
  code = arithmetic.add(arithmetic.min(code, arithmetic.sub(high, zero)), zero);
  code = k.select(arithmetic.isNaN(rounded), zero, code);
  return emitCast(k, code, real, to);
}

Value ElementEmitter::emitRequantize(htq::RequantizeOp op, ArrayRef<Index> indices, Lanes lanes) {
  Value codes = op.getInput()[0];
  Type from = getElementTypeOrSelf(codes.getType()), f32 = k.b.getF32Type();
  Value oldZero = op.getFrom().getZero() ? op.getInput()[2] : Value();
  auto isNarrow = [](Type type) { return type.getIntOrFloatBitWidth() <= 16; };
  bool fits = isNarrow(from) && (!oldZero || isNarrow(getElementTypeOrSelf(oldZero.getType())));
  Type exact = fits ? f32 : Type(k.b.getF64Type());
  auto parameter = [&](htq::AffineAttr affine, Value tensor, Type type) {
    Value element = readParameter(k, affine, k.getDims(op.getResult()), indices, lanes,
                                  [&](ArrayRef<Index> at, Lanes width) { return get(tensor, at, width); });
    return emitCast(k, element, getElementTypeOrSelf(tensor.getType()), type);
  };
  Value difference = emitCast(k, getVector(codes, indices, lanes), from, exact);
  if (oldZero)
    difference = arith::SubFOp::create(k.b, k.loc, difference, parameter(op.getFrom(), oldZero, exact));
  Value factor = arith::DivFOp::create(k.b, k.loc, parameter(op.getFrom(), op.getInput()[1], f32),
                                       parameter(op.getTo(), op.getParameters()[0], f32));
  Value x = arith::MulFOp::create(k.b, k.loc, k.convertFloat(difference, f32), factor);
  auto getZero = [&](Type real) {
    return op.getTo().getZero() ? parameter(op.getTo(), op.getParameters()[1], real) : Value();
  };
  return emitCode(k, x, getZero, getElementTypeOrSelf(op.getType()), lanes);
}

Value ElementEmitter::emitQuantize(htq::QuantizeOp op, ArrayRef<Index> indices, Lanes lanes) {
  Type from = getElementTypeOrSelf(op.getInput().getType()), to = getElementTypeOrSelf(op.getType());
  Type real = k.getComputeType(from);
  auto parameter = [&](Value tensor, Type type) {
    Value element = readParameter(k, op.getTerm(), k.getDims(op.getInput()), indices, lanes,
                                  [&](ArrayRef<Index> at, Lanes width) { return get(tensor, at, width); });
    return emitCast(k, element, getElementTypeOrSelf(tensor.getType()), type);
  };
  Value x = k.convertFloat(getVector(op.getInput(), indices, lanes), real);
  Value quotient = arith::DivFOp::create(k.b, k.loc, x, parameter(op.getScale(), real));
  if (isa<FloatType>(to))
    return emitCast(k, quotient, real, to, !op.getUnsaturated());

  auto getZero = [&](Type type) { return op.getZero() ? parameter(op.getZero(), type) : Value(); };
  return emitCode(k, quotient, getZero, to, lanes);
}

} // namespace halftone::elements
