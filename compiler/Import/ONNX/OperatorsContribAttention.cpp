//===- OperatorsContribAttention.cpp - attention as ONNX Runtime fuses it ---===//
//
// com.microsoft's Attention (with the projections inside) and MultiHeadAttention.
// Both mask with a number that is added, by default -10000: a row that may attend
// nowhere is softmax of its scores.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Attention.h"
#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Quantization.h"

#include <cmath>

using namespace mlir;
using halftone::ht::ComparePredicate;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

Value positive(NodeImporter &node, Value x) {
  return node.compare(ComparePredicate::GT, x, node.scalarLike(0, x));
}

/// Input `index`, a mask in one of five layouts, as what is added to the scores.
Value emitMask(NodeImporter &node, unsigned index, Dim batch, Dim queries, Dim keys, Type type) {
  Symbols &symbols = node.symbols();
  Value mask = node.input(index);
  Dims dims = node.dims(index);
  Dim one = symbols.constant(1);
  if (node.failed())
    return {};
  Value keep;
  switch (dims.size()) {
  case 1: {
    // Lengths; then, for twice as many numbers, where the keys start. The layout of
    // 3 batch + 2 numbers starts with the lengths too.
    Value numbers = node.cast(mask, IntegerType::get(node.getContext(), 64));
    bool hasStarts = symbols.mul(batch, symbols.constant(2)) == dims[0];
    if (!hasStarts && dims[0] != batch) {
      auto packed = symbols.mul(batch, symbols.constant(3));
      packed = packed ? symbols.add(*packed, symbols.constant(2)) : std::nullopt;
      if (packed != dims[0])
        return node.error("its mask of " + symbols.toString(dims[0]) + " numbers has no layout that is known"),
               Value();
    }
    keep = emitBelow(node, keys, sliceAxis(node, numbers, 0, symbols.constant(0), batch));
    if (hasStarts)
      keep = intersect(node, keep,
                       node.unary<ht::NotOp>(emitBelow(node, keys, sliceAxis(node, numbers, 0, batch, batch))));
    break;
  }
  case 2: // [batch, keys]
    keep = node.reshape(positive(node, mask), {dims[0], one, one, dims[1]});
    break;
  case 3: // [batch, queries, keys]
    keep = node.reshape(positive(node, mask), {dims[0], one, dims[1], dims[2]});
    break;
  case 4: { // [batch, 1, longest, longest]: the rows of the queries, which come last
    auto past = symbols.sub(keys, queries);
    if (!past)
      return node.error("its sequences are too large"), Value();
    keep = positive(node, sliceAxis(node, sliceAxis(node, mask, 2, *past, queries), 3, symbols.constant(0), keys));
    break;
  }
  default:
    return node.error("its mask has rank " + Twine(dims.size())), Value();
  }
  return toBias(node, keep, node.real("mask_filter_value", -10000), type);
}

/// Scale, mask, bias and the causal line of a node, once its heads and cache are in `form`.
void finishForm(NodeImporter &node, AttentionForm &form, unsigned mask, unsigned bias) {
  Dims query = node.dimsOf(form.query), key = node.dimsOf(form.key);
  if (node.failed())
    return;
  Type type = getElementTypeOrSelf(form.query);
  if (node.hasInput(mask))
    form.bias = emitMask(node, mask, query[0], query[1], key[1], type);
  if (node.hasInput(bias))
    form.bias = addBiases(node, form.bias, node.input(bias));
  auto size = ht::getConstant(query[3]);
  double scale = node.real("scale", 0);
  if (scale == 0 && !size)
    return node.error("the size of its heads depends on the inputs' shapes");
  form.scale = scale == 0 ? 1 / std::sqrt(static_cast<double>(*size)) : scale;
  form.causal = node.integer("unidirectional", 0) != 0;
}

/// past [b, h, p, d] before x [b, s, h, d].
Value appendTo(NodeImporter &node, Value past, Value x) { return node.concat({swapHeads(node, past), x}, 1); }

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Of queries, keys and values side by side; `mask`, `past` and `bias` are inputs.
void attend(NodeImporter &node, Value projected, unsigned mask, unsigned past, unsigned bias) {
  Symbols &symbols = node.symbols();
  int64_t heads = node.requiredInteger("num_heads");
  if (node.integer("do_rotary", 0))
    return node.error("do_rotary is not supported", "export the model with RotaryEmbedding nodes");
  if (node.integer("past_present_share_buffer", 0))
    return node.error("a cache that shares its buffer is not supported",
                      "export the model without past_present_share_buffer");
  Dims dims = node.dimsOf(projected);
  if (node.failed())
    return;
  if (dims.size() != 3)
    return node.error("its input has rank " + Twine(dims.size()));
  SmallVector<Dim> widths;
  if (auto sizes = node.integers("qkv_hidden_sizes")) {
    for (int64_t size : *sizes)
      widths.push_back(symbols.constant(size));
  } else if (auto third = ht::divideExactly(dims[2], symbols.constant(3))) {
    widths.assign(3, *third);
  }
  auto total = widths.size() == 3 ? symbols.add(widths[0], widths[1]) : std::nullopt;
  if (!total || symbols.add(*total, widths[2]) != dims[2])
    return node.error("its weight is not those of query, key and value");
  AttentionForm form;
  form.query = splitHeads(node, sliceAxis(node, projected, 2, symbols.constant(0), widths[0]), heads);
  form.key = splitHeads(node, sliceAxis(node, projected, 2, widths[0], widths[1]), heads);
  form.value = splitHeads(node, sliceAxis(node, projected, 2, *total, widths[2]), heads);
  if (Value cache = node.optionalInput(past)) { // [2, b, h, p, d]
    Dims stacked = node.dims(past);
    if (stacked.size() != 5)
      return node.error("its past has rank " + Twine(stacked.size()));
    auto part = [&](int64_t i) {
      Dim one = symbols.constant(1);
      return node.reshape(sliceAxis(node, cache, 0, symbols.constant(i), one), ArrayRef<Dim>(stacked).drop_front());
    };
    form.key = appendTo(node, part(0), form.key);
    form.value = appendTo(node, part(1), form.value);
  }
  if (node.wants(1)) {
    auto stack = [&](Value x) {
      Value swapped = swapHeads(node, x);
      Dims whole = node.dimsOf(swapped);
      whole.insert(whole.begin(), symbols.constant(1));
      return node.reshape(swapped, whole);
    };
    node.setResult(1, node.concat({stack(form.key), stack(form.value)}, 0));
  }
  finishForm(node, form, mask, bias);
  node.setResult(0, mergeHeads(node, onnx::emitAttention(node, form)));
}

