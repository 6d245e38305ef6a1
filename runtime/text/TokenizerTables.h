//===- TokenizerTables.h - an opened tokenizer ----------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_TOKENIZERTABLES_H
#define HALFTONE_RUNTIME_TEXT_TOKENIZERTABLES_H

#include "runtime/files/ByteReader.h"
#include "runtime/support/Diagnostic.h"
#include "runtime/text/Pattern.h"
#include "runtime/text/Trie.h"

namespace halftone::rt {

/// Elements of a section.
template <typename T>
struct Table {
  const T *items = nullptr;
  size_t count = 0;

  const T &operator[](size_t index) const { return items[index]; }
  const T *begin() const { return items; }
  const T *end() const { return items + count; }

  /// The first element whose key is not less than `key`, which ascend.
  template <typename Key>
  size_t lowerBound(uint64_t key, Key keyOf) const {
    size_t low = 0, high = count;
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (keyOf(items[middle]) < key)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

/// The sections of a compiled tokenizer, which stay where they are. What is
/// large (the vocabulary and its merges) is checked where it is used, so that
/// opening touches a few pages only.
class TokenizerTables {
public:
  [[nodiscard]] bool open(Bytes bytes, Diagnostic &diagnostic);

  /// Bytes of the pool; empty where the span reaches beyond it.
  TextView text(PoolSpan span) const {
    if (!isInside(span.offset, span.size, pool.count))
      return {};
    return {pool.items + span.offset, span.size};
  }
  bool has(uint32_t flag) const { return header->flags & flag; }
  bool exists(uint32_t token) const {
    return token < kinds.count && (kinds[token] & kindExists);
  }

  bool isSpecial(uint32_t token) const {
    return token < kinds.count && (kinds[token] & kindSpecial);
  }

  const TokenizerHeader *header = nullptr;
  Table<char> pool;
  Trie pieces, added, normalAdded;
  Table<PoolSpan> texts;
  Table<FirstText> firstTexts;
  Table<uint8_t> kinds;
  Table<double> scores;
  Table<uint32_t> mergeRows;
  Table<Merge> merges;
  Table<uint32_t> byteIds;
  Table<AddedToken> addedTokens;
  Table<uint32_t> normalizer, preTokens, prefix, suffix;
  Array<Pattern> patterns;
  Array<CharacterClass> classes;
  Table<CharacterMap> lower, canonical, compatible;
  Table<ComposedPair> pairs;
  Table<CombiningRange> combining;
  Table<uint32_t> charsmapUnits;
  Table<char> charsmapTexts;

private:
  bool openPatterns(Table<uint32_t> words, Diagnostic &diagnostic);
  bool openClasses(Table<uint32_t> words, Diagnostic &diagnostic);
  bool openCharsmap(Table<char> bytes, Diagnostic &diagnostic);
  bool checkSteps(Diagnostic &diagnostic) const;
};

} // namespace halftone::rt

#endif
