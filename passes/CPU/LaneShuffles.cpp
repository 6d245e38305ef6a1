//===- LaneShuffles.cpp - what moves between the lanes of vectors -----------===//

#include "passes/CPU/LaneShuffles.h"

using namespace mlir;

namespace halftone::cpu {

std::pair<Value, Value> exchangeLanes(KernelBuilder &k, Value x, Value y, int64_t size) {
  SmallVector<int64_t> without, with;
  for (int64_t lane = 0, count = KernelBuilder::getWidth(x); lane < count; ++lane) {
    without.push_back(lane & size ? count + lane - size : lane);
    with.push_back(lane & size ? count + lane : lane + size);
  }
  return {vector::ShuffleOp::create(k.b, k.loc, x, y, without),
          vector::ShuffleOp::create(k.b, k.loc, x, y, with)};
}

void transposeLanes(KernelBuilder &k, MutableArrayRef<Value> vectors) {
  int64_t count = vectors.size();
  for (int64_t size = count / 2; size; size /= 2)
    for (int64_t i = 0; i < count; ++i)
      if (!(i & size))
        std::tie(vectors[i], vectors[i + size]) = exchangeLanes(k, vectors[i], vectors[i + size], size);
}

Value sumLanes(KernelBuilder &k, SmallVector<Value> vectors) {
  // Each round adds the halves of the blocks of lanes that a sum is in, and puts two sums side by side.
  for (int64_t size = vectors.size() / 2; size; size /= 2) {
    for (int64_t i = 0; i < size; ++i) {
      auto [without, with] = exchangeLanes(k, vectors[i], vectors[i + size], size);
      vectors[i] = arith::AddFOp::create(k.b, k.loc, without, with);
    }
    vectors.truncate(size);
  }
  return vectors.front();
}

Value foldLanes(KernelBuilder &k, Value vector, function_ref<Value(Value, Value)> combine) {
  for (int64_t count = KernelBuilder::getWidth(vector), size = count / 2; size; size /= 2) {
    SmallVector<int64_t> order;
    for (int64_t lane = 0; lane < count; ++lane)
      order.push_back(lane ^ size);
    vector = combine(vector, vector::ShuffleOp::create(k.b, k.loc, vector, vector, order));
  }
  return vector;
}

} // namespace halftone::cpu
