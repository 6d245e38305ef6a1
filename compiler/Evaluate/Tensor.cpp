//===- Tensor.cpp - dense tensors on the host -------------------------------===//

#include "compiler/Evaluate/Tensor.h"

#include "compiler/Evaluate/Codec.h"

#include "llvm/Support/MemAlloc.h"

using namespace llvm;

namespace halftone::evaluate {

StringRef toString(ElementKind kind) {
#define HALFTONE_KIND(name, text, bits, bytes) text,
  static constexpr StringLiteral names[] = {HALFTONE_ELEMENT_KINDS(HALFTONE_KIND)};
#undef HALFTONE_KIND
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

/// Unused bits of bytes from outside, so that equal elements are equal bytes.
static void normalize(Tensor &tensor) {
  if (getStoredBits(tensor.getKind()) == 8 * tensor.getElementSize() && tensor.getKind() != ElementKind::I1)
    return;
  withCodec(tensor.getKind(), [&](auto codec) {
    using C = decltype(codec);
    auto *elements = tensor.getMutable<typename C::Storage>();
    for (int64_t i = 0; i < tensor.getNumElements(); ++i)
      elements[i] = C::normalize(elements[i]);
  });
}

Tensor Tensor::copy(ElementKind kind, ArrayRef<int64_t> shape, ArrayRef<char> bytes) {
  Tensor tensor = allocate(kind, shape);
  if (!bytes.empty())
    std::memcpy(tensor.getMutableData(), bytes.data(), std::min(bytes.size(), tensor.getBytes().size()));
  normalize(tensor);
  return tensor;
}

Tensor Tensor::unpack(ElementKind kind, ArrayRef<int64_t> shape, ArrayRef<char> bytes) {
  int64_t bits = getStoredBits(kind);
  if (bits >= 8)
    return copy(kind, shape, bytes);
  Tensor tensor = allocate(kind, shape);
  char *to = tensor.getMutableData();
  // Bits of an element that cross into the next byte are the low bits of that.
  unsigned buffer = 0;
  int64_t held = 0;
  const char *from = bytes.begin();
  for (int64_t i = 0; i < tensor.count; ++i, held -= bits, buffer >>= bits) {
    if (held < bits) {
      if (from == bytes.end())
        break;
      buffer |= unsigned(static_cast<uint8_t>(*from++)) << held;
      held += 8;
    }
    to[i] = static_cast<char>(buffer);
  }
  normalize(tensor);
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

template <typename T>
static void readElements(const Tensor &tensor, int64_t begin, MutableArrayRef<T> to) {
  withCodec(tensor.getKind(), [&](auto codec) {
    using C = decltype(codec);
    const char *from = tensor.data() + begin * tensor.getElementSize();
    for (size_t i = 0; i < to.size(); ++i)
      to[i] = C::template to<T>(loadElement<typename C::Storage>(from, i));
  });
}

template <typename T>
static void writeElements(Tensor &tensor, int64_t begin, ArrayRef<T> from) {
  withCodec(tensor.getKind(), [&](auto codec) {
    using C = decltype(codec);
    auto *to = tensor.getMutable<typename C::Storage>() + begin;
    for (size_t i = 0; i < from.size(); ++i)
      to[i] = C::from(from[i]);
  });
}

void Tensor::read(int64_t begin, MutableArrayRef<double> to) const { readElements(*this, begin, to); }
void Tensor::read(int64_t begin, MutableArrayRef<int64_t> to) const { readElements(*this, begin, to); }
void Tensor::read(int64_t begin, MutableArrayRef<uint64_t> to) const { readElements(*this, begin, to); }
void Tensor::read(int64_t begin, MutableArrayRef<float> to) const {
  const char *from = bytes + begin * getElementSize();
  // Weights are mostly these; the loops vectorize.
  if (kind == ElementKind::F32) {
    std::memcpy(to.data(), from, to.size() * sizeof(float));
  } else if (kind == ElementKind::BF16) {
    for (size_t i = 0; i < to.size(); ++i)
      to[i] = decodeBF16(loadElement<uint16_t>(from, i));
  } else if (kind == ElementKind::F16) {
    for (size_t i = 0; i < to.size(); ++i)
      to[i] = decodeF16(loadElement<uint16_t>(from, i));
  } else {
    withCodec(kind, [&](auto codec) {
      using C = decltype(codec);
      for (size_t i = 0; i < to.size(); ++i)
        to[i] = static_cast<float>(C::template to<double>(loadElement<typename C::Storage>(from, i)));
    });
  }
}
void Tensor::write(int64_t begin, ArrayRef<double> from) { writeElements(*this, begin, from); }
void Tensor::write(int64_t begin, ArrayRef<int64_t> from) { writeElements(*this, begin, from); }
void Tensor::write(int64_t begin, ArrayRef<uint64_t> from) { writeElements(*this, begin, from); }

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// The largest finite number of a float code.
static double getLargest(ElementKind kind) {
  return withCodec(kind, [](auto codec) -> double {
    using C = decltype(codec);
    double largest = 0;
    for (unsigned code = 0; code < 256; ++code)
      if (double value = C::template to<double>(static_cast<typename C::Storage>(code)); std::isfinite(value))
        largest = std::max(largest, value);
    return largest;
  });
}

std::pair<double, double> getRange(ElementKind kind) {
  if (isFloatCode(kind))
    return {-getLargest(kind), getLargest(kind)};
  int64_t bits = kind == ElementKind::I1 ? 1 : getStoredBits(kind);
  if (isUnsigned(kind) || kind == ElementKind::I1)
    return {0, std::ldexp(1.0, bits) - 1};
  return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1};
}

/// Through a buffer of T that stays in the first-level cache. Numbers beyond +-limit become that.
template <typename T>
static void castThrough(const Tensor &from, Tensor &to, double limit) {
  T buffer[1024];
  bool clamps = limit < 0x1p63 || std::is_floating_point_v<T>;
  auto high = static_cast<T>(clamps ? limit : 0), low = std::is_signed_v<T> ? static_cast<T>(-high) : T(0);
  for (int64_t begin = 0; begin < from.getNumElements(); begin += std::size(buffer)) {
    size_t n = std::min<int64_t>(std::size(buffer), from.getNumElements() - begin);
    from.read(begin, MutableArrayRef<T>(buffer, n));
    if (clamps)
      for (T &value : MutableArrayRef<T>(buffer, n))
        value = std::clamp(value, low, high);
    to.write(begin, ArrayRef<T>(buffer, n));
  }
}

Tensor Tensor::cast(ElementKind to, bool saturate) const {
  if (to == kind)
    return *this;
  Tensor result = allocate(to, shape);
  double limit = saturate && isFloatCode(to) ? getLargest(to) : INFINITY;
  // Weights are mostly cast between these.
  if (kind == ElementKind::F32 && to == ElementKind::BF16) {
    auto *out = result.getMutable<uint16_t>();
    for (int64_t i = 0; i < count; ++i)
      out[i] = encodeBF16(loadElement<float>(bytes, i));
  } else if ((kind == ElementKind::BF16 || kind == ElementKind::F16) && to == ElementKind::F32) {
    read(0, MutableArrayRef<float>(result.getMutable<float>(), count));
  } else {
    withArithmetic(kind, [&](auto zero) { castThrough<decltype(zero)>(*this, result, limit); });
  }
  return result;
}

} // namespace halftone::evaluate
