//===- Llama.cpp - Llama 2 and 3, SmolLM, TinyLlama; Mistral ----------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

Decoder describeLlama(Config &config) {
  Decoder decoder = readLlamaLike(config);
  bool attentionBias = config.getBool("attention_bias", false), mlpBias = config.getBool("mlp_bias", false);
  for (Layer &layer : decoder.layers) {
    for (Linear *linear :
         {&layer.attention.query, &layer.attention.key, &layer.attention.value, &layer.attention.output})
      linear->bias = attentionBias;
    for (Linear *linear : {&layer.mlp.gate, &layer.mlp.up, &layer.mlp.down})
      linear->bias = mlpBias;
  }
  return decoder;
}

/// Tokens attend the last `sliding_window` (arXiv 2310.06825), where it is not null.
Decoder describeMistral(Config &config) {
  Decoder decoder = readLlamaLike(config);
  readWindows(config, decoder, [&](int64_t) { return config.has("sliding_window"); });
  return decoder;
}

} // namespace halftone::huggingface
