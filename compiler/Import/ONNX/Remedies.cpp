//===- Remedies.cpp - what to do about what cannot be imported --------------===//

#include "compiler/Import/ONNX/Remedies.h"

#include <iterator>

using llvm::ArrayRef;
using llvm::StringRef;

namespace halftone::onnx {

namespace {

struct CauseRemedy {
  Cause cause;
  const char *remedy;
};

const CauseRemedy kCauses[] = {
    {Cause::OldOpset, "convert the model first, e.g. with onnx.version_converter.convert_version(model, 18)"},
    {Cause::NewOpset, "export the model with an older opset, or convert it with "
                      "onnx.version_converter.convert_version(model, 23)"},
    {Cause::ElementType, "export the model in float32, float16 or bfloat16, with integer indices"},
    {Cause::ExternalData, "put the files that the model names beside it, whole and as regular files (no links)"},
    {Cause::Sparse, "store the initializers densely"},
    {Cause::NoRank, "declare the shape of the input, e.g. with "
                    "onnx.tools.update_model_dims.update_inputs_outputs_dims"},
    {Cause::NotTensor, "export the model with tensors alone as inputs"},
    {Cause::SequenceInput, "say what it holds with --elements NAME=SHAPE,..., e.g. --elements states=3x4,2x4, or with "
                           "--elements NAME=empty"},
    {Cause::OptionalInput, "say what it holds with --elements NAME=SHAPE, e.g. --elements mask=3x4, or that it is "
                           "absent with --elements NAME=none"},
};

const char *const kSource = "use the model that this file was made from";
const char *const kPaged = "serving form of attention, which addresses a cache of pages";
const char *const kPacked = "serving form of attention, over sequences without padding";
const char *const kDecode = "serving form of attention, for one token at a time";
const char *const kText = "text processing";
const char *const kTokenize = "tokenize outside of the model, and export the transformer alone";
const char *const kSearch = "a loop of decoding around the model";
const char *const kDecoder = "use the decoder inside: export the model without generation, e.g. with optimum-cli";
const char *const kTraining = "training";
const char *const kInference = "export the model for inference, without loss and optimizer";
const char *const kRandom = "random numbers";
const char *const kSample = "export the model in eval mode, and draw samples outside of it";
const char *const kLayout = "a saved form of ONNX Runtime's own optimizer";
const char *const kBasic = "save the optimized model at level ORT_ENABLE_BASIC, or use the original";

/// The first entry that fits an operator counts.
const OperatorRemedy kOperators[] = {
    {"com.microsoft", "EPContext", "a model compiled for another processor", kSource},
    {"com.microsoft", "BeamSearch", kSearch, kDecoder},
    {"com.microsoft", "WhisperBeamSearch", kSearch, kDecoder},
    {"com.microsoft", "GreedySearch", kSearch, kDecoder},
    {"com.microsoft", "Sampling", kSearch, kDecoder},
    {"com.microsoft", "Tokenizer", kText, kTokenize},
    {"com.microsoft", "WordConvEmbedding", kText, kTokenize},
    {"com.microsoft", "MurmurHash3", kText, kTokenize},
    {"com.microsoft.extensions", "*", kText, kTokenize},
    {"ai.onnx.contrib", "*", kText, kTokenize},
    {"", "String*", kText, kTokenize},
    {"", "Regex*", kText, kTokenize},
    {"", "TfIdfVectorizer", kText, kTokenize},
    {"com.microsoft", "PagedAttention", kPaged, "re-export the model without use_paged_attention"},
    {"com.microsoft", "SparseAttention", "block-sparse attention",
     "re-export the model with dense attention (GroupQueryAttention)"},
    {"com.microsoft", "PackedAttention", kPacked, "use the model from before convert_to_packing_mode"},
    {"com.microsoft", "PackedMultiHeadAttention", kPacked, "use the model from before convert_to_packing_mode"},
    {"com.microsoft", "RemovePadding", kPacked, "use the model from before convert_to_packing_mode"},
    {"com.microsoft", "RestorePadding", kPacked, "use the model from before convert_to_packing_mode"},
    {"com.microsoft", "DecoderMasked*", kDecode, "re-export the model without use_decoder_masked_attention"},
    {"com.microsoft", "DecoderAttention", kDecode, "re-export the model with MultiHeadAttention"},
    {"com.microsoft", "MatMulFpQ4", "a quantized product that ONNX Runtime 1.17 dropped",
     "quantize the float model again, to MatMulNBits"},
    {"com.microsoft", "*Grad", kTraining, kInference},
    {"com.microsoft", "*Optimizer", kTraining, kInference},
    {"com.microsoft", "SoftmaxCrossEntropy*", kTraining, kInference},
    {"com.microsoft", "YieldOp", kTraining, kInference},
    {"ai.onnx.preview", "FlexAttention", "attention with a score function of its own",
     "re-export the model with attn_implementation=\"sdpa\""},
    {"ai.onnx.preview.training", "*", kTraining, kInference},
    {"ai.onnx.training", "*", kTraining, kInference},
    {"", "SoftmaxCrossEntropyLoss", kTraining, kInference},
    {"", "NegativeLogLikelihoodLoss", kTraining, kInference},
    {"", "Random*", kRandom, kSample},
    {"", "Bernoulli", kRandom, kSample},
    {"", "Multinomial", kRandom, kSample},
    {"ai.onnx.ml", "*", "classical machine learning", "export the transformer alone"},
    {"com.microsoft.nchwc", "*", kLayout, kBasic},
    {"com.ms.internal.nhwc", "*", kLayout, kBasic},
    {"com.microsoft.nhwc", "*", kLayout, kBasic},
    {"org.pytorch.aten", "*", "an operator that PyTorch's exporter did not translate",
     "re-export the model with torch.onnx.export(dynamo=True) or a newer PyTorch"},
    {"aten", "*", "an operator that PyTorch's exporter did not translate",
     "re-export the model with torch.onnx.export(dynamo=True) or a newer PyTorch"},
    {"pkg.*", "*", "a function whose body is not in the file",
     "save the model with its functions, or with its functions inlined"},
    {"trt*", "*", "a plugin of TensorRT", "export the model with standard QuantizeLinear and DequantizeLinear"},
};

bool fits(StringRef pattern, StringRef text) {
  if (pattern.consume_back("*"))
    return text.starts_with(pattern);
  if (pattern.consume_front("*"))
    return text.ends_with(pattern);
  return text == pattern;
}

} // namespace

StringRef getRemedy(Cause cause) {
  for (const CauseRemedy &entry : kCauses)
    if (entry.cause == cause)
      return entry.remedy;
  return "";
}

ArrayRef<OperatorRemedy> getOperatorRemedies() { return kOperators; }

const OperatorRemedy *findOperatorRemedy(StringRef domain, StringRef name) {
  for (const OperatorRemedy &entry : kOperators)
    if (fits(entry.domain, domain) && fits(entry.name, name))
      return &entry;
  return nullptr;
}

} // namespace halftone::onnx
