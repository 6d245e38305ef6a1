//===- EvaluateShape.cpp - shape operators on known values ------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/ShapeRules.h"

#include <cmath>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

using Known = std::optional<SymbolicTensor>;

/// A tensor of i64 with these elements.
static SymbolicTensor makeVector(NodeImporter &node, ArrayRef<Dim> elements) {
  SymbolicTensor result;
  result.elementType = IntegerType::get(node.getContext(), 64);
  result.shape.push_back(elements.size());
  for (Dim element : elements)
    result.elements.push_back({element});
  return result;
}

/// Row-major strides.
static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// The tensor of `shape` whose element at each index is `input`'s at
/// sum over axes of (start + index * step) * stride.
static Known gatherStrided(const SymbolicTensor &input, ArrayRef<int64_t> shape, int64_t start,
                           ArrayRef<int64_t> steps) {
  auto count = countElements(shape, SymbolicTensor::kMaxElements);
  if (!count)
    return std::nullopt;
  SymbolicTensor result;
  result.elementType = input.elementType;
  result.shape.assign(shape.begin(), shape.end());
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t position = start;
  for (int64_t k = 0; k < *count; ++k) {
    result.elements.push_back(input.elements[position]);
    for (size_t i = shape.size(); i-- > 0;) {
      position += steps[i];
      if (++index[i] < shape[i])
        break;
      position -= steps[i] * shape[i];
      index[i] = 0;
    }
  }
  return result;
}

Known evaluateShape(NodeImporter &node) {
  Dims dims = node.dims(0);
  if (node.failed())
    return std::nullopt;
  int64_t rank = dims.size();
  auto clamp = [&](int64_t index) { return std::clamp<int64_t>(index < 0 ? index + rank : index, 0, rank); };
  int64_t start = clamp(node.integer("start", 0)), end = clamp(node.integer("end", rank));
  return makeVector(node, ArrayRef<Dim>(dims).slice(start, std::max<int64_t>(end - start, 0)));
}

Known evaluateSize(NodeImporter &node) {
  auto product = node.symbols().product(node.dims(0));
  if (!product)
    return std::nullopt;
  SymbolicTensor result = makeVector(node, *product);
  result.shape.clear();
  return result;
}

Known evaluateRange(NodeImporter &node) {
  const SymbolicTensor *start = node.known(0), *limit = node.known(1), *delta = node.known(2);
  if (!start || !limit || !delta || start->elements.size() != 1 || limit->elements.size() != 1 ||
      delta->elements.size() != 1 || start->isFloat())
    return std::nullopt;
  auto first = start->asIntegers(), last = limit->asIntegers(), step = delta->asIntegers();
  if (!first || !last || !step || (*step)[0] == 0)
    return std::nullopt;
  // In 128 bits nothing overflows.
  __int128 distance = static_cast<__int128>((*last)[0]) - (*first)[0], by = (*step)[0];
  __int128 count = distance / by + (distance % by != 0 && (distance < 0) == (by < 0) ? 1 : 0);
  if (count > SymbolicTensor::kMaxElements)
    return std::nullopt;
  SymbolicTensor result;
  result.elementType = start->elementType;
  result.shape.push_back(std::max<int64_t>(static_cast<int64_t>(count), 0));
  for (int64_t i = 0; i < result.shape[0]; ++i)
    result.elements.push_back({node.symbols().constant(static_cast<int64_t>((*first)[0] + i * by))});
  return result;
}

Known evaluateConstantOfShape(NodeImporter &node) {
  const SymbolicTensor *shape = node.known(0);
  auto sizes = shape ? shape->asIntegers() : std::nullopt;
  auto count = sizes ? countElements(*sizes, SymbolicTensor::kMaxElements) : std::nullopt;
  if (!count)
    return std::nullopt;
  Known fill = getFillValue(node);
  if (!fill)
    return std::nullopt;
  SymbolicTensor result;
  result.elementType = fill->elementType;
  result.shape.assign(sizes->begin(), sizes->end());
  result.elements.assign(*count, fill->elements.front());
  return result;
}

/// The same elements under the shape that `dims` gives, where it is static.
static Known reshaped(const SymbolicTensor *input, const std::optional<Dims> &dims) {
  if (!input || !dims)
    return std::nullopt;
  SymbolicTensor result = *input;
  result.shape.clear();
  for (Dim dim : *dims) {
    auto size = ht::getConstant(dim);
    if (!size)
      return std::nullopt;
    result.shape.push_back(*size);
  }
  auto count = countElements(result.shape, SymbolicTensor::kMaxElements);
  if (!count || *count != static_cast<int64_t>(result.elements.size()))
    return std::nullopt;
  return result;
}

