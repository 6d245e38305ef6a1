//===- Blocks.cpp - the parts of transformers as ht operations --------------===//

#include "compiler/Import/Transformer/Blocks.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::transformer {

Blocks::Blocks(ModuleOp module, func::FuncOp graph, Folder &folder, Checkpoint &checkpoint)
    : graph(graph), symbols(module), folder(folder), checkpoint(checkpoint), builder(module.getContext()),
      loc(folder.getLocation()) {
  builder.setInsertionPointToEnd(&graph.getBody().front());
}

void Blocks::at(const std::string &name) {
  loc = NameLoc::get(builder.getStringAttr(name), folder.getLocation());
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

const StoredTensor *Blocks::take(const std::string &name, ArrayRef<int64_t> shape) {
  const StoredTensor *tensor = valid ? checkpoint.take(name, shape) : nullptr;
  valid &= tensor != nullptr;
  return tensor;
}

Value Blocks::makeWeight(const std::string &symbol, const StoredTensor *tensor, ArrayRef<int64_t> shape,
                         int64_t first, Recipe recipe) {
  Value &known = weights[symbol];
  if (known)
    return known;
  Type element = tensor ? tensor->type.getElementType() : builder.getF32Type();
  OpBuilder b(graph);
  auto weight = ht::WeightOp::create(b, loc, symbol, RankedTensorType::get(shape, element), StringAttr());
  b.createBlock(&weight.getInitializer());
  Value value;
  if (tensor && tensor->encoding) {
    value = tensor->encoding->load(b, loc, *tensor, first, shape.front());
  } else {
    uint64_t skipped = first * shape.back() * (element.getIntOrFloatBitWidth() / 8);
    value = ht::LoadOp::create(b, loc, RankedTensorType::get(shape, element), tensor ? tensor->file : "",
                               tensor ? tensor->offset + skipped : 0);
  }
  value = recipe(b, value);
  ht::YieldOp::create(b, loc, value);
  weight.setType(cast<RankedTensorType>(value.getType()));
  symbols.insert(weight);
  return known = ht::GetWeightOp::create(builder, loc, value.getType(), weight.getSymName());
}

Value Blocks::getRows(const std::string &name, Rows rows, int64_t columns, bool transposed) {
  std::string symbol = name;
  if (rows.count * rows.groups != rows.total)
    symbol += ".rows" + std::to_string(rows.first);
  int64_t group = rows.total / rows.groups;
  if (!transposed && rows.groups == 1) {
    const StoredTensor *tensor = take(name, {rows.total, columns});
    return makeWeight(symbol, tensor, {rows.count, columns}, rows.first,
                      [](OpBuilder &, Value value) { return value; });
  }
  SmallVector<int64_t> stored = {rows.total, columns};
  if (transposed)
    std::swap(stored[0], stored[1]);
  const StoredTensor *tensor = take(name, stored);
  return makeWeight(symbol, tensor, stored, 0, [&](OpBuilder &b, Value value) -> Value {
    Type element = getElementTypeOrSelf(value);
    if (transposed)
      value = ht::TransposeOp::create(b, loc, value, ArrayRef<int64_t>{1, 0});
    if (rows.count * rows.groups == rows.total)
      return value;
    auto type = [&](ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, element); };
    value = ht::ReshapeOp::create(b, loc, type({rows.groups, group, columns}), value);
    SmallVector<AffineExpr> starts = {constant(0), constant(rows.first), constant(0)};
    value = ht::SliceOp::create(b, loc, type({rows.groups, rows.count, columns}), value,
                                ht::DimsAttr::get(b.getContext(), starts), ArrayRef<int64_t>{1, 1, 1});
    return ht::ReshapeOp::create(b, loc, type({rows.groups * rows.count, columns}), value);
  });
}

Value Blocks::getVector(const std::string &name, Rows rows, bool plusOne) {
  std::string symbol = name;
  if (rows.count * rows.groups != rows.total)
    symbol += ".rows" + std::to_string(rows.first);
  const StoredTensor *tensor = take(name, {rows.total});
  return makeWeight(symbol, tensor, {rows.total}, 0, [&](OpBuilder &b, Value value) -> Value {
    auto type = [&](ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, b.getF32Type()); };
    if (!getElementTypeOrSelf(value).isF32())
      value = ht::CastOp::create(b, loc, type({rows.total}), value, UnitAttr());
    if (plusOne) {
      auto one = DenseElementsAttr::get(type({}), 1.0f);
      value = ht::AddOp::create(b, loc, value, ht::ConstantOp::create(b, loc, one));
    }
    if (rows.count * rows.groups == rows.total)
      return value;
    value = ht::ReshapeOp::create(b, loc, type({rows.groups, rows.total / rows.groups}), value);
    SmallVector<AffineExpr> starts = {constant(0), constant(rows.first)};
    value = ht::SliceOp::create(b, loc, type({rows.groups, rows.count}), value,
                                ht::DimsAttr::get(b.getContext(), starts), ArrayRef<int64_t>{1, 1});
    return ht::ReshapeOp::create(b, loc, type({rows.groups * rows.count}), value);
  });
}

