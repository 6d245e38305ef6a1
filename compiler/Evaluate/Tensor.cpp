//===- Tensor.cpp - dense tensors on the host -------------------------------===//

#include "compiler/Evaluate/Tensor.h"

#include "llvm/Support/MemAlloc.h"

using namespace llvm;

namespace halftone::evaluate {

StringRef toString(ElementKind kind) {
  static constexpr StringLiteral names[] = {"i1",  "i8",  "ui8",  "i16", "i32",
                                            "i64", "f16", "bf16", "f32", "f64"};
  return names[static_cast<unsigned>(kind)];
}

std::string toString(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string describe(const Tensor &tensor) {
  return toString(tensor.getKind()).str() + toString(tensor.getShape());
}

int64_t getNumElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Shape getStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

//===----------------------------------------------------------------------===//
// Making tensors
//===----------------------------------------------------------------------===//

static constexpr size_t kAlignment = 64;

Tensor Tensor::allocate(ElementKind kind, ArrayRef<int64_t> shape) {
  Tensor tensor = borrow(kind, shape, nullptr);
  // One spare line, so that an empty tensor has an address too.
  size_t size = alignTo(tensor.getBytes().size() + 1, kAlignment);
  void *memory = allocate_buffer(size, kAlignment);
  std::memset(memory, 0, size);
  tensor.owner = std::shared_ptr<const void>(
      memory, [size](const void *p) { deallocate_buffer(const_cast<void *>(p), size, kAlignment); });
  tensor.bytes = static_cast<const char *>(memory);
  return tensor;
}

Tensor Tensor::borrow(ElementKind kind, ArrayRef<int64_t> shape, const char *bytes,
                      std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.kind = kind;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.count = evaluate::getNumElements(shape);
  tensor.bytes = bytes;
  tensor.owner = std::move(owner);
  return tensor;
}

Tensor Tensor::copy(ElementKind kind, ArrayRef<int64_t> shape, ArrayRef<char> bytes) {
  Tensor tensor = allocate(kind, shape);
  std::memcpy(tensor.getMutableData(), bytes.data(), std::min(bytes.size(), tensor.getBytes().size()));
  return tensor;
}

Tensor Tensor::reshaped(ArrayRef<int64_t> newShape) const { return borrow(kind, newShape, bytes, owner); }

//===----------------------------------------------------------------------===//
// Elements as numbers
//===----------------------------------------------------------------------===//

double Tensor::getDouble(int64_t index) const {
  double value;
  read(index, MutableArrayRef<double>(value));
  return value;
}

int64_t Tensor::getInt(int64_t index) const {
  int64_t value;
  read(index, MutableArrayRef<int64_t>(value));
  return value;
}

void Tensor::read(int64_t begin, MutableArrayRef<double> to) const {
  withCodec(kind, [&](auto codec) {
    using C = decltype(codec);
    const char *from = bytes + begin * getElementSize();
    for (size_t i = 0; i < to.size(); ++i)
      to[i] = C::toDouble(loadElement<typename C::Storage>(from, i));
  });
}

void Tensor::read(int64_t begin, MutableArrayRef<int64_t> to) const {
  withCodec(kind, [&](auto codec) {
    using C = decltype(codec);
    const char *from = bytes + begin * getElementSize();
    for (size_t i = 0; i < to.size(); ++i)
      to[i] = C::toInt(loadElement<typename C::Storage>(from, i));
  });
}

void Tensor::write(int64_t begin, ArrayRef<double> from) {
  withCodec(kind, [&](auto codec) {
    using C = decltype(codec);
    auto *to = getMutable<typename C::Storage>() + begin;
    for (size_t i = 0; i < from.size(); ++i)
      to[i] = C::fromDouble(from[i]);
  });
}

void Tensor::write(int64_t begin, ArrayRef<int64_t> from) {
  withCodec(kind, [&](auto codec) {
    using C = decltype(codec);
    auto *to = getMutable<typename C::Storage>() + begin;
    for (size_t i = 0; i < from.size(); ++i)
      to[i] = C::fromInt(from[i]);
  });
}

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// Through a buffer of T that stays in the first-level cache.
template <typename T>
static void castThrough(const Tensor &from, Tensor &to) {
  T buffer[1024];
  for (int64_t begin = 0; begin < from.getNumElements(); begin += std::size(buffer)) {
    size_t n = std::min<int64_t>(std::size(buffer), from.getNumElements() - begin);
    from.read(begin, MutableArrayRef<T>(buffer, n));
    to.write(begin, ArrayRef<T>(buffer, n));
  }
}

Tensor Tensor::cast(ElementKind to) const {
  if (to == kind)
    return *this;
  Tensor result = allocate(to, shape);
  // Weights are mostly cast between these; both loops vectorize.
  if (kind == ElementKind::F32 && to == ElementKind::BF16) {
    auto *out = result.getMutable<uint16_t>();
    for (int64_t i = 0; i < count; ++i)
      out[i] = encodeBF16(loadElement<float>(bytes, i));
  } else if (kind == ElementKind::BF16 && to == ElementKind::F32) {
    auto *out = result.getMutable<float>();
    for (int64_t i = 0; i < count; ++i)
      out[i] = decodeBF16(loadElement<uint16_t>(bytes, i));
  } else if (isFloat(kind)) {
    castThrough<double>(*this, result);
  } else {
    castThrough<int64_t>(*this, result);
  }
  return result;
}

} // namespace halftone::evaluate
