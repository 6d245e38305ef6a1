//===- Pattern.h - compiled regular expressions ---------------------------===//
//
// The code is made by compiler/Import/Tokenizer/RegexCompiler.cpp. Matching is
// leftmost, and by preference among what begins there, as Oniguruma does it: a
// stack of the places where another choice was left. Repetitions of one class
// take a single entry, so long runs of spaces or digits cost no memory.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_PATTERN_H
#define HALFTONE_RUNTIME_TEXT_PATTERN_H

#include "runtime/text/Utf8.h"

namespace halftone::rt {

/// Instructions, each a word followed by its operands. Targets are words from
/// the pattern's first.
enum class PatternOp : uint32_t {
  Match,  ///< -
  Char,   ///< code point
  Class,  ///< class
  Split,  ///< preferred target, other target
  Jump,   ///< target
  Loop,   ///< class, least, most, possessive: as many as there are, or fewer
  Look,   ///< behind, negative, code points to step back, target; the body
          ///< follows
  Atomic, ///< target; the body follows
  Assert, ///< PatternAssert
};

enum class PatternAssert : uint32_t {
  TextBegin,
  TextEnd,
  LineBegin,
  LineEnd,
  WordBorder,
  NoWordBorder,
  TextEndOrNewline
};

constexpr uint32_t patternUnbounded = ~uint32_t(0);

/// A set of code points: four words with a bit for each of ASCII, then the
/// first and last of each range beyond, ascending.
class CharacterClass {
public:
  CharacterClass() = default;
  CharacterClass(const uint32_t *words, size_t numWords)
      : words(words), numRanges((numWords - 4) / 2) {}

  bool contains(uint32_t point) const {
    if (point < 128)
      return words[point >> 5] >> (point & 31) & 1;
    const uint32_t *ranges = words + 4;
    size_t low = 0, high = numRanges;
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (point > ranges[2 * middle + 1])
        low = middle + 1;
      else
        high = middle;
    }
    return low < numRanges && point >= ranges[2 * low];
  }

private:
  const uint32_t *words = nullptr;
  size_t numRanges = 0;
};

struct Pattern {
  const uint32_t *code = nullptr;
  size_t size = 0;
};

/// Runs patterns over one text. Not for several threads at once.
class Matcher {
public:
  Matcher(const CharacterClass *classes, size_t numClasses)
      : classes(classes), numClasses(numClasses) {}

  /// The first match at or behind `from`. False also where the search became
  /// hopeless (`exhausted`): a pattern of nested repetitions can take forever.
  bool find(Pattern pattern, TextView text, size_t from, size_t &begin,
            size_t &end);

  bool exhausted() const { return steps == 0; }

private:
  struct Choice {
    size_t pc, at;
    size_t least; ///< of a loop: it may give back down to here
  };
  bool run(size_t pc, size_t at, unsigned depth, size_t &end);
  bool runLoop(const uint32_t *operands, size_t &at, size_t &least);
  bool holds(uint32_t kind, size_t at) const;
  bool isIn(uint32_t index, uint32_t point) const {
    return index < numClasses && classes[index].contains(point);
  }

  const CharacterClass *classes;
  size_t numClasses;
  Pattern pattern;
  TextView text;
  size_t steps = 1;
  Array<Choice> choices;
};

} // namespace halftone::rt

#endif
