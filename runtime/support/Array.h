//===- Array.h - a growable array without libstdc++ -----------------------===//
//
// What std::vector would be if linking libstdc++ were allowed: it owns malloc
// memory, moves its elements when it grows, and ends the process with a message
// when memory runs out. Only the executable's command line and its file readers
// use it; sizes that come from files are checked against the file before.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_SUPPORT_ARRAY_H
#define HALFTONE_RUNTIME_SUPPORT_ARRAY_H

#include "runtime/support/Checked.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace halftone::rt {

/// Says that memory ran out and ends the process with exit code 3.
[[noreturn]] void outOfMemory();

template <typename T>
class Array {
public:
  Array() = default;
  Array(Array &&other) noexcept { swap(other); }
  Array &operator=(Array &&other) noexcept {
    Array moved(std::move(other));
    swap(moved);
    return *this;
  }
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() {
    clear();
    free(items);
  }

  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  T *data() { return items; }
  const T *data() const { return items; }
  T &operator[](size_t index) { return items[index]; }
  const T &operator[](size_t index) const { return items[index]; }
  T *begin() { return items; }
  T *end() { return items + count; }
  const T *begin() const { return items; }
  const T *end() const { return items + count; }
  T &back() { return items[count - 1]; }
  const T &back() const { return items[count - 1]; }
  T pop() { return std::move(items[--count]); }

  T &push(T value) {
    if (count == room)
      reserve(room < 8 ? 8 : room * 2);
    return *new (&items[count++]) T(std::move(value));
  }

  /// Copies `size` elements that need no constructor to the end.
  void append(const T *values, size_t size) {
    static_assert(std::is_trivially_copyable_v<T>);
    size_t wanted;
    if (!(Checked<size_t>(count) + size).get(wanted))
      outOfMemory();
    if (wanted > room)
      reserve(wanted < room * 2 ? room * 2 : wanted);
    if (size)
      memcpy(items + count, values, size * sizeof(T));
    count = wanted;
  }

  /// Forgets all elements behind the first `size`.
  void truncate(size_t size) {
    while (count > size)
      items[--count].~T();
  }

  void resize(size_t size) {
    reserve(size);
    while (count > size)
      items[--count].~T();
    while (count < size)
      new (&items[count++]) T();
  }

  void reserve(size_t wanted) {
    if (wanted <= room)
      return;
    size_t bytes;
    if (!(Checked<size_t>(wanted) * sizeof(T)).get(bytes))
      outOfMemory();
    T *grown = static_cast<T *>(malloc(bytes));
    if (!grown)
      outOfMemory();
    for (size_t i = 0; i < count; ++i) {
      new (&grown[i]) T(std::move(items[i]));
      items[i].~T();
    }
    free(items);
    items = grown;
    room = wanted;
  }

  void clear() {
    while (count)
      items[--count].~T();
  }

private:
  void swap(Array &other) {
    std::swap(items, other.items);
    std::swap(count, other.count);
    std::swap(room, other.room);
  }

  T *items = nullptr;
  size_t count = 0;
  size_t room = 0;
};

} // namespace halftone::rt

#endif
