//===- Tensor.h - an array that was read from a file or made --------------===//

#ifndef HALFTONE_RUNTIME_FILES_TENSOR_H
#define HALFTONE_RUNTIME_FILES_TENSOR_H

#include "halftone/halftone.h"
#include "runtime/support/Array.h"
#include "runtime/support/DataType.h"
#include "runtime/support/Diagnostic.h"
#include "runtime/support/Text.h"

namespace halftone::rt {

/// 64-byte aligned memory of a fixed size.
class Buffer {
public:
  Buffer() = default;
  Buffer(Buffer &&other) noexcept { swap(other); }
  Buffer &operator=(Buffer &&other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() { free(memory); }

  /// Uninitialised memory; false when there is not enough.
  [[nodiscard]] bool allocate(size_t size);

  void *data() const { return memory; }
  size_t size() const { return bytes; }

private:
  void swap(Buffer &other) {
    std::swap(memory, other.memory);
    std::swap(bytes, other.bytes);
  }

  void *memory = nullptr;
  size_t bytes = 0;
};

/// A dense row-major array that owns its memory.
struct Tensor {
  Text name;
  uint32_t dtype = 0;
  uint32_t rank = 0;
  int64_t dims[HALFTONE_MAX_RANK] = {};
  Buffer buffer;

  /// The file says only how wide elements are, or says it by unsigned integers:
  /// what it holds may be `declareType`d.
  bool isBits = false;

  size_t numElements() const { return buffer.size() / typeBytes(dtype); }

  /// Allocates for the dtype and the dims. `what` is for the message.
  bool allocate(const char *what, Diagnostic &diagnostic);

  /// numpy has no name for many types. Bits become elements of `declared` where
  /// those take as many bytes; all else stays what the file says.
  void declareType(uint32_t declared);

  /// For the API; valid as long as this tensor.
  halftone_tensor view() const;
};

} // namespace halftone::rt

#endif
