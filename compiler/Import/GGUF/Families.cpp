//===- Families.cpp - the architectures of GGUF files -----------------------===//
//
// Tensors have the same names in all architectures. What converters have done to them already
// is not done here: 1 is added to the weights of Gemma's norms, GPT-2's matrices are turned,
// GPT-NeoX' are query, key and value one after the other, and the rows of Llama's queries and
// keys are such that the two of a pair that is rotated are neighbours.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUF/Families.h"

#include "compiler/Import/Transformer/Rotations.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace halftone::gguf {

using namespace transformer;

//===----------------------------------------------------------------------===//
// What several share
//===----------------------------------------------------------------------===//

static Attention readHeads(Config &config, int64_t hidden) {
  Attention attention;
  attention.heads = config.getSize("attention.head_count");
  attention.kvHeads = config.getSize("attention.head_count_kv", attention.heads);
  if (attention.heads % attention.kvHeads != 0)
    config.fail("expected a multiple of \"attention.head_count_kv\" as \"attention.head_count\", got " +
                llvm::Twine(attention.heads) + " and " + llvm::Twine(attention.kvHeads));
  if (!config.has("attention.key_length") && hidden % attention.heads != 0)
    config.fail("expected a multiple of \"attention.head_count\" as \"embedding_length\", got " +
                llvm::Twine(hidden) + " and " + llvm::Twine(attention.heads));
  attention.headSize = config.getSize("attention.key_length", std::max<int64_t>(1, hidden / attention.heads));
  if (config.getSize("attention.value_length", attention.headSize) != attention.headSize)
    config.refuse("attention.value_length", "values that are as long as keys are");
  if (!config.getBool("attention.causal", true))
    config.refuse("attention.causal", "models that write text are");
  constexpr int64_t kLongest = 4096;
  if (attention.headSize > kLongest)
    config.fail("expected heads of at most " + llvm::Twine(kLongest) + " elements, got " +
                llvm::Twine(attention.headSize));
  attention.scale = config.getNumber("attention.scale", 1 / std::sqrt(double(attention.headSize)));
  attention.query = {"attn_q"};
  attention.key = {"attn_k"};
  attention.value = {"attn_v"};
  attention.output = {"attn_output"};
  return attention;
}

static Rope readRope(Config &config, int64_t headSize, bool interleaved) {
  Rope rope;
  rope.interleaved = interleaved;
  double base = config.getNumber("rope.freq_base", 10000);
  int64_t size = config.getSize("rope.dimension_count", headSize);
  std::string type = config.getText("rope.scaling.type", "linear");
  double factor = config.getNumber("rope.scaling.factor", config.getNumber("rope.scale_linear", 1));
  double magnitude = config.getNumber("rope.scaling.attn_factor", 1);
  int64_t length = config.getSize("rope.scaling.original_context_length", config.getSize("context_length"));
  if (config.isValid() && (base <= 1 || size < 2 || size > headSize || size % 2 != 0))
    config.fail("expected rotations of a base above 1, and of an even part of heads of size " +
                llvm::Twine(headSize) + "; got " + llvm::Twine(size));
  if (!config.isValid())
    return rope;
  rope.frequencies = getFrequencies(base, size);
  if (factor <= 0) // Some files have 0 for no scaling.
    factor = 1;
  rope.scale = magnitude;
  if (type == "linear") {
    for (float &frequency : rope.frequencies)
      frequency /= factor;
  } else if (type == "yarn") {
    Yarn yarn;
    yarn.factor = factor;
    yarn.length = length;
    yarn.fast = config.getNumber("rope.scaling.yarn_beta_fast", yarn.fast);
    yarn.slow = config.getNumber("rope.scaling.yarn_beta_slow", yarn.slow);
    scaleByYarn(yarn, base, size, rope.frequencies);
    rope.scale *= 1 + 0.1 * std::log(std::max(factor, 1.0));
  } else if (type != "none" && type != "longrope") {
    config.refuse("rope.scaling.type", "none, linear, yarn and longrope are");
  }
  // Of Llama 3, and of LongRoPE for texts up to the original length: each frequency has a factor.
  for (const char *name : {"rope_freqs.weight", "rope_factors_short.weight"})
    if (config.hasTensor(name))
      for (auto [frequency, by] : llvm::zip(rope.frequencies, config.getFloats(name, size / 2)))
        frequency /= by;
  return rope;
}

