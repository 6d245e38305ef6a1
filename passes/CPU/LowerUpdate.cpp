//===- LowerUpdate.cpp - new tokens written into a cache --------------------===//
//
// A work item is a row of the last axis of the new tokens, computed where it is
// stored. Nothing else of the cache is touched: the kernel's output is the buffer of
// its state (htk-build-step).
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LoopNests.h"

using namespace mlir;

namespace halftone::cpu {

LogicalResult lowerUpdate(KernelBuilder &k, ht::UpdateOp root) {
  if (k.getYield().getOperand(0) != root.getResult() || !isa<BlockArgument>(root.getState()))
    return root.emitOpError() << "expects its state in memory, and to be the kernel's result";
  ElementEmitter emitter(k);
  SmallVector<Value> state = k.getDims(root.getState()), outer = k.getDims(root.getInput());
  Value columns = outer.pop_back_val();
  int64_t axis = outer.size();
  bool isPerToken = axis == 1; // The last axis is the tokens': one element each.
  if (isPerToken) {
    outer.push_back(columns);
    columns = k.constant(1);
  }
  auto check = [&](Value index, Value bound) -> Value {
    return k.checkIndex(index, bound, root.getLoc());
  };
  auto [begin, end] = k.getShare(k.getProduct(outer));
  k.loop(begin, end, 1, [&](Value item) {
    Indices at;
    for (Value index : k.delinearize(item, outer))
      at.push_back({index, false});
    Value sequence = emitter.getPosition(root.getSequences(), at[0], state[0], root.getLoc());
    Value start = emitter.get(root.getStart(), at[0], Lanes());
    start = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), start);
    Value position = check(k.add(start, at[1].base), state[1]);
    if (!isPerToken)
      at.push_back({});
    k.vectorLoop(columns, isPerToken ? 1 : emitter.getWidth(root.getInput(), axis), [&](Index column, Lanes lanes) {
      if (!isPerToken)
        at.back() = column;
      Indices target(at);
      target[0] = {sequence, false};
      target[1] = {position, false};
      k.store(emitter.getVector(root.getInput(), at, lanes), k.getOutput(0), k.linearize(state, target).base, lanes);
    });
  });
  return success();
}

} // namespace halftone::cpu
