//===- LowerRows.cpp - kernels that visit their result row by row -----------===//
//
// Pointwise kernels split rows (and long rows into chunks) over the threads.
// Norms and softmax first compute the row's statistics, in f32 (f64 of f64) from
// values that stay in L1, a rotation the whole row; then come the row's elements with
// whatever follows the root.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LoopNests.h"
#include "passes/CPU/RowRotation.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

/// Columns that one thread takes at a time where rows alone would not feed all.
constexpr int64_t kChunk = 1024;

/// Statistics of rows of `input`, read by vectors along the last axis.
class RowStatistics {
public:
  RowStatistics(KernelBuilder &kernel, ElementEmitter &emitter, Value input)
      : k(kernel), emitter(emitter), input(input), size(k.getDims(input).back()),
        width(emitter.canVectorize(input, cast<RankedTensorType>(input.getType()).getRank() - 1) ? k.lanes
                                                                                                 : 1),
        real(k.getComputeType(getElementTypeOrSelf(input.getType()))) {}

  Value load(ArrayRef<Value> row, Index column, Lanes lanes) {
    Indices at;
    for (Value index : row)
      at.push_back({index, false});
    at.push_back(column);
    return k.widen(emitter.getVector(input, at, lanes));
  }

  /// The reduction of f(element) over the row; masked lanes count as `neutral`.
  Value reduce(ArrayRef<Value> row, vector::CombiningKind kind, double neutral,
               function_ref<Value(Value)> f) {
    Value initial = k.floatConstant(neutral, real, width);
    Value lanesResult =
        k.vectorFold(size, width, initial, [&](Index column, Lanes lanes, Value before) -> Value {
          Value x = f(load(row, column, lanes));
          if (lanes.mask)
            x = k.select(lanes.mask, x, initial);
          if (kind == vector::CombiningKind::ADD)
            return arith::AddFOp::create(k.b, k.loc, before, x);
          return arith::MaximumFOp::create(k.b, k.loc, before, x);
        });
    return width == 1 ? lanesResult : Value(vector::ReductionOp::create(k.b, k.loc, kind, lanesResult));
  }

  Value getCount() {
    Value count = arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), size);
    return arith::SIToFPOp::create(k.b, k.loc, real, count);
  }

private:
  KernelBuilder &k;
  ElementEmitter &emitter;
  Value input, size;
  int64_t width;

public:
  /// What statistics, and elements of the root, are computed in.
  const Type real;
};

/// What a row needs before its elements, and its elements.
using RowPrologue = std::function<ElementEmitter::Producer(ArrayRef<Value> row)>;

/// Layer norm and RMS norm: y = (x - mean) * rstd * gamma + beta.
RowPrologue makeNorm(KernelBuilder &k, ElementEmitter &emitter, Operation *root, Value input, Value gamma,
                     Value beta, double epsilon, bool centered) {
  return [=, &k, &emitter](ArrayRef<Value> row) -> ElementEmitter::Producer {
    RowStatistics statistics(k, emitter, input);
    Type real = statistics.real;
    Value count = statistics.getCount(), mean;
    if (centered) {
      Value sum = statistics.reduce(row, vector::CombiningKind::ADD, 0, [](Value x) { return x; });
      mean = arith::DivFOp::create(k.b, k.loc, sum, count);
    }
    auto center = [&k, mean](Value x) -> Value {
      if (!mean)
        return x;
      return arith::SubFOp::create(k.b, k.loc, x, k.splat(mean, KernelBuilder::getWidth(x)));
    };
    // The centered form needs a second pass but no cancellation: var = E[(x - mean)²].
    Value squares = statistics.reduce(row, vector::CombiningKind::ADD, 0, [&](Value x) -> Value {
      Value centeredX = center(x);
      return arith::MulFOp::create(k.b, k.loc, centeredX, centeredX);
    });
    Value variance = arith::DivFOp::create(k.b, k.loc, squares, count);
    Value shifted = arith::AddFOp::create(k.b, k.loc, variance, k.floatConstant(epsilon, real));
    Value root_ = math::SqrtOp::create(k.b, k.loc, shifted);
    Value scale = arith::DivFOp::create(k.b, k.loc, k.floatConstant(1, real), root_);
    SmallVector<Value> rowIndices(row);
    Type element = getElementTypeOrSelf(root->getResult(0).getType());
    return [=, &k, &emitter](ArrayRef<Index> at, Lanes lanes) -> Value {
      Value x = RowStatistics(k, emitter, input).load(rowIndices, at.back(), lanes);
      if (mean)
        x = arith::SubFOp::create(k.b, k.loc, x, k.splat(mean, lanes.width));
      x = arith::MulFOp::create(k.b, k.loc, x, k.splat(scale, lanes.width));
      Index column = at.back();
      x = arith::MulFOp::create(k.b, k.loc, x, k.convertFloat(emitter.getVector(gamma, column, lanes), real));
      if (beta)
        x = arith::AddFOp::create(k.b, k.loc, x,
                                  k.convertFloat(emitter.getVector(beta, column, lanes), real));
      return k.convertFloat(x, element);
    };
  };
}

