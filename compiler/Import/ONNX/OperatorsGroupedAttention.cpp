//===- OperatorsGroupedAttention.cpp - GroupQueryAttention of com.microsoft -===//
//
// Decoders' attention with its cache: each batch has a length of its own, given
// as data, and its new tokens end there.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Attention.h"
#include "compiler/Import/ONNX/Operators.h"

#include <cmath>

using namespace mlir;
using halftone::ht::ComparePredicate;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Where a batch's new tokens stand, as [batch] of i64.
struct Lengths {
  Value total; ///< Valid keys, the new ones included,
  Value past;  ///< and those before the new ones.
};

/// [b, rows, h, d]: rows of `past` below `start` [b], the tokens `x` from there on, then zeros.
Value updateCache(NodeImporter &node, Value past, Value x, Value start, Dim rows) {
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  Dims whole = dims;
  whole[1] = rows;
  Type type = IntegerType::get(node.getContext(), 64);
  Value zero = node.scalarLike(0, x), cache = node.broadcastTo(zero, whole);
  if (past && !node.failed()) {
    if (node.dimsOf(past)[1] != rows)
      past = sliceAxis(node, node.concat({past, cache}, 1), 1, node.symbols().constant(0), rows);
    Dim one = node.symbols().constant(1);
    Value row = node.reshape(node.iota(rows, 0, 1, type), {rows, one, one});
    cache = node.where(node.compare(ComparePredicate::LT, row, alongBatch(node, start)), past, zero);
  }
  Value sequences = node.iota(dims[0], 0, 1, type);
  if (node.failed())
    return {};
  auto op = ht::UpdateOp::create(node.getBuilder(), node.getLoc(), cache.getType(), cache, x, sequences, start);
  return node.verify(op) ? op.getResult() : Value();
}

/// RMS norm of each head.
Value normalizeHeads(NodeImporter &node, Value x, Value gamma) {
  if (node.failed() || !x || !gamma)
    return {};
  auto op = ht::RMSNormOp::create(node.getBuilder(), node.getLoc(), x.getType(), x, gamma,
                                  node.getBuilder().getF64FloatAttr(node.real("qk_norm_epsilon", 1e-6f)));
  return node.verify(op) ? op.getResult() : Value();
}

/// Positions of the new tokens, [batch, s]; padding stands at 1, where tables have a row.
Value emitPositions(NodeImporter &node, const Lengths &lengths, Dim tokens) {
  if (node.hasInput(9))
    return node.input(9);
  Type type = IntegerType::get(node.getContext(), 64);
  Dims batch = node.dimsOf(lengths.past);
  if (node.failed())
    return {};
  Dims column = {batch[0], node.symbols().constant(1)};
  Value position = node.add(node.reshape(lengths.past, column), node.iota(tokens, 0, 1, type));
  return node.where(node.compare(ComparePredicate::LT, position, node.reshape(lengths.total, column)), position,
                    node.scalar(1, type));
}

/// The rows of the present cache: as many as the past has, or as many as there are tokens in total.
std::optional<Dim> getCacheRows(NodeImporter &node, std::optional<Dim> past) {
  auto total = node.expressions(6, "total_sequence_length");
  if (!total)
    return std::nullopt;
  if (total->size() != 1)
    return node.error("total_sequence_length must be one number"), std::nullopt;
  if (!past)
    return total->front();
  // Undecided: caches that do not share a buffer grow.
  auto rows = node.symbols().max(*past, total->front());
  return rows ? *rows : total->front();
}

