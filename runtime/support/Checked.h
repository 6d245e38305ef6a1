//===- Checked.h - sizes from files, which may be any number --------------===//
//
// Files state sizes and offsets, and what is computed from them may not fit. The
// readers of the compiler and of the runtime compute with these.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_SUPPORT_CHECKED_H
#define HALFTONE_RUNTIME_SUPPORT_CHECKED_H

#include <cstdint>

namespace halftone {

/// A number of type T, or none once a step of its computation did not fit in T.
template <typename T>
class Checked {
public:
  Checked(T value) : value(value) {}

  Checked &operator+=(Checked other) {
    fits = fits && other.fits &&
           !__builtin_add_overflow(value, other.value, &value);
    return *this;
  }
  Checked &operator*=(Checked other) {
    fits = fits && other.fits &&
           !__builtin_mul_overflow(value, other.value, &value);
    return *this;
  }
  friend Checked operator+(Checked x, Checked y) { return x += y; }
  friend Checked operator*(Checked x, Checked y) { return x *= y; }

  /// Whether there is a number, and it is at most `limit`.
  [[nodiscard]] bool isAtMost(T limit) const { return fits && value <= limit; }

  /// Sets `result`, where there is a number.
  [[nodiscard]] bool get(T &result) const {
    if (fits)
      result = value;
    return fits;
  }

private:
  T value;
  bool fits = true;
};

/// Whether `count` bytes from `offset` are within `size`.
[[nodiscard]] inline bool isInside(uint64_t offset, uint64_t count, uint64_t size) {
  return offset <= size && count <= size - offset;
}

} // namespace halftone

#endif