static std::vector<Layer> repeat(Config &config, const Layer &layer) {
  constexpr int64_t kMost = 4096;
  int64_t count = config.getSize("block_count");
  if (count > kMost) {
    config.refuse("block_count", "at most 4096 layers are");
    count = 0;
  }
  std::vector<Layer> layers(count, layer);
  for (auto [i, copy] : llvm::enumerate(layers))
    copy.prefix = "blk." + std::to_string(i) + ".";
  return layers;
}

/// Files have a bias where the model does: no key says so.
static void findBiases(Config &config, Decoder &decoder) {
  auto find = [&](const std::string &prefix, Linear &linear) {
    if (!linear.name.empty())
      linear.bias |= config.hasTensor(prefix + linear.name + ".bias");
  };
  for (Layer &layer : decoder.layers)
    for (Linear *linear : {&layer.attention.query, &layer.attention.key, &layer.attention.value,
                           &layer.attention.output, &layer.mlp.gate, &layer.mlp.up, &layer.mlp.down})
      find(layer.prefix, *linear);
  find("", decoder.head);
}

static Decoder readDecoder(Config &config) {
  Decoder decoder;
  decoder.vocabulary = config.getRows("token_embd.weight");
  decoder.hidden = config.getSize("embedding_length");
  decoder.context = config.getSize("context_length");
  decoder.tokens = "token_embd";
  if (config.hasTensor("output.weight"))
    decoder.head = {"output"};
  return decoder;
}

/// Norms by RMS and gated units. Pairs of rotations are neighbours, or halves of a head apart.
static Decoder readLlamaLike(Config &config, bool interleaved = false) {
  Decoder decoder = readDecoder(config);
  double epsilon = config.getNumber("attention.layer_norm_rms_epsilon");
  Layer layer;
  layer.aroundAttention.input = {Norm::RMS, "attn_norm", epsilon};
  layer.aroundMlp.input = {Norm::RMS, "ffn_norm", epsilon};
  layer.attention = readHeads(config, decoder.hidden);
  layer.attention.rope = 0;
  layer.mlp.size = config.getSize("feed_forward_length");
  layer.mlp.gate = {"ffn_gate"};
  layer.mlp.up = {"ffn_up"};
  layer.mlp.down = {"ffn_down"};
  decoder.layers = repeat(config, layer);
  decoder.ropes = {readRope(config, layer.attention.headSize, interleaved)};
  decoder.norm = {Norm::RMS, "output_norm", epsilon};
  findBiases(config, decoder);
  // Older files have the frequencies of each layer, which follow from the keys.
  decoder.ignored = {"attn_rot_embd.weight", "rope_freqs.weight"};
  return decoder;
}

/// Layer norms with biases; MLPs without gates.
static Decoder readGPTLike(Config &config) {
  Decoder decoder = readDecoder(config);
  double epsilon = config.getNumber("attention.layer_norm_epsilon");
  Layer layer;
  layer.aroundAttention.input = {Norm::Layer, "attn_norm", epsilon, /*bias=*/true};
  layer.aroundMlp.input = {Norm::Layer, "ffn_norm", epsilon, /*bias=*/true};
  layer.attention = readHeads(config, decoder.hidden);
  layer.attention.packing = Attention::Blocks;
  layer.attention.query = {"attn_qkv"};
  layer.mlp.size = config.getSize("feed_forward_length");
  layer.mlp.up = {"ffn_up"};
  layer.mlp.down = {"ffn_down"};
  decoder.layers = repeat(config, layer);
  decoder.norm = {Norm::Layer, "output_norm", epsilon, /*bias=*/true};
  findBiases(config, decoder);
  return decoder;
}

