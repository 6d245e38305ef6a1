//===- Phi3.cpp - Phi-3, Phi-3.5 and Phi-4 ----------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

/// Query, key and value in one matrix, gate and up in another.
Decoder describePhi3(Config &config) {
  Decoder decoder = readLlamaLike(config);
  for (Layer &layer : decoder.layers) {
    layer.attention.packing = Attention::Blocks;
    layer.attention.query = {"self_attn.qkv_proj"};
    layer.mlp.packed = true;
    layer.mlp.up = {"mlp.gate_up_proj"};
  }
  // Longer texts have other rotations from their first token on.
  decoder.context =
      std::min(decoder.context, config.getSize("original_max_position_embeddings", decoder.context));
  readWindows(config, decoder, [&](int64_t) { return config.has("sliding_window"); });
  return decoder;
}

} // namespace halftone::huggingface
