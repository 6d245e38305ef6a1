//===- Common.cpp - what several families share -----------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

#include <cmath>

namespace halftone::huggingface {

Activation readActivation(Config &config, llvm::StringRef key) {
  std::string name = config.getString(key);
  if (name == "silu" || name == "swish")
    return Activation::Silu;
  if (name == "gelu")
    return Activation::Gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast")
    return Activation::GeluTanh;
  if (name == "relu")
    return Activation::Relu;
  if (name == "quick_gelu")
    return Activation::QuickGelu;
  if (config.isValid())
    config.refuse(key, "expected silu, gelu, gelu_new, gelu_pytorch_tanh, relu or quick_gelu");
  return Activation::Silu;
}

//===----------------------------------------------------------------------===//
// Rotary position embeddings
//===----------------------------------------------------------------------===//

/// Low frequencies by the factor, high ones as they are, smoothly in between (Llama 3.1).
static void scaleByWavelength(Config &scaling, std::vector<float> &frequencies) {
  double factor = scaling.getNumber("factor"), low = scaling.getNumber("low_freq_factor");
  double high = scaling.getNumber("high_freq_factor"),
         length = scaling.getSize("original_max_position_embeddings");
  if (scaling.isValid() && !(high > low && factor > 0))
    scaling.fail("expected \"rope_scaling\" with high_freq_factor > low_freq_factor and a factor > 0");
  for (float &frequency : frequencies) {
    double turns = length * frequency / (2 * M_PI);
    double share = std::clamp((turns - low) / (high - low), 0.0, 1.0);
    frequency = (1 - share) * frequency / factor + share * frequency;
  }
}

/// YaRN, with sines and cosines scaled as it goes with the factor.
static void scaleByTurns(Config &scaling, double base, int64_t size, Rope &rope) {
  double factor = scaling.getNumber("factor");
  auto magnitude = [&](double scale) { return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1; };
  rope.scale = magnitude(1);
  if (scaling.has("mscale") && scaling.has("mscale_all_dim"))
    rope.scale = magnitude(scaling.getNumber("mscale")) / magnitude(scaling.getNumber("mscale_all_dim"));
  rope.scale = scaling.getNumber("attention_factor", rope.scale);
  Yarn yarn;
  yarn.factor = factor;
  yarn.length = scaling.getSize("original_max_position_embeddings");
  yarn.fast = scaling.getNumber("beta_fast", yarn.fast);
  yarn.slow = scaling.getNumber("beta_slow", yarn.slow);
  yarn.truncates = scaling.getBool("truncate", true);
  scaleByYarn(yarn, base, size, rope.frequencies);
}

/// LongRoPE (arXiv 2402.13753): each frequency has a factor; that of texts up to the original
/// length, which is what programs are for.
static void scaleEach(Config &config, Config &scaling, std::vector<float> &frequencies, double &scale) {
  std::vector<double> factors = scaling.getNumbers("short_factor");
  if (scaling.isValid() && factors.size() != frequencies.size())
    scaling.fail("expected " + llvm::Twine(frequencies.size()) + " numbers in \"short_factor\", got " +
                 llvm::Twine(factors.size()));
  for (auto [frequency, factor] : llvm::zip(frequencies, factors))
    frequency = frequency / factor;
  double length = config.has("original_max_position_embeddings")
                      ? config.getSize("original_max_position_embeddings")
                      : scaling.getSize("original_max_position_embeddings");
  double factor = config.getSize("max_position_embeddings") / length;
  scale = factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(length));
  scale = scaling.getNumber("attention_factor", scale);
}

