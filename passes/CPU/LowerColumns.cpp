//===- LowerColumns.cpp - kernels that walk an axis for every column --------===//
//
// Softmax along an inner axis, and running sums. A work item is some columns: all
// indices but the one along the axis, as many vectors as fill a cache line or two.
// It walks the axis, once for each statistic and once for the result, with lanes
// along the last axis; where that is the axis itself, a column is one element wide.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/Arithmetic.h"
#include "passes/CPU/LoopNests.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

/// Columns that one thread takes at a time.
constexpr int64_t kChunk = 64;

class ColumnEmitter {
public:
  ColumnEmitter(KernelBuilder &kernel, Operation *root, int64_t axis)
      : k(kernel), emitter(kernel), root(root), input(root->getOperand(0)),
        output(kernel.getYield().getOperand(0)), element(getElementTypeOrSelf(input.getType())),
        arithmetic(kernel, element), axis(axis), last(cast<RankedTensorType>(input.getType()).getRank() - 1),
        dims(kernel.getDims(input)) {}

  void emit() {
    bool vectors = axis != last;
    Value columns = axis == last ? k.constant(1) : dims[last];
    SmallVector<Value> outer(dims);
    outer[axis] = k.constant(1);
    outer[last] = k.ceilDiv(columns, kChunk);
    auto [begin, end] = k.getShare(k.getProduct(outer));
    k.loop(begin, end, 1, [&](Value item) {
      SmallVector<Value> at = k.delinearize(item, outer);
      Value first = k.mul(at[last], kChunk);
      k.vectorLoop(k.min(k.constant(kChunk), k.sub(columns, first)), vectors ? k.lanes : 1,
                   [&](Index column, Lanes lanes) {
                     Indices indices;
                     for (Value index : at)
                       indices.push_back({index, false});
                     indices[last] = {k.add(first, column.base), column.lane};
                     emitColumn(indices, lanes);
                   });
    });
  }

private:
  virtual void emitColumn(Indices &indices, Lanes lanes) = 0;

protected:
  Value load(Indices &indices, Value i, Lanes lanes) {
    indices[axis] = {i, false};
    return k.widen(emitter.getVector(input, indices, lanes));
  }

  /// f(carried, x[i]) along the axis.
  Value fold(Indices &indices, Lanes lanes, Value initial, function_ref<Value(Value, Value)> f) {
    return k.loop(k.constant(0), dims[axis], 1, initial,
                  [&](Value i, ValueRange carried) -> SmallVector<Value> {
                    return {f(carried[0], load(indices, i, lanes))};
                  })[0];
  }

  /// Stores the kernel's result at `i`, where the root's is `value`.
  void store(Indices &indices, Value i, Lanes lanes, Value value) {
    Value narrow = isa<FloatType>(element) ? k.convertFloat(value, element) : value;
    emitter.bind(root->getResult(0), [=](ArrayRef<Index>, Lanes) { return narrow; });
    indices[axis] = {i, false};
    k.store(emitter.getVector(output, indices, lanes), k.getOutput(0), k.linearize(dims, indices).base,
            lanes);
  }

  /// A zero as elements are computed.
  Value getZero(Lanes lanes) {
    return k.getZero(isa<FloatType>(element) ? k.getComputeType(element) : element, lanes.width);
  }

  ~ColumnEmitter() = default;

  KernelBuilder &k;
  ElementEmitter emitter;
  Operation *root;
  Value input, output;
  Type element;
  Arithmetic arithmetic;
  int64_t axis, last;
  SmallVector<Value> dims;
};

class SoftmaxEmitter final : public ColumnEmitter {
public:
  SoftmaxEmitter(KernelBuilder &kernel, ht::SoftmaxOp root) : ColumnEmitter(kernel, root, root.getAxis()) {}

private:
  void emitColumn(Indices &indices, Lanes lanes) override {
    Value zero = getZero(lanes);
    Value largest = fold(indices, lanes, arithmetic.getLeast(zero),
                         [&](Value before, Value x) { return arithmetic.max(before, x); });
    auto shifted = [&](Value x) { return arithmetic.make<math::ExpOp>(arithmetic.sub(x, largest)); };
    Value sum =
        fold(indices, lanes, zero, [&](Value before, Value x) { return arithmetic.add(before, shifted(x)); });
    k.loop(k.constant(0), dims[axis], 1,
           [&](Value i) { store(indices, i, lanes, arithmetic.div(shifted(load(indices, i, lanes)), sum)); });
  }
};

class CumSumEmitter final : public ColumnEmitter {
public:
  CumSumEmitter(KernelBuilder &kernel, ht::CumSumOp root)
      : ColumnEmitter(kernel, root, root.getAxis()), sum(root) {}

private:
  void emitColumn(Indices &indices, Lanes lanes) override {
    k.loop(k.constant(0), dims[axis], 1, getZero(lanes),
           [&](Value step, ValueRange carried) -> SmallVector<Value> {
             Value i = sum.getReverse() ? k.sub(k.sub(dims[axis], k.constant(1)), step) : step;
             Value after = arithmetic.add(carried[0], load(indices, i, lanes));
             store(indices, i, lanes, sum.getExclusive() ? carried[0] : after);
             return {after};
           });
  }

  ht::CumSumOp sum;
};

} // namespace

LogicalResult lowerColumns(KernelBuilder &kernel, Operation *root) {
  if (auto softmax = dyn_cast<ht::SoftmaxOp>(root))
    SoftmaxEmitter(kernel, softmax).emit();
  else
    CumSumEmitter(kernel, cast<ht::CumSumOp>(root)).emit();
  return success();
}

} // namespace halftone::cpu