Value Blocks::getMatrix(const std::string &name, int64_t rows, int64_t columns) {
  return getRows(name, Rows(rows), columns, /*transposed=*/false);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

Value Blocks::scalar(double value) {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  return ht::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, static_cast<float>(value)));
}

Value Blocks::add(Value x, Value y) { return ht::AddOp::create(builder, loc, x, y); }

Value Blocks::scale(Value x, double factor) {
  return factor == 1 ? x : Value(ht::MulOp::create(builder, loc, x, scalar(factor)));
}

Value Blocks::softcap(Value x, double c) {
  return c == 0 ? x : scale(ht::TanhOp::create(builder, loc, scale(x, 1 / c)), c);
}

Value Blocks::activate(Activation activation, Value x) {
  switch (activation) {
  case Activation::Silu:
    return ht::SiluOp::create(builder, loc, x);
  case Activation::Gelu:
    return ht::GeluOp::create(builder, loc, x, ht::GeluApproximation::None);
  case Activation::GeluTanh:
    return ht::GeluOp::create(builder, loc, x, ht::GeluApproximation::Tanh);
  case Activation::Relu:
    return ht::ReluOp::create(builder, loc, x);
  case Activation::QuickGelu:
    return ht::GluOp::create(builder, loc, ht::GluActivation::Sigmoid, scale(x, 1.702), x);
  }
}

