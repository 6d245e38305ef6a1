//===- GPTNeoX.cpp - GPT-NeoX, Pythia ---------------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

/// Attention and MLP beside each other; each head's query, key and value in one matrix.
Decoder describeGPTNeoX(Config &config) {
  Decoder decoder;
  decoder.vocabulary = config.getSize("vocab_size");
  decoder.hidden = config.getSize("hidden_size");
  decoder.context = config.getSize("max_position_embeddings");
  decoder.tokens = "gpt_neox.embed_in";
  double epsilon = config.getNumber("layer_norm_eps", 1e-5);
  bool bias = config.getBool("attention_bias", true);

  Layer layer;
  layer.parallel = config.getBool("use_parallel_residual", true);
  layer.aroundAttention.input = {Norm::Layer, "input_layernorm", epsilon, /*bias=*/true};
  layer.aroundMlp.input = {Norm::Layer, "post_attention_layernorm", epsilon, /*bias=*/true};
  layer.attention = readHeads(config, decoder.hidden);
  layer.attention.rope = 0;
  layer.attention.packing = Attention::Heads;
  layer.attention.query = {"attention.query_key_value", bias};
  layer.attention.output = {"attention.dense", bias};
  layer.mlp.size = config.getSize("intermediate_size");
  layer.mlp.activation = readActivation(config, "hidden_act");
  layer.mlp.up = {"mlp.dense_h_to_4h", /*bias=*/true};
  layer.mlp.down = {"mlp.dense_4h_to_h", /*bias=*/true};
  decoder.layers = repeat(config, "num_hidden_layers", "gpt_neox.layers.", layer);

  decoder.ropes = {readRope(config, layer.attention.headSize)};
  decoder.norm = {Norm::Layer, "gpt_neox.final_layer_norm", epsilon, /*bias=*/true};
  decoder.head = readHead(config, "embed_out", /*tiedByDefault=*/false);
  decoder.ignored = {".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"};
  return decoder;
}

} // namespace halftone::huggingface
