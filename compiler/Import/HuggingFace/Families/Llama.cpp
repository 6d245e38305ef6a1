//===- Llama.cpp - Llama 2 and 3, SmolLM, TinyLlama; SmolLM3; Mistral, Mixtral ===//

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

/// Some layers, every fourth where nothing else is said, have no rotation (arXiv 2501.18795).
Decoder describeSmolLM3(Config &config) {
  Decoder decoder = describeLlama(config);
  decoder.head = readHead(config, "lm_head", /*tiedByDefault=*/true);
  int64_t interval = config.getSize("no_rope_layer_interval", 4);
  std::vector<double> rotates;
  if (config.has("no_rope_layers")) {
    rotates = config.getNumbers("no_rope_layers"); // 1 where there is one.
    if (rotates.size() < decoder.layers.size())
      config.fail("expected a number for each layer in \"no_rope_layers\", got " +
                  llvm::Twine(rotates.size()));
    rotates.resize(decoder.layers.size(), 1);
  }
  for (auto [i, layer] : llvm::enumerate(decoder.layers))
    if (rotates.empty() ? (i + 1) % interval == 0 : rotates[i] == 0)
      layer.attention.rope = -1;
  bool isUsed = config.getBool("use_sliding_window", false) && config.has("sliding_window");
  readWindows(config, decoder,
              [&](int64_t layer) { return isUsed && decoder.layers[layer].attention.rope < 0; });
  return decoder;
}

/// Tokens attend the last `sliding_window` (arXiv 2310.06825), where it is not null.
Decoder describeMistral(Config &config) {
  Decoder decoder = readLlamaLike(config);
  readWindows(config, decoder, [&](int64_t) { return config.has("sliding_window"); });
  return decoder;
}

/// Two of eight experts for each token (arXiv 2401.04088).
Decoder describeMixtral(Config &config) {
  Decoder decoder = describeMistral(config);
  for (Layer &layer : decoder.layers) {
    MLP expert = layer.mlp;
    expert.gate = {"w1"};
    expert.up = {"w3"};
    expert.down = {"w2"};
    layer.experts = readExperts(config, "num_local_experts", expert);
    layer.experts.normalized = true;
    layer.experts.router = {"block_sparse_moe.gate"};
    layer.experts.prefix = "block_sparse_moe.experts.";
  }
  return decoder;
}

} // namespace halftone::huggingface