/// Softmax along the last axis: e^(x - max) / sum.
RowPrologue makeSoftmax(KernelBuilder &k, ElementEmitter &emitter, ht::SoftmaxOp root) {
  return [=, &k, &emitter](ArrayRef<Value> row) mutable -> ElementEmitter::Producer {
    RowStatistics statistics(k, emitter, root.getInput());
    Value largest = statistics.reduce(row, vector::CombiningKind::MAXIMUMF,
                                      -std::numeric_limits<double>::infinity(), [](Value x) { return x; });
    auto shifted = [&k, largest](Value x) -> Value {
      Value top = k.splat(largest, KernelBuilder::getWidth(x));
      return math::ExpOp::create(k.b, k.loc, arith::SubFOp::create(k.b, k.loc, x, top));
    };
    Value sum = statistics.reduce(row, vector::CombiningKind::ADD, 0, shifted);
    SmallVector<Value> rowIndices(row);
    Value input = root.getInput();
    Type element = getElementTypeOrSelf(root.getType());
    return [=, &k, &emitter](ArrayRef<Index> at, Lanes lanes) -> Value {
      Value x = shifted(RowStatistics(k, emitter, input).load(rowIndices, at.back(), lanes));
      x = arith::DivFOp::create(k.b, k.loc, x, k.splat(sum, lanes.width));
      return k.convertFloat(x, element);
    };
  };
}

/// Columns of a row that come from one value, from its first on.
struct Run {
  Value value, start, size;
};

/// `output` itself; the parts of a concatenation along the row's axis, each of which is
/// as good for vectors as it is alone.
SmallVector<Run> getRuns(KernelBuilder &k, Value output, int64_t axis) {
  Value zero = k.constant(0);
  if (axis < 0)
    return {{output, zero, k.constant(1)}};
  SmallVector<Run> runs{{output, zero, k.getDims(output)[axis]}};
  for (size_t i = 0; i < runs.size();) {
    auto concat = runs[i].value.getDefiningOp<ht::ConcatOp>();
    if (!concat || static_cast<int64_t>(concat.getAxis()) != axis) {
      ++i;
      continue;
    }
    Value start = runs[i].start;
    SmallVector<Run> parts;
    for (Value input : concat.getInputs()) {
      Value size = k.getDims(input)[axis];
      parts.push_back({input, start, size});
      start = k.add(start, size);
    }
    runs.erase(runs.begin() + i);
    runs.insert(runs.begin() + i, parts.begin(), parts.end());
  }
  return runs;
}

/// The statistics of `root`, or null where its elements need none.
RowPrologue makePrologue(KernelBuilder &k, ElementEmitter &emitter, Operation *root) {
  if (auto norm = dyn_cast_or_null<ht::LayerNormOp>(root))
    return makeNorm(k, emitter, root, norm.getInput(), norm.getGamma(), norm.getBeta(),
                    norm.getEpsilon().convertToDouble(), /*centered=*/true);
  if (auto norm = dyn_cast_or_null<ht::RMSNormOp>(root))
    return makeNorm(k, emitter, root, norm.getInput(), norm.getGamma(), Value(),
                    norm.getEpsilon().convertToDouble(),
                    /*centered=*/false);
  if (auto softmax = dyn_cast_or_null<ht::SoftmaxOp>(root))
    return makeSoftmax(k, emitter, softmax);
  if (auto hadamard = dyn_cast_or_null<htq::HadamardOp>(root))
    return [rotation = RowRotation(k, emitter, hadamard)](ArrayRef<Value> row) mutable {
      return rotation.emit(row);
    };
  return {};
}

} // namespace

LogicalResult lowerRows(KernelBuilder &k, Operation *root, function_ref<void(ElementEmitter &)> bind) {
  ElementEmitter emitter(k);
  Value output = k.getYield().getOperand(0);
  int64_t rank = cast<RankedTensorType>(output.getType()).getRank();
  RowPrologue prologue = makePrologue(k, emitter, root);
  if (bind)
    bind(emitter);
  else if (root && !prologue && failed(bindReduction(k, emitter, root)))
    return failure();
  if (prologue) // Any producer: getWidth only asks whether there is one.
    emitter.bind(root->getResult(0), [](ArrayRef<Index>, Lanes) { return Value(); });

  // A row is the last axis, or the last that is more than one element long.
  SmallVector<Value> dims = k.getDims(output);
  int64_t axis = rank - 1;
  while (!prologue && axis > 0 && getConstantIntValue(dims[axis]) == 1)
    --axis;
  Value columns = rank > 0 ? dims[axis] : k.constant(1);
  SmallVector<Value> outer(ArrayRef<Value>(dims).take_front(std::max<int64_t>(axis, 0)));
  Value rows = k.getProduct(outer);
  SmallVector<Run> runs = getRuns(k, output, axis);

  // Work items: rows, or chunks of rows where a row needs no statistics.
  bool split = !prologue;
  Value chunks = split ? k.ceilDiv(columns, kChunk) : k.constant(1);
  auto [begin, end] = k.getShare(k.mul(rows, chunks));
  k.loop(begin, end, 1, [&](Value item) {
    Value row = split ? k.div(item, chunks) : item;
    SmallVector<Value> rowIndices = k.delinearize(row, outer);
    if (prologue)
      emitter.bind(root->getResult(0), prologue(rowIndices));
    Value first = split ? k.mul(k.rem(item, chunks), kChunk) : k.constant(0);
    Value last = split ? k.min(columns, k.add(first, kChunk)) : columns;
    for (auto &[value, start, size] : runs) {
      Value from = k.max(first, start), to = k.min(last, k.add(start, size));
      k.vectorLoop(k.max(k.sub(to, from), k.constant(0)), emitter.getWidth(value, axis),
                   [&, value = value, start = start](Index column, Lanes lanes) {
                     Indices at;
                     for (Value index : rowIndices)
                       at.push_back({index, false});
                     if (rank > 0)
                       at.push_back({k.sub(k.add(from, column.base), start), column.lane});
                     at.resize(rank, {k.constant(0), false});
                     Value element = emitter.getVector(value, at, lanes);
                     if (rank > 0)
                       at[axis].base = k.add(at[axis].base, start);
                     k.store(element, k.getOutput(0), k.linearize(dims, at).base, lanes);
                   });
    }
  });
  return success();
}

} // namespace halftone::cpu
