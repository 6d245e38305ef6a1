//===- Transformer.cpp - the blocks that transformers are made of -----------===//

#include "compiler/Evaluate/Contractions.h"
#include "compiler/Evaluate/Handlers.h"
#include "compiler/Evaluate/Strided.h"

#include "dialects/HT/HTOps.h"

#include <numeric>

using namespace mlir;

namespace halftone::evaluate {

namespace {

using Doubles = std::vector<double>;

Doubles toDoubles(const Tensor &tensor) { return tensor.toVector<double>(); }

//===----------------------------------------------------------------------===//
// Linear and embedding
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> evaluateLinear(ht::LinearOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor result = frame.allocate(op.getResult());
  Doubles w = toDoubles(frame.get(op.getWeight()));
  int64_t n = result.getShape().back(), k = input.getShape().back();
  int64_t m = getNumElements(input.getShape().drop_back());
  Doubles b = op.getBias() ? toDoubles(frame.get(op.getBias())) : Doubles(n, 0.0);
  // Several rows for each row of the weight, which is the larger operand.
  constexpr int64_t block = 32;
  Doubles x(block * k), y(block * n);
  for (int64_t begin = 0; begin < m; begin += block) {
    int64_t rows = std::min(block, m - begin);
    input.read(begin * k, MutableArrayRef<double>(x).take_front(rows * k));
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < rows; ++i)
        y[i * n + j] = dot(x.data() + i * k, w.data() + j * k, k) + b[j];
    result.write(begin * n, ArrayRef<double>(y).take_front(rows * n));
  }
  return result;
}

llvm::Expected<Tensor> evaluateEmbedding(ht::EmbeddingOp op, Frame &frame) {
  const Tensor &table = frame.get(op.getTable());
  Tensor result = frame.allocate(op.getResult());
  int64_t size = table.getDim(0), width = table.getDim(1), at = 0;
  Doubles row(width);
  for (int64_t id : readIndices(frame.get(op.getIds()))) {
    auto index = resolveIndex(op, id, size);
    if (!index)
      return index.takeError();
    table.read(*index * width, MutableArrayRef<double>(row));
    result.write(at, ArrayRef<double>(row));
    at += width;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// Calls `function(row)` with each row of the last axis as doubles to change.
template <typename Function>
Tensor mapRows(const Tensor &input, Function function) {
  Tensor result = Tensor::allocate(input.getKind(), input.getShape());
  Doubles row(input.getShape().back());
  int64_t n = row.size();
  for (int64_t i = 0; i < input.getNumElements(); i += n) {
    input.read(i, MutableArrayRef<double>(row));
    function(row);
    result.write(i, ArrayRef<double>(row));
  }
  return result;
}

llvm::Expected<Tensor> evaluateLayerNorm(ht::LayerNormOp op, Frame &frame) {
  Doubles gamma = toDoubles(frame.get(op.getGamma()));
  Doubles beta = op.getBeta() ? toDoubles(frame.get(op.getBeta())) : Doubles(gamma.size(), 0.0);
  double epsilon = op.getEpsilon().convertToDouble();
  return mapRows(frame.get(op.getInput()), [&](Doubles &row) {
    double n = row.size(), mean = 0, variance = 0;
    for (double x : row)
      mean += x;
    mean /= n;
    for (double x : row)
      variance += (x - mean) * (x - mean);
    double deviation = std::sqrt(variance / n + epsilon);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = (row[i] - mean) / deviation * gamma[i] + beta[i];
  });
}

llvm::Expected<Tensor> evaluateRMSNorm(ht::RMSNormOp op, Frame &frame) {
  Doubles gamma = toDoubles(frame.get(op.getGamma()));
  double epsilon = op.getEpsilon().convertToDouble();
  return mapRows(frame.get(op.getInput()), [&](Doubles &row) {
    double squares = 0;
    for (double x : row)
      squares += x * x;
    double root = std::sqrt(squares / row.size() + epsilon);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = row[i] / root * gamma[i];
  });
}

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> evaluateRope(ht::RopeOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor angles = frame.get(op.getCos());
  Doubles cos = toDoubles(angles), sin = toDoubles(frame.get(op.getSin()));
  int64_t sequence = input.getDim(1), heads = input.getDim(2), r = angles.getDim(2), index = 0;
  bool sharedByBatch = angles.getDim(0) == 1, interleaved = op.getInterleaved();
  return mapRows(input, [&](Doubles &row) {
    int64_t token = index++ / heads, batch = token / sequence;
    int64_t angle = (token - (sharedByBatch ? batch * sequence : 0)) * r;
    for (int64_t i = 0; i < r; ++i) {
      double &x = row[interleaved ? 2 * i : i], &y = row[interleaved ? 2 * i + 1 : i + r];
      double c = cos[angle + i], s = sin[angle + i], rotated = x * c - y * s;
      y = y * c + x * s;
      x = rotated;
    }
  });
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// [batch, tokens, heads, d] to doubles of [batch, heads, tokens, d].
Doubles toHeadMajor(const Tensor &tensor) { return toDoubles(transpose(tensor, {0, 2, 1, 3})); }

/// An optional mask or bias, read at [b, h, i, j] with broadcasting.
class Broadcasted {
public:
  explicit Broadcasted(const Tensor &tensor)
      : values(toDoubles(tensor)), strides(getStrides(tensor.getShape())) {
    for (int64_t axis = 0; axis < 4; ++axis)
      if (tensor.getDim(axis) == 1)
        strides[axis] = 0;
  }
  double at(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return values[b * strides[0] + h * strides[1] + i * strides[2] + j * strides[3]];
  }

private:
  Doubles values;
  Shape strides;
};

llvm::Expected<Tensor> evaluateAttention(ht::AttentionOp op, Frame &frame) {
  const Tensor &query = frame.get(op.getQuery()), &key = frame.get(op.getKey());
  const Tensor &value = frame.get(op.getValue());
  Tensor result = frame.allocate(op.getResult());
  int64_t batch = query.getDim(0), s = query.getDim(1), heads = query.getDim(2), d = query.getDim(3);
  int64_t t = key.getDim(1), kvHeads = key.getDim(2), dv = value.getDim(3);
  std::optional<Broadcasted> mask, bias;
  if (op.getMask())
    mask.emplace(frame.get(op.getMask()));
  if (op.getBias())
    bias.emplace(frame.get(op.getBias()));
  double scale = op.getScale().convertToDouble();
  double softcap = op.getSoftcap().convertToDouble();
  bool causal = op.getCausal();
  int64_t window = op.getWindow() > 0 ? op.getWindow() : std::numeric_limits<int64_t>::max();
  std::vector<int64_t> start(batch, t - s), row(batch);
  std::iota(row.begin(), row.end(), 0);
  if (op.getStart())
    start = readIndices(frame.get(op.getStart()));
  if (op.getSequences()) {
    row = readIndices(frame.get(op.getSequences()));
    for (int64_t &index : row) {
      auto resolved = resolveIndex(op, index, key.getDim(0));
      if (!resolved)
        return resolved.takeError();
      index = *resolved;
    }
  }
  Doubles q = toHeadMajor(query), k = toHeadMajor(key), v = toHeadMajor(value), scores(t), y(dv);

  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t group = row[b] * kvHeads + h / (heads / kvHeads);
      for (int64_t i = 0; i < s; ++i) {
        // A key whose score is -inf counts as absent: what stands there, NaN included, has no part
        // in the result.
        double max = -INFINITY, sum = 0;
        bool invalid = false;
        for (int64_t j = 0; j < t; ++j) {
          scores[j] = -INFINITY;
          int64_t position = start[b] + i;
          if ((causal && (j > position || position - j >= window)) || (mask && mask->at(b, h, i, j) == 0))
            continue;
          scores[j] =
              scale * dot(q.data() + ((b * heads + h) * s + i) * d, k.data() + (group * t + j) * d, d);
          if (softcap > 0)
            scores[j] = softcap * std::tanh(scores[j] / softcap);
          if (bias)
            scores[j] += bias->at(b, h, i, j);
          max = std::max(max, scores[j]);
          invalid |= scores[j] != scores[j];
        }
        y.assign(dv, 0.0);
        // All scores -inf: attends nowhere, and the row stays zero or attends all alike.
        if (max > -INFINITY || invalid) {
          for (int64_t j = 0; j < t; ++j) {
            if (scores[j] == -INFINITY)
              continue;
            double weight = std::exp(scores[j] - max);
            sum += weight;
            for (int64_t e = 0; e < dv; ++e)
              y[e] += weight * v[(group * t + j) * dv + e];
          }
          for (double &x : y)
            x /= sum;
        } else if (op.getUniform()) {
          for (int64_t j = 0; j < t; ++j)
            for (int64_t e = 0; e < dv; ++e)
              y[e] += v[(group * t + j) * dv + e] / static_cast<double>(t);
        }
        result.write(((b * s + i) * heads + h) * dv, ArrayRef<double>(y));
      }
    }
  return result;
}

llvm::Expected<Tensor> evaluateUpdate(ht::UpdateOp op, Frame &frame) {
  Tensor result = Tensor::allocate(frame.get(op.getState()).getKind(), frame.get(op.getState()).getShape());
  const Tensor &state = frame.get(op.getState()), &input = frame.get(op.getInput());
  llvm::copy(state.getBytes(), result.getMutableData());
  std::vector<int64_t> sequences = readIndices(frame.get(op.getSequences()));
  std::vector<int64_t> start = readIndices(frame.get(op.getStart()));
  int64_t tokens = input.getDim(1), bytes = getNumElements(input.getShape().drop_front(2)) * input.getElementSize();
  for (auto [b, sequence] : llvm::enumerate(sequences))
    for (int64_t i = 0; i < tokens; ++i) {
      auto row = resolveIndex(op, sequence, state.getDim(0));
      if (!row)
        return row.takeError();
      auto position = resolveIndex(op, start[b] + i, state.getDim(1));
      if (!position)
        return position.takeError();
      std::memcpy(result.getMutableData() + (*row * state.getDim(1) + *position) * bytes,
                  input.data() + (b * tokens + i) * bytes, bytes);
    }
  return result;
}

//===----------------------------------------------------------------------===//
// Gated linear unit
//===----------------------------------------------------------------------===//

double activate(ht::GluActivation activation, double x) {
  switch (activation) {
  case ht::GluActivation::Silu:
    return computeSilu(x);
  case ht::GluActivation::Gelu:
    return computeGelu(x);
  case ht::GluActivation::GeluTanh:
    return computeGeluTanh(x);
  case ht::GluActivation::Relu:
    return x <= 0 ? 0 : x;
  case ht::GluActivation::Sigmoid:
    return computeSigmoid(x);
  }
  llvm_unreachable("covered switch");
}

llvm::Expected<Tensor> evaluateGlu(ht::GluOp op, Frame &frame) {
  Doubles gate = toDoubles(frame.get(op.getGate())), up = toDoubles(frame.get(op.getUp()));
  for (size_t i = 0; i < gate.size(); ++i)
    gate[i] = activate(op.getActivation(), gate[i]) * up[i];
  Tensor result = frame.allocate(op.getResult());
  result.write(0, ArrayRef<double>(gate));
  return result;
}

} // namespace

void addTransformer(InterpreterTable &table) {
  table.add<ht::AttentionOp>(evaluateAttention);
  table.add<ht::EmbeddingOp>(evaluateEmbedding);
  table.add<ht::GluOp>(evaluateGlu);
  table.add<ht::LayerNormOp>(evaluateLayerNorm);
  table.add<ht::LinearOp>(evaluateLinear);
  table.add<ht::RMSNormOp>(evaluateRMSNorm);
  table.add<ht::RopeOp>(evaluateRope);
  table.add<ht::UpdateOp>(evaluateUpdate);
}

} // namespace halftone::evaluate
