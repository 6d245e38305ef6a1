//===- OPT.cpp - OPT --------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

/// Learned positions from row 2 on; norms before the branches, or behind their sums.
Decoder describeOPT(Config &config) {
  Decoder decoder;
  decoder.vocabulary = config.getSize("vocab_size");
  decoder.hidden = config.getSize("hidden_size");
  decoder.context = config.getSize("max_position_embeddings");
  decoder.tokens = "model.decoder.embed_tokens";
  decoder.positions = "model.decoder.embed_positions";
  decoder.firstPosition = 2;
  if (config.getSize("word_embed_proj_dim", decoder.hidden) != decoder.hidden)
    config.refuse("word_embed_proj_dim", "embeddings of another size than the hidden state are");
  if (!config.getBool("layer_norm_elementwise_affine", true))
    config.refuse("layer_norm_elementwise_affine", "norms without weights are");
  bool bias = config.getBool("enable_bias", true), isFirst = config.getBool("do_layer_norm_before", true);

  Layer layer;
  Norm norm = {Norm::Layer, "self_attn_layer_norm", 1e-5, /*bias=*/true};
  (isFirst ? layer.aroundAttention.input : layer.aroundAttention.sum) = norm;
  norm.name = "final_layer_norm";
  (isFirst ? layer.aroundMlp.input : layer.aroundMlp.sum) = norm;
  layer.attention = readHeads(config, decoder.hidden);
  layer.attention.query = {"self_attn.q_proj", bias};
  layer.attention.key = {"self_attn.k_proj", bias};
  layer.attention.value = {"self_attn.v_proj", bias};
  layer.attention.output = {"self_attn.out_proj", bias};
  layer.mlp.size = config.getSize("ffn_dim");
  layer.mlp.activation = readActivation(config, "activation_function");
  layer.mlp.up = {"fc1", bias};
  layer.mlp.down = {"fc2", bias};
  decoder.layers = repeat(config, "num_hidden_layers", "model.decoder.layers.", layer);

  if (isFirst && !config.getBool("_remove_final_layer_norm", false))
    decoder.norm = {Norm::Layer, "model.decoder.final_layer_norm", 1e-5, /*bias=*/true};
  decoder.head = readHead(config, "lm_head", /*tiedByDefault=*/true);
  return decoder;
}

} // namespace halftone::huggingface
