//===- NormalForms.cpp - decomposition and composition --------------------===//

#include "runtime/text/Normalizer.h"

#include <algorithm>

namespace halftone::rt {

namespace {

// Syllables of Hangul are arithmetic (The Unicode Standard, 3.12).
constexpr uint32_t firstSyllable = 0xac00, firstLead = 0x1100,
                   firstVowel = 0x1161, firstTail = 0x11a7;
constexpr uint32_t numLeads = 19, numVowels = 21, numTails = 28,
                   numSyllables = numLeads * numVowels * numTails;

struct Mark {
  uint32_t point;
  uint32_t combiningClass;
};

} // namespace

static uint32_t combiningClass(const TokenizerTables &tables, uint32_t point) {
  if (point < 0x300)
    return 0;
  size_t i = tables.combining.lowerBound(
      point, [](const CombiningRange &range) { return range.last; });
  if (i == tables.combining.count || point < tables.combining[i].first)
    return 0;
  return tables.combining[i].combiningClass;
}

static const CharacterMap *find(const Table<CharacterMap> &maps,
                                uint32_t point) {
  size_t i =
      maps.lowerBound(point, [](const CharacterMap &map) { return map.point; });
  return i < maps.count && maps[i].point == point ? &maps[i] : nullptr;
}

/// Marks in the order of their classes, those of one class as they came.
static void flush(Array<Mark> &marks, Array<char> &result) {
  // Insertion is quick for the few that there are; long runs are sorted, stable
  // by the place that is their second key.
  if (marks.size() > 16) {
    for (size_t i = 0; i < marks.size(); ++i)
      marks[i].combiningClass =
          marks[i].combiningClass << 24 | static_cast<uint32_t>(i & 0xffffff);
    std::sort(marks.begin(), marks.end(), [](const Mark &a, const Mark &b) {
      return a.combiningClass < b.combiningClass;
    });
  } else
    for (size_t i = 1; i < marks.size(); ++i)
      for (size_t j = i;
           j && marks[j - 1].combiningClass > marks[j].combiningClass; --j)
        std::swap(marks[j - 1], marks[j]);
  for (const Mark &mark : marks)
    appendCodePoint(result, mark.point);
  marks.clear();
}

void decompose(const TokenizerTables &tables, bool compatible, TextView text,
               Array<char> &result) {
  Array<Mark> marks;
  auto put = [&](uint32_t point) {
    if (uint32_t order = combiningClass(tables, point)) {
      marks.push({point, order});
      return;
    }
    flush(marks, result);
    appendCodePoint(result, point);
  };
  for (size_t at = 0; at < text.size;) {
    uint32_t point = nextCodePoint(text, at);
    if (point < 0xa0) {
      put(point);
      continue;
    }
    if (uint32_t syllable = point - firstSyllable; syllable < numSyllables) {
      put(firstLead + syllable / (numVowels * numTails));
      put(firstVowel + syllable % (numVowels * numTails) / numTails);
      if (syllable % numTails)
        put(firstTail + syllable % numTails);
      continue;
    }
    const CharacterMap *map =
        compatible ? find(tables.compatible, point) : nullptr;
    if (!map)
      map = find(tables.canonical, point);
    if (!map) {
      put(point);
      continue;
    }
    TextView parts = tables.text(map->text);
    for (size_t i = 0; i < parts.size;)
      put(nextCodePoint(parts, i));
  }
  flush(marks, result);
}

static bool composePair(const TokenizerTables &tables, uint32_t first,
                        uint32_t second, uint32_t &composed) {
  if (first - firstLead < numLeads && second - firstVowel < numVowels) {
    composed =
        firstSyllable +
        ((first - firstLead) * numVowels + (second - firstVowel)) * numTails;
    return true;
  }
  if (first - firstSyllable < numSyllables &&
      (first - firstSyllable) % numTails == 0 &&
      second - firstTail - 1 < numTails - 1) {
    composed = first + (second - firstTail);
    return true;
  }
  uint64_t key = uint64_t(first) << 32 | second;
  size_t i = tables.pairs.lowerBound(key, [](const ComposedPair &pair) {
    return uint64_t(pair.first) << 32 | pair.second;
  });
  if (i == tables.pairs.count || tables.pairs[i].first != first ||
      tables.pairs[i].second != second)
    return false;
  composed = tables.pairs[i].composed;
  return true;
}

void compose(const TokenizerTables &tables, TextView text,
             Array<char> &result) {
  // A starter waits for what may compose with it; marks that did not stand
  // behind.
  bool hasStarter = false;
  uint32_t starter = 0, lastClass = 0;
  Array<uint32_t> rest;
  auto flushRest = [&] {
    if (hasStarter)
      appendCodePoint(result, starter);
    for (uint32_t point : rest)
      appendCodePoint(result, point);
    rest.clear();
  };
  for (size_t at = 0; at < text.size;) {
    uint32_t point = nextCodePoint(text, at),
             order = combiningClass(tables, point), composed;
    bool blocked = !rest.empty() && lastClass >= order;
    if (hasStarter && !blocked &&
        composePair(tables, starter, point, composed)) {
      starter = composed;
      continue;
    }
    if (order == 0) {
      flushRest();
      hasStarter = true;
      starter = point;
      lastClass = 0;
      continue;
    }
    rest.push(point);
    lastClass = order;
  }
  flushRest();
}

} // namespace halftone::rt
