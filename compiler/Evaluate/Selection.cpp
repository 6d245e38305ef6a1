//===- Selection.cpp - elements chosen by index or by rank ------------------===//

#include "compiler/Evaluate/Codec.h"
#include "compiler/Evaluate/Contractions.h"

#include <numeric>

using namespace mlir;

namespace halftone::evaluate {

llvm::Expected<int64_t> resolveIndex(Operation *op, int64_t index, int64_t size) {
  if (index >= -size && index < size)
    return index < 0 ? index + size : index;
  return makeError(op, "index " + Twine(index) + " is outside [" + Twine(-size) + ", " + Twine(size) + ")");
}

std::vector<int64_t> readIndices(const Tensor &tensor) {
  std::vector<int64_t> indices = tensor.toVector<int64_t>();
  if (isUnsigned(tensor.getKind()))
    for (int64_t &index : indices)
      index = index < 0 ? std::numeric_limits<int64_t>::max() : index;
  return indices;
}

namespace {

//===----------------------------------------------------------------------===//
// By index
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> evaluateGather(ht::GatherOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor result = frame.allocate(op.getResult());
  int64_t axis = op.getAxis(), size = input.getDim(axis);
  int64_t outer = getNumElements(input.getShape().take_front(axis));
  int64_t row = getNumElements(input.getShape().drop_front(axis + 1)) * input.getElementSize();
  std::vector<int64_t> indices = readIndices(frame.get(op.getIndices()));
  for (int64_t &index : indices) {
    auto resolved = resolveIndex(op, index, size);
    if (!resolved)
      return resolved.takeError();
    index = *resolved;
  }
  char *to = result.getMutableData();
  for (int64_t p = 0; p < outer && row; ++p)
    for (int64_t index : indices) {
      std::memcpy(to, input.data() + (p * size + index) * row, row);
      to += row;
    }
  return result;
}

/// The flat position of the first element that each index tuple means in a tensor of `shape`.
llvm::Expected<std::vector<int64_t>> resolveTuples(Operation *op, const Tensor &indices,
                                                   ArrayRef<int64_t> shape) {
  int64_t tuple = indices.getShape().back();
  Shape strides = getStrides(shape);
  std::vector<int64_t> values = readIndices(indices);
  std::vector<int64_t> positions(getNumElements(indices.getShape().drop_back()), 0);
  for (auto [i, position] : llvm::enumerate(positions))
    for (int64_t k = 0; k < tuple; ++k) {
      auto index = resolveIndex(op, values[i * tuple + k], shape[k]);
      if (!index)
        return index.takeError();
      position += *index * strides[k];
    }
  return positions;
}

llvm::Expected<Tensor> evaluateGatherND(ht::GatherNDOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput()), &indices = frame.get(op.getIndices());
  Tensor result = frame.allocate(op.getResult());
  int64_t row =
      getNumElements(input.getShape().drop_front(indices.getShape().back())) * input.getElementSize();
  auto positions = resolveTuples(op, indices, input.getShape());
  if (!positions)
    return positions.takeError();
  for (auto [i, position] : llvm::enumerate(*positions))
    if (row)
      std::memcpy(result.getMutableData() + i * row, input.data() + position * input.getElementSize(), row);
  return result;
}

ht::ReduceKind getReduceKind(ht::ScatterReduction reduction) {
  switch (reduction) {
  case ht::ScatterReduction::None:
  case ht::ScatterReduction::Add:
    return ht::ReduceKind::Sum;
  case ht::ScatterReduction::Mul:
    return ht::ReduceKind::Prod;
  case ht::ScatterReduction::Max:
    return ht::ReduceKind::Max;
  case ht::ScatterReduction::Min:
    return ht::ReduceKind::Min;
  }
  llvm_unreachable("covered switch");
}

llvm::Expected<Tensor> evaluateScatterND(ht::ScatterNDOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput()), &indices = frame.get(op.getIndices());
  const Tensor &updates = frame.get(op.getUpdates());
  Tensor result = Tensor::copy(input.getKind(), input.getShape(), input.getBytes());
  int64_t row = getNumElements(input.getShape().drop_front(indices.getShape().back())),
          size = input.getElementSize();
  ht::ReduceKind kind = getReduceKind(op.getReduction());
  auto positions = resolveTuples(op, indices, input.getShape());
  if (!positions)
    return positions.takeError();
  for (auto [i, position] : llvm::enumerate(*positions)) {
    if (op.getReduction() == ht::ScatterReduction::None) {
      if (row)
        std::memcpy(result.getMutableData() + position * size, updates.data() + i * row * size, row * size);
      continue;
    }
    // Each update rounds to the element type, as the element that it meets is one of that type.
    withArithmetic(input.getKind(), [&](auto zero) {
      std::vector<decltype(zero)> x(row), y(row);
      result.read(position, MutableArrayRef(x));
      updates.read(i * row, MutableArrayRef(y));
      for (int64_t k = 0; k < row; ++k)
        x[k] = combine(kind, x[k], y[k]);
      result.write(position, ArrayRef(x));
    });
  }
  return result;
}

