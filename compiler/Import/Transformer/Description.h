//===- Description.h - transformers as their files describe them ------------===//
//
// What an importer makes of a model's configuration: its layers, with the names that their
// weights have in the files. Blocks.cpp makes operations of it.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TRANSFORMER_DESCRIPTION_H
#define HALFTONE_COMPILER_IMPORT_TRANSFORMER_DESCRIPTION_H

#include <cstdint>
#include <string>
#include <vector>

namespace halftone::transformer {

/// A normalization over the last axis, with weights NAME.weight and NAME.bias.
struct Norm {
  enum Kind { None, RMS, Layer } kind = None;
  std::string name;
  double epsilon = 0;
  bool bias = false;
  bool plusOne = false; ///< The weight is what is added to 1.
};

/// A linear layer, with weights NAME.weight and NAME.bias.
struct Linear {
  std::string name; ///< empty: there is none
  bool bias = false;
  bool transposed = false; ///< The weight is stored [in, out].
};

/// Angles of a rotary position embedding.
struct Rope {
  std::vector<float> frequencies; ///< of each pair, an angle per token
  double scale = 1;               ///< of sines and cosines
  bool interleaved = false;       ///< pairs are neighbours
};

struct Attention {
  int64_t heads = 1, kvHeads = 1, headSize = 1;
  double scale = 1, softcap = 0;
  int64_t window = 0; ///< how many tokens back, with itself; 0: all
  int rope = -1;      ///< which of the model's; -1: none
  /// How query, key and value are stored: each for itself; in `query`, one after the other;
  /// in `query`, one after the other for each head.
  enum Packing { Separate, Blocks, Heads } packing = Separate;
  Linear query, key, value, output;
  Norm queryNorm, keyNorm; ///< of each head
};

enum class Activation { Silu, Gelu, GeluTanh, Relu, QuickGelu };

struct MLP {
  int64_t size = 1;
  Activation activation = Activation::Silu;
  Linear gate, up, down; ///< without a gate the activation is of `up`
  bool packed = false;   ///< `up` has the gate's rows, then its own.
};

/// MLPs of which a token has a few, in shares that a router gives.
struct Experts {
  int64_t count = 0; ///< 0: none
  int64_t perToken = 1;
  bool normalized = false; ///< The shares of those that a token has sum up to 1.
  Linear router;
  std::string prefix; ///< Expert i has names from PREFIXi. on.
  MLP expert;
  MLP shared;        ///< of every token; without names: none
  Linear sharedGate; ///< of its share, by a sigmoid
};

/// x becomes x + output(f(input(x))), and then sum of that.
struct Branch {
  Norm input, output, sum;
};

struct Layer {
  std::string prefix; ///< of the names of its weights
  Branch aroundAttention, aroundMlp;
  bool parallel = false; ///< Both branches begin at the layer's input.
  Attention attention;
  MLP mlp;
  Experts experts; ///< instead of it, where there are any
};

/// What all models have.
struct Transformer {
  int64_t vocabulary = 1, hidden = 1;
  int64_t context = 1; ///< tokens that the model was made for
  std::string tokens;  ///< the embedding table
  double tokenScale = 1;
  std::string positions;     ///< table of learned positions; empty: none
  int64_t firstPosition = 0; ///< the table's row for position 0
  std::vector<Rope> ropes;
  std::vector<Layer> layers;
  /// Endings of tensors that files hold and the model does not need, such as tables that follow
  /// from the configuration.
  std::vector<std::string> ignored;
};

/// A model that predicts the next token.
struct Decoder : Transformer {
  Norm norm;   ///< before the head
  Linear head; ///< without a name: the embedding table
  double headScale = 1, headSoftcap = 0;
};

/// A model of whole texts.
struct Encoder : Transformer {
  std::string types; ///< table of token types; empty: none
  int64_t numTypes = 0;
  /// Positions count the tokens that are not this one, which has the row of the same number
  /// (RoBERTa); -1: all.
  int64_t padding = -1;
  Norm norm;     ///< of the sum of the embeddings
  Linear pooler; ///< of the first token, where files have it
  /// Beginnings of tensors of heads for tasks, which programs leave out.
  std::vector<std::string> heads;
};

} // namespace halftone::transformer

#endif
