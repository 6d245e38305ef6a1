//===- TokenizerTables.cpp - an opened tokenizer --------------------------===//

#include "runtime/text/TokenizerTables.h"

namespace halftone::rt {

namespace {

/// Sections as arrays: inside the form, aligned, of whole elements.
class Sections {
public:
  Sections(Bytes bytes, const TokenizerHeader &header, Diagnostic &diagnostic)
      : bytes(bytes), header(header), diagnostic(diagnostic) {}

  template <typename T>
  bool get(TokenizerSection index, Table<T> &table) {
    TokenizerSpan span = header.sections[index];
    if (!isInside(span.offset, span.size, bytes.size) || span.offset % 8 ||
        span.size % sizeof(T))
      return diagnostic.fail("damaged tokenizer: section %u of %u bytes at %u",
                             unsigned(index), span.size, span.offset);
    table.items = reinterpret_cast<const T *>(bytes.data + span.offset);
    table.count = span.size / sizeof(T);
    return true;
  }

  bool getTrie(TokenizerSection index, Trie &trie) {
    Table<TrieNode> nodes;
    if (!get(index, nodes))
      return false;
    trie = Trie(nodes.items, nodes.count);
    return true;
  }

private:
  Bytes bytes;
  const TokenizerHeader &header;
  Diagnostic &diagnostic;
};

} // namespace

/// The parts of a section of words: how many, where each begins, words.
template <typename Take>
static bool openParts(Table<uint32_t> words, const char *what, size_t least,
                      Take take, Diagnostic &diagnostic) {
  if (words.count == 0)
    return true;
  size_t numParts = words[0];
  if (numParts >= words.count)
    return diagnostic.fail("damaged tokenizer: %zu %s in %zu words", numParts,
                           what, words.count);
  for (size_t i = 0; i < numParts; ++i) {
    size_t begin = words[1 + i],
           end = i + 1 < numParts ? words[2 + i] : words.count;
    if (begin < 1 + numParts || begin > end || end > words.count ||
        end - begin < least)
      return diagnostic.fail("damaged tokenizer: %s %zu from word %zu to %zu",
                             what, i, begin, end);
    take(words.items + begin, end - begin);
  }
  return true;
}

bool TokenizerTables::openPatterns(Table<uint32_t> words,
                                   Diagnostic &diagnostic) {
  return openParts(
      words, "patterns", 1,
      [&](const uint32_t *code, size_t size) {
        patterns.push({code, size});
      },
      diagnostic);
}

bool TokenizerTables::openClasses(Table<uint32_t> words,
                                  Diagnostic &diagnostic) {
  return openParts(
      words, "classes", 4,
      [&](const uint32_t *set, size_t size) {
        classes.push({set, size});
      },
      diagnostic);
}

bool TokenizerTables::openCharsmap(Table<char> bytes, Diagnostic &diagnostic) {
  if (bytes.count == 0)
    return true;
  uint32_t trieBytes = 0;
  if (bytes.count >= 8)
    memcpy(&trieBytes, bytes.items, 4);
  // The trie is moved to a multiple of eight: four bytes of padding follow the
  // size.
  if (trieBytes == 0 || trieBytes % 4 || !isInside(8, trieBytes, bytes.count))
    return diagnostic.fail(
        "damaged tokenizer: a map of %zu bytes with a trie of %u", bytes.count,
        trieBytes);
  charsmapUnits = {reinterpret_cast<const uint32_t *>(bytes.items + 8),
                   trieBytes / 4};
  charsmapTexts = {bytes.items + 8 + trieBytes, bytes.count - 8 - trieBytes};
  return true;
}

/// That the steps are whole and name patterns and classes that are there.
bool TokenizerTables::checkSteps(Diagnostic &diagnostic) const {
  auto damaged = [&](const char *what) {
    return diagnostic.fail("damaged tokenizer: its %s", what);
  };
  for (size_t i = 0; i < normalizer.count;) {
    static constexpr size_t sizes[] = {7, 1, 2, 1, 4, 4, 2};
    uint32_t step = normalizer[i];
    if (step >= sizeof(sizes) / sizeof(*sizes) ||
        normalizer.count - i < sizes[step])
      return damaged("normalizer");
    auto kind = static_cast<NormalizerStep>(step);
    bool free =
        kind == NormalizerStep::Charsmap && normalizer[i + 1] == noPattern;
    if ((kind == NormalizerStep::Replace || kind == NormalizerStep::Charsmap) &&
        !free && normalizer[i + 1] >= patterns.size())
      return damaged("normalizer's patterns");
    if (kind == NormalizerStep::Strip && normalizer[i + 1] >= classes.size())
      return damaged("normalizer's classes");
    if (kind == NormalizerStep::Charsmap && charsmapUnits.count == 0)
      return damaged("normalizer's map");
    i += sizes[step];
  }
  for (size_t i = 0; i < preTokens.count;) {
    static constexpr size_t sizes[] = {4, 5, 1};
    uint32_t step = preTokens[i];
    if (step >= sizeof(sizes) / sizeof(*sizes) ||
        preTokens.count - i < sizes[step])
      return damaged("pre-tokenizer");
    if (static_cast<PreTokenStep>(step) == PreTokenStep::Split &&
        preTokens[i + 1] >= patterns.size())
      return damaged("pre-tokenizer's patterns");
    i += sizes[step];
  }
  return true;
}

bool TokenizerTables::open(Bytes bytes, Diagnostic &diagnostic) {
  if (bytes.size < sizeof(TokenizerHeader) ||
      reinterpret_cast<uintptr_t>(bytes.data) % 8)
    return diagnostic.fail("damaged tokenizer: %zu bytes", bytes.size);
  header = reinterpret_cast<const TokenizerHeader *>(bytes.data);
  if (memcmp(header->magic, tokenizerMagic, sizeof(tokenizerMagic)) != 0)
    return diagnostic.fail("this is no compiled tokenizer");
  if (header->version != tokenizerVersion)
    return diagnostic.fail(
        "a compiled tokenizer of version %u; this runtime reads version %u",
        header->version, tokenizerVersion);
  if (header->size != bytes.size ||
      header->model > static_cast<uint32_t>(TokenizerModel::Unigram))
    return diagnostic.fail("damaged tokenizer: its header");
  Sections sections(bytes, *header, diagnostic);
  Table<uint32_t> patternWords, classWords;
  Table<char> charsmapBytes;
  size_t numTokens = header->numTokens;
  if (!sections.get(sectionPool, pool) ||
      !sections.getTrie(sectionTrie, pieces) ||
      !sections.get(sectionTexts, texts) ||
      !sections.get(sectionFirstTexts, firstTexts) ||
      !sections.get(sectionKinds, kinds) ||
      !sections.get(sectionScores, scores) ||
      !sections.get(sectionMergeRows, mergeRows) ||
      !sections.get(sectionMerges, merges) ||
      !sections.get(sectionByteIds, byteIds) ||
      !sections.get(sectionAdded, addedTokens) ||
      !sections.getTrie(sectionAddedTrie, added) ||
      !sections.getTrie(sectionNormalTrie, normalAdded) ||
      !sections.get(sectionNormalizer, normalizer) ||
      !sections.get(sectionPreTokens, preTokens) ||
      !sections.get(sectionPrefix, prefix) ||
      !sections.get(sectionSuffix, suffix) ||
      !sections.get(sectionPatterns, patternWords) ||
      !sections.get(sectionClasses, classWords) ||
      !sections.get(sectionLower, lower) ||
      !sections.get(sectionCanonical, canonical) ||
      !sections.get(sectionCompatible, compatible) ||
      !sections.get(sectionPairs, pairs) ||
      !sections.get(sectionCombining, combining) ||
      !sections.get(sectionCharsmap, charsmapBytes))
    return false;
  auto model = static_cast<TokenizerModel>(header->model);
  if (texts.count != numTokens || kinds.count != numTokens ||
      (model == TokenizerModel::Unigram && scores.count != numTokens) ||
      (model == TokenizerModel::BytePairs &&
       mergeRows.count != numTokens + 1) ||
      (byteIds.count != 256 &&
       (byteIds.count || has(flagBytes | flagByteFallback))))
    return diagnostic.fail(
        "damaged tokenizer: its tables are not those of %zu tokens", numTokens);
  return openPatterns(patternWords, diagnostic) &&
         openClasses(classWords, diagnostic) &&
         openCharsmap(charsmapBytes, diagnostic) && checkSteps(diagnostic);
}

} // namespace halftone::rt
