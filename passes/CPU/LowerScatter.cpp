//===- LowerScatter.cpp - slices replaced by index tuples -------------------===//
//
// Each thread owns a contiguous range of the result. It copies the input's range,
// then goes through all tuples in order and applies the part of each update that
// falls into its range: no barrier, no atomics, and of two updates of one element
// the later stays, whatever the number of threads.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/Arithmetic.h"
#include "passes/CPU/LoopNests.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

class ScatterEmitter {
public:
  ScatterEmitter(KernelBuilder &kernel, ht::ScatterNDOp root)
      : k(kernel), emitter(kernel), root(root), element(getElementTypeOrSelf(root.getType())),
        arithmetic(kernel, element), dims(kernel.getDims(root.getInput())) {
    SmallVector<Value> indexDims = k.getDims(root.getIndices());
    depth = cast<RankedTensorType>(root.getIndices().getType()).getShape().back();
    tupleDims.assign(indexDims.begin(), indexDims.end() - 1);
    tuples = k.getProduct(tupleDims);
    slice = k.getProduct(ArrayRef<Value>(dims).drop_front(depth));
  }

  void emit() {
    std::tie(begin, end) = k.getShare(k.getProduct(dims));
    k.vectorLoop(k.sub(end, begin), k.lanes, [&](Index i, Lanes lanes) {
      Value position = k.add(begin, i.base);
      k.store(load(root.getInput(), position, lanes), k.getOutput(0), position, lanes);
    });
    k.loop(k.constant(0), tuples, 1, [&](Value tuple) { emitUpdate(tuple); });
  }

private:
  Value load(Value tensor, Value position, Lanes lanes) {
    return k.load(k.getBuffer(cast<BlockArgument>(tensor)), position, element, lanes);
  }

  /// The part of a tuple's update that this thread owns.
  void emitUpdate(Value tuple) {
    Indices at;
    for (Value index : k.delinearize(tuple, tupleDims))
      at.push_back({index, false});
    at.push_back({});
    Value target = k.constant(0);
    for (int64_t i = 0; i < depth; ++i) {
      at.back() = {k.constant(i), false};
      target =
          k.add(k.mul(target, dims[i]), emitter.getPosition(root.getIndices(), at, dims[i], root.getLoc()));
    }
    target = k.mul(target, slice);
    Value from = k.max(begin, target), to = k.min(end, k.add(target, slice));
    Value source = k.sub(k.mul(tuple, slice), target);
    k.vectorLoop(k.max(k.constant(0), k.sub(to, from)), k.lanes, [&](Index i, Lanes lanes) {
      Value position = k.add(from, i.base);
      Value update = load(root.getUpdates(), k.add(source, position), lanes);
      if (root.getReduction() != ht::ScatterReduction::None)
        update = combine(k.load(k.getOutput(0), position, element, lanes), update);
      k.store(update, k.getOutput(0), position, lanes);
    });
  }

  Value combine(Value before, Value update) {
    Value x = k.widen(before), y = k.widen(update), result;
    switch (root.getReduction()) {
    case ht::ScatterReduction::None:
      result = y;
      break;
    case ht::ScatterReduction::Add:
      result = arithmetic.add(x, y);
      break;
    case ht::ScatterReduction::Mul:
      result = arithmetic.mul(x, y);
      break;
    case ht::ScatterReduction::Max:
      result = arithmetic.max(x, y);
      break;
    case ht::ScatterReduction::Min:
      result = arithmetic.min(x, y);
      break;
    }
    return isa<FloatType>(element) ? k.convertFloat(result, element) : result;
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  ht::ScatterNDOp root;
  Type element;
  Arithmetic arithmetic;
  SmallVector<Value> dims, tupleDims;
  int64_t depth;
  Value tuples, slice, begin, end;
};

} // namespace

LogicalResult lowerScatter(KernelBuilder &kernel, ht::ScatterNDOp root) {
  for (Value operand : {root.getInput(), root.getUpdates()})
    if (!isa<BlockArgument>(operand))
      return root.emitOpError() << "expects its operands in memory";
  ScatterEmitter(kernel, root).emit();
  return success();
}

} // namespace halftone::cpu
