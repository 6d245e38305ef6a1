//===- OperatorsBlockQuantized.cpp - weights of 2, 4 and 8 bits in blocks ---===//
//
// com.microsoft's operators whose weights are bytes of packed codes. Unpacking is
// part of a weight's recipe, which ends in the term of its format.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Attention.h"
#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Quantization.h"

#include "dialects/HTQ/HTQOps.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

Type getCodeType(NodeImporter &node, int64_t bits) {
  return IntegerType::get(node.getContext(), bits, IntegerType::Unsigned);
}

/// Bytes [..., n] as codes [..., n * 8 / bits]: the low bits are first, or the high ones.
Value unpack(NodeImporter &node, Value bytes, int64_t bits, bool highFirst = false) {
  Dims dims = node.dimsOf(bytes);
  Type byte = getCodeType(node, 8);
  if (node.failed() || bits == 8)
    return bytes;
  auto width = dims.empty() ? std::nullopt : node.symbols().mul(dims.back(), node.symbols().constant(8 / bits));
  if (!width)
    return node.error("its codes are too many"), Value();
  Dims split = dims, whole = dims;
  split.push_back(node.symbols().constant(1));
  whole.back() = *width;
  Dim count = node.symbols().constant(8 / bits);
  Value shifts = highFirst ? node.iota(count, 8 - bits, -bits, byte) : node.iota(count, 0, bits, byte);
  Value codes = node.infer<ht::ShiftRightOp>({node.reshape(bytes, split), shifts});
  codes = node.infer<ht::AndOp>({codes, node.scalar((1 << bits) - 1, byte)});
  return node.cast(node.reshape(codes, whole), getCodeType(node, bits));
}

/// The bits of a code, by attribute; 0 after an error.
int64_t getBits(NodeImporter &node) {
  int64_t bits = node.integer("bits", 4);
  if (!node.failed() && bits != 2 && bits != 4 && bits != 8)
    node.error(Twine(bits) + " bits are not supported, but 2, 4 and 8",
               "quantize the model with 4 or 8 bits per weight");
  return node.failed() ? 0 : bits;
}

/// What stands for a missing zero point of unsigned codes: the middle.
Value middle(NodeImporter &node, int64_t bits, ArrayRef<Dim> dims) {
  Type code = getCodeType(node, bits);
  return node.broadcastTo(node.cast(node.scalar(1 << (bits - 1), getCodeType(node, 8)), code), dims);
}

/// x [..., K] times a weight [N, K], + bias.
Value multiply(NodeImporter &node, Value x, Value weight, Value bias) {
  if (node.failed() || !x || !weight)
    return {};
  if (weight.getDefiningOp<ht::GetWeightOp>()) {
    SmallVector<Value> operands{x, weight};
    if (bias)
      operands.push_back(bias);
    return node.infer<ht::LinearOp>(operands);
  }
  Value y = node.matmul(x, node.transpose(weight, {1, 0}));
  return bias ? node.add(y, bias) : y;
}

/// Positive attributes `K`, `N`, `block_size`; nullopt after an error.
struct Extent {
  int64_t inner, outer, block;
};
std::optional<Extent> getExtent(NodeImporter &node) {
  Extent extent{node.requiredInteger("K"), node.requiredInteger("N"), node.requiredInteger("block_size")};
  auto isSmall = [](int64_t x) { return x >= 1 && x <= (int64_t(1) << 31); };
  if (node.failed())
    return std::nullopt;
  if (isSmall(extent.inner) && isSmall(extent.outer) && isSmall(extent.block))
    return extent;
  return node.error("K, N and block_size must be positive"), std::nullopt;
}

