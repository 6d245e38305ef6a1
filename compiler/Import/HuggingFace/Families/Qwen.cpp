//===- Qwen.cpp - Qwen 2, 2.5 and 3 -----------------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

static void readQwenWindows(Config &config, Decoder &decoder) {
  bool isUsed = config.getBool("use_sliding_window", false);
  int64_t first = isUsed ? config.getSize("max_window_layers", 28) : 0;
  readWindows(config, decoder, [&](int64_t layer) { return isUsed && layer >= first; });
}

/// Query, key and value have a bias.
Decoder describeQwen2(Config &config) {
  Decoder decoder = readLlamaLike(config);
  for (Layer &layer : decoder.layers)
    for (Linear *linear : {&layer.attention.query, &layer.attention.key, &layer.attention.value})
      linear->bias = true;
  readQwenWindows(config, decoder);
  return decoder;
}

/// Heads of query and key are normalized.
Decoder describeQwen3(Config &config) {
  Decoder decoder = readLlamaLike(config);
  bool bias = config.getBool("attention_bias", false);
  for (Layer &layer : decoder.layers) {
    Attention &attention = layer.attention;
    for (Linear *linear : {&attention.query, &attention.key, &attention.value, &attention.output})
      linear->bias = bias;
    attention.queryNorm = {Norm::RMS, "self_attn.q_norm", decoder.norm.epsilon};
    attention.keyNorm = {Norm::RMS, "self_attn.k_norm", decoder.norm.epsilon};
  }
  readQwenWindows(config, decoder);
  return decoder;
}

} // namespace halftone::huggingface
