//===- Strided.cpp - copies through strides ---------------------------------===//

#include "compiler/Evaluate/Strided.h"

using namespace llvm;

namespace halftone::evaluate {

namespace {

struct Axis {
  int64_t size, stride, resultStride;
};

/// Axes of size 1 dropped and axes that continue each other merged, so that few
/// and long loops remain. The last axis has result stride 1.
SmallVector<Axis, 6> simplify(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  SmallVector<Axis, 6> axes;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1)
      continue;
    if (!axes.empty() && axes.back().stride == strides[i] * shape[i])
      axes.back() = {axes.back().size * shape[i], strides[i], 0};
    else
      axes.push_back({shape[i], strides[i], 0});
  }
  if (axes.empty())
    axes.push_back({1, 1, 0});
  int64_t resultStride = 1;
  for (Axis &axis : reverse(axes)) {
    axis.resultStride = resultStride;
    resultStride *= axis.size;
  }
  return axes;
}

/// Copies the two innermost chosen axes; `column` is the result's last one.
template <typename T>
void copyPlane(const T *from, T *to, Axis row, Axis column) {
  if (column.stride == 1) {
    for (int64_t i = 0; i < row.size; ++i)
      std::memcpy(to + i * row.resultStride, reinterpret_cast<const char *>(from + i * row.stride),
                  static_cast<size_t>(column.size) * sizeof(T));
    return;
  }
  // Tiles keep both the lines read and the lines written in the first-level cache.
  constexpr int64_t tile = 32;
  for (int64_t i0 = 0; i0 < row.size; i0 += tile)
    for (int64_t j0 = 0; j0 < column.size; j0 += tile)
      for (int64_t i = i0, iEnd = std::min(i0 + tile, row.size); i < iEnd; ++i)
        for (int64_t j = j0, jEnd = std::min(j0 + tile, column.size); j < jEnd; ++j)
          to[i * row.resultStride + j] =
              loadElement<T>(reinterpret_cast<const char *>(from), i * row.stride + j * column.stride);
}

template <typename T>
void copyAxes(const T *from, T *to, ArrayRef<Axis> outer, Axis row, Axis column) {
  if (outer.empty())
    return copyPlane(from, to, row, column);
  Axis axis = outer.front();
  for (int64_t i = 0; i < axis.size; ++i)
    copyAxes(from + i * axis.stride, to + i * axis.resultStride, outer.drop_front(), row, column);
}

template <typename T>
void copyStrided(const char *from, Tensor &to, SmallVector<Axis, 6> axes) {
  Axis column = axes.pop_back_val();
  Axis row{1, 0, 0};
  if (!axes.empty()) {
    // The axis along which the source is contiguous is the one to tile with the last.
    auto *best = &axes.back();
    for (Axis &axis : axes)
      if (column.stride != 1 && axis.stride == 1)
        best = &axis;
    row = *best;
    axes.erase(best);
  }
  copyAxes(reinterpret_cast<const T *>(from), to.getMutable<T>(), axes, row, column);
}

} // namespace

Tensor readStrided(const Tensor &input, ArrayRef<int64_t> shape, int64_t start, ArrayRef<int64_t> strides) {
  Tensor result = Tensor::allocate(input.getKind(), shape);
  if (result.getNumElements() == 0)
    return result;
  const char *from = input.data() + start * input.getElementSize();
  SmallVector<Axis, 6> axes = simplify(shape, strides);
  switch (input.getElementSize()) {
  case 1:
    copyStrided<uint8_t>(from, result, axes);
    break;
  case 2:
    copyStrided<uint16_t>(from, result, axes);
    break;
  case 4:
    copyStrided<uint32_t>(from, result, axes);
    break;
  default:
    copyStrided<uint64_t>(from, result, axes);
    break;
  }
  return result;
}

Tensor transpose(const Tensor &input, ArrayRef<int64_t> permutation) {
  Shape from = getStrides(input.getShape()), shape, strides;
  for (int64_t axis : permutation) {
    shape.push_back(input.getDim(axis));
    strides.push_back(from[axis]);
  }
  return readStrided(input, shape, 0, strides);
}

Tensor broadcastTo(const Tensor &input, ArrayRef<int64_t> shape) {
  if (input.getNumElements() == getNumElements(shape))
    return input.reshaped(shape);
  Shape from = getStrides(input.getShape()), strides(shape.size(), 0);
  size_t offset = shape.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    strides[offset + i] = input.getDim(i) == 1 ? 0 : from[i];
  return readStrided(input, shape, 0, strides);
}

} // namespace halftone::evaluate
