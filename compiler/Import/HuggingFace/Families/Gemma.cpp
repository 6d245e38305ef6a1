//===- Gemma.cpp - Gemma 1, 2 and 3 (text) ----------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

#include <cmath>

namespace halftone::huggingface {

/// Scaled embeddings, which are the head as well; norms whose weights are added to 1.
static Decoder readGemma(Config &config, llvm::StringRef activationKey) {
  Decoder decoder = readLlamaLike(config);
  decoder.tokenScale = std::sqrt(static_cast<double>(decoder.hidden));
  decoder.head = readHead(config, "lm_head", /*tiedByDefault=*/true);
  decoder.norm.plusOne = true;
  bool bias = config.getBool("attention_bias", false);
  Activation activation =
      config.has(activationKey) ? readActivation(config, activationKey) : Activation::GeluTanh;
  for (Layer &layer : decoder.layers) {
    layer.aroundAttention.input.plusOne = layer.aroundMlp.input.plusOne = true;
    layer.mlp.activation = activation;
    Attention &attention = layer.attention;
    for (Linear *linear : {&attention.query, &attention.key, &attention.value, &attention.output})
      linear->bias = bias;
  }
  return decoder;
}

/// Norms behind attention and MLP as well; scores by a scale of their own.
static Decoder readLaterGemma(Config &config) {
  Decoder decoder = readGemma(config, "hidden_activation");
  double scale = 1 / std::sqrt(config.getNumber("query_pre_attn_scalar", 256));
  for (Layer &layer : decoder.layers) {
    Norm norm = layer.aroundAttention.input;
    auto named = [&](const char *name) {
      norm.name = name;
      return norm;
    };
    layer.aroundAttention.output = named("post_attention_layernorm");
    layer.aroundMlp.input = named("pre_feedforward_layernorm");
    layer.aroundMlp.output = named("post_feedforward_layernorm");
    layer.attention.scale = scale;
  }
  return decoder;
}

Decoder describeGemma(Config &config) {
  return readGemma(config, config.has("hidden_activation") ? "hidden_activation" : "hidden_act");
}

/// Scores and logits within soft bounds; every other layer has a window (arXiv 2408.00118).
Decoder describeGemma2(Config &config) {
  Decoder decoder = readLaterGemma(config);
  decoder.headSoftcap = config.getNumber("final_logit_softcapping", 0);
  for (Layer &layer : decoder.layers)
    layer.attention.softcap = config.getNumber("attn_logit_softcapping", 0);
  readWindows(config, decoder, [](int64_t layer) { return layer % 2 == 0; });
  return decoder;
}

/// Heads of query and key are normalized; five of six layers have a window, and rotations of
/// their own (arXiv 2503.19786).
Decoder describeGemma3(Config &config) {
  Decoder decoder = readLaterGemma(config);
  decoder.headSoftcap = config.getNumber("final_logit_softcapping", 0);
  int64_t pattern = config.getSize("sliding_window_pattern", 6);
  readWindows(config, decoder, [&](int64_t layer) { return (layer + 1) % pattern != 0; });
  if (decoder.layers.empty())
    return decoder;
  int64_t size = decoder.layers.front().attention.headSize;
  decoder.ropes = {readRope(config, size, "full_attention"), readRope(config, size, "sliding_attention")};
  if (!config.has("rope_parameters"))
    decoder.ropes[1].frequencies = getFrequencies(config.getNumber("rope_local_base_freq", 10000), size);
  for (Layer &layer : decoder.layers) {
    Norm norm = layer.aroundAttention.input;
    norm.name = "self_attn.q_norm";
    layer.attention.queryNorm = norm;
    norm.name = "self_attn.k_norm";
    layer.attention.keyNorm = norm;
    layer.attention.softcap = config.getNumber("attn_logit_softcapping", 0);
    layer.attention.rope = layer.attention.window ? 1 : 0;
  }
  return decoder;
}

} // namespace halftone::huggingface
