//===- FuzzJson.cpp - any bytes as inputs in JSON -------------------------===//

#include "runtime/files/Json.h"
#include "toys/Toys.h"

using namespace halftone::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Array<Tensor> tensors;
  Diagnostic diagnostic;
  bool read = readJson({data, size}, "f.json", toyModel.inputs, toyModel.num_inputs, tensors, diagnostic);
  if (read == diagnostic.failed())
    __builtin_trap();
  return 0;
}
