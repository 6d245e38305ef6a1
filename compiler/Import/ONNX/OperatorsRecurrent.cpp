//===- OperatorsRecurrent.cpp - linear attention and causal convolution -----===//
//
// Recurrences of ONNX over the tokens. One whose state is a weighted sum of what
// came before is a product with a triangular matrix, for any number of tokens;
// the delta rules, whose writes depend on the state, are unrolled.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Attention.h"
#include "compiler/Import/ONNX/Operators.h"

#include <cmath>
#include <limits>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Tokens that a delta rule is unrolled over.
constexpr int64_t kMaxTokens = 256;
/// Taps of a causal convolution.
constexpr int64_t kMaxTaps = 64;

struct Recurrence {
  Value query, key, value; ///< [b, heads, t, d] in f32; groups of query heads share a key head.
  Value state;             ///< [b, heads, d_k, d_v] in f32
  Value decay;             ///< [b, heads, t, 1 or d_k], logarithms, or null
  Value beta;              ///< [b, 1 or heads, t, 1], or null
  Dim tokens;
};

/// [b, h, t, d] of `heads` heads, in f32.
Value unpack(NodeImporter &node, unsigned index, int64_t heads) {
  return node.cast(swapHeads(node, splitHeads(node, node.input(index), heads)), Float32Type::get(node.getContext()));
}

/// [b, heads, n, d] as [b, heads / group, group n, d] where its groups share a key head.
Value groupHeads(NodeImporter &node, Value x, Dim heads) {
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  auto rows = ht::divideExactly(dims[1], heads);
  rows = rows ? node.symbols().mul(*rows, dims[2]) : std::nullopt;
  if (!rows)
    return node.error("its heads are no multiple of those of the keys"), Value();
  return node.reshape(x, {dims[0], heads, *rows, dims[3]});
}

/// o_t = q_t (sum over s <= t of e^(G_t - G_s) k_s v_s + e^(G_t) S), G the running sum of the decays.
Value emitTriangular(NodeImporter &node, Recurrence &r) {
  Dims q = node.dimsOf(r.query), k = node.dimsOf(r.key), v = node.dimsOf(r.value);
  Dim one = node.symbols().constant(1);
  if (node.failed())
    return {};
  auto group = ht::divideExactly(q[1], k[1]);
  if (!group)
    return node.error("its heads are no multiple of those of the keys"), Value();
  Type index = IntegerType::get(node.getContext(), 64);
  Value row = node.reshape(node.iota(r.tokens, 0, 1, index), {r.tokens, one});
  Value earlier = node.compare(ht::ComparePredicate::GE, row, node.iota(r.tokens, 0, 1, index));
  Value query = node.reshape(r.query, {q[0], k[1], *group, q[2], q[3]});
  auto perGroup = [&](Value x) { // [b, h, …] as [b, h, 1, …]
    Dims dims = node.dimsOf(x);
    if (node.failed())
      return Value();
    dims.insert(dims.begin() + 2, one);
    return node.reshape(x, dims);
  };
  Value scores, carried = query, rest = r.key, left = r.state;
  if (!r.decay) {
    scores = node.matmul(query, perGroup(node.transpose(r.key, {0, 1, 3, 2})));
    scores = node.where(earlier, scores, node.scalarLike(0, scores));
  } else {
    Dims g = node.dimsOf(r.decay);
    if (node.failed())
      return {};
    Value sum = ht::CumSumOp::create(node.getBuilder(), node.getLoc(), r.decay.getType(), r.decay, 2, false, false);
    // [b, h, 1, t, s, 1 or d]: how much of s is left at t.
    Value lasting = node.sub(node.reshape(sum, {g[0], g[1], one, g[2], one, g[3]}),
                             node.reshape(sum, {g[0], g[1], one, one, g[2], g[3]}));
    Value never = node.scalarLike(-std::numeric_limits<double>::infinity(), lasting);
    lasting = node.unary<ht::ExpOp>(node.where(node.reshape(earlier, {r.tokens, r.tokens, one}), lasting, never));
    if (g[3] == one) {
      scores = node.matmul(query, perGroup(node.transpose(r.key, {0, 1, 3, 2})));
      scores = node.mul(scores, node.reshape(lasting, {g[0], g[1], one, g[2], g[2]}));
    } else {
      Value products = node.mul(node.reshape(query, {q[0], k[1], *group, q[2], one, q[3]}),
                                node.reshape(r.key, {k[0], k[1], one, one, k[2], k[3]}));
      scores = node.reduce(ht::ReduceKind::Sum, node.mul(products, lasting), 5);
      scores = node.reshape(scores, {q[0], k[1], *group, q[2], q[2]});
    }
    carried = node.mul(query, perGroup(node.unary<ht::ExpOp>(sum)));
    Dims end = g;
    end[2] = one;
    auto from = node.symbols().sub(r.tokens, one);
    if (!from)
      return node.error("its sequences are too large"), Value();
    Value last = sliceAxis(node, sum, 2, *from, one);
    rest = node.mul(r.key, node.unary<ht::ExpOp>(node.sub(last, sum)));
    left = node.mul(r.state, node.unary<ht::ExpOp>(node.transpose(last, {0, 1, 3, 2})));
  }
  Value y = node.add(node.matmul(scores, perGroup(r.value)), node.matmul(carried, perGroup(r.state)));
  r.state = node.add(left, node.matmul(node.transpose(rest, {0, 1, 3, 2}), r.value));
  return node.reshape(y, {q[0], q[1], q[2], v[3]});
}

