//===- Writer.cpp - the compiled form of a tokenizer ------------------------===//

#include "compiler/Import/Tokenizer/Writer.h"
#include "compiler/Import/Tokenizer/DoubleArray.h"
#include "compiler/Import/Tokenizer/UnicodeData.h"
#include "runtime/text/Normalizer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

namespace halftone::tokenizer {

namespace {

class Writer {
public:
  explicit Writer(Description &description) : description(description) {
    memcpy(header.magic, rt::tokenizerMagic, sizeof(header.magic));
    header.version = rt::tokenizerVersion;
    header.model = static_cast<uint32_t>(description.model);
    header.flags = description.flags;
    header.numTokens = static_cast<uint32_t>(description.tokens.size());
    header.unknown = description.unknown;
    header.begin = description.begin;
    header.end = description.end;
    header.longestWord = description.longestWord;
    header.strippedLeft = description.strippedLeft;
    header.unknownScore = description.unknownScore;
    bytes.resize(sizeof(header));
  }

  std::string write();

private:
  template <typename T>
  void add(rt::TokenizerSection section, llvm::ArrayRef<T> items) {
    bytes.resize((bytes.size() + 7) / 8 * 8);
    header.sections[section] = {static_cast<uint32_t>(bytes.size()),
                                static_cast<uint32_t>(items.size() * sizeof(T))};
    if (!items.empty())
      bytes.append(reinterpret_cast<const char *>(items.data()), items.size() * sizeof(T));
  }
  template <typename T>
  void add(rt::TokenizerSection section, const std::vector<T> &items) {
    add(section, llvm::ArrayRef<T>(items));
  }

  void addTexts();
  void addMerges();
  void addUnicode();
  std::vector<rt::CharacterMap> makeMaps(llvm::ArrayRef<uint32_t> table);

