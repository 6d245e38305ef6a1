//===- Reductions.cpp - elements of reductions, one at a time ---------------===//
//
// Each element of the result is a loop over its operands' elements. Lanes run
// along the result's last axis where that is not reduced; where it is, and the
// operand is contiguous there, along the operand's, and are combined at the end.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/Arithmetic.h"
#include "passes/Elements/Conversions.h"
#include "passes/CPU/LoopNests.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

using Producer = ElementEmitter::Producer;

/// What is computed with: a mean of integers divides their sum, which may not fit their type.
Type getAccumulated(Operation *op) {
  Type element = getElementTypeOrSelf(op->getOperand(0).getType());
  auto integer = dyn_cast<IntegerType>(element);
  auto reduce = dyn_cast<ht::ReduceOp>(op);
  if (!integer || !reduce || reduce.getKind() != ht::ReduceKind::Mean)
    return element;
  return IntegerType::get(op->getContext(), 64, integer.getSignedness());
}

/// Loops over the axes of one operand, elements widened.
class ReductionEmitter {
public:
  ReductionEmitter(KernelBuilder &kernel, ElementEmitter &emitter, Operation *op)
      : k(kernel), emitter(emitter), input(op->getOperand(0)), element(getAccumulated(op)),
        arithmetic(kernel, element), last(cast<RankedTensorType>(input.getType()).getRank() - 1) {}

  Value reduce(ht::ReduceOp op, ArrayRef<Index> indices, Lanes lanes);
  Value argReduce(ht::ArgReduceOp op, ArrayRef<Index> indices, Lanes lanes);

private:
  Value combine(ht::ReduceKind kind, Value x, Value y);
  Value getNeutral(ht::ReduceKind kind, int64_t width);
  Value combineLanes(ht::ReduceKind kind, Value lanes);
  Value divide(Value sum, Value count);
  Value load(ArrayRef<Index> at, Lanes lanes) {
    Value x = emitter.getVector(input, at, lanes);
    return isa<FloatType>(element) ? k.widen(x)
                                   : emitCast(k, x, getElementTypeOrSelf(input.getType()), element);
  }
  /// A zero as elements are computed.
  Value getZero(int64_t width) {
    return k.getZero(isa<FloatType>(element) ? k.getComputeType(element) : element, width);
  }

  KernelBuilder &k;
  ElementEmitter &emitter;
  Value input;
  Type element;
  Arithmetic arithmetic;
  int64_t last;
};

Value ReductionEmitter::combine(ht::ReduceKind kind, Value x, Value y) {
  switch (kind) {
  case ht::ReduceKind::Max:
    return arithmetic.max(x, y);
  case ht::ReduceKind::Min:
    return arithmetic.min(x, y);
  case ht::ReduceKind::Prod:
    return arithmetic.mul(x, y);
  case ht::ReduceKind::Sum:
  case ht::ReduceKind::Mean:
    return arithmetic.add(x, y);
  }
  llvm_unreachable("all kinds are listed");
}

Value ReductionEmitter::getNeutral(ht::ReduceKind kind, int64_t width) {
  Value zero = getZero(width);
  switch (kind) {
  case ht::ReduceKind::Max:
    return arithmetic.getLeast(zero);
  case ht::ReduceKind::Min:
    return arithmetic.getGreatest(zero);
  case ht::ReduceKind::Prod:
    return arithmetic.like(1, zero);
  case ht::ReduceKind::Sum:
  case ht::ReduceKind::Mean:
    return zero;
  }
  llvm_unreachable("all kinds are listed");
}

Value ReductionEmitter::combineLanes(ht::ReduceKind kind, Value lanes) {
  bool isFloat = isa<FloatType>(element), isUnsigned = element.isUnsignedInteger();
  using Kind = vector::CombiningKind;
  Kind combining = kind == ht::ReduceKind::Max    ? (isFloat      ? Kind::MAXIMUMF
                                                     : isUnsigned ? Kind::MAXUI
                                                                  : Kind::MAXSI)
                   : kind == ht::ReduceKind::Min  ? (isFloat      ? Kind::MINIMUMF
                                                     : isUnsigned ? Kind::MINUI
                                                                  : Kind::MINSI)
                   : kind == ht::ReduceKind::Prod ? Kind::MUL
                                                  : Kind::ADD;
  return vector::ReductionOp::create(k.b, k.loc, combining, lanes);
}

Value ReductionEmitter::divide(Value sum, Value count) {
  Value divisor = arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), count);
  Type type = getElementTypeOrSelf(sum.getType());
  if (isa<FloatType>(type))
    divisor = arith::SIToFPOp::create(k.b, k.loc, type, divisor);
  return arithmetic.div(sum, k.splat(divisor, KernelBuilder::getWidth(sum)));
}

