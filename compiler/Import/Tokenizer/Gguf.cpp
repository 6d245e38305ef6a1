//===- Gguf.cpp - tokenizers of GGUF files ----------------------------------===//
//
// The metadata holds the vocabulary, and the rest by name only: the kind of model
// and, for byte-level ones, how text is cut. That part is written as a
// tokenizer.json would have it and read by the same code.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Tokenizer/Gguf.h"
#include "compiler/Import/Tokenizer/Json.h"
#include "compiler/Import/Tokenizer/SentencePiece.h"
#include "compiler/Import/Tokenizer/Tokenizer.h"
#include "runtime/text/Utf8.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;

namespace {

class Describer {
public:
  explicit Describer(const gguf::Metadata &metadata) : metadata(metadata) {}

  llvm::Expected<Description> describe();

private:
  llvm::Error readTokens();
  llvm::Expected<Description> describePieces(bool isUnigram);
  llvm::Expected<Description> describeByteLevel();
  llvm::Expected<Description> describeWordPiece();
  llvm::Expected<Description> finish(JsonContext &context, const llvm::json::Object &file);

  std::optional<int64_t> getId(StringRef name) const {
    return metadata.getInteger(("tokenizer.ggml." + name + "_token_id").str());
  }
  bool asks(StringRef name, bool fallback) const {
    return metadata.getInteger(("tokenizer.ggml." + name).str()).value_or(fallback);
  }
  PieceType getType(size_t id) const {
    auto number = id < types.size() ? static_cast<int>(types[id]) : 1;
    return number < 1 || number > 6 ? PieceType::Normal : static_cast<PieceType>(number);
  }

  const gguf::Metadata &metadata;
  std::vector<StringRef> tokens;
  std::vector<double> types, scores;
};

} // namespace

llvm::Error Describer::readTokens() {
  auto texts = metadata.getTexts("tokenizer.ggml.tokens");
  if (!texts || texts->empty())
    return createStringError("it has no list \"tokenizer.ggml.tokens\"");
  tokens = std::move(*texts);
  types = metadata.getNumbers("tokenizer.ggml.token_type").value_or(std::vector<double>());
  scores = metadata.getNumbers("tokenizer.ggml.scores").value_or(std::vector<double>());
  for (auto *list : {&types, &scores})
    if (!list->empty() && list->size() != tokens.size())
      return createStringError("it has %zu tokens, but %zu scores or types of them", tokens.size(),
                               list->size());
  for (auto [i, text] : llvm::enumerate(tokens))
    if (rt::validUtf8({text.data(), text.size()}) != text.size())
      return createStringError("token %zu is not UTF-8", size_t(i));
  return llvm::Error::success();
}

llvm::Expected<Description> Describer::describePieces(bool isUnigram) {
  SentencePieceModel model;
  if (scores.empty())
    return createStringError("it has no list \"tokenizer.ggml.scores\"");
  for (auto [i, text] : llvm::enumerate(tokens))
    model.pieces.push_back({text.str(), static_cast<float>(scores[i]), getType(i)});
  model.isUnigram = isUnigram;
  model.addsPrefix = asks("add_space_prefix", true);
  model.removesSpaces = asks("remove_extra_whitespaces", isUnigram);
  model.addsBegin = asks("add_bos_token", !isUnigram);
  model.addsEnd = asks("add_eos_token", isUnigram);
  model.begin = getId("bos").value_or(1);
  model.end = getId("eos").value_or(2);
  if (auto map = metadata.getNumbers("tokenizer.ggml.precompiled_charsmap"))
    for (double byte : *map)
      model.charsmap += static_cast<char>(static_cast<int>(byte));
  return describeSentencePiece(model);
}

/// Adds what stands around the vocabulary.
llvm::Expected<Description> Describer::finish(JsonContext &context, const llvm::json::Object &file) {
  Description &description = context.description;
  if (llvm::Error error = readNormalizer(context, file.get("normalizer")))
    return std::move(error);
  if (llvm::Error error = readPreTokenizer(context, file.get("pre_tokenizer")))
    return std::move(error);
  if (llvm::Error error = readModel(context, file.get("model")))
    return std::move(error);
  for (auto [i, text] : llvm::enumerate(tokens)) {
    PieceType type = getType(i);
    if (!text.empty() &&
        (type == PieceType::Control || type == PieceType::UserDefined || type == PieceType::Unknown))
      description.added.push_back(
          {static_cast<uint32_t>(i), text.str(), "", type != PieceType::UserDefined, false, 0});
  }
  if (llvm::Error error = readDecoder(context, file.get("decoder")))
    return std::move(error);
  return std::move(description);
}

/// How text is cut, by what llama.cpp calls it; empty for names that are not known.
static std::vector<StringRef> findPatterns(StringRef name) {
  // The GPT-2 pattern itself is ByteLevel's.
  constexpr StringRef kGpt2 = "gpt-2";
  constexpr StringRef kLlama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                                " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  constexpr StringRef kQwen2 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
                               " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  constexpr StringRef kDigit = "\\p{N}";
  return llvm::StringSwitch<std::vector<StringRef>>(name)
      .Cases({"", "default", "gpt-2", "mpt", "olmo", "jais"}, {kGpt2})
      .Cases({"llama-bpe", "llama3", "llama-v3", "smaug-bpe", "dbrx"}, {kLlama3})
      .Cases({"qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan"}, {kQwen2})
      .Cases({"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone"}, {kDigit, kGpt2})
      .Default({});
}

