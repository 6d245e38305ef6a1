//===- JsonModel.cpp - "model" and "added_tokens" of tokenizer.json ---------===//

#include "compiler/Import/Tokenizer/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <charconv>
#include <cmath>

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;

namespace {

class ModelReader {
public:
  ModelReader(JsonContext &context, const llvm::json::Object &model)
      : description(context.description), byteLevel(context.byteLevel), model(model) {}

  llvm::Error read(StringRef type);

private:
  llvm::Error readVocabulary();
  llvm::Error readScores();
  llvm::Error readMerges();
  llvm::Error readUnknown(bool needed);
  std::optional<uint32_t> find(StringRef piece) const {
    auto found = ids.find(piece);
    return found == ids.end() ? std::nullopt : std::optional(found->second);
  }
  /// What a word has to hold for the token: none where no word can.
  void addPiece(StringRef piece, uint32_t id) {
    if (!byteLevel)
      description.pieces[piece.str()] = id;
    else if (auto bytes = fromByteLetters(piece))
      description.pieces[*bytes] = id;
  }

  Description &description;
  bool byteLevel;
  const llvm::json::Object &model;
  llvm::StringMap<uint32_t> ids;
};

} // namespace

llvm::Error ModelReader::readVocabulary() {
  const llvm::json::Object *vocabulary = model.getObject("vocab");
  if (!vocabulary)
    return createStringError("the model has no object \"vocab\"");
  for (auto &[piece, id] : *vocabulary) {
    auto number = id.getAsUINT64();
    if (!number)
      return createStringError("the id of \"%s\" in \"vocab\" is no whole number", piece.str().c_str());
    if (llvm::Error error = description.addToken(*number, piece))
      return error;
    ids[piece] = static_cast<uint32_t>(*number);
    addPiece(piece, static_cast<uint32_t>(*number));
  }
  return llvm::Error::success();
}

llvm::Error ModelReader::readUnknown(bool needed) {
  auto unknown = model.getString("unk_token");
  if (auto id = unknown ? find(*unknown) : std::nullopt)
    description.unknown = *id;
  else if (needed)
    return createStringError("the model's \"unk_token\" is not in its \"vocab\"");
  return llvm::Error::success();
}

/// A number of the file as serde_json reads it for tokenizers: digits divided by a
/// power of ten, which is not always the nearest number. Paths of equal pieces in
/// another order differ in just that, and the first of them wins.
static double asSerdeReads(double number) {
  char buffer[32];
  auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), std::fabs(number), std::chars_format::scientific).ptr;
  auto [digits, power] = StringRef(buffer, static_cast<size_t>(end - buffer)).split('e');
  auto [whole, fraction] = digits.split('.');
  uint64_t significand = 0;
  int exponent = 0;
  power.consume_front("+");
  if ((whole + fraction).str().size() > 19 ||
      StringRef((whole + fraction).str()).getAsInteger(10, significand) || power.getAsInteger(10, exponent))
    return number;
  exponent -= static_cast<int>(fraction.size());
  if (std::abs(exponent) > 300)
    return number;
  double scale = std::pow(10.0, std::abs(exponent)), result = static_cast<double>(significand);
  return std::copysign(exponent < 0 ? result / scale : result * scale, number);
}

/// [[piece, log probability], …]: the place is the id.
llvm::Error ModelReader::readScores() {
  const llvm::json::Array *vocabulary = model.getArray("vocab");
  if (!vocabulary)
    return createStringError("the model has no list \"vocab\"");
  double least = 0;
  for (auto [id, entry] : llvm::enumerate(*vocabulary)) {
    const llvm::json::Array *pair = entry.getAsArray();
    auto piece = pair && pair->size() == 2 ? (*pair)[0].getAsString() : std::nullopt;
    auto score = piece ? (*pair)[1].getAsNumber() : std::nullopt;
    if (!score || !std::isfinite(*score))
      return createStringError("entry %zu of \"vocab\" is no pair of a piece and a number", size_t(id));
    if (llvm::Error error = description.addToken(id, *piece))
      return error;
    ids[*piece] = static_cast<uint32_t>(id);
    addPiece(*piece, static_cast<uint32_t>(id));
    description.scores.push_back(asSerdeReads(*score));
    least = std::min(least, description.scores.back());
  }
  constexpr double unknownPenalty = 10;
  description.unknownScore = least - unknownPenalty;
  if (auto unknown = model.getInteger("unk_id")) {
    if (*unknown < 0 || static_cast<uint64_t>(*unknown) >= vocabulary->size())
      return createStringError("\"unk_id\" %lld is not in a vocabulary of %zu",
                               static_cast<long long>(*unknown), vocabulary->size());
    description.unknown = static_cast<uint32_t>(*unknown);
  }
  return llvm::Error::success();
}

