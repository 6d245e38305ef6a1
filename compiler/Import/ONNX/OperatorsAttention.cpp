//===- OperatorsAttention.cpp - attention, rotation and cache of ai.onnx ----===//

#include "compiler/Import/ONNX/Attention.h"
#include "compiler/Import/ONNX/Operators.h"

#include <cmath>
#include <limits>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// `mask` with its last axis padded to `keys`: what is missing may not be attended.
Value padMask(NodeImporter &node, Value mask, Dim keys) {
  Dims dims = node.dimsOf(mask);
  if (node.failed())
    return {};
  if (dims.empty() || dims.back() == keys)
    return mask;
  auto missing = node.symbols().sub(keys, dims.back());
  if (!missing || node.symbols().bounds(*missing).low < 0) {
    node.error("its mask of " + node.symbols().toString(dims.back()) + " keys does not fit " +
               node.symbols().toString(keys) + " keys");
    return {};
  }
  dims.back() = *missing;
  double fill = getElementTypeOrSelf(mask).isInteger(1) ? 0 : -std::numeric_limits<double>::infinity();
  return node.concat({mask, node.broadcastTo(node.scalarLike(fill, mask), dims)}, dims.size() - 1);
}

void emitAttention(NodeImporter &node) {
  int64_t rank = node.rank(0), mode = node.integer("qk_matmul_output_mode", 0);
  int64_t left = node.integer("left_window_size", -1), right = node.integer("right_window_size", -1);
  bool hasPast = node.hasInput(4), hasLengths = node.hasInput(6);
  if (node.failed())
    return;
  if ((rank != 3 && rank != 4) || node.rank(1) != rank || node.rank(2) != rank)
    return node.error("its operands must have rank 3, or all rank 4");
  if (hasPast != node.hasInput(5))
    return node.error("past_key and past_value must be given together");
  if (hasPast && hasLengths)
    return node.error("nonpad_kv_seqlen and a past exclude each other");
  if (left < -1 || right < -1 || mode < 0 || mode > 3)
    return node.error("a window is -1 or a length, qk_matmul_output_mode 0 to 3");

  AttentionForm form;
  auto headed = [&](unsigned index, StringRef heads) {
    return rank == 4 ? swapHeads(node, node.input(index))
                     : splitHeads(node, node.input(index), node.requiredInteger(heads));
  };
  form.query = headed(0, "q_num_heads");
  form.key = headed(1, "kv_num_heads");
  form.value = headed(2, "kv_num_heads");
  Dim offset = node.symbols().constant(0);
  if (hasPast) {
    Value pastKey = swapHeads(node, node.input(4)), pastValue = swapHeads(node, node.input(5));
    if (node.failed())
      return;
    offset = node.dimsOf(pastKey)[1];
    form.key = node.concat({pastKey, form.key}, 1);
    form.value = node.concat({pastValue, form.value}, 1);
  }
  if (node.failed())
    return;
  Dim queries = node.dimsOf(form.query)[1], keys = node.dimsOf(form.key)[1];
  if (node.wants(1))
    node.setResult(1, swapHeads(node, form.key));
  if (node.wants(2))
    node.setResult(2, swapHeads(node, form.value));

  if (node.hasInput(3)) {
    Value mask = padMask(node, node.input(3), keys);
    (node.elementType(3).isInteger(1) ? form.mask : form.bias) = mask;
  }
  Value position;
  if (hasLengths) {
    Value lengths = node.input(6);
    form.mask = intersect(node, form.mask, emitBelow(node, keys, lengths));
    position = node.sub(alongBatch(node, lengths), node.dim(queries));
  }
  if (node.integer("is_causal", 0)) {
    auto distance = node.symbols().sub(keys, queries);
    if (!hasLengths && distance == offset)
      form.causal = true;
    else
      right = 0;
  }
  if (left >= 0 || right >= 0)
    form.mask = intersect(
        node, form.mask, emitWindow(node, queries, keys, position ? position : node.dim(offset), left, right));

  auto size = ht::getConstant(node.dimsOf(form.query)[3]);
  if (!size && !node.hasAttribute("scale"))
    return node.error("the size of its heads depends on the inputs' shapes");
  form.scale = node.real("scale", size ? 1 / std::sqrt(static_cast<double>(*size)) : 1);
  form.softcap = node.real("softcap", 0);
  Value y = emitAttention(node, form);
  node.setResult(0, rank == 4 ? swapHeads(node, y) : mergeHeads(node, y));
  if (node.wants(3))
    node.setResult(3, emitScores(node, form, static_cast<ScoreStage>(mode)));
}

//===----------------------------------------------------------------------===//
// Rotation
//===----------------------------------------------------------------------===//

