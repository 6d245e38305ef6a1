//===- PreTokenizer.cpp - text cut into words -----------------------------===//

#include "runtime/text/PreTokenizer.h"

namespace halftone::rt {

namespace {

/// Matches and what is between them, in order.
struct Part {
  size_t begin, end;
  bool isMatch;
};

} // namespace

/// Parts of one word, relative to it. An empty match only cuts.
static bool findParts(Matcher &matcher, Pattern pattern, bool inverted,
                      TextView text, Array<Part> &parts) {
  size_t done = 0, from = 0, begin, end;
  bool matched = false;
  while (from <= text.size && matcher.find(pattern, text, from, begin, end)) {
    if (begin == end && matched && end == done) {
      // Not right behind the last match, or it would never end.
      if (from == text.size)
        break;
      nextCodePoint(text, from);
      continue;
    }
    if (done != begin)
      parts.push({done, begin, inverted});
    parts.push({begin, end, !inverted});
    matched = true;
    from = done = end;
  }
  if (done != text.size)
    parts.push({done, text.size, inverted});
  return !matcher.exhausted();
}

/// Joins what the behavior keeps together; returns the number of parts left.
static size_t join(SplitBehavior behavior, Array<Part> &parts) {
  size_t count = 0;
  bool previous = false;
  switch (behavior) {
  case SplitBehavior::Removed:
    for (const Part &part : parts)
      if (!part.isMatch)
        parts[count++] = part;
    return count;
  case SplitBehavior::Isolated:
    return parts.size();
  case SplitBehavior::Contiguous:
    for (const Part &part : parts) {
      if (part.isMatch == previous && count)
        parts[count - 1].end = part.end;
      else
        parts[count++] = part;
      previous = part.isMatch;
    }
    return count;
  case SplitBehavior::MergedWithPrevious:
    for (const Part &part : parts) {
      if (part.isMatch && !previous && count)
        parts[count - 1].end = part.end;
      else
        parts[count++] = part;
      previous = part.isMatch;
    }
    return count;
  case SplitBehavior::MergedWithNext: {
    // From the back, into the places that are done with.
    size_t first = parts.size();
    for (size_t i = parts.size(); i--;) {
      Part part = parts[i];
      if (part.isMatch && !previous && first < parts.size())
        parts[first].begin = part.begin;
      else
        parts[--first] = part;
      previous = part.isMatch;
    }
    for (size_t i = first; i < parts.size(); ++i)
      parts[count++] = parts[i];
    return count;
  }
  }
  return count;
}

static bool split(const TokenizerTables &tables, Matcher &matcher,
                  const uint32_t *operands, Words &words) {
  Array<Word> result;
  Array<Part> parts;
  for (const Word &word : words.words) {
    parts.clear();
    if (!findParts(matcher, tables.patterns[operands[0]], operands[2],
                   words.view(word), parts))
      return false;
    size_t count = join(static_cast<SplitBehavior>(operands[1]), parts);
    for (size_t i = 0; i < count; ++i)
      if (parts[i].begin != parts[i].end)
        result.push({word.begin + parts[i].begin, word.begin + parts[i].end,
                     word.first && parts[i].begin == 0});
  }
  words.words = std::move(result);
  return true;
}

/// Spaces become a visible mark, one is put in front, and words begin with it.
static void metaspace(const TokenizerTables &tables, const uint32_t *operands,
                      Words &words) {
  TextView mark = tables.text({operands[0], operands[1]});
  auto scheme = static_cast<PrependScheme>(operands[2]);
  bool cut = operands[3];
  Words result;
  result.text.reserve(words.text.size() + words.text.size() / 2);
  for (const Word &word : words.words) {
    TextView text = words.view(word);
    size_t begin = result.text.size();
    bool marked =
        text.size >= mark.size && memcmp(text.data, mark.data, mark.size) == 0;
    if (!(marked || text.data[0] == ' ') &&
        (scheme == PrependScheme::Always ||
         (scheme == PrependScheme::First && word.first)))
      result.text.append(mark.data, mark.size);
    for (size_t i = 0; i < text.size; ++i)
      if (text.data[i] == ' ')
        result.text.append(mark.data, mark.size);
      else
        result.text.push(text.data[i]);
    bool first = word.first;
    size_t end = result.text.size(), from = begin;
    for (size_t i = begin + 1; cut && mark.size && i + mark.size <= end; ++i)
      if (memcmp(result.text.data() + i, mark.data, mark.size) == 0 &&
          i > from) {
        result.words.push({from, i, first});
        first = false;
        from = i;
        i += mark.size - 1;
      }
    result.words.push({from, end, first});
  }
  words = std::move(result);
}

static void prefixSpace(Words &words) {
  Words result;
  for (const Word &word : words.words) {
    TextView text = words.view(word);
    size_t begin = result.text.size();
    if (text.data[0] != ' ')
      result.text.push(' ');
    result.text.append(text.data, text.size);
    result.words.push({begin, result.text.size(), word.first});
  }
  words = std::move(result);
}

bool preTokenize(const TokenizerTables &tables, Matcher &matcher,
                 Words &words) {
  const uint32_t *step = tables.preTokens.begin();
  while (step != tables.preTokens.end())
    switch (static_cast<PreTokenStep>(*step)) {
    case PreTokenStep::Split:
      if (!split(tables, matcher, step + 1, words))
        return false;
      step += 4;
      break;
    case PreTokenStep::Metaspace:
      metaspace(tables, step + 1, words);
      step += 5;
      break;
    case PreTokenStep::PrefixSpace:
      prefixSpace(words);
      step += 1;
      break;
    }
  return true;
}

} // namespace halftone::rt
