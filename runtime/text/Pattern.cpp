//===- Pattern.cpp - compiled regular expressions -------------------------===//

#include "runtime/text/Pattern.h"
#include "runtime/text/TokenizerFormat.h"

namespace halftone::rt {

/// Nested looks and atomic groups; the compiler allows fewer.
static constexpr unsigned maxDepth = 24;

/// What `least` is of a choice that is no loop's.
static constexpr size_t noLoop = ~size_t(0);

bool Matcher::holds(uint32_t kind, size_t at) const {
  auto isWord = [&](size_t place) {
    size_t next = place;
    return isIn(classWord, nextCodePoint(text, next));
  };
  switch (static_cast<PatternAssert>(kind)) {
  case PatternAssert::TextBegin:
    return at == 0;
  case PatternAssert::TextEnd:
    return at == text.size;
  case PatternAssert::TextEndOrNewline:
    return at == text.size || (at + 1 == text.size && text.data[at] == '\n');
  case PatternAssert::LineBegin:
    return at == 0 || (text.data[at - 1] == '\n' && at < text.size);
  case PatternAssert::LineEnd:
    return at == text.size || text.data[at] == '\n';
  case PatternAssert::WordBorder:
  case PatternAssert::NoWordBorder: {
    bool before = at > 0 && isWord(previousCodePoint(text, at)),
         behind = at < text.size && isWord(at);
    return (before != behind) ==
           (static_cast<PatternAssert>(kind) == PatternAssert::WordBorder);
  }
  }
  return false;
}

/// Takes as many as there are; `least` becomes the place down to which some may
/// be given back.
bool Matcher::runLoop(const uint32_t *operands, size_t &at, size_t &least) {
  uint32_t kind = operands[0], fewest = operands[1], most = operands[2],
           count = 0;
  if (kind >= numClasses)
    return false;
  const CharacterClass &set = classes[kind];
  for (least = at; count < most && at < text.size; ++count) {
    size_t next = at;
    if (!set.contains(nextCodePoint(text, next)))
      break;
    at = next;
    if (count < fewest)
      least = at;
    if (steps > 1)
      --steps;
  }
  return count >= fewest;
}

bool Matcher::run(size_t pc, size_t at, unsigned depth, size_t &end) {
  size_t bottom = choices.size();
  constexpr size_t longest = 5;
  while (true) {
    bool fits = false;
    if (steps <= 1 || pc >= pattern.size || pattern.size - pc < longest) {
      steps = 0;
      choices.truncate(bottom);
      return false;
    }
    --steps;
    const uint32_t *code = pattern.code + pc;
    switch (static_cast<PatternOp>(code[0])) {
    case PatternOp::Match:
      choices.truncate(bottom);
      end = at;
      return true;
    case PatternOp::Char:
      fits = at < text.size && nextCodePoint(text, at) == code[1];
      pc += 2;
      break;
    case PatternOp::Class:
      fits = at < text.size && isIn(code[1], nextCodePoint(text, at));
      pc += 2;
      break;
    case PatternOp::Split:
      choices.push({code[2], at, noLoop});
      pc = code[1];
      fits = true;
      break;
    case PatternOp::Jump:
      pc = code[1];
      fits = true;
      break;
    case PatternOp::Loop: {
      size_t least;
      fits = runLoop(code + 1, at, least);
      pc += 5;
      if (fits && !code[4] && at > least)
        choices.push({pc, at, least});
      break;
    }
    case PatternOp::Look: {
      bool behind = code[1], negative = code[2];
      size_t from = at, unused, back = code[3];
      for (; behind && back && from; --back)
        from = previousCodePoint(text, from);
      bool found = (!behind || back == 0) && depth < maxDepth &&
                   run(pc + 5, from, depth + 1, unused);
      fits = found != negative;
      pc = code[4];
      break;
    }
    case PatternOp::Atomic:
      fits = depth < maxDepth && run(pc + 2, at, depth + 1, at);
      pc = code[1];
      break;
    case PatternOp::Assert:
      fits = holds(code[1], at);
      pc += 2;
      break;
    }
    if (fits)
      continue;
    if (choices.size() == bottom)
      return false;
    Choice &last = choices.back();
    pc = last.pc;
    if (last.least == noLoop) {
      at = last.at;
      choices.pop();
      continue;
    }
    at = last.at = previousCodePoint(text, last.at);
    if (at <= last.least)
      choices.pop();
  }
}

bool Matcher::find(Pattern wanted, TextView where, size_t from, size_t &begin,
                   size_t &end) {
  pattern = wanted;
  text = where;
  while (from <= text.size) {
    // Far more than patterns that cut text take; what takes more never ends.
    steps = 100000 + 64 * (text.size - from);
    if (run(0, from, 0, end)) {
      begin = from;
      return true;
    }
    if (exhausted() || from == text.size)
      return false;
    nextCodePoint(text, from);
  }
  return false;
}

} // namespace halftone::rt
