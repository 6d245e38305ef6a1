//===- Attention.cpp - what the operators of attention share ----------------===//

#include "compiler/Import/ONNX/Attention.h"

#include <limits>

using namespace mlir;
using halftone::ht::ComparePredicate;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

Value swapHeads(NodeImporter &node, Value x) { return node.transpose(x, {0, 2, 1, 3}); }

Value splitHeads(NodeImporter &node, Value x, int64_t heads) {
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  if (dims.size() != 3) {
    node.error("an operand of rank " + Twine(dims.size()) + " must have rank 3");
    return {};
  }
  auto size = heads > 0 ? ht::divideExactly(dims[2], node.symbols().constant(heads)) : std::nullopt;
  if (!size) {
    node.error(node.symbols().toString(dims[2]) + " elements are not " + Twine(heads) + " heads");
    return {};
  }
  return node.reshape(x, {dims[0], dims[1], node.symbols().constant(heads), *size});
}

Value mergeHeads(NodeImporter &node, Value x) {
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  auto width = node.symbols().mul(dims[2], dims[3]);
  if (!width)
    return node.error("its heads are too large"), Value();
  return node.reshape(x, {dims[0], dims[1], *width});
}

Value sliceAxis(NodeImporter &node, Value x, int64_t axis, Dim start, Dim size) {
  Dims sizes = node.dimsOf(x);
  if (node.failed())
    return {};
  Dims starts(sizes.size(), node.symbols().constant(0));
  starts[axis] = start;
  sizes[axis] = size;
  return node.slice(x, starts, SmallVector<int64_t>(sizes.size(), 1), sizes);
}

Value alongBatch(NodeImporter &node, Value x) {
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  if (dims.size() != 1)
    return node.error("an operand of rank " + Twine(dims.size()) + " must have one number per batch"), Value();
  dims.append(3, node.symbols().constant(1));
  return node.reshape(x, dims);
}