Value Blocks::reshape(Value x, ArrayRef<Dim> dims) {
  auto type = ht::getTensorType(dims, getElementTypeOrSelf(x));
  return x.getType() == type ? x : Value(ht::ReshapeOp::create(builder, loc, type, x));
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Value Blocks::norm(Value x, const std::string &prefix, const Norm &norm) {
  if (norm.kind == Norm::None)
    return x;
  at(prefix + norm.name);
  int64_t size = *ht::getConstant(ht::getDims(x).back());
  Value gamma = getVector(prefix + norm.name + ".weight", Rows(size), norm.plusOne);
  auto epsilon = builder.getF64FloatAttr(norm.epsilon);
  if (norm.kind == Norm::RMS)
    return ht::RMSNormOp::create(builder, loc, x.getType(), x, gamma, epsilon);
  Value beta = norm.bias ? getVector(prefix + norm.name + ".bias", Rows(size)) : Value();
  return ht::LayerNormOp::create(builder, loc, x.getType(), x, gamma, beta, epsilon);
}

Value Blocks::linear(Value x, const std::string &prefix, const Linear &linear, Rows rows) {
  at(prefix + linear.name);
  int64_t columns = *ht::getConstant(ht::getDims(x).back());
  Value weight = getRows(prefix + linear.name + ".weight", rows, columns, linear.transposed);
  Value bias = linear.bias ? getVector(prefix + linear.name + ".bias", rows) : Value();
  return ht::LinearOp::create(builder, loc, x, weight, bias);
}

Value Blocks::embedding(const std::string &name, int64_t rows, int64_t columns, Value ids) {
  at(name);
  return ht::EmbeddingOp::create(builder, loc, getMatrix(name + ".weight", rows, columns), ids);
}

Value Blocks::mlp(Value x, const std::string &prefix, const MLP &mlp) {
  bool isGated = mlp.packed || !mlp.gate.name.empty();
  Value inner;
  if (!isGated) {
    inner = activate(mlp.activation, linear(x, prefix, mlp.up, Rows(mlp.size)));
  } else {
    Value gate = mlp.packed ? linear(x, prefix, mlp.up, Rows(2 * mlp.size, 0, mlp.size))
                            : linear(x, prefix, mlp.gate, Rows(mlp.size));
    Value up = mlp.packed ? linear(x, prefix, mlp.up, Rows(2 * mlp.size, mlp.size, mlp.size))
                          : linear(x, prefix, mlp.up, Rows(mlp.size));
    switch (mlp.activation) {
    case Activation::Silu:
      inner = ht::GluOp::create(builder, loc, ht::GluActivation::Silu, gate, up);
      break;
    case Activation::Gelu:
      inner = ht::GluOp::create(builder, loc, ht::GluActivation::Gelu, gate, up);
      break;
    case Activation::GeluTanh:
      inner = ht::GluOp::create(builder, loc, ht::GluActivation::GeluTanh, gate, up);
      break;
    case Activation::Relu:
      inner = ht::GluOp::create(builder, loc, ht::GluActivation::Relu, gate, up);
      break;
    case Activation::QuickGelu:
      inner = ht::MulOp::create(builder, loc, activate(mlp.activation, gate), up);
      break;
    }
  }
  int64_t hidden = *ht::getConstant(ht::getDims(x).back());
  return linear(inner, prefix, mlp.down, Rows(hidden));
}

/// All experts are computed for all tokens: programs have no operation that leaves one out.
Value Blocks::experts(Value x, const std::string &prefix, const Experts &experts) {
  Value scores = linear(x, prefix, experts.router, Rows(experts.count));
  scores = ht::SoftmaxOp::create(builder, loc, scores.getType(), scores, 2);
  auto best = ht::TopKOp::create(builder, loc, scores, experts.perToken, /*axis=*/2, /*smallest=*/false);
  auto sum = [&](Value values) -> Value {
    return ht::ReduceOp::create(builder, loc, ht::ReduceKind::Sum, values, ArrayRef<int64_t>{2});
  };
  Value shares = best.getValues();
  if (experts.normalized)
    shares = ht::DivOp::create(builder, loc, shares, sum(shares));

  Value result;
  if (!experts.shared.up.name.empty()) {
    result = mlp(x, prefix, experts.shared);
    Value share = ht::SigmoidOp::create(builder, loc, linear(x, prefix, experts.sharedGate, Rows(1)));
    result = ht::MulOp::create(builder, loc, result, share);
  }
  for (int64_t i = 0; i < experts.count && valid; ++i) {
    Value y = mlp(x, prefix + experts.prefix + std::to_string(i) + ".", experts.expert);
    auto index = DenseElementsAttr::get(RankedTensorType::get({}, builder.getI64Type()), i);
    Value isChosen = ht::CompareOp::create(builder, loc, ht::ComparePredicate::EQ, best.getIndices(),
                                           ht::ConstantOp::create(builder, loc, index));
    Value share = sum(ht::WhereOp::create(builder, loc, isChosen, shares, scalar(0)));
    y = ht::MulOp::create(builder, loc, y, share);
    result = result ? add(result, y) : y;
  }
  return result;
}

/// `x` with what `body` makes of `from` added.
Value Blocks::branch(Value x, Value from, const std::string &prefix, const Branch &norms,
                     llvm::function_ref<Value(Value)> body) {
  Value y = norm(body(norm(from, prefix, norms.input)), prefix, norms.output);
  return norm(add(x, y), prefix, norms.sum);
}

Value Blocks::layer(Value x, const Layer &layer, llvm::function_ref<Value(Value)> attend) {
  Value between = branch(x, x, layer.prefix, layer.aroundAttention, attend);
  return branch(between, layer.parallel ? x : between, layer.prefix, layer.aroundMlp, [&](Value y) {
    return layer.experts.count ? experts(y, layer.prefix, layer.experts) : mlp(y, layer.prefix, layer.mlp);
  });
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Blocks::Heads Blocks::heads(Value x, const std::string &prefix, const Attention &attention) {
  int64_t size = attention.headSize, rows = attention.heads * size, kvRows = attention.kvHeads * size;
  auto project = [&](const Linear &layer, Rows part, int64_t heads, const Norm &headNorm) {
    Value y = linear(x, prefix, layer, part);
    Dims dims = ht::getDims(y);
    dims.back() = constant(heads);
    dims.push_back(constant(size));
    return norm(reshape(y, dims), prefix, headNorm);
  };
  int64_t all = rows + 2 * kvRows;
  Rows query(rows), key(kvRows), value(kvRows);
  if (attention.packing == Attention::Blocks) {
    query = Rows(all, 0, rows);
    key = Rows(all, rows, kvRows);
    value = Rows(all, rows + kvRows, kvRows);
  } else if (attention.packing == Attention::Heads) {
    query = Rows(all, 0, size, attention.heads);
    key = Rows(all, size, size, attention.heads);
    value = Rows(all, 2 * size, size, attention.heads);
  }
  bool isPacked = attention.packing != Attention::Separate;
  return {project(attention.query, query, attention.heads, attention.queryNorm),
          project(isPacked ? attention.query : attention.key, key, attention.kvHeads, attention.keyNorm),
          project(isPacked ? attention.query : attention.value, value, attention.kvHeads, Norm())};
}

Blocks::Angles Blocks::angles(const Rope &rope, Value positions) {
  int64_t pairs = rope.frequencies.size();
  auto type = RankedTensorType::get({pairs}, builder.getF32Type());
  Value frequencies =
      ht::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, ArrayRef<float>(rope.frequencies)));
  Dims dims = ht::getDims(positions);
  Value p =
      ht::CastOp::create(builder, loc, ht::getTensorType(dims, builder.getF32Type()), positions, UnitAttr());
  dims.push_back(constant(1));
  Value angle = ht::MulOp::create(builder, loc, reshape(p, dims), frequencies);
  return {scale(ht::CosOp::create(builder, loc, angle), rope.scale),
          scale(ht::SinOp::create(builder, loc, angle), rope.scale), rope.interleaved};
}

Value Blocks::rotate(Value x, const Angles &angles) {
  return ht::RopeOp::create(builder, loc, x.getType(), x, angles.cos, angles.sin, angles.interleaved);
}

} // namespace halftone::transformer