/// "left right" or ["left", "right"], the most urgent one first.
llvm::Error ModelReader::readMerges() {
  const llvm::json::Array *merges = model.getArray("merges");
  if (!merges)
    return createStringError("the model has no list \"merges\"");
  size_t prefix = description.continuing.size();
  for (auto [rank, entry] : llvm::enumerate(*merges)) {
    StringRef left, right;
    const llvm::json::Array *pair = entry.getAsArray();
    if (auto text = entry.getAsString())
      std::tie(left, right) = text->split(' ');
    else if (pair && pair->size() == 2 && (*pair)[0].getAsString() && (*pair)[1].getAsString()) {
      left = *(*pair)[0].getAsString();
      right = *(*pair)[1].getAsString();
    }
    if (left.empty() || right.empty() || right.size() < prefix)
      return createStringError("merge %zu is no pair of tokens", size_t(rank));
    std::string joined = (left + right.drop_front(prefix)).str();
    auto leftId = find(left), rightId = find(right), result = find(joined);
    if (!leftId || !rightId || !result)
      return createStringError("merge %zu, of \"%s\" and \"%s\", has a token that \"vocab\" lacks",
                               size_t(rank), left.str().c_str(), right.str().c_str());
    description.merges[{*leftId, *rightId}] = {*rightId, static_cast<uint32_t>(rank), *result};
  }
  return llvm::Error::success();
}

llvm::Error ModelReader::read(StringRef type) {
  auto setFlag = [&](uint32_t flag, StringRef key) {
    if (getFlag(model, key))
      description.flags |= flag;
  };
  if (byteLevel && type != "BPE")
    return createStringError("the pre-tokenizer ByteLevel before a model of type %s is not supported",
                             type.str().c_str());
  if (type == "BPE") {
    description.model = rt::TokenizerModel::BytePairs;
    if (model.getNumber("dropout").value_or(0) != 0)
      return createStringError("\"dropout\" makes a tokenizer random; set it to null");
    description.continuing = model.getString("continuing_subword_prefix").value_or("").str();
    description.wordEnd = model.getString("end_of_word_suffix").value_or("").str();
    setFlag(rt::flagByteFallback, "byte_fallback");
    setFlag(rt::flagFuseUnknown, "fuse_unk");
    setFlag(rt::flagWholeWords, "ignore_merges");
    if (llvm::Error error = readVocabulary())
      return error;
    if (llvm::Error error = readUnknown(/*needed=*/false))
      return error;
    if (llvm::Error error = readMerges())
      return error;
    if (byteLevel) {
      description.flags |= rt::flagBytes;
      description.flags &= ~rt::flagByteFallback;
      for (auto &[bytes, id] : description.pieces)
        if (bytes.size() == 1)
          description.byteIds[static_cast<unsigned char>(bytes[0])] = id;
    }
  } else if (type == "Unigram") {
    description.model = rt::TokenizerModel::Unigram;
    description.flags |= rt::flagFuseUnknown;
    setFlag(rt::flagByteFallback, "byte_fallback");
    if (llvm::Error error = readScores())
      return error;
  } else if (type == "WordPiece" || type == "WordLevel") {
    bool pieces = type == "WordPiece";
    description.model = pieces ? rt::TokenizerModel::WordPiece : rt::TokenizerModel::WordLevel;
    if (pieces)
      description.continuing = model.getString("continuing_subword_prefix").value_or("##").str();
    auto longest = model.getInteger("max_input_chars_per_word").value_or(100);
    description.longestWord = static_cast<uint32_t>(std::clamp<int64_t>(longest, 0, 1 << 20));
    if (llvm::Error error = readVocabulary())
      return error;
    if (llvm::Error error = readUnknown(/*needed=*/true))
      return error;
  } else
    return createStringError(
        "a model of type \"%s\" is not supported; BPE, Unigram, WordPiece and WordLevel are",
        type.str().c_str());
  if (description.flags & rt::flagByteFallback)
    findByteTokens(description, ids);
  if (description.tokens.empty())
    return createStringError("the vocabulary is empty");
  return llvm::Error::success();
}

void findByteTokens(Description &description, const llvm::StringMap<uint32_t> &ids) {
  for (unsigned byte = 0; byte < 256; ++byte)
    if (auto found = ids.find(llvm::formatv("<0x{0:X-2}>", byte).str()); found != ids.end())
      description.byteIds[byte] = found->second;
}

llvm::Error readModel(JsonContext &context, const llvm::json::Value *part) {
  const llvm::json::Object *model = part ? part->getAsObject() : nullptr;
  if (!model)
    return createStringError("it has no object \"model\"");
  StringRef type = model->getString("type").value_or("");
  if (type.empty()) // Old files: told apart by what they hold.
    type = model->get("merges") ? "BPE" : model->get("unk_id") ? "Unigram" : "WordPiece";
  return ModelReader(context, *model).read(type);
}

} // namespace halftone::tokenizer