/// S = e^g S; S += k (beta (v - S k)); o = q S, token by token.
Value emitDelta(NodeImporter &node, Recurrence &r) {
  Dims q = node.dimsOf(r.query), v = node.dimsOf(r.value);
  auto tokens = node.failed() ? std::nullopt : ht::getConstant(r.tokens);
  if (node.failed())
    return {};
  if (!tokens || *tokens > kMaxTokens || *tokens < 1) {
    node.error("a delta rule over " + node.symbols().toString(r.tokens) +
                   " tokens is not supported: it is unrolled over at most " + Twine(kMaxTokens),
               "fix the number of tokens when the model is exported, e.g. at 1 for decoding");
    return {};
  }
  Dim one = node.symbols().constant(1);
  SmallVector<Value> outputs;
  for (int64_t i = 0; i < *tokens; ++i) {
    auto at = [&](Value x) { return sliceAxis(node, x, 2, node.symbols().constant(i), one); };
    Value key = at(r.key), column = node.transpose(key, {0, 1, 3, 2});
    if (r.decay)
      r.state = node.mul(r.state, node.unary<ht::ExpOp>(node.transpose(at(r.decay), {0, 1, 3, 2})));
    Value change = node.mul(at(r.beta), node.sub(at(r.value), node.matmul(key, r.state)));
    r.state = node.add(r.state, node.matmul(column, change));
    Value row = groupHeads(node, at(r.query), v[1]);
    outputs.push_back(node.reshape(node.matmul(row, r.state), {q[0], q[1], one, v[3]}));
    if (node.failed())
      return {};
  }
  return node.concat(outputs, 2);
}

void emitLinearAttention(NodeImporter &node) {
  int64_t heads = node.requiredInteger("kv_num_heads"), queryHeads = node.requiredInteger("q_num_heads");
  StringRef rule = node.string("update_rule", "gated_delta");
  bool gated = rule == "gated" || rule == "gated_delta", delta = rule == "delta" || rule == "gated_delta";
  if (node.failed())
    return;
  if (node.integer("state_window", 0))
    return node.error("a window of states is not supported");
  if (rule != "linear" && !gated && !delta)
    return node.error("update_rule '" + rule + "' is not one of linear, gated, delta, gated_delta");
  if (gated != node.hasInput(4) || delta != node.hasInput(5))
    return node.error("update_rule '" + rule + "' takes " + (gated ? "" : "no ") + "decay and " +
                      (delta ? "" : "no ") + "beta");
  Type type = node.elementType(0), wide = Float32Type::get(node.getContext());
  Recurrence r;
  r.query = unpack(node, 0, queryHeads);
  r.key = unpack(node, 1, heads);
  r.value = unpack(node, 2, heads);
  Dims k = node.dimsOf(r.key), v = node.dimsOf(r.value);
  if (node.failed())
    return;
  r.tokens = k[2];
  Dims state = {k[0], k[1], k[3], v[3]};
  r.state = node.hasInput(3) ? node.cast(node.input(3), wide) : node.broadcastTo(node.scalar(0, wide), state);
  if (gated)
    r.decay = unpack(node, 4, heads);
  if (delta) {
    Dims beta = node.dims(5);
    if (beta.size() != 3 || !ht::getConstant(beta[2]))
      return node.error("beta must have rank 3 and a constant number of heads");
    r.beta = unpack(node, 5, *ht::getConstant(beta[2]));
  }
  auto size = ht::getConstant(k[3]);
  double scale = node.real("scale", 0);
  if (scale == 0 && !size)
    return node.error("the size of its heads depends on the inputs' shapes");
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(*size));
  r.query = node.mul(r.query, node.scalar(scale, wide));
  Type stateType = node.hasInput(3) ? node.elementType(3) : type;
  Value y = delta ? emitDelta(node, r) : emitTriangular(node, r);
  node.setResult(0, node.cast(mergeHeads(node, swapHeads(node, y)), type));
  if (node.wants(1))
    node.setResult(1, node.cast(r.state, stateType));
}

