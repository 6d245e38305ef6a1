//===- OperatorsQuantization.cpp - quantize, dequantize, and between them ---===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Quantization.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// The type that attribute `output_dtype` names, or `absent`.
Type getOutputType(NodeImporter &node, Type absent) {
  int64_t number = node.integer("output_dtype", 0);
  if (number == 0)
    return absent;
  Type type = getElementType(static_cast<DataType>(number), node.getContext());
  if (!type)
    node.error("output_dtype " + toString(static_cast<DataType>(number)) + " is not supported");
  return type;
}

void emitDequantizeLinear(NodeImporter &node) {
  Value codes = node.input(0), scale = node.input(1), zero = node.optionalInput(2);
  Type type = node.elementType(1);
  if (type.getIntOrFloatBitWidth() == 8) // powers of two
    type = Float32Type::get(node.getContext());
  type = getOutputType(node, type);
  if (!node.failed() && !isa<FloatType>(type))
    return node.error("it dequantizes to integers");
  node.setResult(
      0, dequantize(node, codes, scale, zero, {node.integer("axis", 1), node.integer("block_size", 0)}, type));
}

void emitQuantizeLinear(NodeImporter &node) {
  Value x = node.input(0), scale = node.input(1), zero = node.optionalInput(2);
  Type code = zero ? node.elementType(2) : IntegerType::get(node.getContext(), 8, IntegerType::Unsigned);
  Type given = getOutputType(node, code);
  if (node.failed())
    return;
  if (zero && given != code)
    return node.error("output_dtype is not the type of its zero point");
  node.setResult(0, quantize(node, x, scale, zero, {node.integer("axis", 1), node.integer("block_size", 0)}, given,
                             node.integer("saturate", 1) != 0));
}

void emitDynamicQuantizeLinear(NodeImporter &node) {
  DynamicCodes result = quantizeDynamically(node, node.input(0));
  node.setResult(0, result.codes);
  node.setResult(1, result.scale);
  node.setResult(2, result.zero);
}

//===----------------------------------------------------------------------===//
// Operators of com.microsoft on codes
//===----------------------------------------------------------------------===//

template <typename OpTy>
void emitQLinearBinary(NodeImporter &node) {
  Value a = dequantizeInput(node, 0, 1, 2), b = dequantizeInput(node, 3, 4, 5);
  quantizeResult(node, node.infer<OpTy>({a, b}), 6, 7, node.elementType(0));
}

void emitQLinearSigmoid(NodeImporter &node) {
  quantizeResult(node, node.unary<ht::SigmoidOp>(dequantizeInput(node, 0, 1, 2)), 3, 4, node.elementType(0));
}

void emitQLinearLeakyRelu(NodeImporter &node) {
  Value x = dequantizeInput(node, 0, 1, 2);
  Value below = node.mul(x, node.scalarLike(node.real("alpha", 0.01f), x));
  Value above = node.compare(ht::ComparePredicate::GT, x, node.scalarLike(0, x));
  quantizeResult(node, node.where(above, x, below), 3, 4, node.elementType(0));
}

/// As Softmax of the opset that the node names: before 13 over all axes from `axis` on.
void emitQLinearSoftmax(NodeImporter &node) {
  Dims whole = node.dims(0);
  bool flat = node.integer("opset", 13) < 13;
  int64_t axis = node.axis(node.integer("axis", -1), whole.size());
  Value x = dequantizeInput(node, 0, 1, 2);
  if (node.failed())
    return;
  Dims dims = whole;
  if (flat) {
    auto width = node.symbols().product(ArrayRef<Dim>(whole).drop_front(axis));
    if (!width)
      return node.error("its axes are too large");
    dims.truncate(axis);
    dims.push_back(*width);
  }
  quantizeResult(node, node.reshape(node.softmax(node.reshape(x, dims), axis), whole), 3, 4, node.elementType(0));
}

/// Scale and zero of the result come first, then three inputs per part.
void emitQLinearConcat(NodeImporter &node) {
  SmallVector<Value> parts;
  for (unsigned i = 2; i + 2 < node.numInputs(); i += 3)
    parts.push_back(dequantizeInput(node, i, i + 1, i + 2));
  if (parts.empty())
    return node.error("it has nothing to put together");
  int64_t axis = node.axis(node.requiredInteger("axis"), node.rank(2));
  if (!node.failed())
    quantizeResult(node, node.concat(parts, axis), 0, 1, node.elementType(1));
}

void emitQLinearWhere(NodeImporter &node) {
  Value x = dequantizeInput(node, 1, 2, 3), y = dequantizeInput(node, 4, 5, 6);
  quantizeResult(node, node.where(node.input(0), x, y), 7, 8, node.elementType(1));
}

void emitQLinearReduceMean(NodeImporter &node) {
  Value x = dequantizeInput(node, 0, 1, 2);
  auto given = node.integers("axes");
  SmallVector<int64_t> axes = given ? node.sortedAxes(*given, node.rank(0))
                                    : llvm::to_vector(llvm::seq<int64_t>(0, node.rank(0)));
  Value mean = node.reduce(ht::ReduceKind::Mean, x, axes);
  if (!node.integer("keepdims", 1)) {
    Dims kept;
    for (auto [i, dim] : llvm::enumerate(node.dims(0)))
      if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
        kept.push_back(dim);
    mean = node.reshape(mean, kept);
  }
  quantizeResult(node, mean, 3, 4, node.elementType(0));
}

void emitQLinearGlobalAveragePool(NodeImporter &node) {
  Value x = dequantizeInput(node, 0, 1, 2);
  int64_t first = node.integer("channels_last", 0) ? 1 : 2, last = node.rank(0) - (first == 1 ? 1 : 0);
  if (node.failed() || last <= first)
    return node.error("its input has no spatial axes");
  Value mean = node.reduce(ht::ReduceKind::Mean, x, llvm::to_vector(llvm::seq<int64_t>(first, last)));
  quantizeResult(node, mean, 3, 4, node.elementType(0));
}

const Operator kOperators[] = {
    {"", "DequantizeLinear", 10, kNewest, emitDequantizeLinear},
    {"", "DynamicQuantizeLinear", 11, kNewest, emitDynamicQuantizeLinear},
    {"", "QuantizeLinear", 10, kNewest, emitQuantizeLinear},
    {"com.microsoft", "DequantizeLinear", 1, kNewest, emitDequantizeLinear},
    {"com.microsoft", "QLinearAdd", 1, kNewest, emitQLinearBinary<ht::AddOp>},
    {"com.microsoft", "QLinearConcat", 1, kNewest, emitQLinearConcat},
    {"com.microsoft", "QLinearGlobalAveragePool", 1, kNewest, emitQLinearGlobalAveragePool},
    {"com.microsoft", "QLinearLeakyRelu", 1, kNewest, emitQLinearLeakyRelu},
    {"com.microsoft", "QLinearMul", 1, kNewest, emitQLinearBinary<ht::MulOp>},
    {"com.microsoft", "QLinearReduceMean", 1, kNewest, emitQLinearReduceMean},
    {"com.microsoft", "QLinearSigmoid", 1, kNewest, emitQLinearSigmoid},
    {"com.microsoft", "QLinearSoftmax", 1, kNewest, emitQLinearSoftmax},
    {"com.microsoft", "QLinearWhere", 1, kNewest, emitQLinearWhere},
    {"com.microsoft", "QuantizeLinear", 1, kNewest, emitQuantizeLinear},
};

} // namespace

ArrayRef<Operator> quantizationOperators() { return kOperators; }

} // namespace halftone::onnx