Known evaluateReshape(NodeImporter &node) {
  return node.known(0) && node.known(1) ? reshaped(node.known(0), getReshapeDims(node)) : std::nullopt;
}

Known evaluateSqueeze(NodeImporter &node) {
  return node.known(0) ? reshaped(node.known(0), getSqueezeDims(node)) : std::nullopt;
}

Known evaluateUnsqueeze(NodeImporter &node) {
  return node.known(0) ? reshaped(node.known(0), getUnsqueezeDims(node)) : std::nullopt;
}

Known evaluateConcat(NodeImporter &node) {
  const SymbolicTensor *first = node.known(0);
  if (!first || first->rank() == 0)
    return std::nullopt;
  int64_t axis = node.axis(node.requiredInteger("axis"), first->rank());
  SymbolicTensor result;
  result.elementType = first->elementType;
  result.shape = first->shape;
  result.shape[axis] = 0;
  int64_t outer = 1;
  for (int64_t i = 0; i < axis; ++i)
    outer *= first->shape[i];
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    const SymbolicTensor *part = node.known(i);
    if (!part || part->elementType != first->elementType || part->rank() != first->rank())
      return std::nullopt;
    for (int64_t k = 0; k < part->rank(); ++k)
      if (k != axis && part->shape[k] != first->shape[k])
        return std::nullopt;
    result.shape[axis] += part->shape[axis];
    if (!countElements(result.shape, SymbolicTensor::kMaxElements))
      return std::nullopt;
  }
  if (llvm::is_contained(result.shape, 0))
    return result;
  for (int64_t row = 0; row < outer; ++row)
    for (unsigned i = 0; i < node.numInputs(); ++i) {
      ArrayRef<Element> elements = node.known(i)->elements;
      size_t width = elements.size() / outer;
      result.elements.append(elements.begin() + row * width, elements.begin() + (row + 1) * width);
    }
  return result;
}

Known evaluateGather(NodeImporter &node) {
  const SymbolicTensor *data = node.known(0), *indices = node.known(1);
  auto positions = indices ? indices->asIntegers() : std::nullopt;
  if (!data || !positions || data->rank() == 0)
    return std::nullopt;
  int64_t axis = node.axis(node.integer("axis", 0), data->rank());
  int64_t extent = data->shape[axis], inner = stridesOf(data->shape)[axis];
  int64_t outer = 1;
  for (int64_t i = 0; i < axis; ++i)
    outer *= data->shape[i];
  SymbolicTensor result;
  result.elementType = data->elementType;
  result.shape.assign(data->shape.begin(), data->shape.begin() + axis);
  result.shape.append(indices->shape.begin(), indices->shape.end());
  result.shape.append(data->shape.begin() + axis + 1, data->shape.end());
  if (!countElements(result.shape, SymbolicTensor::kMaxElements))
    return std::nullopt;
  for (int64_t &position : *positions) {
    int64_t index = position < 0 ? position + extent : position;
    if (index < 0 || index >= extent) {
      node.error("index " + Twine(position) + " is outside the " + Twine(extent) + " elements of axis " +
                 Twine(axis));
      return std::nullopt;
    }
    position = index;
  }
  if (llvm::is_contained(result.shape, 0))
    return result;
  for (int64_t row = 0; row < outer; ++row)
    for (int64_t index : *positions) {
      auto from = data->elements.begin() + (row * extent + index) * inner;
      result.elements.append(from, from + inner);
    }
  return result;
}

Known evaluateSlice(NodeImporter &node) {
  const SymbolicTensor *data = node.known(0);
  if (!data)
    return std::nullopt;
  auto window = getSliceWindow(node);
  if (!window)
    return std::nullopt;
  SmallVector<int64_t> shape, steps = stridesOf(data->shape);
  int64_t start = 0;
  for (size_t i = 0; i < data->shape.size(); ++i) {
    auto first = ht::getConstant(window->starts[i]), size = ht::getConstant(window->sizes[i]);
    if (!first || !size)
      return std::nullopt;
    shape.push_back(*size);
    start += *first * steps[i];
    steps[i] *= window->strides[i];
  }
  return gatherStrided(*data, shape, start, steps);
}