/// y[t] = activation(sum over taps j of w[j] x[t + j - (k - 1)] + bias): a product and a sum per tap.
void emitCausalConvWithState(NodeImporter &node) {
  Value x = node.input(0), weight = node.input(1);
  Dims dims = node.dims(0), kernel = node.dims(1);
  StringRef activation = node.string("activation", "none");
  if (node.failed())
    return;
  if (dims.size() != 3 || kernel.size() != 3)
    return node.error("its input and weight must have rank 3");
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.error("activation '" + activation + "' is not one of none, silu, swish");
  // Of com.microsoft's form.
  if (node.integer("ndim", 1) != 1 || node.integer("channels_last", 0) || node.integer("state_window", 0) ||
      node.integer("dilation", 1) != 1)
    return node.error("several dimensions, channels_last, state_window and dilation are not supported");
  auto taps = ht::getConstant(kernel[2]);
  if (!taps || *taps < 1 || *taps > kMaxTaps)
    return node.error("its kernel has " + node.symbols().toString(kernel[2]) + " taps, supported are 1 to " +
                      Twine(kMaxTaps));
  Dim one = node.symbols().constant(1);
  if (kernel != Dims{dims[1], one, kernel[2]})
    return node.error("its kernel " + node.symbols().toString(kernel) + " is not one per channel of " +
                      node.symbols().toString(dims));
  Dims pad = dims;
  pad[2] = node.symbols().constant(*taps - 1);
  Value past = node.hasInput(3) ? node.refine(node.input(3), 2, *taps - 1) : Value();
  if (past && node.dimsOf(past) != pad)
    return node.error("its past " + node.symbols().toString(node.dimsOf(past)) + " is not what a kernel of " +
                      Twine(*taps) + " taps reaches back to, " + node.symbols().toString(pad));
  Value whole = x;
  if (*taps > 1)
    whole = node.concat({past ? past : node.broadcastTo(node.scalarLike(0, x), pad), x}, 2);
  // Half-precision taps are added in f32.
  Type type = node.elementType(0), wide = type.isF64() ? type : Float32Type::get(node.getContext());
  Value sum;
  for (int64_t tap = 0; tap < *taps; ++tap) {
    Dim start = node.symbols().constant(tap);
    Value w = node.cast(node.reshape(sliceAxis(node, weight, 2, start, one), {kernel[0], one}), wide);
    Value term = node.mul(node.cast(sliceAxis(node, whole, 2, start, dims[2]), wide), w);
    sum = sum ? node.add(sum, term) : term;
  }
  if (node.hasInput(2))
    sum = node.add(sum, node.cast(node.reshape(node.input(2), {kernel[0], one}), wide));
  sum = node.cast(sum, type);
  node.setResult(0, activation == "none" ? sum : node.unary<ht::SiluOp>(sum));
  if (node.wants(1))
    node.setResult(1, sliceAxis(node, whole, 2, dims[2], pad[2]));
}

const Operator kOperators[] = {
    {"", "CausalConvWithState", 27, kNewest, emitCausalConvWithState, nullptr, "kernels of more than 64 taps"},
    {"", "LinearAttention", 27, kNewest, emitLinearAttention, nullptr,
     "delta rules over a dynamic number of tokens, or more than 256"},
    {"com.microsoft", "CausalConvWithState", 1, kNewest, emitCausalConvWithState, nullptr,
     "kernels of more than 64 taps; ndim, channels_last, dilation and state_window"},
    {"com.microsoft", "LinearAttention", 1, kNewest, emitLinearAttention, nullptr,
     "delta rules over a dynamic number of tokens, or more than 256; state_window"},
};

} // namespace

ArrayRef<Operator> recurrentOperators() { return kOperators; }

} // namespace halftone::onnx
