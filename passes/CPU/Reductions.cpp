//===- Reductions.cpp - elements of reductions, one at a time ---------------===//
//
// The generic form of every root that has no loop nest of its own: correct for
// any shape and element type, with lanes along an axis that is not reduced.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LoopNests.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

using Producer = ElementEmitter::Producer;

class ReductionEmitter {
public:
  ReductionEmitter(KernelBuilder &kernel, ElementEmitter &emitter) : k(kernel), emitter(emitter) {}

  /// sum/max/… of `element(i)` for i in [0, size), lanes as given.
  Value accumulate(Value size, Value initial, function_ref<Value(Value, Value)> combine,
                   function_ref<Value(Value)> element) {
    return k.loop(k.constant(0), size, 1, initial, [&](Value i, ValueRange carried) -> SmallVector<Value> {
      return {combine(carried[0], element(i))};
    })[0];
  }

  Value addTo(Value x, Value y) {
    return isa<FloatType>(getElementTypeOrSelf(x.getType())) ? Value(arith::AddFOp::create(k.b, k.loc, x, y))
                                                             : Value(arith::AddIOp::create(k.b, k.loc, x, y));
  }
  Value multiply(Value x, Value y) {
    return isa<FloatType>(getElementTypeOrSelf(x.getType())) ? Value(arith::MulFOp::create(k.b, k.loc, x, y))
                                                             : Value(arith::MulIOp::create(k.b, k.loc, x, y));
  }

  Type accumulator(Type element) {
    return isa<Float16Type, BFloat16Type>(element) ? Type(k.b.getF32Type()) : element;
  }
  Value zero(Type element, int64_t width) {
    return arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(k.getType(accumulator(element), width)));
  }
  Value number(double value, Type element, int64_t width) {
    Type type = accumulator(element);
    if (isa<FloatType>(type))
      return k.floatConstant(value, type, width);
    return k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getIntegerAttr(type, static_cast<int64_t>(value))), width);
  }
  Value narrow(Value value, Type element) {
    return isa<FloatType>(element) ? k.convertFloat(value, element) : value;
  }

  Value load(Value tensor, ArrayRef<Index> at, Lanes lanes) {
    return k.widen(emitter.getVector(tensor, at, lanes));
  }

  Producer reduce(ht::ReduceOp op);
  Producer matmul(Value lhs, Value rhs, Value bias, Type element, bool transposed);
  Producer softmax(ht::SoftmaxOp op);
  Producer cumsum(ht::CumSumOp op);

private:
  KernelBuilder &k;
  ElementEmitter &emitter;
};

Producer ReductionEmitter::reduce(ht::ReduceOp op) {
  return [this, op](ArrayRef<Index> indices, Lanes lanes) mutable -> Value {
    Type element = getElementTypeOrSelf(op.getType());
    bool isFloat = isa<FloatType>(element);
    double inf = std::numeric_limits<double>::infinity();
    double smallest = isFloat ? -inf : -std::ldexp(1.0, element.getIntOrFloatBitWidth() - 1);
    ht::ReduceKind kind = op.getKind();
    Value initial = kind == ht::ReduceKind::Max   ? number(smallest, element, lanes.width)
                    : kind == ht::ReduceKind::Min ? number(isFloat ? inf : -(smallest + 1), element, lanes.width)
                    : kind == ht::ReduceKind::Prod ? number(1, element, lanes.width)
                                                   : zero(element, lanes.width);
    auto combine = [&](Value x, Value y) -> Value {
      switch (kind) {
      case ht::ReduceKind::Max:
        return isFloat ? Value(arith::MaximumFOp::create(k.b, k.loc, x, y))
                       : Value(arith::MaxSIOp::create(k.b, k.loc, x, y));
      case ht::ReduceKind::Min:
        return isFloat ? Value(arith::MinimumFOp::create(k.b, k.loc, x, y))
                       : Value(arith::MinSIOp::create(k.b, k.loc, x, y));
      case ht::ReduceKind::Prod:
        return multiply(x, y);
      default:
        return addTo(x, y);
      }
    };
    SmallVector<Value> dims = k.getDims(op.getInput());
    Indices at(indices);
    Value count = k.constant(1);
    std::function<Value(size_t, Value)> nest = [&](size_t level, Value carried) -> Value {
      if (level == op.getAxes().size())
        return combine(carried, load(op.getInput(), at, lanes));
      int64_t axis = op.getAxes()[level];
      return k.loop(k.constant(0), dims[axis], 1, carried, [&](Value i, ValueRange inner) -> SmallVector<Value> {
        at[axis] = {i, false};
        return {nest(level + 1, inner[0])};
      })[0];
    };
    Value result = nest(0, initial);
    if (kind == ht::ReduceKind::Mean) {
      for (int64_t axis : op.getAxes())
        count = k.mul(count, dims[axis]);
      Value divisor = arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), count);
      Type type = accumulator(element);
      if (isFloat)
        divisor = arith::SIToFPOp::create(k.b, k.loc, type, divisor);
      else if (!type.isInteger(64))
        divisor = arith::TruncIOp::create(k.b, k.loc, type, divisor);
      divisor = k.splat(divisor, lanes.width);
      result = isFloat ? Value(arith::DivFOp::create(k.b, k.loc, result, divisor))
                       : Value(arith::DivSIOp::create(k.b, k.loc, result, divisor));
    }
    return narrow(result, element);
  };
}