Value ReductionEmitter::reduce(ht::ReduceOp op, ArrayRef<Index> indices, Lanes lanes) {
  ht::ReduceKind kind = op.getKind();
  SmallVector<Value> dims = k.getDims(input);
  // Lanes of partial results along the last axis, unless the result has lanes.
  bool partial =
      lanes.width == 1 && llvm::is_contained(op.getAxes(), last) && emitter.canVectorize(input, last);
  int64_t width = partial ? k.lanes : lanes.width;

  // Each axis has an accumulator of its own: a sum's error grows with the axes'
  // lengths, not with their product.
  Indices at(indices);
  Value neutral = getNeutral(kind, width);
  std::function<Value(size_t)> nest = [&](size_t level) -> Value {
    if (level == op.getAxes().size())
      return load(at, lanes);
    int64_t axis = op.getAxes()[level];
    if (partial && axis == last)
      return k.vectorFold(dims[axis], width, neutral, [&](Index i, Lanes block, Value before) -> Value {
        at[axis] = i;
        Value x = load(at, block);
        if (block.mask)
          x = k.select(block.mask, x, neutral);
        return combine(kind, before, x);
      });
    return k.loop(k.constant(0), dims[axis], 1, neutral,
                  [&](Value i, ValueRange before) -> SmallVector<Value> {
                    at[axis] = {i, false};
                    return {combine(kind, before[0], nest(level + 1))};
                  })[0];
  };
  Value result = nest(0);
  if (partial)
    result = combineLanes(kind, result);
  if (kind == ht::ReduceKind::Mean) {
    Value count = k.constant(1);
    for (int64_t axis : op.getAxes())
      count = k.mul(count, dims[axis]);
    result = divide(result, count);
  }
  return isa<FloatType>(element) ? k.convertFloat(result, element)
                                 : emitCast(k, result, element, getElementTypeOrSelf(op.getType()));
}

Value ReductionEmitter::argReduce(ht::ArgReduceOp op, ArrayRef<Index> indices, Lanes lanes) {
  bool isMax = op.getKind() == ht::ReduceKind::Max;
  using P = ht::ComparePredicate;
  P better = isMax ? (op.getLast() ? P::GE : P::GT) : (op.getLast() ? P::LE : P::LT);
  int64_t axis = op.getAxis();
  SmallVector<Value> start{getNeutral(op.getKind(), lanes.width), k.getZero(k.b.getI64Type(), lanes.width)};
  return k.loop(k.constant(0), k.getDims(input)[axis], 1, start,
                [&](Value i, ValueRange carried) -> SmallVector<Value> {
                  Indices at(indices);
                  at[axis] = {i, false};
                  Value x = load(at, lanes), best = carried[0];
                  Value wins = arithmetic.compare(better, x, best);
                  if (isa<FloatType>(element)) {
                    // The first NaN, or with `last` each, beats all.
                    Value isNaN = arithmetic.isNaN(x);
                    if (!op.getLast())
                      isNaN = arithmetic.both(isNaN, arithmetic.compare(P::EQ, best, best));
                    wins = arithmetic.either(wins, isNaN);
                  }
                  Value position =
                      k.splat(arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), i), lanes.width);
                  return {k.select(wins, x, best), k.select(wins, position, carried[1])};
                })[1];
}

} // namespace

LogicalResult bindReduction(KernelBuilder &k, ElementEmitter &emitter, Operation *root) {
  Value input = root->getOperand(0);
  Producer producer = llvm::TypeSwitch<Operation *, Producer>(root)
                          .Case([&](ht::ReduceOp op) -> Producer {
                            return [&k, &emitter, op](ArrayRef<Index> indices, Lanes lanes) {
                              return ReductionEmitter(k, emitter, op).reduce(op, indices, lanes);
                            };
                          })
                          .Case([&](ht::ArgReduceOp op) -> Producer {
                            return [&k, &emitter, op](ArrayRef<Index> indices, Lanes lanes) {
                              return ReductionEmitter(k, emitter, op).argReduce(op, indices, lanes);
                            };
                          })
                          .Default([](Operation *) { return Producer(); });
  if (!producer)
    return root->emitOpError() << "has no lowering to the CPU";

  emitter.bind(root->getResult(0), producer);
  // Lanes run along an axis that the root does not walk itself.
  emitter.limitLanes(root->getResult(0), [&emitter, input, root](int64_t lane) {
    bool walks = llvm::TypeSwitch<Operation *, bool>(root)
                     .Case([&](ht::ReduceOp op) { return llvm::is_contained(op.getAxes(), lane); })
                     .Case([&](ht::ArgReduceOp op) { return static_cast<int64_t>(op.getAxis()) == lane; });
    return !walks && emitter.canVectorize(input, lane);
  });
  return success();
}

} // namespace halftone::cpu