void emitMatMulNBits(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  int64_t bits = getBits(node);
  auto extent = getExtent(node);
  if (!extent || !bits)
    return;
  if (node.integer("weight_prepacked", 0))
    return node.error("its weight is packed for another processor", "export the model without prepacked weights");
  int64_t blocks = llvm::divideCeil(extent->inner, extent->block);
  int64_t zeroBytes = llvm::divideCeil(blocks * bits, 8);
  Dim rows = symbols.constant(extent->outer), columns = symbols.constant(extent->inner);
  Dims perBlock{rows, symbols.constant(blocks)};
  Value x = node.input(0), bytes = node.input(1), scale = node.input(2);
  Value zero = node.optionalInput(3), group = node.optionalInput(4), bias = node.optionalInput(5);
  Type type = node.elementType(0);
  if (node.failed())
    return;
  bool packedZero = zero && !isa<FloatType>(getElementTypeOrSelf(zero));

  SmallVector<Value> leaves{bytes, scale};
  for (Value optional : {zero, group})
    if (optional)
      leaves.push_back(optional);
  Value weight = node.transformWeights(leaves, "dequantized", [&](ValueRange values) {
    // Rows end with a whole block.
    auto width = symbols.mul(symbols.constant(blocks), symbols.constant(extent->block * bits / 8));
    if (!width)
      return Value();
    Value codes = unpack(node, node.reshape(values[0], {rows, *width}), bits);
    codes = sliceAxis(node, codes, 1, symbols.constant(0), columns);
    Value scales = node.reshape(values[1], perBlock), zeros;
    if (packedZero) {
      zeros = unpack(node, node.reshape(values[2], {rows, symbols.constant(zeroBytes)}), bits);
      zeros = sliceAxis(node, zeros, 1, symbols.constant(0), perBlock[1]);
    } else {
      zeros = zero ? node.reshape(values[2], perBlock) : middle(node, bits, perBlock);
    }
    Granularity granularity{1, extent->block};
    if (group) { // the block of each column
      auto axis = node.getBuilder().getNamedAttr("axis", node.getBuilder().getI64IntegerAttr(1));
      scales = node.infer<ht::GatherOp>({scales, values.back()}, axis);
      zeros = node.infer<ht::GatherOp>({zeros, values.back()}, axis);
      granularity.block = 1;
    }
    return dequantize(node, codes, scales, zeros, granularity, type);
  });
  node.setResult(0, multiply(node, x, weight, bias));
}

/// Codes choose from 16 numbers, times the largest magnitude of their block.
void emitMatMulBnb4(NodeImporter &node) {
  static constexpr float kFP4[] = {0.0f,  0.0052083333f,  2.0f / 3,  1.0f,  1.0f / 3,  0.5f,  1.0f / 6,  0.25f,
                                   -0.0f, -0.0052083333f, -2.0f / 3, -1.0f, -1.0f / 3, -0.5f, -1.0f / 6, -0.25f};
  static constexpr float kNF4[] = {
      -1.0f,       -0.6961928f, -0.52507305f, -0.39491749f, -0.28444138f, -0.18477343f, -0.09105004f, 0.0f,
      0.0795803f,  0.1609302f,  0.2461123f,   0.33791524f,  0.44070983f,  0.562617f,    0.72295684f,  1.0f};
  Symbols &symbols = node.symbols();
  auto extent = getExtent(node);
  int64_t kind = node.requiredInteger("quant_type");
  if (!extent)
    return;
  if (kind != 0 && kind != 1)
    return node.error("quant_type " + Twine(kind) + " is neither 0 (FP4) nor 1 (NF4)");
  if (!node.integer("transB", 1))
    return node.error("a weight that is not transposed is not supported");
  Dim rows = symbols.constant(extent->outer), columns = symbols.constant(extent->inner);
  auto count = symbols.mul(rows, columns);
  Value x = node.input(0), bytes = node.input(1), largest = node.input(2);
  Type type = node.elementType(0);
  if (!count || node.failed())
    return node.error("its weight is too large");
  Value weight = node.transformWeights({bytes, largest}, "dequantized", [&](ValueRange values) {
    OpBuilder &b = node.getBuilder();
    auto size = symbols.product(node.dimsOf(values[0]));
    if (!size)
      return Value();
    Value codes = unpack(node, node.reshape(values[0], *size), 4, /*highFirst=*/true);
    codes = sliceAxis(node, codes, 0, symbols.constant(0), *count);
    auto blocks = symbols.ceilDiv(*count, extent->block);
    Value scales = blocks ? node.reshape(values[1], *blocks) : Value();
    if (node.failed() || !codes || !scales)
      return Value();
    Type real = b.getF32Type();
    Value codebook = ht::ConstantOp::create(
        b, node.getLoc(), DenseElementsAttr::get(RankedTensorType::get({16}, real), ArrayRef(kind ? kNF4 : kFP4)));
    auto lookup = htq::LookupAttr::get(node.getContext(), TypeAttr::get(getCodeType(node, 4)), TypeAttr::get(real));
    auto term = htq::AffineAttr::get(node.getContext(), lookup, extent->block,
                                     TypeAttr::get(getElementTypeOrSelf(scales)), mlir::Attribute());
    auto op = htq::DequantizeOp::create(b, node.getLoc(), ht::getTensorType(*count, type), term,
                                        ValueRange{codes, codebook, scales});
    return node.verify(op) ? node.reshape(op.getResult(), {rows, columns}) : Value();
  });
  node.setResult(0, multiply(node, x, weight, {}));
}