Known evaluateExpand(NodeImporter &node) {
  const SymbolicTensor *data = node.known(0), *target = node.known(1);
  auto sizes = target ? target->asDims() : std::nullopt;
  if (!data || !sizes)
    return std::nullopt;
  auto both = ht::broadcast(node.dims(0), *sizes);
  if (!both)
    return std::nullopt;
  SmallVector<int64_t> shape, steps(both->size(), 0), strides = stridesOf(data->shape);
  size_t offset = both->size() - data->shape.size();
  for (auto [i, dim] : llvm::enumerate(*both)) {
    auto size = ht::getConstant(dim);
    if (!size)
      return std::nullopt;
    shape.push_back(*size);
    if (i >= offset && data->shape[i - offset] != 1)
      steps[i] = strides[i - offset];
  }
  return gatherStrided(*data, shape, 0, steps);
}

Known evaluateTranspose(NodeImporter &node) {
  const SymbolicTensor *data = node.known(0);
  if (!data)
    return std::nullopt;
  SmallVector<int64_t> permutation = getPermutation(node), shape, steps, strides = stridesOf(data->shape);
  if (node.failed())
    return std::nullopt;
  for (int64_t axis : permutation) {
    shape.push_back(data->shape[axis]);
    steps.push_back(strides[axis]);
  }
  return gatherStrided(*data, shape, 0, steps);
}

/// Reductions of whole integer tensors, as in "the product of a shape".
static Known reduceAll(NodeImporter &node,
                       function_ref<std::optional<Dim>(const Symbols &, Dim, Dim)> combine,
                       std::optional<int64_t> identity) {
  const SymbolicTensor *data = node.known(0);
  if (!data || data->isFloat() || !data->elementType.isInteger(64))
    return std::nullopt;
  auto axes = getReductionAxes(node);
  if (!axes || static_cast<int64_t>(axes->size()) != data->rank() || (data->elements.empty() && !identity))
    return std::nullopt;
  Dim total = data->elements.empty() ? node.symbols().constant(*identity) : data->elements.front().expr;
  for (const Element &element : ArrayRef(data->elements).drop_front(data->elements.empty() ? 0 : 1)) {
    auto next = combine(node.symbols(), total, element.expr);
    if (!next)
      return std::nullopt;
    total = *next;
  }
  SymbolicTensor result = makeVector(node, total);
  result.shape.assign(node.integer("keepdims", 1) ? data->rank() : 0, 1);
  return result;
}

Known evaluateReduceProd(NodeImporter &node) {
  return reduceAll(
      node, [](const Symbols &s, Dim a, Dim b) { return s.mul(a, b); }, 1);
}
Known evaluateReduceSum(NodeImporter &node) {
  return reduceAll(
      node, [](const Symbols &s, Dim a, Dim b) { return s.add(a, b); }, 0);
}
Known evaluateReduceMax(NodeImporter &node) {
  return reduceAll(
      node, [](const Symbols &s, Dim a, Dim b) { return s.max(a, b); }, std::nullopt);
}
Known evaluateReduceMin(NodeImporter &node) {
  return reduceAll(
      node, [](const Symbols &s, Dim a, Dim b) { return s.min(a, b); }, std::nullopt);
}

Known evaluateOneHot(NodeImporter &node) {
  const SymbolicTensor *indices = node.known(0), *depth = node.known(1), *values = node.known(2);
  auto positions = indices ? indices->asIntegers() : std::nullopt;
  auto size = depth ? depth->asIntegers() : std::nullopt;
  if (!positions || !size || size->size() != 1 || size->front() < 0 || !values || values->elements.size() != 2)
    return std::nullopt;
  int64_t axis = node.axis(node.integer("axis", -1), indices->rank() + 1);
  if (node.failed())
    return std::nullopt;
  SymbolicTensor result;
  result.elementType = values->elementType;
  result.shape = indices->shape;
  result.shape.insert(result.shape.begin() + axis, size->front());
  auto count = countElements(result.shape, SymbolicTensor::kMaxElements);
  auto inner = countElements(ArrayRef(indices->shape).drop_front(axis), SymbolicTensor::kMaxElements);
  if (!count || !inner)
    return std::nullopt;
  for (int64_t k = 0; k < *count; ++k) {
    int64_t hot = k / *inner % size->front();
    int64_t position = (*positions)[k / (*inner * size->front()) * *inner + k % *inner];
    bool isHot = position == hot || position == hot - size->front();
    result.elements.push_back(values->elements[isHot]);
  }
  return result;
}

} // namespace halftone::onnx
