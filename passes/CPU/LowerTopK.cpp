//===- LowerTopK.cpp - the first k of an axis in order ----------------------===//
//
// A work item is one row of the axis. The results are built where they belong: a
// heap of the k best so far, the worst of them on top, over which the rest of the
// row goes (n log k); then the tops are taken off from the end (k log k). Of equal
// elements the position decides, so the order is total and heaps are as good as a
// stable sort.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/Arithmetic.h"
#include "passes/CPU/LoopNests.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

class TopKEmitter {
public:
  TopKEmitter(KernelBuilder &kernel, ht::TopKOp root)
      : k(kernel), emitter(kernel), root(root), element(getElementTypeOrSelf(root.getInput().getType())),
        arithmetic(kernel, element), dims(kernel.getDims(root.getInput())) {}

  void emit() {
    auto axis = static_cast<int64_t>(root.getAxis());
    SmallVector<Value> outer(dims);
    outer[axis] = k.constant(1);
    SmallVector<Value> resultDims = k.getDims(root.getValues());
    Value extent = dims[axis];
    auto [begin, end] = k.getShare(k.getProduct(outer));
    Value wanted = k.constant(root.getK());
    count = wanted;
    if (!getConstantIntValue(extent)) {
      // A row with fewer elements than asked for is reported, and as many are given.
      k.checkIndex(wanted, k.add(extent, 1), root.getLoc());
      count = k.min(wanted, extent);
    }
    stride = k.getProduct(ArrayRef<Value>(dims).drop_front(axis + 1));
    k.loop(begin, end, 1, [&](Value row) {
      Indices at;
      for (Value index : k.delinearize(row, outer))
        at.push_back({index, false});
      start = k.linearize(resultDims, at).base;
      auto read = [&](Value i) {
        at[axis] = {i, false};
        return Entry{emitter.get(root.getInput(), at, Lanes()), toI64(i)};
      };
      k.loop(k.constant(0), count, 1, [&](Value i) { write(i, read(i)); });
      // Parents before their children's last: from the last parent up.
      Value parents = k.div(count, k.constant(2));
      k.loop(k.constant(0), parents, 1, [&](Value step) {
        Value i = k.sub(k.sub(parents, k.constant(1)), step);
        siftDown(i, count, load(i));
      });
      k.loop(count, extent, 1, [&](Value i) {
        Entry candidate = read(i);
        k.branch(precedes(candidate, load(k.constant(0))),
                 [&] { siftDown(k.constant(0), count, candidate); });
      });
      k.loop(k.constant(1), count, 1, [&](Value step) {
        Value size = k.sub(count, step);
        Entry worst = load(k.constant(0)), displaced = load(size);
        write(size, worst);
        siftDown(k.constant(0), size, displaced);
      });
    });
  }

private:
  /// An element as it is stored, and its position.
  struct Entry {
    Value value, position;
  };

  Value toI64(Value index) { return arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), index); }
  Value getPlace(Value i) { return k.add(start, k.mul(i, stride)); }
  Entry load(Value i) {
    Value place = getPlace(i);
    return {k.load(k.getOutput(0), place, element, Lanes()),
            k.load(k.getOutput(1), place, k.b.getI64Type(), Lanes())};
  }
  void write(Value i, Entry entry) {
    Value place = getPlace(i);
    k.store(entry.value, k.getOutput(0), place, Lanes());
    k.store(entry.position, k.getOutput(1), place, Lanes());
  }

  Value precedes(Entry a, Entry b) {
    bool descending = !root.getSmallest();
    Value x = k.widen(a.value), y = k.widen(b.value);
    Value first = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::slt, a.position, b.position);
    Value neither = arithmetic.negate(
        arithmetic.either(arithmetic.precedes(x, y, descending), arithmetic.precedes(y, x, descending)));
    return arithmetic.either(arithmetic.precedes(x, y, descending), arithmetic.both(neither, first));
  }

  /// Puts `entry` at `from` of a heap of `size`, or below, where what follows it is better.
  void siftDown(Value from, Value size, Entry entry) {
    Type index = k.b.getIndexType();
    auto loop = scf::WhileOp::create(k.b, k.loc, TypeRange{index, k.b.getI1Type()},
                                     ValueRange{from, k.less(k.add(k.mul(from, 2), 1), size)});
    OpBuilder::InsertionGuard guard(k.b);
    SmallVector<Location> locations{k.loc, k.loc};
    Block *before = k.b.createBlock(&loop.getBefore(), {}, loop.getOperandTypes(), locations);
    scf::ConditionOp::create(k.b, k.loc, before->getArgument(1), before->getArguments());

    Block *after = k.b.createBlock(&loop.getAfter(), {}, loop.getResultTypes(), locations);
    Value i = after->getArgument(0);
    Value left = k.add(k.mul(i, 2), 1), right = k.add(left, 1);
    // The worse child; where there is one only, it is compared with itself.
    Value other = k.select(k.less(right, size), right, left);
    Value child = k.select(precedes(load(left), load(other)), other, left);
    Entry worse = load(child);
    Value moves = precedes(entry, worse);
    k.branch(moves, [&] { write(i, worse); });
    Value next = k.select(moves, child, i);
    Value more = arithmetic.both(moves, k.less(k.add(k.mul(next, 2), 1), size));
    scf::YieldOp::create(k.b, k.loc, ValueRange{next, more});

    k.b.setInsertionPointAfter(loop);
    write(loop.getResult(0), entry);
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  ht::TopKOp root;
  Type element;
  Arithmetic arithmetic;
  SmallVector<Value> dims;
  Value count, stride, start;
};

} // namespace

LogicalResult lowerTopK(KernelBuilder &kernel, ht::TopKOp root) {
  if (kernel.getYield().getOperands() != root.getResults())
    return root.emitOpError() << "expected a kernel of its own";
  if (root.getK() > 0)
    TopKEmitter(kernel, root).emit();
  return success();
}

} // namespace halftone::cpu