llvm::Expected<Description> Describer::describeByteLevel() {
  StringRef name = metadata.getText("tokenizer.ggml.pre").value_or("");
  std::vector<StringRef> patterns = findPatterns(name);
  auto merges = metadata.getTexts("tokenizer.ggml.merges");
  if (patterns.empty())
    return createStringError(
        "its \"tokenizer.ggml.pre\" is \"%s\", which is not supported; give a tokenizer.json",
        name.str().c_str());
  if (!merges)
    return createStringError("it has no list \"tokenizer.ggml.merges\"");
  bool cutsLikeGpt2 = patterns.back() == "gpt-2";
  llvm::json::Array steps;
  for (StringRef pattern : patterns)
    if (pattern != "gpt-2")
      steps.push_back(llvm::json::Object{
          {"type", "Split"}, {"pattern", llvm::json::Object{{"Regex", pattern}}}, {"behavior", "Isolated"}});
  steps.push_back(llvm::json::Object{{"type", "ByteLevel"},
                                     {"add_prefix_space", asks("add_space_prefix", false)},
                                     {"use_regex", cutsLikeGpt2}});
  llvm::json::Object vocabulary;
  for (auto [i, text] : llvm::enumerate(tokens))
    vocabulary[text] = static_cast<int64_t>(i);
  bool isLlama3 = name.starts_with("llama");
  llvm::json::Object file{
      {"pre_tokenizer", llvm::json::Object{{"type", "Sequence"}, {"pretokenizers", std::move(steps)}}},
      {"model", llvm::json::Object{{"type", "BPE"},
                                   {"vocab", std::move(vocabulary)},
                                   {"merges", llvm::json::Array(*merges)},
                                   {"ignore_merges", isLlama3}}},
      {"decoder", llvm::json::Object{{"type", "ByteLevel"}}}};
  if (name == "qwen2")
    file["normalizer"] = llvm::json::Object{{"type", "NFC"}};
  JsonContext context;
  return finish(context, file);
}

/// Pieces at a word's beginning have sentencepiece's mark, those inside have none.
llvm::Expected<Description> Describer::describeWordPiece() {
  llvm::json::Object vocabulary;
  std::string unknown;
  int64_t unknownId = getId("unknown").value_or(100);
  std::vector<std::string> names;
  for (auto [i, text] : llvm::enumerate(tokens)) {
    StringRef bare = text;
    bool begins = bare.consume_front("\xe2\x96\x81"), special = getType(i) != PieceType::Normal;
    bool bracketed = bare.starts_with("[") && bare.ends_with("]") && bare.size() > 2;
    std::string name = begins || special || bracketed ? bare.str() : ("##" + bare).str();
    if (static_cast<int64_t>(i) == unknownId)
      unknown = name;
    vocabulary[name] = static_cast<int64_t>(i);
  }
  llvm::json::Object file{
      {"normalizer", llvm::json::Object{{"type", "BertNormalizer"}}},
      {"pre_tokenizer", llvm::json::Object{{"type", "BertPreTokenizer"}}},
      {"model",
       llvm::json::Object{{"type", "WordPiece"}, {"vocab", std::move(vocabulary)}, {"unk_token", unknown}}},
      {"decoder", llvm::json::Object{{"type", "WordPiece"}}}};
  JsonContext context;
  return finish(context, file);
}

llvm::Expected<Description> Describer::describe() {
  if (llvm::Error error = readTokens())
    return std::move(error);
  StringRef kind = metadata.getText("tokenizer.ggml.model").value_or("");
  if (kind == "llama" || kind == "t5")
    return describePieces(/*isUnigram=*/kind == "t5");
  if (kind != "gpt2" && kind != "bert")
    return createStringError("its \"tokenizer.ggml.model\" is \"%s\", which is not supported",
                             kind.str().c_str());
  auto description = kind == "gpt2" ? describeByteLevel() : describeWordPiece();
  if (!description)
    return description;
  auto get = [&](StringRef name) {
    int64_t id = getId(name).value_or(-1);
    return id >= 0 && id < static_cast<int64_t>(tokens.size()) ? static_cast<uint32_t>(id) : rt::noToken;
  };
  bool isBert = kind == "bert";
  // The keys of BERT's: "seperator" is how GGUF spells it.
  description->begin = get(isBert ? "cls" : "bos");
  description->end = get(isBert ? "seperator" : "eos");
  if (asks("add_bos_token", isBert) && description->begin != rt::noToken)
    description->prefix.push_back(description->begin);
  if (asks("add_eos_token", isBert) && description->end != rt::noToken)
    description->suffix.push_back(description->end);
  return description;
}

llvm::Expected<Description> describeGguf(const gguf::Metadata &metadata) {
  return Describer(metadata).describe();
}

} // namespace halftone::tokenizer