/// Gives the window that the file has to the layers that `isSliding` says.
static void readWindows(Config &config, Decoder &decoder, llvm::function_ref<bool(int64_t)> isSliding) {
  constexpr llvm::StringLiteral kKey = "attention.sliding_window";
  // 0, in files of models that could have one.
  int64_t window = config.has(kKey) && config.getNumber(kKey) != 0 ? config.getSize(kKey) : 0;
  for (auto [i, layer] : llvm::enumerate(decoder.layers))
    if (window && isSliding(i))
      layer.attention.window = window;
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

/// Llama, Mistral and what is like them; with experts Mixtral.
static Decoder describeLlama(Config &config) {
  Decoder decoder = readLlamaLike(config, /*interleaved=*/true);
  readWindows(config, decoder, [](int64_t) { return true; });
  // 0, in files of models without.
  if (!config.has("expert_count") || config.getNumber("expert_count") == 0) {
    config.getNumber("expert_used_count", 0);
    return decoder;
  }
  Experts experts;
  experts.count = config.getSize("expert_count");
  experts.perToken = config.getSize("expert_used_count");
  constexpr int64_t kMost = 1024;
  if (experts.count > kMost)
    config.refuse("expert_count", "at most 1024 experts are");
  if (experts.perToken > experts.count)
    config.fail("expected at least " + llvm::Twine(experts.perToken) + " experts, got " +
                llvm::Twine(experts.count));
  experts.normalized = true;
  experts.router = {"ffn_gate_inp"};
  experts.prefix = kExperts.str();
  for (Layer &layer : decoder.layers) {
    if (!config.hasTensor(layer.prefix + "ffn_up" + kExpertsEnding.str()))
      config.fail("expected the experts of a layer in one tensor, " +
                  quote(layer.prefix + "ffn_up" + kExpertsEnding.str()) +
                  ": files from before April 2024 have one for each; convert the model again");
    experts.expert = layer.mlp;
    layer.experts = experts;
  }
  return decoder;
}

/// Query, key and value have a bias.
static Decoder describeQwen2(Config &config) {
  Decoder decoder = readLlamaLike(config);
  for (Layer &layer : decoder.layers)
    layer.attention.query.bias = layer.attention.key.bias = layer.attention.value.bias = true;
  return decoder;
}

static void normalizeHeads(Decoder &decoder) {
  for (Layer &layer : decoder.layers) {
    layer.attention.queryNorm = {Norm::RMS, "attn_q_norm", decoder.norm.epsilon};
    layer.attention.keyNorm = {Norm::RMS, "attn_k_norm", decoder.norm.epsilon};
  }
}

static Decoder describeQwen3(Config &config) {
  Decoder decoder = readLlamaLike(config);
  normalizeHeads(decoder);
  return decoder;
}

/// Scaled embeddings.
static Decoder describeGemma(Config &config) {
  Decoder decoder = readLlamaLike(config);
  decoder.tokenScale = std::sqrt(static_cast<double>(decoder.hidden));
  for (Layer &layer : decoder.layers)
    layer.mlp.activation = Activation::GeluTanh;
  return decoder;
}

/// Norms behind attention and MLP as well. The scale of scores is not in the file: it is that of a
/// head, but for the largest model, whose heads are larger than their part of the hidden state.
static Decoder readLaterGemma(Config &config, size_t layersOfLargest) {
  Decoder decoder = describeGemma(config);
  double epsilon = decoder.norm.epsilon;
  for (Layer &layer : decoder.layers) {
    layer.aroundAttention.output = {Norm::RMS, "post_attention_norm", epsilon};
    layer.aroundMlp.output = {Norm::RMS, "post_ffw_norm", epsilon};
    if (decoder.layers.size() == layersOfLargest && !config.has("attention.scale"))
      layer.attention.scale = 1 / std::sqrt(static_cast<double>(decoder.hidden / layer.attention.heads));
    layer.attention.softcap = config.getNumber("attn_logit_softcapping", 0);
  }
  decoder.headSoftcap = config.getNumber("final_logit_softcapping", 0);
  return decoder;
}

/// Every other layer has a window.
static Decoder describeGemma2(Config &config) {
  Decoder decoder = readLaterGemma(config, /*layersOfLargest=*/46);
  readWindows(config, decoder, [](int64_t layer) { return layer % 2 == 0; });
  return decoder;
}

/// Five of six layers have a window, and rotations of their own.
static Decoder describeGemma3(Config &config) {
  Decoder decoder = readLaterGemma(config, /*layersOfLargest=*/62);
  normalizeHeads(decoder);
  int64_t pattern = config.getSize("attention.sliding_window_pattern", 6);
  readWindows(config, decoder, [&](int64_t layer) { return (layer + 1) % pattern != 0; });
  double base = config.getNumber("rope.freq_base_swa", 10000);
  if (decoder.layers.empty() || !config.isValid())
    return decoder;
  Rope local = decoder.ropes.front();
  local.frequencies = getFrequencies(base, 2 * local.frequencies.size());
  local.scale = 1;
  decoder.ropes.push_back(local);
  for (Layer &layer : decoder.layers)
    layer.attention.rope = layer.attention.window ? 1 : 0;
  return decoder;
}

/// Query, key and value in one matrix, gate and up in another.
static Decoder describePhi3(Config &config) {
  Decoder decoder = readLlamaLike(config);
  for (Layer &layer : decoder.layers) {
    if (config.hasTensor(layer.prefix + "attn_qkv.weight")) {
      layer.attention.packing = Attention::Blocks;
      layer.attention.query = {"attn_qkv"};
    }
    layer.mlp.packed = true;
  }
  readWindows(config, decoder, [](int64_t) { return true; });
  // Longer texts have other rotations from their first token on.
  decoder.context =
      std::min(decoder.context, config.getSize("rope.scaling.original_context_length", decoder.context));
  decoder.ignored = {"rope_factors_long.weight", "rope_factors_short.weight"};
  return decoder;
}

/// Learned positions.
static Decoder describeGPT2(Config &config) {
  Decoder decoder = readGPTLike(config);
  decoder.positions = "position_embd";
  for (Layer &layer : decoder.layers)
    layer.mlp.activation = Activation::GeluTanh;
  return decoder;
}

/// Attention and MLP beside each other.
static Decoder describeGPTNeoX(Config &config) {
  Decoder decoder = readGPTLike(config);
  bool parallel = config.getBool("use_parallel_residual", true);
  for (Layer &layer : decoder.layers) {
    layer.parallel = parallel;
    layer.attention.rope = 0;
    layer.mlp.activation = Activation::Gelu; // Of the model; llama.cpp computes the approximation by tanh.
  }
  if (!decoder.layers.empty())
    decoder.ropes = {readRope(config, decoder.layers.front().attention.headSize, /*interleaved=*/false)};
  return decoder;
}

/// Llama with layer norms that have a bias, a part of each head rotated.
static Decoder describeStableLM(Config &config) {
  Decoder decoder = readDecoder(config);
  double epsilon = config.getNumber("attention.layer_norm_epsilon");
  bool parallel = config.getBool("use_parallel_residual", false);
  Layer layer;
  layer.parallel = parallel;
  layer.aroundAttention.input = {Norm::Layer, "attn_norm", epsilon, /*bias=*/true};
  layer.aroundMlp.input = {Norm::Layer, parallel ? "attn_norm" : "ffn_norm", epsilon, /*bias=*/true};
  layer.attention = readHeads(config, decoder.hidden);
  layer.attention.rope = 0;
  layer.mlp.size = config.getSize("feed_forward_length");
  layer.mlp.gate = {"ffn_gate"};
  layer.mlp.up = {"ffn_up"};
  layer.mlp.down = {"ffn_down"};
  decoder.layers = repeat(config, layer);
  decoder.ropes = {readRope(config, layer.attention.headSize, /*interleaved=*/false)};
  decoder.norm = {Norm::Layer, "output_norm", epsilon, /*bias=*/true};
  findBiases(config, decoder);
  return decoder;
}

llvm::ArrayRef<Family> getFamilies() {
  static const Family families[] = {
      {"gemma", describeGemma},       {"gemma2", describeGemma2},   {"gemma3", describeGemma3},
      {"gpt2", describeGPT2},         {"gptneox", describeGPTNeoX}, {"llama", describeLlama},
      {"phi3", describePhi3},         {"qwen2", describeQwen2},     {"qwen3", describeQwen3},
      {"stablelm", describeStableLM},
  };
  return families;
}

} // namespace halftone::gguf
