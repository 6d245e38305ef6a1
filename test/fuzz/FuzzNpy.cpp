//===- FuzzNpy.cpp - any bytes as a .npy file -----------------------------===//

#include "runtime/files/Npy.h"

using namespace halftone::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) // what InputFile refuses
    return 0;
  Tensor tensor;
  Diagnostic diagnostic;
  if (readNpy({data, size}, "f.npy", tensor, diagnostic) == diagnostic.failed())
    __builtin_trap();
  return 0;
}
