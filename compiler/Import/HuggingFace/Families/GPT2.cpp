//===- GPT2.cpp - GPT-2 -----------------------------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

#include <cmath>

namespace halftone::huggingface {

/// Learned positions; linears stored [in, out], query, key and value in one.
Decoder describeGPT2(Config &config) {
  Decoder decoder;
  decoder.vocabulary = config.getSize("vocab_size");
  decoder.hidden = config.getSize("n_embd");
  decoder.context = config.getSize("n_positions");
  decoder.tokens = "transformer.wte";
  decoder.positions = "transformer.wpe";
  double epsilon = config.getNumber("layer_norm_epsilon", 1e-5);

  Layer layer;
  layer.aroundAttention.input = {Norm::Layer, "ln_1", epsilon, /*bias=*/true};
  layer.aroundMlp.input = {Norm::Layer, "ln_2", epsilon, /*bias=*/true};
  Attention &attention = layer.attention;
  attention.heads = attention.kvHeads = config.getSize("n_head");
  if (decoder.hidden % attention.heads != 0)
    config.fail("expected a multiple of \"n_head\" as \"n_embd\"");
  attention.headSize = std::max<int64_t>(1, decoder.hidden / attention.heads);
  if (config.getBool("scale_attn_weights", true))
    attention.scale = 1 / std::sqrt(static_cast<double>(attention.headSize));
  attention.packing = Attention::Blocks;
  attention.query = {"attn.c_attn", /*bias=*/true, /*transposed=*/true};
  attention.output = {"attn.c_proj", /*bias=*/true, /*transposed=*/true};
  layer.mlp.size = config.getSize("n_inner", 4 * decoder.hidden);
  layer.mlp.activation = readActivation(config, "activation_function");
  layer.mlp.up = {"mlp.c_fc", /*bias=*/true, /*transposed=*/true};
  layer.mlp.down = {"mlp.c_proj", /*bias=*/true, /*transposed=*/true};
  decoder.layers = repeat(config, "n_layer", "transformer.h.", layer);
  if (config.getBool("scale_attn_by_inverse_layer_idx", false))
    for (auto [i, each] : llvm::enumerate(decoder.layers))
      each.attention.scale /= i + 1;

  decoder.norm = {Norm::Layer, "transformer.ln_f", epsilon, /*bias=*/true};
  decoder.head = readHead(config, "lm_head", /*tiedByDefault=*/true);
  decoder.ignored = {".attn.bias", ".attn.masked_bias"}; // tables of the causal mask
  return decoder;
}

} // namespace halftone::huggingface
