//===- Regex.cpp - code of regular expressions ------------------------------===//

#include "compiler/Import/Tokenizer/Regex.h"
#include "compiler/Import/Tokenizer/RegexParser.h"
#include "runtime/text/TokenizerFormat.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::tokenizer {

namespace {

using rt::PatternOp;

/// Words of code of one pattern.
constexpr size_t kMaxCode = 1 << 16;
/// The runtime's limit (Pattern.cpp), less what a match itself takes.
constexpr unsigned kMaxBodies = 20;

class Generator {
public:
  explicit Generator(PatternTable &table) : table(table) {}

  llvm::Expected<std::vector<uint32_t>> generate(const RegexNode &node) {
    emitNode(node, 0);
    emit(PatternOp::Match);
    if (!error.empty())
      return llvm::createStringError(error);
    // An instruction has up to five words; the last may be read past its end.
    code.insert(code.end(), 5, static_cast<uint32_t>(PatternOp::Match));
    return std::move(code);
  }

private:
  uint32_t here() const { return static_cast<uint32_t>(code.size()); }

  void emit(PatternOp op, llvm::ArrayRef<uint32_t> operands = {}) {
    if (code.size() > kMaxCode) {
      error = "it is too large";
      return;
    }
    code.push_back(static_cast<uint32_t>(op));
    llvm::append_range(code, operands);
  }

  /// A split whose targets are set when they are known.
  uint32_t emitSplit() {
    uint32_t place = here();
    emit(PatternOp::Split, {0, 0});
    return place;
  }
  void setSplit(uint32_t place, uint32_t preferred, uint32_t other, bool lazy = false) {
    set(place + 1, lazy ? other : preferred);
    set(place + 2, lazy ? preferred : other);
  }
  void set(size_t place, uint32_t word) {
    if (place < code.size())
      code[place] = word;
  }

  void emitNode(const RegexNode &node, unsigned bodies) {
    if (!error.empty())
      return;
    switch (node.kind) {
    case RegexNode::Set: {
      auto ranges = node.set.ranges();
      if (ranges.size() == 1 && ranges[0].first == ranges[0].last)
        emit(PatternOp::Char, ranges[0].first);
      else
        emit(PatternOp::Class, table.addClass(node.set));
      return;
    }
    case RegexNode::Sequence:
      for (auto &child : node.children)
        emitNode(*child, bodies);
      return;
    case RegexNode::Alternatives:
      emitAlternatives(node, bodies);
      return;
    case RegexNode::Repeat:
      emitRepeat(node, bodies);
      return;
    case RegexNode::Look:
      emitLook(node, bodies);
      return;
    case RegexNode::Atomic: {
      uint32_t place = beginAtomic(bodies);
      emitNode(*node.children.front(), bodies + 1);
      endAtomic(place);
      return;
    }
    case RegexNode::Assert:
      emit(PatternOp::Assert, static_cast<uint32_t>(node.assertion));
      return;
    }
  }

  void emitAlternatives(const RegexNode &node, unsigned bodies) {
    std::vector<uint32_t> ends;
    for (auto &child : llvm::drop_end(node.children)) {
      uint32_t split = emitSplit();
      emitNode(*child, bodies);
      ends.push_back(here());
      emit(PatternOp::Jump, 0);
      setSplit(split, split + 3, here());
    }
    emitNode(*node.children.back(), bodies);
    for (uint32_t end : ends)
      set(end + 1, here());
  }

  uint32_t beginAtomic(unsigned bodies) {
    if (bodies == kMaxBodies)
      error = "its groups are nested too deep";
    uint32_t place = here();
    emit(PatternOp::Atomic, 0);
    return place;
  }
  void endAtomic(uint32_t place) {
    emit(PatternOp::Match);
    set(place + 1, here());
  }

  void emitRepeat(const RegexNode &node, unsigned bodies) {
    const RegexNode &body = *node.children.front();
    bool possessive = node.mode == RegexNode::Possessive, lazy = node.mode == RegexNode::Lazy;
    if (body.kind == RegexNode::Set && !lazy) {
      emit(PatternOp::Loop, {table.addClass(body.set), node.least, node.most, possessive});
      return;
    }
    if (node.most == rt::patternUnbounded && canBeEmpty(body)) {
      error = "it repeats without end what may match nothing";
      return;
    }
    if (!possessive) {
      emitRepetition(body, node.least, node.most, lazy, bodies);
      return;
    }
    uint32_t place = beginAtomic(bodies);
    emitRepetition(body, node.least, node.most, lazy, bodies + 1);
    endAtomic(place);
  }

  void emitRepetition(const RegexNode &body, uint32_t least, uint32_t most, bool lazy, unsigned bodies) {
    for (uint32_t i = 0; i < least; ++i)
      emitNode(body, bodies);
    if (most == rt::patternUnbounded) {
      uint32_t split = emitSplit();
      emitNode(body, bodies);
      emit(PatternOp::Jump, split);
      setSplit(split, split + 3, here(), lazy);
      return;
    }
    std::vector<uint32_t> splits;
    for (uint32_t i = least; i < most && error.empty(); ++i) {
      splits.push_back(emitSplit());
      emitNode(body, bodies);
    }
    for (uint32_t split : splits)
      setSplit(split, split + 3, here(), lazy);
  }