/// Rows of a table in blocks.
void emitGatherBlockQuantized(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  int64_t rank = node.rank(0), block = node.integer("block_size", 128);
  int64_t gatherAxis = node.axis(node.integer("gather_axis", 0), rank);
  int64_t axis = node.axis(node.integer("quantize_axis", 1), rank);
  Value table = node.input(0), indices = node.input(1), scale = node.input(2), zero = node.optionalInput(3);
  bool isBytes = node.elementType(0).isUnsignedInteger(8);
  int64_t bits = isBytes ? getBits(node) : 8;
  Dims scales = node.dims(2);
  if (node.failed())
    return;
  if (static_cast<int64_t>(scales.size()) != rank || block < 1)
    return node.error("its scales do not have the rank of its data");
  if (isBytes && bits < 8 && axis != rank - 1)
    return node.error("packed codes must be quantized along the last axis");
  SmallVector<Value> leaves{table, scale};
  if (zero)
    leaves.push_back(zero);
  Value whole = node.transformWeights(leaves, "dequantized", [&](ValueRange values) {
    Value codes = isBytes ? unpack(node, values[0], bits) : values[0], zeros;
    if (zero) {
      zeros = isBytes ? unpack(node, values[2], bits) : values[2];
      if (isBytes && bits < 8)
        zeros = sliceAxis(node, zeros, axis, symbols.constant(0), scales[axis]);
    } else if (isBytes) {
      zeros = middle(node, bits, scales);
    }
    return dequantize(node, codes, values[1], zeros, {axis, block}, getElementTypeOrSelf(values[1]));
  });
  node.setResult(0, node.infer<ht::GatherOp>({whole, indices},
                                             node.getBuilder().getNamedAttr(
                                                 "axis", node.getBuilder().getI64IntegerAttr(gatherAxis))));
}

const Operator kOperators[] = {
    {"com.microsoft", "GatherBlockQuantized", 1, kNewest, emitGatherBlockQuantized, nullptr,
     "scales that broadcast; an index out of range is an error"},
    {"com.microsoft", "MatMulBnb4", 1, kNewest, emitMatMulBnb4, nullptr, "transB = 0"},
    {"com.microsoft", "MatMulNBits", 1, kNewest, emitMatMulNBits, nullptr,
     "bits but 2, 4 and 8; weights prepacked for another processor"},
};

} // namespace

ArrayRef<Operator> blockQuantizedOperators() { return kOperators; }

} // namespace halftone::onnx
