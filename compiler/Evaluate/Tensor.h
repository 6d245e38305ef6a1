//===- Tensor.h - dense tensors on the host ---------------------------------===//
//
// A tensor is a handle: copying it shares the bytes. Bytes are written only by
// whoever allocated them, before the handle is given away; from then on they do
// not change, so reshapes and weights of mapped files cost nothing.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_TENSOR_H
#define HALFTONE_COMPILER_EVALUATE_TENSOR_H

#include "compiler/Evaluate/ElementKind.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace halftone::evaluate {

using Shape = llvm::SmallVector<int64_t, 6>;

class Tensor {
public:
  /// No tensor; only to be assigned to.
  Tensor() = default;

  /// Owned, zeroed, 64-byte aligned bytes.
  static Tensor allocate(ElementKind kind, llvm::ArrayRef<int64_t> shape);

  /// A view of `bytes`, which `owner` keeps alive and nobody changes. The bytes
  /// may have any alignment: a tensor inside a file starts where it starts.
  static Tensor borrow(ElementKind kind, llvm::ArrayRef<int64_t> shape, const char *bytes,
                       std::shared_ptr<const void> owner = nullptr);

  /// An owned copy of raw row-major little-endian bytes, which must be exactly as many as the shape
  /// needs. Bits of a byte that its kind does not use are ignored.
  static Tensor copy(ElementKind kind, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<char> bytes);

  /// The elements that `bytes` hold as a file does: those narrower than a byte next to each other,
  /// from the low bits of the first byte on, across bytes where need be.
  static Tensor unpack(ElementKind kind, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<char> bytes);

  /// From values, each converted as `ht.cast` does: `Tensor::of<float>(ElementKind::BF16, {2}, {1.5, 2})`.
  template <typename T>
  static Tensor of(ElementKind kind, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<T> values);

  ElementKind getKind() const { return kind; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return static_cast<int64_t>(shape.size()); }
  int64_t getDim(int64_t axis) const { return shape[axis]; }
  int64_t getNumElements() const { return count; }
  int64_t getElementSize() const { return getSize(kind); }

  llvm::ArrayRef<char> getBytes() const { return {bytes, static_cast<size_t>(count * getElementSize())}; }
  const char *data() const { return bytes; }

  /// Only for the maker of a tensor that was allocated and not yet shared.
  char *getMutableData() { return const_cast<char *>(bytes); }
  template <typename T>
  T *getMutable() {
    return reinterpret_cast<T *>(getMutableData());
  }

  /// The same bytes under another shape of as many elements.
  Tensor reshaped(llvm::ArrayRef<int64_t> newShape) const;

  /// Elements converted as `ht.cast` does.
  Tensor cast(ElementKind to, bool saturate = false) const;

  double getDouble(int64_t index) const;
  int64_t getInt(int64_t index) const;

  /// Elements [begin, begin + n) as doubles (exact for all kinds but large 64-bit integers) or
  /// integers (modulo 2^64).
  void read(int64_t begin, llvm::MutableArrayRef<double> to) const;
  void read(int64_t begin, llvm::MutableArrayRef<int64_t> to) const;
  void read(int64_t begin, llvm::MutableArrayRef<uint64_t> to) const;
  /// Each element rounded to float, of a tensor of floats.
  void read(int64_t begin, llvm::MutableArrayRef<float> to) const;
  /// Each value rounded once; for the maker of the tensor.
  void write(int64_t begin, llvm::ArrayRef<double> from);
  void write(int64_t begin, llvm::ArrayRef<int64_t> from);
  void write(int64_t begin, llvm::ArrayRef<uint64_t> from);

  /// All elements, for arithmetic in double, int64_t or uint64_t.
  template <typename T>
  std::vector<T> toVector() const {
    std::vector<T> values(static_cast<size_t>(count));
    read(0, llvm::MutableArrayRef<T>(values));
    return values;
  }

private:
  ElementKind kind = ElementKind::F32;
  Shape shape;
  int64_t count = 0;
  const char *bytes = nullptr;
  std::shared_ptr<const void> owner;
};

/// "f32[2, 3]", for messages.
std::string describe(const Tensor &tensor);
std::string toString(llvm::ArrayRef<int64_t> shape);

int64_t getNumElements(llvm::ArrayRef<int64_t> shape);

/// Bytes in a file of so many elements.
inline int64_t getStoredSize(ElementKind kind, int64_t count) {
  return (count * getStoredBits(kind) + 7) / 8;
}

/// The least and the greatest (finite) value of an integer or of a float code.
std::pair<double, double> getRange(ElementKind kind);

/// Row-major strides in elements.
Shape getStrides(llvm::ArrayRef<int64_t> shape);

template <typename T>
Tensor Tensor::of(ElementKind kind, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<T> values) {
  Tensor tensor = allocate(kind, shape);
  using Int = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
  using Wide = std::conditional_t<std::is_integral_v<T>, Int, double>;
  std::vector<Wide> wide(values.begin(), values.end());
  wide.resize(static_cast<size_t>(tensor.count));
  tensor.write(0, llvm::ArrayRef<Wide>(wide));
  return tensor;
}

/// An element at any alignment; compiles to one load or store.
template <typename T>
inline T loadElement(const char *base, int64_t index) {
  T value;
  std::memcpy(&value, base + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

} // namespace halftone::evaluate

#endif
