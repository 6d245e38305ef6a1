//===- Families.cpp - the table of families ---------------------------------===//

#include "compiler/Import/HuggingFace/Families.h"

namespace halftone::huggingface {

llvm::ArrayRef<Family> getFamilies() {
  static const Family families[] = {
      {"bert", "bert.", describeBert},
      {"distilbert", "distilbert.", describeDistilBert},
      {"gemma", "model.", describeGemma},
      {"gemma2", "model.", describeGemma2},
      {"gemma3_text", "model.", describeGemma3},
      {"gpt2", "transformer.", describeGPT2},
      {"gpt_neox", "gpt_neox.", describeGPTNeoX},
      {"llama", "model.", describeLlama},
      {"mistral", "model.", describeMistral},
      {"mixtral", "model.", describeMixtral},
      {"opt", "model.", describeOPT},
      {"phi3", "model.", describePhi3},
      {"qwen2", "model.", describeQwen2},
      {"qwen2_moe", "model.", describeQwen2Moe},
      {"qwen3", "model.", describeQwen3},
      {"qwen3_moe", "model.", describeQwen3Moe},
      {"roberta", "roberta.", describeRoberta},
      {"smollm3", "model.", describeSmolLM3},
      {"stablelm", "model.", describeStableLM},
  };
  return families;
}

} // namespace halftone::huggingface
