//===- Tensor.cpp - an array that was read from a file or made ------------===//

#include "runtime/files/Tensor.h"
#include "runtime/support/Checked.h"

#include <cstring>

namespace halftone::rt {

bool Buffer::allocate(size_t size) {
  size_t rounded;
  if (!(Checked<size_t>(size ? size : 1) + 63).get(rounded))
    return false;
  void *allocated = aligned_alloc(64, rounded & ~size_t(63));
  if (!allocated)
    return false;
  free(memory);
  memory = allocated;
  bytes = size;
  return true;
}

bool Tensor::allocate(const char *what, Diagnostic &diagnostic) {
  size_t bytes;
  if (!tensorBytes(dtype, dims, rank, bytes))
    return diagnostic.fail("%s: shape %s is larger than the address space",
                           what, shapeText(dims, rank).c_str());
  if (!buffer.allocate(bytes))
    return diagnostic.fail("%s: out of memory: shape %s of %s takes %s", what,
                           shapeText(dims, rank).c_str(), typeName(dtype),
                           sizeText(bytes).c_str());
  return true;
}

void Tensor::declareType(uint32_t declared) {
  if (!isBits || typeBytes(declared) != typeBytes(dtype))
    return;
  size_t count = numElements();
  dtype = declared;
  normalizeElements(dtype, buffer.data(), count);
}

halftone_tensor Tensor::view() const {
  halftone_tensor tensor = {};
  tensor.name = name.c_str();
  tensor.dtype = dtype;
  tensor.rank = rank;
  memcpy(tensor.dims, dims, sizeof(dims));
  tensor.data = buffer.data();
  tensor.bytes = buffer.size();
  return tensor;
}

} // namespace halftone::rt
