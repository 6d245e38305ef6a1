//===- Families.h - the families of models ----------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_FAMILIES_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_FAMILIES_H

#include "compiler/Import/HuggingFace/Config.h"
#include "compiler/Import/Transformer/Description.h"
#include "compiler/Import/Transformer/Rotations.h"

#include <variant>

namespace halftone::huggingface {

using namespace transformer;

/// A family: what config.json calls it, and how to read that as layers.
struct Family {
  llvm::StringRef modelType;
  llvm::StringRef prefix; ///< of names, which files of the model without a head leave out
  std::variant<Decoder (*)(Config &), Encoder (*)(Config &)> describe;
};

/// All families, in order of their names.
llvm::ArrayRef<Family> getFamilies();

// Families/*.cpp
Encoder describeBert(Config &config);
Encoder describeDistilBert(Config &config);
Encoder describeRoberta(Config &config);
Decoder describeGemma(Config &config);
Decoder describeGemma2(Config &config);
Decoder describeGemma3(Config &config);
Decoder describeGPT2(Config &config);
Decoder describeGPTNeoX(Config &config);
Decoder describeLlama(Config &config);
Decoder describeMistral(Config &config);
Decoder describeMixtral(Config &config);
Decoder describeOPT(Config &config);
Decoder describePhi3(Config &config);
Decoder describeQwen2(Config &config);
Decoder describeQwen2Moe(Config &config);
Decoder describeQwen3(Config &config);
Decoder describeQwen3Moe(Config &config);
Decoder describeSmolLM3(Config &config);
Decoder describeStableLM(Config &config);

//===----------------------------------------------------------------------===//
// What several families share
//===----------------------------------------------------------------------===//

/// The activation of `key`, by its name in transformers.
Activation readActivation(Config &config, llvm::StringRef key);

/// Angles of `rope_parameters`, or of `rope_theta` and `rope_scaling` as older files have them, for
/// heads of `size`; `kind` names one of several ("sliding_attention").
Rope readRope(Config &config, int64_t size, llvm::StringRef kind = "");

/// Gives `sliding_window` to the layers that `layer_types` calls "sliding_attention"; without
/// such a list, to those that `isSliding` says.
void readWindows(Config &config, Decoder &decoder, llvm::function_ref<bool(int64_t)> isSliding);

/// Copies of a layer, with the prefixes PREFIX0., PREFIX1., …
std::vector<Layer> repeat(Config &config, llvm::StringRef countKey, llvm::StringRef prefix,
                          const Layer &layer);

/// Experts of MLPs whose activation and names are the same but for the prefix.
Experts readExperts(Config &config, llvm::StringRef countKey, const MLP &expert);

/// Heads of attention under their usual names.
Attention readHeads(Config &config, int64_t hidden);

/// The head of a decoder: `name`, or the embedding table where `tie_word_embeddings` says so.
Linear readHead(Config &config, llvm::StringRef name, bool tiedByDefault);

/// A decoder with the sizes and names of Llama, to which most families only add: what they change
/// in all layers is a loop over `layers`.
Decoder readLlamaLike(Config &config);

} // namespace halftone::huggingface

#endif