Rope readRope(Config &config, int64_t size, llvm::StringRef kind) {
  Rope rope;
  if (!config.isValid())
    return rope;
  std::unique_ptr<Config> parameters = config.getObject("rope_parameters");
  if (parameters && !kind.empty() && parameters->has(kind))
    parameters = parameters->getObject(kind);
  bool isOld = !parameters;
  std::unique_ptr<Config> scaling = isOld ? config.getObject("rope_scaling") : std::move(parameters);
  double base = isOld ? config.getNumber("rope_theta", config.getNumber("rotary_emb_base", 10000))
                      : scaling->getNumber("rope_theta", 10000);
  double share = config.getNumber("partial_rotary_factor", config.getNumber("rotary_pct", 1));
  if (!isOld)
    share = scaling->getNumber("partial_rotary_factor", share);
  auto rotated = static_cast<int64_t>(size * share);
  if (config.isValid() && (base <= 0 || rotated < 2 || rotated > size || rotated % 2 != 0)) {
    config.fail("expected rotations of a positive base, and of an even part of heads of size " +
                llvm::Twine(size) + "; got " + llvm::Twine(rotated));
    return rope;
  }
  rope.frequencies = getFrequencies(base, rotated);
  std::string type = "default";
  if (scaling)
    type = scaling->getString("rope_type", scaling->getString("type", "default"));
  if (type == "linear")
    for (float &frequency : rope.frequencies)
      frequency /= scaling->getNumber("factor");
  else if (type == "llama3")
    scaleByWavelength(*scaling, rope.frequencies);
  else if (type == "yarn")
    scaleByTurns(*scaling, base, rotated, rope);
  else if (type == "longrope" || type == "su")
    scaleEach(config, *scaling, rope.frequencies, rope.scale);
  else if (type != "default" && config.isValid())
    scaling->refuse(scaling->has("rope_type") ? "rope_type" : "type",
                    "expected default, linear, llama3, yarn or longrope");
  return rope;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

void readWindows(Config &config, Decoder &decoder, llvm::function_ref<bool(int64_t)> isSliding) {
  std::vector<std::string> types;
  if (config.has("layer_types"))
    types = config.getStrings("layer_types");
  if (!types.empty() && types.size() != decoder.layers.size())
    return config.fail("expected " + llvm::Twine(decoder.layers.size()) + " \"layer_types\", got " +
                       llvm::Twine(types.size()));
  for (auto [i, layer] : llvm::enumerate(decoder.layers)) {
    bool slides = types.empty() ? isSliding(i) : types[i] == "sliding_attention";
    if (!types.empty() && !slides && types[i] != "full_attention")
      return config.refuse("layer_types", "expected full_attention or sliding_attention of each layer");
    if (slides)
      layer.attention.window = config.getSize("sliding_window");
  }
}

std::vector<Layer> repeat(Config &config, llvm::StringRef countKey, llvm::StringRef prefix,
                          const Layer &layer) {
  constexpr int64_t kMost = 4096;
  int64_t count = config.getSize(countKey);
  if (count > kMost) {
    config.refuse(countKey, "at most " + std::to_string(kMost) + " layers are");
    count = 0;
  }
  std::vector<Layer> layers(count, layer);
  for (auto [i, copy] : llvm::enumerate(layers))
    copy.prefix = (prefix + llvm::Twine(i) + ".").str();
  return layers;
}

Experts readExperts(Config &config, llvm::StringRef countKey, const MLP &expert) {
  Experts experts;
  experts.count = config.getSize(countKey);
  experts.perToken = config.getSize("num_experts_per_tok");
  experts.expert = expert;
  constexpr int64_t kMost = 1024;
  if (experts.count > kMost)
    config.refuse(countKey, "at most " + std::to_string(kMost) + " experts are");
  if (experts.perToken > experts.count)
    config.fail("expected at least " + llvm::Twine(experts.perToken) +
                " experts, as \"num_experts_per_tok\" says, got " + llvm::Twine(experts.count));
  return experts;
}

Attention readHeads(Config &config, int64_t hidden) {
  Attention attention;
  attention.heads = config.getSize("num_attention_heads");
  attention.kvHeads = config.getSize("num_key_value_heads", attention.heads);
  if (attention.heads % attention.kvHeads != 0)
    config.fail("expected a multiple of \"num_key_value_heads\" as \"num_attention_heads\", got " +
                llvm::Twine(attention.heads) + " and " + llvm::Twine(attention.kvHeads));
  if (!config.has("head_dim") && hidden % attention.heads != 0)
    config.fail("expected a multiple of \"num_attention_heads\" as size of the hidden state, got " +
                llvm::Twine(hidden) + " and " + llvm::Twine(attention.heads));
  attention.headSize = config.getSize("head_dim", std::max<int64_t>(1, hidden / attention.heads));
  constexpr int64_t kLongest = 4096;
  if (attention.headSize > kLongest)
    config.fail("expected heads of at most " + llvm::Twine(kLongest) + " elements, got " +
                llvm::Twine(attention.headSize));
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.headSize));
  return attention;
}

Linear readHead(Config &config, llvm::StringRef name, bool tiedByDefault) {
  return {config.getBool("tie_word_embeddings", tiedByDefault) ? "" : name.str()};
}

Decoder readLlamaLike(Config &config) {
  Decoder decoder;
  decoder.vocabulary = config.getSize("vocab_size");
  decoder.hidden = config.getSize("hidden_size");
  decoder.context = config.getSize("max_position_embeddings");
  decoder.tokens = "model.embed_tokens";
  double epsilon = config.getNumber("rms_norm_eps", 1e-6);

  Layer layer;
  layer.aroundAttention.input = {Norm::RMS, "input_layernorm", epsilon};
  layer.aroundMlp.input = {Norm::RMS, "post_attention_layernorm", epsilon};
  layer.attention = readHeads(config, decoder.hidden);
  layer.attention.rope = 0;
  layer.attention.query = {"self_attn.q_proj"};
  layer.attention.key = {"self_attn.k_proj"};
  layer.attention.value = {"self_attn.v_proj"};
  layer.attention.output = {"self_attn.o_proj"};
  layer.mlp.size = config.getSize("intermediate_size");
  if (config.has("hidden_act"))
    layer.mlp.activation = readActivation(config, "hidden_act");
  layer.mlp.gate = {"mlp.gate_proj"};
  layer.mlp.up = {"mlp.up_proj"};
  layer.mlp.down = {"mlp.down_proj"};
  decoder.layers = repeat(config, "num_hidden_layers", "model.layers.", layer);

  decoder.ropes = {readRope(config, layer.attention.headSize)};
  decoder.norm = {Norm::RMS, "model.norm", epsilon};
  decoder.head = readHead(config, "lm_head", /*tiedByDefault=*/false);
  decoder.ignored = {"rotary_emb.inv_freq"};
  return decoder;
}

} // namespace halftone::huggingface
