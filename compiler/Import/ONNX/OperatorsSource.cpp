//===- OperatorsSource.cpp - constants, shapes as values ------------------===//

#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/ShapeRules.h"

#include <cmath>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Binds a list attribute of Constant.
template <typename Range, typename Make>
void setList(NodeImporter &node, Type type, const Range &values, bool isScalar, Make make) {
  SymbolicTensor result;
  result.elementType = type;
  if (!isScalar)
    result.shape.push_back(values.size());
  if (values.size() > static_cast<size_t>(SymbolicTensor::kMaxElements))
    return node.error("a list of " + Twine(values.size()) + " numbers must be a tensor");
  for (auto value : values)
    result.elements.push_back(make(value));
  node.setResult(0, std::move(result));
}

void emitConstant(NodeImporter &node) {
  Type i64 = IntegerType::get(node.getContext(), 64), f32 = Float32Type::get(node.getContext());
  auto makeInt = [&](int64_t value) { return Element{node.symbols().constant(value)}; };
  auto makeFloat = [](float value) { return Element{Dim(), value}; };
  if (node.hasAttribute("value")) {
    const Tensor *tensor = node.tensor("value");
    Binding binding;
    if (!tensor)
      return;
    if (failed(node.bindConstant(binding, *tensor)))
      return;
    return node.setResult(0, binding);
  }
  if (auto *value = node.findAttribute("value_int"))
    return setList(node, i64, ArrayRef(value->i), true, makeInt);
  if (auto *value = node.findAttribute("value_ints"))
    return setList(node, i64, value->ints, false, makeInt);
  if (auto *value = node.findAttribute("value_float"))
    return setList(node, f32, ArrayRef(value->f), true, makeFloat);
  if (auto *value = node.findAttribute("value_floats"))
    return setList(node, f32, value->floats, false, makeFloat);
  node.error("only tensors, integers and floats are supported as its value");
}

/// Shape and Size always evaluate; this is for what has no small product.
void emitShape(NodeImporter &node) { node.error("its result is too large"); }

void emitConstantOfShape(NodeImporter &node) {
  auto dims = node.expressions(0, "shape");
  auto fill = getFillValue(node);
  if (!dims || !fill)
    return;
  for (Dim dim : *dims)
    if (node.symbols().bounds(dim).low < 0)
      return node.error("shape " + node.symbols().toString(*dims) + " may be negative");
  if (!node.symbols().product(*dims))
    return node.error("shape " + node.symbols().toString(*dims) + " has too many elements");
  fill->shape.clear();
  node.setResult(0, node.broadcastTo(node.importer().materialize(*fill, node.getLoc()), *dims));
}

void emitRange(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  const SymbolicTensor *bounds[3] = {node.known(0), node.known(1), node.known(2)};
  for (auto [i, bound] : llvm::enumerate(bounds))
    if (!bound || bound->elements.size() != 1)
      return node.error("its bounds depend on data: shapes may depend on the shapes of the inputs only",
                        node.constantRemedy(i));
  Type type = bounds[0]->elementType;
  if (bounds[1]->elementType != type || bounds[2]->elementType != type)
    return node.error("its bounds differ in element type");
  if (isa<FloatType>(type)) {
    double start = bounds[0]->elements[0].number, limit = bounds[1]->elements[0].number,
           delta = bounds[2]->elements[0].number;
    double count = std::max(std::ceil((limit - start) / delta), 0.0);
    if (!(count < 1e9))
      return node.error("its size is out of range");
    Value steps = node.iota(symbols.constant(static_cast<int64_t>(count)), 0, 1, type);
    return node.setResult(0, node.add(node.mul(steps, node.scalar(delta, type)), node.scalar(start, type)));
  }
  auto delta = bounds[2]->asIntegers();
  if (!delta || delta->front() == 0 || delta->front() == INT64_MIN)
    return node.error("its step must be a constant other than 0");
  Dim start = bounds[0]->elements[0].expr;
  auto size = getRangeSize(node, start, bounds[1]->elements[0].expr, delta->front());
  if (!size)
    return;
  auto first = ht::getConstant(start);
  Value value = node.iota(*size, first ? *first : 0, delta->front(), type);
  if (!first)
    value = node.add(value, node.cast(node.dim(start), type));
  node.setResult(0, value);
}

const Operator kOperators[] = {
    {"", "Constant", 1, kNewest, emitConstant},
    {"", "ConstantOfShape", 9, kNewest, emitConstantOfShape, evaluateConstantOfShape},
    {"", "Range", 11, kNewest, emitRange, evaluateRange},
    {"", "Shape", 1, kNewest, emitShape, evaluateShape},
    {"", "Size", 1, kNewest, emitShape, evaluateSize},
};

} // namespace

ArrayRef<Operator> sourceOperators() { return kOperators; }

} // namespace halftone::onnx