void emitAttention(NodeImporter &node) {
  if (node.hasInput(6))
    return node.error("a cache that shares its buffer is not supported",
                      "export the model without past_present_share_buffer");
  Value projected = node.matmul(node.input(0), node.input(1));
  attend(node, node.hasInput(2) ? node.add(projected, node.input(2)) : projected, 3, 4, 5);
}

/// The projection is one of codes.
void emitQAttention(NodeImporter &node) {
  Value codes = centre(node, node.input(0), node.optionalInput(6));
  Value product = node.matmul(codes, centre(node, node.input(1), node.optionalInput(7)));
  Type type = node.elementType(3);
  Value scale = node.mul(asScalar(node, node.input(3)), asScalar(node, node.input(4)));
  Value projected = node.add(node.mul(node.cast(product, type), scale), node.input(2));
  attend(node, projected, 5, 8, node.numInputs());
}

//===----------------------------------------------------------------------===//
// MultiHeadAttention
//===----------------------------------------------------------------------===//

/// Part `i` of the fourth axis of [b, s, h, n, d].
Value unpack(NodeImporter &node, Value packed, int64_t i) {
  Dims dims = node.dimsOf(packed);
  if (node.failed())
    return {};
  Value part = sliceAxis(node, packed, 3, node.symbols().constant(i), node.symbols().constant(1));
  return node.reshape(part, {dims[0], dims[1], dims[2], dims[4]});
}

void emitMultiHeadAttention(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  int64_t heads = node.requiredInteger("num_heads"), queryRank = node.rank(0);
  if (node.hasInput(8) || node.hasInput(9))
    return node.error("a cache that shares its buffer is not supported",
                      "export the model without past_present_share_buffer");
  if (node.failed())
    return;
  AttentionForm form;
  Value query = node.input(0), key = node.optionalInput(1), value = node.optionalInput(2);
  bool cached = false;
  if (!key && queryRank == 5) { // [b, s, h, 3, d]
    form.query = unpack(node, query, 0);
    form.key = unpack(node, query, 1);
    form.value = unpack(node, query, 2);
  } else if (key && !value && node.rank(1) == 5) { // [b, t, h, 2, d]
    form.query = splitHeads(node, query, heads);
    form.key = unpack(node, key, 0);
    form.value = unpack(node, key, 1);
  } else if (key && value && node.rank(1) == node.rank(2)) {
    cached = node.rank(1) == 4; // [b, h, t, d]
    form.query = splitHeads(node, query, heads);
    form.key = cached ? swapHeads(node, key) : splitHeads(node, key, heads);
    form.value = cached ? swapHeads(node, value) : splitHeads(node, value, heads);
  } else if (!node.failed()) {
    return node.error("its query, key and value have no layout that is known");
  }
  if (Value bias = node.optionalInput(3)) {
    // One after the other, of query, key and value; keys from a cache have theirs.
    Dim start = symbols.constant(0);
    for (Value *part : {&form.query, &form.key, &form.value}) {
      Dims dims = node.dimsOf(*part);
      if (node.failed())
        return;
      auto width = symbols.mul(dims[2], dims[3]), end = width ? symbols.add(start, *width) : std::nullopt;
      if (!end)
        return node.error("its bias is too large");
      if (part == &form.query || !cached)
        *part = node.add(*part, node.reshape(sliceAxis(node, bias, 0, start, *width), {dims[2], dims[3]}));
      start = *end;
    }
    if (node.dims(3) != Dims{start})
      return node.error("its bias is not that of query, key and value");
  }
  if (node.hasInput(6) != node.hasInput(7))
    return node.error("past_key and past_value must be given together");
  if (node.hasInput(6)) {
    form.key = appendTo(node, node.input(6), form.key);
    form.value = appendTo(node, node.input(7), form.value);
  }
  if (node.wants(1))
    node.setResult(1, swapHeads(node, form.key));
  if (node.wants(2))
    node.setResult(2, swapHeads(node, form.value));
  finishForm(node, form, 4, 5);
  if (node.wants(3))
    node.setResult(3, emitScores(node, form, ScoreStage::Probability));
  node.setResult(0, mergeHeads(node, onnx::emitAttention(node, form)));
}

const Operator kOperators[] = {
    {"com.microsoft", "Attention", 1, kNewest, emitAttention, nullptr,
     "do_rotary, caches that share their buffer"},
    {"com.microsoft", "QAttention", 1, kNewest, emitQAttention, nullptr, "do_rotary, caches that share their buffer"},
    {"com.microsoft", "MultiHeadAttention", 1, kNewest, emitMultiHeadAttention, nullptr,
     "caches that share their buffer, cache_indirection"},
};

} // namespace

ArrayRef<Operator> contribAttentionOperators() { return kOperators; }

} // namespace halftone::onnx