  void emitLook(const RegexNode &node, unsigned bodies) {
    const RegexNode &body = *node.children.front();
    std::optional<uint32_t> width = node.behind ? getWidth(body) : 0;
    if (!width)
      error = "it looks behind for something of no fixed length";
    if (bodies == kMaxBodies)
      error = "its groups are nested too deep";
    uint32_t place = here();
    emit(PatternOp::Look, {node.behind, node.negative, width.value_or(0), 0});
    emitNode(body, bodies + 1);
    emit(PatternOp::Match);
    set(place + 4, here());
  }

  static bool canBeEmpty(const RegexNode &node) {
    auto empty = [](auto &child) { return canBeEmpty(*child); };
    switch (node.kind) {
    case RegexNode::Set:
      return false;
    case RegexNode::Sequence:
      return llvm::all_of(node.children, empty);
    case RegexNode::Alternatives:
      return llvm::any_of(node.children, empty);
    case RegexNode::Repeat:
      return node.least == 0 || empty(node.children.front());
    case RegexNode::Atomic:
      return empty(node.children.front());
    case RegexNode::Look:
    case RegexNode::Assert:
      return true;
    }
    return true;
  }

  /// In code points, where all matches have the same.
  static std::optional<uint32_t> getWidth(const RegexNode &node) {
    switch (node.kind) {
    case RegexNode::Set:
      return 1;
    case RegexNode::Look:
    case RegexNode::Assert:
      return 0;
    case RegexNode::Atomic:
      return getWidth(*node.children.front());
    case RegexNode::Repeat: {
      auto width = getWidth(*node.children.front());
      if (!width || node.least != node.most || uint64_t(*width) * node.least > kMaxCode)
        return std::nullopt;
      return *width * node.least;
    }
    case RegexNode::Sequence: {
      uint32_t sum = 0;
      for (auto &child : node.children) {
        auto width = getWidth(*child);
        if (!width || *width > kMaxCode || sum > kMaxCode)
          return std::nullopt;
        sum += *width;
      }
      return sum;
    }
    case RegexNode::Alternatives: {
      auto first = getWidth(*node.children.front());
      for (auto &child : node.children)
        if (getWidth(*child) != first)
          return std::nullopt;
      return first;
    }
    }
    return std::nullopt;
  }

  PatternTable &table;
  std::vector<uint32_t> code;
  std::string error;
};

} // namespace

PatternTable::PatternTable() {
  static_assert(rt::classSpace == 0 && rt::classWord == 1 && rt::classAddedWord == 2 &&
                rt::numFixedClasses == 3);
  classes = {spaces(), words(), rustWords()};
}

uint32_t PatternTable::addClass(const CharacterSet &set) {
  auto found = llvm::find(classes, set);
  if (found == classes.end())
    found = classes.insert(classes.end(), set);
  return static_cast<uint32_t>(found - classes.begin());
}

uint32_t PatternTable::add(std::vector<uint32_t> code) {
  patterns.push_back(std::move(code));
  return static_cast<uint32_t>(patterns.size() - 1);
}

llvm::Expected<uint32_t> PatternTable::addRegex(llvm::StringRef regex) {
  auto tree = parseRegex(regex);
  if (!tree)
    return tree.takeError();
  auto code = Generator(*this).generate(**tree);
  if (!code)
    return llvm::createStringError("the regular expression \"%s\" is not supported: %s", regex.str().c_str(),
                                   llvm::toString(code.takeError()).c_str());
  return add(std::move(*code));
}

llvm::Expected<uint32_t> PatternTable::addLiteral(llvm::StringRef text) {
  RegexNode sequence(RegexNode::Sequence);
  for (size_t at = 0; at < text.size();) {
    uint32_t point = rt::nextCodePoint({text.data(), text.size()}, at);
    sequence.children.push_back(std::make_unique<RegexNode>(RegexNode::Set));
    sequence.children.back()->set.add(point, point);
  }
  auto code = Generator(*this).generate(sequence);
  if (!code)
    return llvm::createStringError("a text of %zu bytes to look for is too long", text.size());
  return add(std::move(*code));
}

uint32_t PatternTable::addSet(const CharacterSet &set, bool atLeastOne) {
  RegexNode repeat(RegexNode::Repeat);
  repeat.least = 1;
  repeat.most = atLeastOne ? rt::patternUnbounded : 1;
  repeat.children.push_back(std::make_unique<RegexNode>(RegexNode::Set));
  repeat.children.back()->set = set;
  return add(llvm::cantFail(Generator(*this).generate(repeat)));
}

static std::vector<uint32_t> joinParts(llvm::ArrayRef<std::vector<uint32_t>> parts) {
  std::vector<uint32_t> words{static_cast<uint32_t>(parts.size())};
  size_t begin = 1 + parts.size();
  for (auto &part : parts) {
    words.push_back(static_cast<uint32_t>(begin));
    begin += part.size();
  }
  for (auto &part : parts)
    llvm::append_range(words, part);
  return words;
}

std::vector<uint32_t> PatternTable::patternWords() const { return joinParts(patterns); }

std::vector<uint32_t> PatternTable::classWords() const {
  std::vector<std::vector<uint32_t>> parts;
  for (const CharacterSet &set : classes) {
    std::vector<uint32_t> words(4);
    for (uint32_t point = 0; point < 128; ++point)
      if (set.contains(point))
        words[point / 32] |= 1u << point % 32;
    for (auto [first, last] : set.ranges())
      if (last >= 128)
        words.insert(words.end(), {std::max(first, 128u), last});
    parts.push_back(std::move(words));
  }
  return joinParts(parts);
}

} // namespace halftone::tokenizer