/// `rhs` is [n, k] when `transposed`, else […, k, n]; vectors drop an axis as in numpy.
Producer ReductionEmitter::matmul(Value lhs, Value rhs, Value bias, Type element, bool transposed) {
  return [=, this](ArrayRef<Index> indices, Lanes lanes) -> Value {
    size_t lhsRank = cast<RankedTensorType>(lhs.getType()).getRank();
    size_t rhsRank = cast<RankedTensorType>(rhs.getType()).getRank();
    bool rowVector = lhsRank == 1, columnVector = rhsRank == 1;
    ArrayRef<Index> batch = indices.drop_back((rowVector ? 0 : 1) + (columnVector ? 0 : 1));
    Index row = rowVector ? Index() : indices[batch.size()];
    Index column = columnVector ? Index() : indices.back();
    auto batchOf = [&](Value tensor, size_t rank) {
      Indices at;
      ht::Dims dims = ht::getDims(tensor);
      size_t count = rank >= 2 ? rank - 2 : 0;
      for (auto [dim, index] : llvm::zip(ArrayRef<ht::Dim>(dims).take_front(count), batch.take_back(count)))
        at.push_back(ht::getConstant(dim) == 1 ? Index{k.constant(0), false} : index);
      return at;
    };
    Value size = k.getDims(lhs).back();
    Value sum = accumulate(
        size, zero(element, lanes.width), [&](Value x, Value y) { return addTo(x, y); },
        [&](Value i) {
          Indices left = batchOf(lhs, lhsRank), right = transposed ? Indices() : batchOf(rhs, rhsRank);
          if (!rowVector)
            left.push_back(row);
          left.push_back({i, false});
          if (transposed)
            right.assign({column, {i, false}});
          else
            right.push_back({i, false});
          if (!columnVector && !transposed)
            right.push_back(column);
          return multiply(load(lhs, left, lanes), load(rhs, right, lanes));
        });
    if (bias)
      sum = addTo(sum, load(bias, column, lanes));
    return narrow(sum, element);
  };
}

Producer ReductionEmitter::softmax(ht::SoftmaxOp op) {
  return [this, op](ArrayRef<Index> indices, Lanes lanes) mutable -> Value {
    Type element = getElementTypeOrSelf(op.getType());
    size_t axis = op.getAxis();
    Value size = k.getDims(op.getInput())[axis];
    auto at = [&](Index i) {
      Indices moved(indices);
      moved[axis] = i;
      return load(op.getInput(), moved, lanes);
    };
    Value largest = accumulate(
        size, number(-std::numeric_limits<double>::infinity(), element, lanes.width),
        [&](Value x, Value y) -> Value { return arith::MaximumFOp::create(k.b, k.loc, x, y); },
        [&](Value i) { return at({i, false}); });
    auto shifted = [&](Index i) -> Value {
      return math::ExpOp::create(k.b, k.loc, arith::SubFOp::create(k.b, k.loc, at(i), largest));
    };
    Value sum = accumulate(
        size, zero(element, lanes.width), [&](Value x, Value y) { return addTo(x, y); },
        [&](Value i) { return shifted({i, false}); });
    return narrow(arith::DivFOp::create(k.b, k.loc, shifted(indices[axis]), sum), element);
  };
}

