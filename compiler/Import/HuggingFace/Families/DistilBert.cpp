//===- DistilBert.cpp - DistilBERT ------------------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

#include <cmath>

namespace halftone::huggingface {

/// BERT without token types and pooler, under other names.
Encoder describeDistilBert(Config &config) {
  Encoder encoder;
  encoder.vocabulary = config.getSize("vocab_size");
  encoder.hidden = config.getSize("dim");
  encoder.context = config.getSize("max_position_embeddings");
  encoder.tokens = "distilbert.embeddings.word_embeddings";
  encoder.positions = "distilbert.embeddings.position_embeddings";
  encoder.norm = {Norm::Layer, "distilbert.embeddings.LayerNorm", 1e-12, /*bias=*/true};

  Layer layer;
  layer.aroundAttention.sum = {Norm::Layer, "sa_layer_norm", 1e-12, /*bias=*/true};
  layer.aroundMlp.sum = {Norm::Layer, "output_layer_norm", 1e-12, /*bias=*/true};
  Attention &attention = layer.attention;
  attention.heads = attention.kvHeads = config.getSize("n_heads");
  if (encoder.hidden % attention.heads != 0)
    config.fail("expected a multiple of \"n_heads\" as \"dim\"");
  attention.headSize = std::max<int64_t>(1, encoder.hidden / attention.heads);
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.headSize));
  attention.query = {"attention.q_lin", /*bias=*/true};
  attention.key = {"attention.k_lin", /*bias=*/true};
  attention.value = {"attention.v_lin", /*bias=*/true};
  attention.output = {"attention.out_lin", /*bias=*/true};
  layer.mlp.size = config.getSize("hidden_dim");
  layer.mlp.activation = readActivation(config, "activation");
  layer.mlp.up = {"ffn.lin1", /*bias=*/true};
  layer.mlp.down = {"ffn.lin2", /*bias=*/true};
  encoder.layers = repeat(config, "n_layers", "distilbert.transformer.layer.", layer);
  encoder.ignored = {"embeddings.position_ids"};
  encoder.heads = {"vocab_", "pre_classifier.", "classifier.", "qa_outputs."};
  return encoder;
}

} // namespace halftone::huggingface
