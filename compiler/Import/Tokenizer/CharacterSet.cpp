//===- CharacterSet.cpp - sets of code points -------------------------------===//

#include "compiler/Import/Tokenizer/CharacterSet.h"
#include "compiler/Import/Tokenizer/UnicodeData.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <algorithm>

namespace halftone::tokenizer {

static constexpr uint32_t kLastPoint = 0x10ffff;

CharacterSet CharacterSet::fromTable(llvm::ArrayRef<uint32_t> table) {
  CharacterSet set;
  for (size_t i = 0; i + 1 < table.size(); i += 2)
    set.add(table[i], table[i + 1]);
  return set;
}

void CharacterSet::add(uint32_t first, uint32_t last) {
  // What overlaps or touches becomes one range.
  auto begin = llvm::partition_point(list, [&](Range range) { return range.last + 1 < first; });
  auto end = begin;
  for (; end != list.end() && end->first <= last + 1; ++end) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
  }
  list.insert(list.erase(begin, end), {first, last});
}

void CharacterSet::add(const CharacterSet &other) {
  for (Range range : other.list)
    add(range.first, range.last);
}

CharacterSet CharacterSet::complement() const {
  CharacterSet result;
  uint32_t next = 0;
  for (Range range : list) {
    if (range.first > next)
      result.list.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastPoint)
    result.list.push_back({next, kLastPoint});
  return result;
}

CharacterSet CharacterSet::intersect(const CharacterSet &other) const {
  CharacterSet result;
  for (size_t i = 0, j = 0; i < list.size() && j < other.list.size();) {
    uint32_t first = std::max(list[i].first, other.list[j].first),
             last = std::min(list[i].last, other.list[j].last);
    if (first <= last)
      result.list.push_back({first, last});
    list[i].last < other.list[j].last ? ++i : ++j;
  }
  return result;
}

bool CharacterSet::contains(uint32_t point) const {
  auto range = llvm::partition_point(list, [&](Range range) { return range.last < point; });
  return range != list.end() && point >= range->first;
}

CharacterSet CharacterSet::foldCase() const {
  CharacterSet result = *this;
  auto join = [&](uint32_t a, uint32_t b) {
    if (contains(a) || contains(b)) {
      result.add(a, a);
      result.add(b, b);
    }
  };
  llvm::ArrayRef<uint32_t> lower = unicode::lower();
  for (size_t i = 0; i + 2 < lower.size(); i += 2 + lower[i + 1])
    if (lower[i + 1] == 1)
      join(lower[i], lower[i + 2]);
  // Letters whose lower case is themselves, but which fold to another one.
  join(0x17f, 's');
  if (contains('S'))
    result.add(0x17f, 0x17f);
  if (contains(0x17f))
    result.add('S', 'S');
  if (contains('K'))
    result.add(0x212a, 0x212a);
  return result;
}

static std::optional<CharacterSet> findCategory(llvm::StringRef name) {
  CharacterSet set;
  bool found = false;
  auto starts = unicode::categories();
  for (size_t i = 0; i < starts.size(); ++i) {
    llvm::StringRef category = unicode::kCategoryNames[starts[i] & 0xff];
    if (!category.starts_with(name) || name.empty())
      continue;
    found = true;
    set.add(starts[i] >> 8, i + 1 < starts.size() ? (starts[i + 1] >> 8) - 1 : kLastPoint);
  }
  if (!found)
    return std::nullopt;
  return set;
}

std::optional<CharacterSet> findProperty(llvm::StringRef name) {
  // Spaces, hyphens and underscores do not count, nor does case.
  std::string key;
  for (char letter : name)
    if (letter != ' ' && letter != '_' && letter != '-')
      key += llvm::toLower(letter);
  llvm::StringRef category = llvm::StringSwitch<llvm::StringRef>(key)
                                 .Case("letter", "L")
                                 .Case("mark", "M")
                                 .Case("number", "N")
                                 .Case("punctuation", "P")
                                 .Case("symbol", "S")
                                 .Case("separator", "Z")
                                 .Case("other", "C")
                                 .Case("uppercaseletter", "Lu")
                                 .Case("lowercaseletter", "Ll")
                                 .Case("decimalnumber", "Nd")
                                 .Default("");
  if (category.empty() && key.size() <= 2 && !key.empty()) {
    key[0] = llvm::toUpper(key[0]);
    category = key;
  }
  if (!category.empty())
    return findCategory(category);
  if (key == "space" || key == "whitespace")
    return spaces();
  if (key == "word")
    return words();
  if (key == "rustword")
    return rustWords();
  if (key == "digit")
    return digits();
  if (key == "any")
    return CharacterSet{{0, kLastPoint}};
  if (key == "ascii")
    return CharacterSet{{0, 0x7f}};
  // Scripts that pre-tokenizers tell apart (Scripts.txt of Unicode 16).
  if (key == "han")
    return CharacterSet{{0x2e80, 0x2e99},   {0x2e9b, 0x2ef3},   {0x2f00, 0x2fd5},   {0x3005, 0x3005},
                        {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303b},   {0x3400, 0x4dbf},
                        {0x4e00, 0x9fff},   {0xf900, 0xfa6d},   {0xfa70, 0xfad9},   {0x16fe2, 0x16fe3},
                        {0x16ff0, 0x16ff1}, {0x20000, 0x2a6df}, {0x2a700, 0x2b739}, {0x2b740, 0x2b81d},
                        {0x2b820, 0x2cea1}, {0x2ceb0, 0x2ebe0}, {0x2ebf0, 0x2ee5d}, {0x2f800, 0x2fa1d},
                        {0x30000, 0x3134a}, {0x31350, 0x323af}};
  if (key == "hiragana")
    return CharacterSet{{0x3041, 0x3096},   {0x309d, 0x309f},   {0x1b001, 0x1b11f},
                        {0x1b132, 0x1b132}, {0x1b150, 0x1b152}, {0x1f200, 0x1f200}};
  if (key == "katakana")
    return CharacterSet{{0x30a1, 0x30fa},   {0x30fd, 0x30ff},   {0x31f0, 0x31ff},   {0x32d0, 0x32fe},
                        {0x3300, 0x3357},   {0xff66, 0xff6f},   {0xff71, 0xff9d},   {0x1aff0, 0x1aff3},
                        {0x1aff5, 0x1affb}, {0x1affd, 0x1affe}, {0x1b000, 0x1b000}, {0x1b120, 0x1b122},
                        {0x1b155, 0x1b155}, {0x1b164, 0x1b167}};
  return std::nullopt;
}

const CharacterSet &spaces() {
  static const CharacterSet set = CharacterSet::fromTable(unicode::spaces());
  return set;
}

const CharacterSet &digits() {
  static const CharacterSet set = *findCategory("Nd");
  return set;
}

const CharacterSet &words() {
  static const CharacterSet set = [] {
    CharacterSet set = CharacterSet::fromTable(unicode::moreWords());
    for (const char *category : {"L", "M", "Nd", "Nl", "Pc"})
      set.add(*findCategory(category));
    return set;
  }();
  return set;
}

const CharacterSet &rustWords() {
  static const CharacterSet set = CharacterSet::fromTable(unicode::rustWords());
  return set;
}

} // namespace halftone::tokenizer