//===----------------------------------------------------------------------===//
// By rank
//===----------------------------------------------------------------------===//

/// Calls `function` with each line of `input` along `axis` as numbers, and the flat position of its
/// element 0 in a tensor that has `size` elements along the axis, where the elements of a line are
/// `inner` apart.
template <typename T, typename Function>
void forLines(const Tensor &input, int64_t axis, int64_t size, Function function) {
  int64_t n = input.getDim(axis), inner = getNumElements(input.getShape().drop_front(axis + 1));
  int64_t outer = getNumElements(input.getShape().take_front(axis));
  std::vector<T> plane(n * inner), line(n);
  for (int64_t p = 0; p < outer; ++p) {
    input.read(p * n * inner, MutableArrayRef<T>(plane));
    for (int64_t q = 0; q < inner; ++q) {
      for (int64_t i = 0; i < n; ++i)
        line[i] = plane[i * inner + q];
      function(ArrayRef<T>(line), p * size * inner + q, inner);
    }
  }
}

/// Whether x comes before y from the largest on; NaN is larger than any number.
template <typename T>
bool isLarger(T x, T y) {
  return x > y || (x != x && y == y);
}

llvm::Error evaluateTopK(Operation *operation, Frame &frame, SmallVectorImpl<Tensor> &results) {
  auto op = cast<ht::TopKOp>(operation);
  const Tensor &input = frame.get(op.getInput());
  Tensor values = frame.allocate(op.getValues()), indices = frame.allocate(op.getIndices());
  int64_t k = op.getK(), n = input.getDim(op.getAxis());
  if (k > n)
    return makeError(op, "cannot choose " + Twine(k) + " of " + Twine(n) + " elements");
  withArithmetic(input.getKind(), [&](auto zero) {
    using T = decltype(zero);
    std::vector<int64_t> order(n);
    forLines<T>(input, op.getAxis(), k, [&](ArrayRef<T> line, int64_t at, int64_t step) {
      std::iota(order.begin(), order.end(), 0);
      llvm::sort(order, [&](int64_t i, int64_t j) {
        if (isLarger(line[i], line[j]) || isLarger(line[j], line[i]))
          return isLarger(line[i], line[j]) != op.getSmallest();
        return i < j;
      });
      for (int64_t i = 0; i < k; ++i) {
        values.write(at + i * step, ArrayRef<T>(line[order[i]]));
        indices.write(at + i * step, ArrayRef<int64_t>(order[i]));
      }
    });
  });
  results.push_back(std::move(values));
  results.push_back(std::move(indices));
  return llvm::Error::success();
}

llvm::Expected<Tensor> evaluateArgReduce(ht::ArgReduceOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor result = frame.allocate(op.getResult());
  if (input.getDim(op.getAxis()) == 0 && result.getNumElements() != 0)
    return makeError(op, "chooses among no elements");
  bool isMax = op.getKind() == ht::ReduceKind::Max;
  withArithmetic(input.getKind(), [&](auto zero) {
    using T = decltype(zero);
    // NaN goes before every number, whether the greatest or the least is asked for.
    auto wins = [&](T x, T y) { return x != x ? y == y : y == y && (isMax ? x > y : x < y); };
    forLines<T>(input, op.getAxis(), 1, [&](ArrayRef<T> line, int64_t at, int64_t) {
      int64_t best = 0;
      for (int64_t i = 1, n = line.size(); i < n; ++i)
        if (op.getLast() ? !wins(line[best], line[i]) : wins(line[i], line[best]))
          best = i;
      result.write(at, ArrayRef<int64_t>(best));
    });
  });
  return result;
}

} // namespace

void addSelection(InterpreterTable &table) {
  table.add<ht::ArgReduceOp>(evaluateArgReduce);
  table.add<ht::GatherNDOp>(evaluateGatherND);
  table.add<ht::GatherOp>(evaluateGather);
  table.add<ht::ScatterNDOp>(evaluateScatterND);
  table.add(ht::TopKOp::getOperationName(), evaluateTopK);
}

} // namespace halftone::evaluate
