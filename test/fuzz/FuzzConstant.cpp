//===- FuzzConstant.cpp - any text as the value of --constant -------------===//
//
// The first bytes declare the input: its type, its rank and its dimensions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Constants.h"
#include "compiler/Import/ONNX/Importer.h"

#include <fuzzer/FuzzedDataProvider.h>

using namespace halftone;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  FuzzedDataProvider provider(data, size);
  onnx::ValueInfo input;
  input.name = "x";
  input.isTensor = true;
  input.type = static_cast<onnx::DataType>(provider.ConsumeIntegral<uint8_t>() & 31);
  input.hasShape = provider.ConsumeBool();
  for (unsigned rank = provider.ConsumeIntegralInRange(0, 3); rank > 0; --rank) {
    onnx::Dimension &dim = input.dims.emplace_back();
    if (provider.ConsumeBool())
      dim.value = provider.ConsumeBool() ? provider.ConsumeIntegral<int64_t>() : provider.ConsumeIntegralInRange<int64_t>(0, 4);
  }
  std::string text = provider.ConsumeRemainingBytesAsString(), error;
  if (llvm::StringRef(text).ends_with(".npy"))
    return 0; // a file: FuzzNpy
  onnx::Constants constants(context);
  bool added = constants.add(input, text, error);
  if (added != error.empty())
    __builtin_trap();
  ImportOptions options;
  parseConstant(text, options, error);
  parseMaxima(text, options, error);
  return 0;
}
