//===- SentencePiece.cpp - models of sentencepiece --------------------------===//

#include "compiler/Import/Tokenizer/SentencePiece.h"
#include "compiler/Import/Tokenizer/Json.h"
#include "runtime/text/Utf8.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;

/// What stands for a space: U+2581.
static constexpr StringRef kMark = "\xe2\x96\x81";

/// Pieces longer than this are not taken apart.
static constexpr size_t kMaxPieceBytes = 1024;

namespace {

class Describer {
public:
  explicit Describer(const SentencePieceModel &model) : model(model) {}

  llvm::Expected<Description> describe();

private:
  llvm::Error addPieces();
  llvm::Error addNormalizer();
  void addMerges();
  void addTexts();
  void addEnds();

  const SentencePieceModel &model;
  Description description;
  llvm::StringMap<uint32_t> ids;
};

} // namespace

llvm::Error Describer::addPieces() {
  float least = INFINITY, most = -INFINITY;
  for (const Piece &piece : model.pieces)
    if (piece.type == PieceType::Normal) {
      least = std::min(least, piece.score);
      most = std::max(most, piece.score);
    }
  for (auto [i, piece] : llvm::enumerate(model.pieces)) {
    auto id = static_cast<uint32_t>(i);
    if (rt::validUtf8({piece.text.data(), piece.text.size()}) != piece.text.size() ||
        !std::isfinite(piece.score))
      return createStringError("piece %u is no text, or its score no number", id);
    if (piece.text.size() > kMaxPieceBytes)
      return createStringError("piece %u has %zu bytes; at most %zu are supported", id, piece.text.size(),
                               kMaxPieceBytes);
    if (llvm::Error error = description.addToken(id, piece.text))
      return error;
    ids.try_emplace(piece.text, id);
    double score = piece.score;
    AddedToken added{id, piece.text, "", /*special=*/true, /*normalized=*/false, 0};
    switch (piece.type) {
    case PieceType::Normal:
      description.pieces[piece.text] = id;
      break;
    case PieceType::UserDefined:
      added.special = false;
      [[fallthrough]];
    case PieceType::Control:
      if (!piece.text.empty())
        description.added.push_back(added);
      break;
    case PieceType::Unknown:
      if (description.unknown != rt::noToken)
        return createStringError("it has two unknown pieces");
      description.unknown = id;
      description.added.push_back(added);
      break;
    case PieceType::Byte:
      description.flags |= rt::flagByteFallback | rt::flagByteTokens;
      break;
    case PieceType::Unused:
      break;
    }
    description.scores.push_back(score);
  }
  if (description.unknown == rt::noToken)
    return createStringError("it has no unknown piece");
  constexpr float unknownPenalty = 10;
  description.unknownScore = (std::isfinite(least) ? least : 0) - unknownPenalty;
  findByteTokens(description, ids);
  return llvm::Error::success();
}

/// Mapping, spaces, the prefix, and the mark for spaces, in sentencepiece's order.
llvm::Error Describer::addNormalizer() {
  if (!model.charsmap.empty())
    if (llvm::Error error = description.addCharsmap(model.charsmap, /*byClusters=*/false))
      return error;
  if (model.removesSpaces)
    for (auto [regex, content] : {std::pair(" {2,}", " "), std::pair("\\A +|[ \\x{2581}]+\\z", "")}) {
      auto pattern = description.patterns.addRegex(regex);
      if (!pattern)
        return pattern.takeError();
      description.addReplace(*pattern, /*keep=*/false, content);
    }
  if (model.addsPrefix)
    description.addPrepend(" ", /*unlessContinued=*/true);
  auto space = description.patterns.addLiteral(" ");
  if (!space)
    return space.takeError();
  description.addReplace(*space, /*keep=*/false, kMark);
  return llvm::Error::success();
}

/// Byte pairs have no list of merges: any two pieces that make a third one join,
/// those of the greatest score first, and from the left among equals.
void Describer::addMerges() {
  std::vector<float> scores;
  for (const Piece &piece : model.pieces)
    scores.push_back(piece.score);
  llvm::sort(scores, std::greater<float>());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  for (auto &[text, id] : description.pieces) {
    float score = model.pieces[id].score;
    auto rank =
        static_cast<uint32_t>(llvm::lower_bound(scores, score, std::greater<float>()) - scores.begin());
    rt::TextView view = {text.data(), text.size()};
    size_t at = 0;
    for (rt::nextCodePoint(view, at); at < text.size(); rt::nextCodePoint(view, at)) {
      auto left = description.pieces.find(text.substr(0, at)),
           right = description.pieces.find(text.substr(at));
      if (left != description.pieces.end() && right != description.pieces.end())
        description.merges[{left->second, right->second}] = {right->second, rank, id};
    }
  }
}

void Describer::addTexts() {
  for (const Piece &piece : model.pieces) {
    TokenText text;
    text.isByte = piece.type == PieceType::Byte;
    unsigned byte = 0;
    if (text.isByte && StringRef(piece.text).drop_front(3).drop_back(1).getAsInteger(16, byte))
      byte = '?';
    if (text.isByte)
      text.text = std::string(1, static_cast<char>(byte));
    else
      for (StringRef rest = piece.text; !rest.empty();) {
        bool mark = rest.consume_front(kMark);
        text.text += mark ? StringRef(" ") : rest.take_front(1);
        rest = rest.drop_front(!mark);
      }
    text.first = text.text;
    description.texts.push_back(std::move(text));
  }
  if (model.addsPrefix || model.removesSpaces) {
    description.strippedText = " ";
    description.strippedLeft = 1;
  }
}

void Describer::addEnds() {
  auto get = [&](int64_t id) {
    return id >= 0 && static_cast<uint64_t>(id) < model.pieces.size() ? static_cast<uint32_t>(id)
                                                                      : rt::noToken;
  };
  description.begin = get(model.begin);
  description.end = get(model.end);
  if (model.addsBegin && description.begin != rt::noToken)
    description.prefix.push_back(description.begin);
  if (model.addsEnd && description.end != rt::noToken)
    description.suffix.push_back(description.end);
}

llvm::Expected<Description> Describer::describe() {
  if (model.pieces.empty())
    return createStringError("it has no pieces");
  description.model = model.isUnigram ? rt::TokenizerModel::Unigram : rt::TokenizerModel::BytePairs;
  description.flags = rt::flagFuseUnknown | (model.isUnigram ? rt::flagFloatScores : 0);
  if (llvm::Error error = addPieces())
    return error;
  if (llvm::Error error = addNormalizer())
    return error;
  if (!model.isUnigram) {
    addMerges();
    description.scores.clear();
  }
  addTexts();
  addEnds();
  return std::move(description);
}

llvm::Expected<Description> describeSentencePiece(const SentencePieceModel &model) {
  return Describer(model).describe();
}

} // namespace halftone::tokenizer
