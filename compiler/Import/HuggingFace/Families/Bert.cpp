//===- Bert.cpp - BERT and RoBERTa ------------------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

/// Embeddings of tokens, positions and types; norms behind sums.
static Encoder readBert(Config &config, const std::string &model) {
  Encoder encoder;
  encoder.vocabulary = config.getSize("vocab_size");
  encoder.hidden = config.getSize("hidden_size");
  encoder.context = config.getSize("max_position_embeddings");
  encoder.numTypes = config.getSize("type_vocab_size");
  encoder.tokens = model + "embeddings.word_embeddings";
  encoder.positions = model + "embeddings.position_embeddings";
  encoder.types = model + "embeddings.token_type_embeddings";
  double epsilon = config.getNumber("layer_norm_eps", 1e-12);
  encoder.norm = {Norm::Layer, model + "embeddings.LayerNorm", epsilon, /*bias=*/true};
  if (config.getString("position_embedding_type", "absolute") != "absolute")
    config.refuse("position_embedding_type", "expected absolute");
  if (config.getBool("is_decoder", false))
    config.refuse("is_decoder", "expected an encoder");

  Layer layer;
  layer.aroundAttention.sum = {Norm::Layer, "attention.output.LayerNorm", epsilon, /*bias=*/true};
  layer.aroundMlp.sum = {Norm::Layer, "output.LayerNorm", epsilon, /*bias=*/true};
  layer.attention = readHeads(config, encoder.hidden);
  layer.attention.query = {"attention.self.query", /*bias=*/true};
  layer.attention.key = {"attention.self.key", /*bias=*/true};
  layer.attention.value = {"attention.self.value", /*bias=*/true};
  layer.attention.output = {"attention.output.dense", /*bias=*/true};
  layer.mlp.size = config.getSize("intermediate_size");
  layer.mlp.activation = readActivation(config, "hidden_act");
  layer.mlp.up = {"intermediate.dense", /*bias=*/true};
  layer.mlp.down = {"output.dense", /*bias=*/true};
  encoder.layers = repeat(config, "num_hidden_layers", model + "encoder.layer.", layer);
  encoder.pooler = {model + "pooler.dense", /*bias=*/true};
  encoder.ignored = {"embeddings.position_ids"};
  encoder.heads = {"cls.", "classifier.", "qa_outputs.", "lm_head."};
  return encoder;
}

Encoder describeBert(Config &config) { return readBert(config, "bert."); }

/// Positions are counted behind the row of padding.
Encoder describeRoberta(Config &config) {
  Encoder encoder = readBert(config, "roberta.");
  encoder.padding = config.getSize("pad_token_id", 1);
  encoder.firstPosition = encoder.padding + 1;
  encoder.context -= encoder.firstPosition;
  if (encoder.context < 1)
    config.fail("expected more \"max_position_embeddings\" than \"pad_token_id\"");
  return encoder;
}

} // namespace halftone::huggingface
