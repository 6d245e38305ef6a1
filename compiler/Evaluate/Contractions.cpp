//===- Contractions.cpp - matrix products, reductions, scans ----------------===//

#include "compiler/Evaluate/Contractions.h"

#include "compiler/Evaluate/Codec.h"
#include "compiler/Evaluate/Handlers.h"
#include "compiler/Evaluate/Strided.h"
#include "dialects/HT/HTOps.h"

using namespace mlir;

namespace halftone::evaluate {

double dot(const double *x, const double *y, int64_t n) {
  // Fixed partial sums: fast enough to run a model, and the same on every machine.
  constexpr int64_t lanes = 8;
  double sums[lanes] = {};
  int64_t k = 0;
  for (; k + lanes <= n; k += lanes)
    for (int64_t lane = 0; lane < lanes; ++lane)
      sums[lane] += x[k + lane] * y[k + lane];
  for (; k < n; ++k)
    sums[k % lanes] += x[k] * y[k];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static int64_t dot(const int64_t *x, const int64_t *y, int64_t n) {
  uint64_t sum = 0;
  for (int64_t k = 0; k < n; ++k)
    sum += uint64_t(x[k]) * uint64_t(y[k]);
  return static_cast<int64_t>(sum);
}

namespace {

//===----------------------------------------------------------------------===//
// Matrix product
//===----------------------------------------------------------------------===//

template <typename T>
void multiply(const Tensor &lhs, const Tensor &rhsTransposed, Tensor &result) {
  int64_t m = lhs.getDim(lhs.getRank() - 2), k = lhs.getShape().back();
  int64_t n = rhsTransposed.getDim(rhsTransposed.getRank() - 2);
  int64_t batches = getNumElements(lhs.getShape().drop_back(2));
  std::vector<T> x(m * k), y(n * k), z(n);
  for (int64_t b = 0; b < batches; ++b) {
    lhs.read(b * m * k, MutableArrayRef<T>(x));
    rhsTransposed.read(b * n * k, MutableArrayRef<T>(y));
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j)
        z[j] = dot(x.data() + i * k, y.data() + j * k, k);
      result.write((b * m + i) * n, ArrayRef<T>(z));
    }
  }
}

llvm::Expected<Tensor> evaluateMatMul(ht::MatMulOp op, Frame &frame) {
  Tensor lhs = frame.get(op.getLhs()), rhs = frame.get(op.getRhs());
  Tensor result = frame.allocate(op.getResult());
  // A vector is a matrix of one row or one column.
  Shape batch(result.getShape().drop_back((lhs.getRank() > 1) + (rhs.getRank() > 1)));
  if (lhs.getRank() == 1)
    lhs = lhs.reshaped({1, lhs.getDim(0)});
  if (rhs.getRank() == 1)
    rhs = rhs.reshaped({rhs.getDim(0), 1});
  auto widen = [&](const Tensor &tensor) {
    Shape shape = batch;
    llvm::append_range(shape, tensor.getShape().take_back(2));
    return broadcastTo(tensor, shape);
  };
  SmallVector<int64_t> swap = llvm::to_vector(llvm::seq<int64_t>(rhs.getRank()));
  std::swap(swap[swap.size() - 1], swap[swap.size() - 2]);
  lhs = widen(lhs);
  rhs = widen(transpose(rhs, swap));
  if (isFloat(result.getKind()))
    multiply<double>(lhs, rhs, result);
  else
    multiply<int64_t>(lhs, rhs, result);
  return result;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

template <typename T>
T startOf(ht::ReduceKind kind, ElementKind element) {
  switch (kind) {
  case ht::ReduceKind::Sum:
  case ht::ReduceKind::Mean:
    return 0;
  case ht::ReduceKind::Prod:
    return 1;
  case ht::ReduceKind::Max:
  case ht::ReduceKind::Min:
    break;
  }
  // The least or greatest value of the element type: what no element leaves behind.
  bool least = kind == ht::ReduceKind::Max;
  if constexpr (std::is_floating_point_v<T>)
    return least ? -INFINITY : INFINITY;
  else
    return withCodec(element, [&](auto codec) -> T {
      using Storage = typename decltype(codec)::Storage;
      return static_cast<T>(least ? std::numeric_limits<Storage>::lowest()
                                  : std::numeric_limits<Storage>::max());
    });
}

/// Reduces the last axis of [rows, n].
template <typename T>
void reduceRows(ht::ReduceKind kind, const Tensor &input, int64_t n, Tensor &result) {
  std::vector<T> row(n);
  for (int64_t i = 0; i < result.getNumElements(); ++i) {
    input.read(i * n, MutableArrayRef<T>(row));
    T value = startOf<T>(kind, input.getKind());
    for (T x : row)
      value = combine(kind, value, x);
    if (kind == ht::ReduceKind::Mean)
      value /= static_cast<T>(n);
    result.write(i, ArrayRef<T>(value));
  }
}

llvm::Expected<Tensor> evaluateReduce(ht::ReduceOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor result = frame.allocate(op.getResult());
  // Reduced axes last, so that one row holds what is combined.
  SmallVector<int64_t> order;
  int64_t n = 1;
  for (int64_t axis = 0; axis < input.getRank(); ++axis)
    if (!llvm::is_contained(op.getAxes(), axis))
      order.push_back(axis);
  for (int64_t axis : op.getAxes()) {
    order.push_back(axis);
    n *= input.getDim(axis);
  }
  Tensor rows = transpose(input, order);
  if (!isFloat(input.getKind()) && op.getKind() == ht::ReduceKind::Mean && n == 0 &&
      result.getNumElements() != 0)
    return makeError(op, "integer mean of no elements");
  withArithmetic(input.getKind(),
                 [&](auto zero) { reduceRows<decltype(zero)>(op.getKind(), rows, n, result); });
  return result;
}

//===----------------------------------------------------------------------===//
// Along one axis
//===----------------------------------------------------------------------===//

/// Calls `function` with each line along `axis`, as numbers it may change, and stores them.
template <typename T, typename Function>
Tensor mapLines(const Tensor &input, int64_t axis, Function function) {
  int64_t n = input.getDim(axis), inner = getNumElements(input.getShape().drop_front(axis + 1));
  int64_t outer = getNumElements(input.getShape().take_front(axis));
  Tensor result = Tensor::allocate(input.getKind(), input.getShape());
  std::vector<T> plane(n * inner), line(n);
  for (int64_t p = 0; p < outer; ++p) {
    input.read(p * n * inner, MutableArrayRef<T>(plane));
    for (int64_t q = 0; q < inner; ++q) {
      for (int64_t i = 0; i < n; ++i)
        line[i] = plane[i * inner + q];
      function(MutableArrayRef<T>(line));
      for (int64_t i = 0; i < n; ++i)
        plane[i * inner + q] = line[i];
    }
    result.write(p * n * inner, ArrayRef<T>(plane));
  }
  return result;
}

llvm::Expected<Tensor> evaluateSoftmax(ht::SoftmaxOp op, Frame &frame) {
  return mapLines<double>(frame.get(op.getInput()), op.getAxis(), [](MutableArrayRef<double> line) {
    double max = -INFINITY, sum = 0;
    for (double x : line)
      max = std::max(max, x);
    for (double &x : line)
      sum += x = std::exp(x - max);
    for (double &x : line)
      x /= sum;
  });
}

template <typename T>
void accumulate(MutableArrayRef<T> line, bool exclusive, bool reverse) {
  using Wrapping = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;
  Wrapping sum = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    T &x = line[reverse ? line.size() - 1 - i : i];
    Wrapping before = sum;
    sum += Wrapping(x);
    x = static_cast<T>(exclusive ? before : sum);
  }
}

llvm::Expected<Tensor> evaluateCumSum(ht::CumSumOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  bool exclusive = op.getExclusive(), reverse = op.getReverse();
  return withArithmetic(input.getKind(), [&](auto zero) {
    using T = decltype(zero);
    return mapLines<T>(input, op.getAxis(),
                       [=](MutableArrayRef<T> line) { accumulate(line, exclusive, reverse); });
  });
}

} // namespace

void addContractions(InterpreterTable &table) {
  table.add<ht::CumSumOp>(evaluateCumSum);
  table.add<ht::MatMulOp>(evaluateMatMul);
  table.add<ht::ReduceOp>(evaluateReduce);
  table.add<ht::SoftmaxOp>(evaluateSoftmax);
}

} // namespace halftone::evaluate
