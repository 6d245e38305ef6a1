//===- Quantization.cpp - formats of ONNX as terms ---------------------------===//

#include "compiler/Import/ONNX/Quantization.h"

#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

Value asScalar(NodeImporter &node, Value x) {
  Dims dims = node.dimsOf(x);
  bool single = llvm::all_of(dims, [](Dim dim) { return ht::getConstant(dim) == 1; });
  return !dims.empty() && single ? node.reshape(x, {}) : x;
}

/// The blocks of codes of shape `dims` for a scale of shape `scale`; nullopt after an error.
static std::optional<SmallVector<int64_t>> getBlocks(NodeImporter &node, ArrayRef<Dim> dims, ArrayRef<Dim> scale,
                                                     Granularity granularity) {
  constexpr int64_t kWhole = htq::AffineAttr::kWhole;
  int64_t rank = dims.size();
  if (scale.empty())
    return SmallVector<int64_t>(rank, kWhole);
  int64_t axis = node.axis(granularity.axis, rank);
  if (node.failed())
    return std::nullopt;
  if (granularity.block < 0)
    return node.error("its block_size is " + Twine(granularity.block)), std::nullopt;
  if (granularity.block > 0) {
    SmallVector<int64_t> blocks(rank, 1);
    blocks[axis] = granularity.block;
    return blocks;
  }
  if (scale.size() == 1) {
    SmallVector<int64_t> blocks(rank, kWhole);
    blocks[axis] = 1;
    return blocks;
  }
  return node.error("its scale has rank " + Twine(scale.size()) + ", but no block_size"), std::nullopt;
}

/// The affine term, and `parameters` (the zero may be null) with the shapes that it wants.
static htq::AffineAttr getTerm(NodeImporter &node, Value like, Type code, MutableArrayRef<Value> parameters,
                               Granularity granularity) {
  for (Value &parameter : parameters)
    if (parameter)
      parameter = asScalar(node, parameter);
  Dims dims = node.dimsOf(like), scale = node.dimsOf(parameters[0]);
  if (node.failed() || !parameters[0])
    return {};
  auto blocks = getBlocks(node, dims, scale, granularity);
  if (!blocks)
    return {};
  auto term = htq::getAffine(code, *blocks, getElementTypeOrSelf(parameters[0]),
                             parameters[1] ? getElementTypeOrSelf(parameters[1]) : Type());
  for (Value &parameter : parameters)
    if (parameter)
      parameter = node.reshape(parameter, htq::getParameterDims(term, dims));
  return node.failed() ? htq::AffineAttr() : term;
}

Value dequantize(NodeImporter &node, Value codes, Value scale, Value zero, Granularity granularity, Type type) {
  if (node.failed() || !codes || !scale)
    return {};
  SmallVector<Value> leaves{codes, scale};
  if (zero)
    leaves.push_back(zero);
  return node.transformWeights(leaves, "dequantized", [&](ValueRange values) {
    Value parameters[] = {values[1], zero ? values[2] : Value()};
    auto term = getTerm(node, values[0], getElementTypeOrSelf(values[0]), parameters, granularity);
    if (!term)
      return Value();
    SmallVector<Value> operands{values[0], parameters[0]};
    if (zero)
      operands.push_back(parameters[1]);
    auto result = ht::getTensorType(node.dimsOf(values[0]), type);
    auto op = htq::DequantizeOp::create(node.getBuilder(), node.getLoc(), result, term, operands);
    return node.verify(op) ? op.getResult() : Value();
  });
}

Value quantize(NodeImporter &node, Value x, Value scale, Value zero, Granularity granularity, Type code,
               bool saturate) {
  if (node.failed() || !x || !scale)
    return {};
  OpBuilder &b = node.getBuilder();
  if (!isa<FloatType>(getElementTypeOrSelf(x)))
    x = node.cast(x, b.getF32Type());
  Value parameters[] = {scale, zero};
  auto term = getTerm(node, x, code, parameters, granularity);
  if (!term)
    return {};
  auto result = ht::getTensorType(node.dimsOf(x), code);
  auto op = htq::QuantizeOp::create(b, node.getLoc(), result, term, x, parameters[0], parameters[1],
                                    saturate ? UnitAttr() : b.getUnitAttr());
  return node.verify(op) ? op.getResult() : Value();
}

Value dequantizeInput(NodeImporter &node, unsigned codes, unsigned scale, unsigned zero) {
  return dequantize(node, node.input(codes), node.input(scale), node.optionalInput(zero), {-1, 0},
                    Float32Type::get(node.getContext()));
}

void quantizeResult(NodeImporter &node, Value x, unsigned scale, unsigned zero, Type code) {
  node.setResult(0, quantize(node, x, node.input(scale), node.optionalInput(zero), {-1, 0}, code));
}

Value centre(NodeImporter &node, Value codes, Value zero, bool perRow) {
  if (node.failed() || !codes)
    return {};
  Type wide = IntegerType::get(node.getContext(), 32);
  if (isa<FloatType>(getElementTypeOrSelf(codes)))
    wide = Float32Type::get(node.getContext());
  SmallVector<Value> values{codes};
  if (zero)
    values.push_back(zero);
  return node.transformWeights(values, "centred", [&](ValueRange values) {
    Value x = node.cast(values[0], wide);
    if (!zero)
      return x;
    Value z = node.cast(asScalar(node, values[1]), wide);
    Dims dims = node.dimsOf(z);
    if (perRow && dims.size() == 1)
      z = node.reshape(z, {dims[0], node.symbols().constant(1)});
    return node.sub(x, z);
  });
}

DynamicCodes quantizeDynamically(NodeImporter &node, Value x) {
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  Type type = getElementTypeOrSelf(x), byte = IntegerType::get(node.getContext(), 8, IntegerType::Unsigned);
  Value zero = node.scalar(0, type), top = node.scalar(255, type), one = node.scalar(1, type);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, dims.size()));
  // The range includes 0, which is then a code.
  Value high = node.infer<ht::MaxOp>({node.reshape(node.reduce(ht::ReduceKind::Max, x, axes), {}), zero});
  Value low = node.infer<ht::MinOp>({node.reshape(node.reduce(ht::ReduceKind::Min, x, axes), {}), zero});
  Value range = node.sub(high, low);
  DynamicCodes result;
  Value empty = node.compare(ht::ComparePredicate::EQ, range, zero);
  result.scale = node.div(node.where(empty, one, range), top);
  Value from = node.div(node.sub(zero, low), result.scale);
  from = node.infer<ht::MinOp>({node.infer<ht::MaxOp>({from, zero}), top});
  result.zero = node.cast(node.unary<ht::RoundOp>(from), byte);
  result.codes = quantize(node, x, result.scale, result.zero, {}, byte);
  return result;
}

} // namespace halftone::onnx
