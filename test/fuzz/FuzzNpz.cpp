//===- FuzzNpz.cpp - any bytes as a .npz archive --------------------------===//

#include "runtime/files/Npz.h"

using namespace halftone::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) // what InputFile refuses
    return 0;
  Array<Tensor> tensors;
  Diagnostic diagnostic;
  if (readNpz({data, size}, "f.npz", tensors, diagnostic) == diagnostic.failed())
    __builtin_trap();
  return 0;
}
