//===- FuzzTensors.cpp - any descriptions of tensors for a program --------===//
//
// What a caller may hand to halftone_session_run: other names, types, ranks and
// dimensions than the program has, sizes that do not match. The data always has as
// many bytes as `bytes` says, since that is what nobody can check.
//
//===----------------------------------------------------------------------===//

#include "toys/Toys.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <deque>
#include <string>
#include <vector>

namespace {

/// Descriptions, and what they point to.
struct Arguments {
  std::vector<halftone_tensor> list;
  std::deque<std::string> names;
  std::deque<std::vector<char>> data;

  void add(FuzzedDataProvider &provider, const halftone_tensor_info *infos, size_t count) {
    // Mostly like the real one, so that checks behind the first are reached.
    const halftone_tensor_info &info = infos[provider.ConsumeIntegralInRange<size_t>(0, count - 1)];
    halftone_tensor tensor = {};
    bool odd = provider.ConsumeBool();
    names.push_back(odd ? provider.ConsumeRandomLengthString(16) : info.name);
    tensor.name = names.back().c_str();
    tensor.dtype = provider.ConsumeBool() ? provider.ConsumeIntegral<uint32_t>() : info.dtype;
    tensor.rank = provider.ConsumeBool() ? provider.ConsumeIntegral<uint32_t>() : info.rank;
    for (int64_t &dim : tensor.dims)
      dim = provider.ConsumeBool() ? provider.ConsumeIntegral<int64_t>() : provider.ConsumeIntegralInRange<int64_t>(0, 8);
    data.emplace_back(provider.ConsumeIntegralInRange<size_t>(0, 4096));
    tensor.data = provider.ConsumeProbability<float>() < 0.05 ? nullptr : data.back().data();
    tensor.bytes = data.back().size();
    list.push_back(tensor);
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  FuzzedDataProvider provider(bytes, size);
  halftone_model *model = nullptr;
  if (halftone_load(&toyModel, &model) != HALFTONE_OK)
    __builtin_trap();
  halftone_session_options options = {sizeof(options), 1, 0};
  halftone_session *session = nullptr;
  if (halftone_session_create(model, &options, &session) != HALFTONE_OK)
    __builtin_trap();
  Arguments inputs, outputs;
  while (inputs.list.size() < 6 && provider.ConsumeBool())
    inputs.add(provider, toyModel.inputs, toyModel.num_inputs);
  while (outputs.list.size() < 6 && provider.ConsumeBool())
    outputs.add(provider, toyModel.outputs, toyModel.num_outputs);
  halftone_session_run(session, inputs.list.data(), inputs.list.size(), outputs.list.data(), outputs.list.size());
  halftone_session_destroy(session);
  halftone_model_destroy(model);
  return 0;
}