/// Rotates [b, heads, s, d], or [b, s, width] as heads of what `num_heads` says.
void rotate(NodeImporter &node, Value cos, Value sin, Value positions, std::optional<int64_t> headSize) {
  Value x = node.input(0);
  int64_t rank = node.rank(0), heads = node.integer("num_heads", 0), part = node.integer("rotary_embedding_dim", 0);
  if (node.failed() || !cos || !sin)
    return;
  if (rank != 3 && rank != 4)
    return node.error("its input must have rank 3 or 4");
  if (rank == 3 && heads == 0 && headSize) {
    auto count = ht::divideExactly(node.dims(0)[2], node.symbols().constant(*headSize));
    heads = count ? ht::getConstant(*count).value_or(0) : 0;
  }
  Dims angles = node.dimsOf(cos);
  if (part && (angles.empty() || angles.back() != node.symbols().constant(part / 2)))
    return node.error("rotary_embedding_dim is " + Twine(part) + ", but its tables have shape " +
                      node.symbols().toString(angles));
  x = rank == 4 ? swapHeads(node, x) : splitHeads(node, x, heads);
  Value y = emitRotation(node, x, cos, sin, positions, node.integer("interleaved", 0) != 0);
  node.setResult(0, rank == 4 ? swapHeads(node, y) : mergeHeads(node, y));
}

void emitRotaryEmbedding(NodeImporter &node) {
  Value cos = node.input(1), sin = node.input(2);
  rotate(node, cos, sin, node.optionalInput(3), std::nullopt);
}

/// Of com.microsoft: positions come first, and one number is where the first token stands.
void emitContribRotaryEmbedding(NodeImporter &node) {
  Value positions = node.input(1), cos = node.input(2), sin = node.input(3);
  if (node.real("scale", 1) != 1)
    return node.error("a scale is not supported");
  Dims dims = node.dims(0), angles = node.dims(2);
  if (node.failed() || (dims.size() != 3 && dims.size() != 4) || angles.size() != 2)
    return node.error("its input must have rank 3 or 4, its tables rank 2");
  if (node.rank(1) == 1) {
    Dim tokens = dims[dims.size() - 2];
    Value rows = node.iota(tokens, 0, 1, IntegerType::get(node.getContext(), 64));
    positions = node.reshape(node.add(rows, positions), {node.symbols().constant(1), tokens});
  }
  auto half = ht::getConstant(angles[1]);
  rotate(node, cos, sin, positions, half && *half > 0 ? std::optional(2 * *half) : std::nullopt);
}

//===----------------------------------------------------------------------===//
// Cache
//===----------------------------------------------------------------------===//

/// A copy of the cache with rows along `axis` from a batch's index on replaced.
void emitTensorScatter(NodeImporter &node) {
  Value cache = node.input(0), update = node.input(1);
  Dims whole = node.dims(0), dims = node.dims(1);
  int64_t axis = node.axis(node.integer("axis", -2), whole.size());
  StringRef mode = node.string("mode", "linear");
  if (node.failed())
    return;
  if (axis == 0 || dims.size() != whole.size())
    return node.error("its operands must have one rank, and its axis is not 0");
  if (mode != "linear" && mode != "circular")
    return node.error("mode must be linear or circular, got '" + mode + "'");
  Type type = IntegerType::get(node.getContext(), 64);
  Dim one = node.symbols().constant(1);
  // One column of index tuples per axis up to `axis`, over the update's rows.
  Dims rows(dims.begin(), dims.begin() + axis + 1), column = rows;
  column.push_back(one);
  SmallVector<Value> columns;
  for (int64_t i = 0; i <= axis; ++i) {
    Dims along(column.size(), one);
    along[i] = column[i];
    Value index = node.reshape(node.iota(column[i], 0, 1, type), along);
    if (i == axis && node.hasInput(2)) {
      Dims batch(column.size(), one);
      batch[0] = column[0];
      index = node.add(index, node.reshape(node.input(2), batch));
      if (mode == "circular") {
        Value size = node.dim(whole[axis]);
        index = node.sub(index, node.mul(node.div(index, size), size));
      }
    }
    columns.push_back(node.broadcastTo(index, column));
  }
  Value indices = node.concat(columns, column.size() - 1);
  if (node.failed())
    return;
  node.setResult(0, ht::ScatterNDOp::create(node.getBuilder(), node.getLoc(), cache.getType(), cache, indices,
                                            update, ht::ScatterReduction::None)
                        .getResult());
}

const Operator kOperators[] = {
    {"", "Attention", 23, kNewest, emitAttention, nullptr,
     "a mask whose last dimension may exceed the number of keys"},
    {"", "RotaryEmbedding", 23, kNewest, emitRotaryEmbedding},
    {"", "TensorScatter", 24, kNewest, emitTensorScatter},
    {"com.microsoft", "RotaryEmbedding", 1, kNewest, emitContribRotaryEmbedding, nullptr, "a scale other than 1"},
};

} // namespace

ArrayRef<Operator> attentionOperators() { return kOperators; }

} // namespace halftone::onnx