  Description &description;
  rt::TokenizerHeader header = {};
  std::string bytes;
};

} // namespace

static std::string toUtf8(llvm::ArrayRef<uint32_t> points) {
  std::string text;
  for (uint32_t point : points) {
    char buffer[4];
    text.append(buffer, rt::encodeUtf8(point, buffer));
  }
  return text;
}

std::vector<rt::CharacterMap> Writer::makeMaps(llvm::ArrayRef<uint32_t> table) {
  std::vector<rt::CharacterMap> maps;
  for (; table.size() > 2; table = table.drop_front(2 + table[1]))
    maps.push_back({table[0], description.pool.add(toUtf8(table.slice(2, table[1])))});
  return maps;
}

void Writer::addUnicode() {
  std::vector<rt::CharacterMap> lower, canonical, compatible;
  std::vector<rt::ComposedPair> pairs;
  std::vector<rt::CombiningRange> combining;
  if (description.needsLower)
    lower = makeMaps(unicode::lower());
  if (description.needsForms) {
    canonical = makeMaps(unicode::canonical());
    compatible = makeMaps(unicode::compatible());
    for (auto table = unicode::pairs(); table.size() > 2; table = table.drop_front(3))
      pairs.push_back({table[0], table[1], table[2]});
    for (auto table = unicode::combining(); table.size() > 2; table = table.drop_front(3))
      combining.push_back({table[0], table[1], table[2]});
  }
  add(rt::sectionLower, lower);
  add(rt::sectionCanonical, canonical);
  add(rt::sectionCompatible, compatible);
  add(rt::sectionPairs, pairs);
  add(rt::sectionCombining, combining);
}

void Writer::addTexts() {
  std::vector<rt::PoolSpan> texts;
  std::vector<rt::FirstText> firsts;
  std::vector<uint8_t> kinds;
  // What is special is so by its content: a vocabulary may have it twice.
  llvm::StringSet<> special;
  for (const AddedToken &token : description.added)
    if (token.special)
      special.insert(token.content);
  for (auto [id, text] : llvm::enumerate(description.texts)) {
    texts.push_back(description.pool.add(text.text));
    if (text.first != text.text)
      firsts.push_back({static_cast<uint32_t>(id), description.pool.add(text.first)});
    auto &token = description.tokens[id];
    kinds.push_back((token ? rt::kindExists : 0) | (token && special.contains(*token) ? rt::kindSpecial : 0) |
                    (text.isByte ? rt::kindByte : 0));
  }
  add(rt::sectionTexts, texts);
  add(rt::sectionFirstTexts, firsts);
  add(rt::sectionKinds, kinds);
}

void Writer::addMerges() {
  std::vector<uint32_t> rows;
  std::vector<rt::Merge> merges;
  for (auto &[pair, merge] : description.merges) {
    rows.resize(pair.first + 1, static_cast<uint32_t>(merges.size()));
    merges.push_back(merge);
  }
  if (description.model == rt::TokenizerModel::BytePairs)
    rows.resize(description.tokens.size() + 1, static_cast<uint32_t>(merges.size()));
  add(rt::sectionMergeRows, rows);
  add(rt::sectionMerges, merges);
}

std::string Writer::write() {
  header.strippedText = description.pool.add(description.strippedText);
  header.continuing = description.pool.add(description.continuing);
  header.wordEnd = description.pool.add(description.wordEnd);
  std::map<std::string, uint32_t> added, normalAdded;
  std::vector<rt::AddedToken> addedTokens;
  for (const AddedToken &token : description.added) {
    (token.normalized ? normalAdded[token.sought] : added[token.content]) =
        static_cast<uint32_t>(addedTokens.size());
    addedTokens.push_back({token.id, token.flags});
  }
  addTexts();
  addMerges();
  addUnicode();
  add(rt::sectionTrie, buildDoubleArray(description.pieces));
  add(rt::sectionScores, description.scores);
  if (llvm::any_of(description.byteIds, [](uint32_t id) { return id != rt::noToken; }) ||
      (description.flags & (rt::flagBytes | rt::flagByteFallback)))
    add(rt::sectionByteIds, llvm::ArrayRef<uint32_t>(description.byteIds));
  add(rt::sectionAdded, addedTokens);
  add(rt::sectionAddedTrie, buildDoubleArray(added));
  add(rt::sectionNormalTrie, buildDoubleArray(normalAdded));
  add(rt::sectionNormalizer, description.normalizer);
  add(rt::sectionPreTokens, description.preTokens);
  add(rt::sectionPrefix, description.prefix);
  add(rt::sectionSuffix, description.suffix);
  add(rt::sectionPatterns, description.patterns.patternWords());
  add(rt::sectionClasses, description.patterns.classWords());
  add(rt::sectionCharsmap, llvm::ArrayRef(description.charsmap.data(), description.charsmap.size()));
  llvm::StringRef pool = description.pool.bytes();
  add(rt::sectionPool, llvm::ArrayRef(pool.data(), pool.size()));
  header.size = static_cast<uint32_t>(bytes.size());
  memcpy(bytes.data(), &header, sizeof(header));
  return std::move(bytes);
}

llvm::Error normalizeAddedTokens(Description &description) {
  if (llvm::none_of(description.added, [](const AddedToken &token) { return token.normalized; }))
    return llvm::Error::success();
  // By the runtime, with a form that has nothing but the normalizer.
  Description bare;
  bare.patterns = description.patterns;
  bare.pool = description.pool;
  bare.normalizer = description.normalizer;
  bare.needsLower = description.needsLower;
  bare.needsForms = description.needsForms;
  bare.charsmap = description.charsmap;
  std::string form = Writer(bare).write();
  std::vector<uint64_t> aligned((form.size() + 7) / 8);
  memcpy(aligned.data(), form.data(), form.size());
  rt::TokenizerTables tables;
  rt::Diagnostic diagnostic;
  if (!tables.open({reinterpret_cast<const unsigned char *>(aligned.data()), form.size()}, diagnostic))
    return llvm::createStringError(diagnostic.text());
  rt::Matcher matcher(tables.classes.data(), tables.classes.size());
  for (AddedToken &token : description.added) {
    if (!token.normalized)
      continue;
    rt::Array<char> normal;
    rt::NormalizerPlace place;
    if (!rt::normalize(tables, matcher, {token.content.data(), token.content.size()}, normal, place))
      return llvm::createStringError("the normalizer never ends on the added token \"%s\"",
                                     token.content.c_str());
    token.sought.assign(normal.data(), normal.size());
    description.tokens[token.id] = token.sought;
  }
  return llvm::Error::success();
}

/// Byte pairs over marked spaces often take all text for one word. Where no piece
/// has a mark behind anything else, no merge reaches over such a place, and text
/// can be cut there: short words need no heap.
static llvm::Error cutAtMarks(Description &description) {
  constexpr llvm::StringRef kMark = "\xe2\x96\x81";
  if (description.model != rt::TokenizerModel::BytePairs || !description.continuing.empty() ||
      !description.wordEnd.empty() || (description.flags & (rt::flagBytes | rt::flagWholeWords)) ||
      !description.pieces.count(kMark.str()))
    return llvm::Error::success();
  for (auto &[piece, id] : description.pieces) {
    llvm::StringRef rest = piece;
    while (rest.consume_front(kMark))
      ;
    if (rest.contains(kMark))
      return llvm::Error::success();
  }
  auto pattern = description.patterns.addRegex("[^\\x{2581}]+(?=\\x{2581})");
  if (!pattern)
    return pattern.takeError();
  description.addSplit(*pattern, rt::SplitBehavior::MergedWithPrevious);
  return llvm::Error::success();
}

llvm::Expected<std::string> writeTokenizer(Description description) {
  uint64_t total = 0;
  for (auto &token : description.tokens)
    total += token ? token->size() : 0;
  if (total > uint64_t(1) << 26 || description.merges.size() > size_t(1) << 26)
    return llvm::createStringError("its tokens have %llu bytes and %zu merges: too many",
                                   static_cast<unsigned long long>(total), description.merges.size());
  if (llvm::Error error = cutAtMarks(description))
    return std::move(error);
  return Writer(description).write();
}

} // namespace halftone::tokenizer