Producer ReductionEmitter::cumsum(ht::CumSumOp op) {
  return [this, op](ArrayRef<Index> indices, Lanes lanes) mutable -> Value {
    Type element = getElementTypeOrSelf(op.getType());
    size_t axis = op.getAxis();
    Value here = indices[axis].base, size = k.getDims(op.getInput())[axis];
    Value begin = op.getReverse() ? (op.getExclusive() ? k.add(here, 1) : here) : k.constant(0);
    Value end = op.getReverse() ? size : (op.getExclusive() ? here : k.add(here, 1));
    Value sum = k.loop(begin, end, 1, zero(element, lanes.width), [&](Value i, ValueRange carried) -> SmallVector<Value> {
      Indices at(indices);
      at[axis] = {i, false};
      return {addTo(carried[0], load(op.getInput(), at, lanes))};
    })[0];
    return narrow(sum, element);
  };
}

} // namespace

LogicalResult bindReduction(KernelBuilder &k, ElementEmitter &emitter, Operation *root) {
  // The producers keep the emitter of their kernel alive as long as it runs.
  auto reductions = std::make_shared<ReductionEmitter>(k, emitter);
  Type element = getElementTypeOrSelf(root->getResult(0).getType());
  Producer producer =
      llvm::TypeSwitch<Operation *, Producer>(root)
          .Case([&](ht::ReduceOp op) { return reductions->reduce(op); })
          .Case([&](ht::MatMulOp op) { return reductions->matmul(op.getLhs(), op.getRhs(), Value(), element, false); })
          .Case([&](ht::LinearOp op) {
            return reductions->matmul(op.getInput(), op.getWeight(), op.getBias(), element, true);
          })
          .Case([&](ht::SoftmaxOp op) { return reductions->softmax(op); })
          .Case([&](ht::CumSumOp op) { return reductions->cumsum(op); })
          .Default([](Operation *) { return Producer(); });
  if (!producer)
    return root->emitOpError() << "has no lowering to the CPU for element type " << element;

  // Lanes run along the result's last axis; an axis that the root walks itself,
  // or operands that are not contiguous there, leave scalar code.
  int64_t last = cast<RankedTensorType>(root->getResult(0).getType()).getRank() - 1;
  bool vectorizes = llvm::TypeSwitch<Operation *, bool>(root)
                        .Case([&](ht::ReduceOp op) {
                          return last >= 0 && !llvm::is_contained(op.getAxes(), last) &&
                                 emitter.canVectorize(op.getInput(), last);
                        })
                        .Case([&](ht::MatMulOp op) {
                          int64_t rank = cast<RankedTensorType>(op.getRhs().getType()).getRank();
                          return rank > 1 && emitter.canVectorize(op.getRhs(), rank - 1);
                        })
                        .Case([&](ht::SoftmaxOp op) {
                          return static_cast<int64_t>(op.getAxis()) != last && emitter.canVectorize(op.getInput(), last);
                        })
                        .Case([&](ht::CumSumOp op) {
                          return static_cast<int64_t>(op.getAxis()) != last && emitter.canVectorize(op.getInput(), last);
                        })
                        .Default([](Operation *) { return false; });
  emitter.bind(root->getResult(0), [=](ArrayRef<Index> indices, Lanes lanes) -> Value {
    return reductions && vectorizes ? producer(indices, lanes) : producer(indices, Lanes());
  });
  if (!vectorizes)
    emitter.forbidLanes(root->getResult(0));
  return success();
}

} // namespace halftone::cpu