void emitGroupQueryAttention(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  int64_t heads = node.requiredInteger("num_heads"), keyHeads = node.requiredInteger("kv_num_heads");
  int64_t window = node.integer("local_window_size", -1);
  bool causal = node.integer("causal", 1) != 0;
  if (node.integer("sliding_window_cache", 0))
    return node.error("a cache of the size of the window is not supported",
                      "re-export the model with a full cache (sliding_window_cache = 0)");
  if (node.hasInput(12) || node.hasInput(13) || node.string("k_quant_type", "NONE") != "NONE" ||
      node.string("v_quant_type", "NONE") != "NONE")
    return node.error("a quantized cache is not supported", "re-export the model without quantized keys and values");
  if (heads < 1 || keyHeads < 1)
    return node.error("num_heads and kv_num_heads must be positive");
  Dims dims = node.dims(0);
  Value query = node.input(0), lengths = node.input(5);
  if (node.failed())
    return;
  if (dims.size() != 3 || node.rank(5) > 2)
    return node.error("its query must have rank 3, seqlens_k rank 1");

  AttentionForm form;
  if (node.hasInput(1)) {
    form.query = splitHeads(node, query, heads);
    form.key = splitHeads(node, node.input(1), keyHeads);
    form.value = splitHeads(node, node.input(2), keyHeads);
  } else { // one after the other, as heads
    Value packed = splitHeads(node, query, heads + 2 * keyHeads);
    auto part = [&](int64_t start, int64_t count) {
      return sliceAxis(node, packed, 2, symbols.constant(start), symbols.constant(count));
    };
    form.query = part(0, heads);
    form.key = part(heads, keyHeads);
    form.value = part(heads + keyHeads, keyHeads);
  }
  if (node.hasInput(14) != node.hasInput(15))
    return node.error("q_norm_weight and k_norm_weight must be given together");
  if (node.hasInput(14)) {
    form.query = normalizeHeads(node, form.query, node.input(14));
    form.key = normalizeHeads(node, form.key, node.input(15));
  }
  bool hasPast = node.hasInput(3);
  if (hasPast != node.hasInput(4))
    return node.error("past_key and past_value must be given together");
  Value pastKey = hasPast ? swapHeads(node, node.input(3)) : Value();
  Value pastValue = hasPast ? swapHeads(node, node.input(4)) : Value();
  auto rows = getCacheRows(node, hasPast && !node.failed() ? std::optional(node.dimsOf(pastKey)[1]) : std::nullopt);
  if (!rows || node.failed())
    return;

  // New tokens behind a prompt's length are padding: it starts at 0.
  Type type = IntegerType::get(node.getContext(), 64);
  Dim tokens = dims[1];
  Lengths at;
  at.total = node.add(node.cast(node.reshape(lengths, dims[0]), type), node.scalar(1, type));
  at.past = node.infer<ht::MaxOp>({node.sub(at.total, node.dim(tokens)), node.scalar(0, type)});

  if (node.integer("do_rotary", 0)) {
    Value positions = emitPositions(node, at, tokens);
    Value cos = node.input(7), sin = node.input(8);
    bool interleaved = node.integer("rotary_interleaved", 0) != 0;
    form.query = emitRotation(node, form.query, cos, sin, positions, interleaved);
    form.key = emitRotation(node, form.key, cos, sin, positions, interleaved);
  }
  form.key = updateCache(node, pastKey, form.key, at.past, *rows);
  form.value = updateCache(node, pastValue, form.value, at.past, *rows);
  node.setResult(1, swapHeads(node, form.key));
  node.setResult(2, swapHeads(node, form.value));

  form.sink = node.hasInput(11) ? node.input(11) : Value();
  if (!form.sink && node.integer("smooth_softmax", -1) > 0)
    form.sink = node.broadcastTo(node.scalarLike(0, form.query), symbols.constant(heads));
  // Of the window, the token itself is one.
  if (causal && !form.sink) {
    form.causal = true;
    form.start = at.past;
    form.window = std::max<int64_t>(window, 0);
  } else if (causal || window > 0) {
    form.mask = emitWindow(node, tokens, *rows, alongBatch(node, at.past), window > 0 ? window - 1 : -1,
                           causal ? 0 : -1);
  }
  if (!causal)
    form.mask = intersect(node, form.mask, emitBelow(node, *rows, at.total));
  if (node.hasInput(10)) {
    // Its last axis may be longer or shorter than the cache: only valid keys count.
    Value bias = node.input(10);
    Dims given = node.dims(10);
    if (node.failed() || given.size() != 4)
      return node.error("its attention_bias must have rank 4");
    if (given[3] != *rows) {
      auto missing = symbols.sub(*rows, given[3]);
      auto sign = missing ? symbols.compare(*missing, symbols.constant(0)) : std::nullopt;
      if (!sign)
        return node.error("its attention_bias has " + symbols.toString(given[3]) + " keys, its cache " +
                          symbols.toString(*rows));
      if (*sign > 0) {
        given[3] = *missing;
        bias = node.concat({bias, node.broadcastTo(node.scalarLike(0, bias), given)}, 3);
      } else {
        bias = sliceAxis(node, bias, 3, symbols.constant(0), *rows);
      }
    }
    form.bias = bias;
  }
  if (node.failed())
    return;
  auto size = ht::getConstant(node.dimsOf(form.query)[3]);
  double scale = node.real("scale", 0);
  if (scale == 0 && !size)
    return node.error("the size of its heads depends on the inputs' shapes");
  form.scale = scale == 0 ? 1 / std::sqrt(static_cast<double>(*size)) : scale;
  form.softcap = node.real("softcap", 0);
  node.setResult(0, mergeHeads(node, emitAttention(node, form)));
}

const Operator kOperators[] = {
    {"com.microsoft", "GroupQueryAttention", 1, kNewest, emitGroupQueryAttention, nullptr,
     "quantized and window-sized caches, output_qk; a total_sequence_length that is no shape; where it cannot be "
     "compared with the length of the past, the present is as long as it says"},
};

} // namespace

ArrayRef<Operator> groupedAttentionOperators() { return kOperators; }

} // namespace halftone::onnx