/// Leading axes of 1 up to rank 4.
static Value toRank4(NodeImporter &node, Value x) {
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  if (dims.size() > 4)
    return node.error("a mask has rank " + Twine(dims.size())), Value();
  dims.insert(dims.begin(), 4 - dims.size(), node.symbols().constant(1));
  return node.reshape(x, dims);
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

Value intersect(NodeImporter &node, Value lhs, Value rhs) {
  return lhs && rhs ? node.infer<ht::AndOp>({lhs, rhs}) : lhs ? lhs : rhs;
}

Value addBiases(NodeImporter &node, Value lhs, Value rhs) {
  return lhs && rhs ? node.add(lhs, rhs) : lhs ? lhs : rhs;
}

Value toBias(NodeImporter &node, Value mask, double filter, Type type) {
  return node.where(mask, node.scalar(0, type), node.scalar(filter, type));
}

Value emitWindow(NodeImporter &node, Dim queries, Dim keys, Value offset, int64_t left, int64_t right) {
  if (left < 0 && right < 0)
    return {};
  Type type = IntegerType::get(node.getContext(), 64);
  Value row = node.reshape(node.iota(queries, 0, 1, type), {queries, node.symbols().constant(1)});
  Value position = node.add(row, offset), key = node.iota(keys, 0, 1, type), window;
  if (left >= 0) {
    Value first = left ? node.sub(position, node.scalar(left, type)) : position;
    window = node.compare(ComparePredicate::GE, key, first);
  }
  if (right >= 0) {
    Value last = right ? node.add(position, node.scalar(right, type)) : position;
    window = intersect(node, window, node.compare(ComparePredicate::LE, key, last));
  }
  return window;
}

Value emitBelow(NodeImporter &node, Dim keys, Value limit) {
  return node.compare(ComparePredicate::LT, node.iota(keys, 0, 1, IntegerType::get(node.getContext(), 64)),
                      alongBatch(node, limit));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// A zero key and value in front: its score is its bias alone, and every row may
/// attend it, causal ones too.
static void prependSink(NodeImporter &node, AttentionForm &form) {
  Dims query = node.dimsOf(form.query), key = node.dimsOf(form.key);
  Dim one = node.symbols().constant(1);
  if (node.failed())
    return;
  auto prepend = [&](Value x, int64_t axis, Value front) {
    Dims dims = node.dimsOf(x);
    if (node.failed())
      return Value();
    dims[axis] = one;
    return node.concat({node.broadcastTo(front, dims), x}, axis);
  };
  if (form.mask) {
    Value mask = toRank4(node, form.mask);
    Dims dims = node.dimsOf(mask);
    if (node.failed())
      return;
    dims[3] = key[1];
    form.mask = prepend(node.broadcastTo(mask, dims), 3, node.scalar(1, IntegerType::get(node.getContext(), 1)));
  }
  Dims whole = {query[0], query[2], query[1], key[1]};
  Value bias = form.bias ? toRank4(node, form.bias) : node.scalarLike(0, form.query);
  Value sink = node.cast(node.reshape(form.sink, {one, query[2], one, one}), getElementTypeOrSelf(form.query));
  form.bias = prepend(node.broadcastTo(bias, whole), 3, sink);
  form.key = prepend(form.key, 1, node.scalarLike(0, form.key));
  form.value = prepend(form.value, 1, node.scalarLike(0, form.value));
  form.sink = {};
}

Value emitAttention(NodeImporter &node, AttentionForm form) {
  if (form.sink)
    prependSink(node, form);
  if (node.failed() || !form.query || !form.key || !form.value)
    return {};
  // Operands of different types meet in f32.
  Type type = getElementTypeOrSelf(form.query);
  if (getElementTypeOrSelf(form.key) != type || getElementTypeOrSelf(form.value) != type)
    for (Value *x : {&form.query, &form.key, &form.value})
      *x = node.cast(*x, Float32Type::get(node.getContext()));
  if (form.mask)
    form.mask = toRank4(node, form.mask);
  if (form.bias)
    form.bias = toRank4(node, form.bias);
  Dims query = node.dimsOf(form.query), value = node.dimsOf(form.value);
  if (node.failed())
    return {};
  if (query.size() != 4 || value.size() != 4)
    return node.error("its operands differ in rank"), Value();
  OpBuilder &b = node.getBuilder();
  auto result = ht::getTensorType({query[0], query[1], query[2], value[3]}, getElementTypeOrSelf(form.query));
  auto op = ht::AttentionOp::create(b, node.getLoc(), result, form.query, form.key, form.value,
                                    /*sequences=*/Value(), form.start, form.mask, form.bias,
                                    b.getF64FloatAttr(form.scale),
                                    form.causal ? b.getUnitAttr() : UnitAttr(), b.getF64FloatAttr(form.softcap),
                                    UnitAttr(), b.getI64IntegerAttr(form.window));
  return node.verify(op) ? node.cast(op.getResult(), type) : Value();
}

Value emitScores(NodeImporter &node, const AttentionForm &form, ScoreStage stage) {
  Value query = swapHeads(node, form.query), key = node.transpose(form.key, {0, 2, 3, 1});
  Dims q = node.dimsOf(query), k = node.dimsOf(key);
  if (node.failed())
    return {};
  // Heads that share a key head are one axis of the product.
  auto group = ht::divideExactly(q[1], k[1]);
  if (!group)
    return node.error("its heads are no multiple of those of the keys"), Value();
  Value product = node.matmul(node.reshape(query, {q[0], k[1], *group, q[2], q[3]}),
                              node.reshape(key, {k[0], k[1], node.symbols().constant(1), k[2], k[3]}));
  Value scores = node.reshape(product, {q[0], q[1], q[2], k[3]});
  scores = node.mul(scores, node.scalarLike(form.scale, scores));
  if (stage == ScoreStage::Product)
    return scores;
  if (form.softcap > 0) {
    Value cap = node.scalarLike(form.softcap, scores);
    scores = node.mul(node.unary<ht::TanhOp>(node.div(scores, cap)), cap);
  }
  if (stage == ScoreStage::Capped)
    return scores;
  Value lowest = node.scalarLike(-std::numeric_limits<double>::infinity(), scores), mask = form.mask;
  if (form.causal) {
    auto offset = node.symbols().sub(k[3], q[2]);
    if (!offset)
      return node.error("its sequences are too large"), Value();
    mask = intersect(node, mask, emitWindow(node, q[2], k[3], node.dim(*offset), -1, 0));
  }
  if (mask)
    scores = node.where(mask, scores, lowest);
  if (form.bias)
    scores = node.add(scores, node.cast(form.bias, node.elementTypeOf(scores)));
  if (stage == ScoreStage::Biased)
    return scores;
  Value largest = node.reduce(ht::ReduceKind::Max, scores, 3);
  return node.where(node.compare(ComparePredicate::EQ, largest, lowest), node.scalarLike(0, scores),
                    node.softmax(scores, 3));
}

//===----------------------------------------------------------------------===//
// Rotation
//===----------------------------------------------------------------------===//

Value emitRotation(NodeImporter &node, Value x, Value cos, Value sin, Value positions, bool interleaved) {
  if (positions) {
    auto axis = node.getBuilder().getNamedAttr("axis", node.getBuilder().getI64IntegerAttr(0));
    cos = node.infer<ht::GatherOp>({cos, positions}, axis);
    sin = node.infer<ht::GatherOp>({sin, positions}, axis);
  }
  if (node.failed() || !x || !cos || !sin)
    return {};
  OpBuilder &b = node.getBuilder();
  auto op = ht::RopeOp::create(b, node.getLoc(), x.getType(), x, cos, sin,
                               interleaved ? b.getUnitAttr() : UnitAttr());
  return node.verify(op) ? op.getResult() : Value();
}

} // namespace halftone::onnx
