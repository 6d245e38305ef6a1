//===- StableLM.cpp - StableLM 2 and 3B-4E1T --------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

/// Llama with layer norms that have a bias, a part of each head rotated.
Decoder describeStableLM(Config &config) {
  Decoder decoder = readLlamaLike(config);
  double epsilon = config.getNumber("layer_norm_eps", 1e-5);
  bool bias = config.getBool("use_qkv_bias", false),
       parallel = config.getBool("use_parallel_residual", false);
  if (config.getBool("qk_layernorm", false))
    config.refuse("qk_layernorm", "norms of each head with weights of its own are");
  auto toLayerNorm = [&](Norm &norm) { norm = {Norm::Layer, norm.name, epsilon, /*bias=*/true}; };
  for (Layer &layer : decoder.layers) {
    for (Linear *linear : {&layer.attention.query, &layer.attention.key, &layer.attention.value})
      linear->bias = bias;
    toLayerNorm(layer.aroundAttention.input);
    toLayerNorm(layer.aroundMlp.input);
    layer.parallel = parallel;
    if (parallel) // One norm for both.
      layer.aroundMlp.input = layer.aroundAttention.input;
  }
  toLayerNorm(decoder.norm);
  return decoder;
}

} // namespace halftone::huggingface
