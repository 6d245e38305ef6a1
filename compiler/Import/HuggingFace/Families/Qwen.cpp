//===- Qwen.cpp - Qwen 2, 2.5 and 3, with and without experts ---------------===//

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

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

/// In every layer, or every so many, but for those of a list.
static void addExperts(Config &config, Decoder &decoder, bool hasShared) {
  int64_t step = config.getSize("decoder_sparse_step", 1);
  const char *count = config.has("num_experts") ? "num_experts" : "num_local_experts";
  std::vector<double> dense;
  if (config.has("mlp_only_layers"))
    dense = config.getNumbers("mlp_only_layers");
  for (auto [i, layer] : llvm::enumerate(decoder.layers)) {
    if (llvm::is_contained(dense, static_cast<double>(i)) || (i + 1) % step != 0)
      continue;
    MLP expert = layer.mlp;
    expert.size = config.getSize("moe_intermediate_size");
    expert.gate = {"gate_proj"};
    expert.up = {"up_proj"};
    expert.down = {"down_proj"};
    layer.experts = readExperts(config, count, expert);
    layer.experts.normalized = config.getBool("norm_topk_prob", false);
    layer.experts.router = {"mlp.gate"};
    layer.experts.prefix = "mlp.experts.";
    if (!hasShared)
      continue;
    layer.experts.shared = layer.mlp;
    layer.experts.shared.size = config.getSize("shared_expert_intermediate_size");
    layer.experts.shared.gate = {"mlp.shared_expert.gate_proj"};
    layer.experts.shared.up = {"mlp.shared_expert.up_proj"};
    layer.experts.shared.down = {"mlp.shared_expert.down_proj"};
    layer.experts.sharedGate = {"mlp.shared_expert_gate"};
  }
}

Decoder describeQwen2Moe(Config &config) {
  Decoder decoder = describeQwen2(config);
  if (!config.getBool("qkv_bias", true))
    for (Layer &layer : decoder.layers)
      layer.attention.query.bias = layer.attention.key.bias = layer.attention.value.bias = false;
  addExperts(config, decoder, /*hasShared=*/true);
  return decoder;
}

Decoder describeQwen3Moe(Config &config) {
  Decoder decoder = describeQwen3(config);
  addExperts(config, decoder, /*hasShared=*/false);
  return decoder;
}

} // namespace halftone::huggingface
