//===- RegexParser.cpp - the tree of a regular expression -------------------===//

#include "compiler/Import/Tokenizer/RegexParser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace halftone::tokenizer {

namespace {

using NodePtr = std::unique_ptr<RegexNode>;

constexpr unsigned kMaxDepth = 16;
constexpr uint32_t kMaxRepeat = 1000;

/// Recursive descent. After an error `failed` is set and parsing unwinds.
class Parser {
public:
  explicit Parser(llvm::StringRef text) : text(text) {}

  llvm::Expected<NodePtr> parse() {
    NodePtr node = parseAlternatives(0);
    if (!failed && at != text.size())
      fail("an unmatched )");
    if (failed)
      return llvm::createStringError("the regular expression \"%s\" has, at byte %zu, %s", text.str().c_str(),
                                     failedAt, message.c_str());
    return node;
  }

private:
  void fail(const llvm::Twine &what) {
    if (failed)
      return;
    failed = true;
    failedAt = at;
    message = what.str();
  }
  bool more() const { return !failed && at < text.size(); }
  bool peek(llvm::StringRef wanted) const { return text.substr(at).starts_with(wanted); }
  bool accept(llvm::StringRef wanted) {
    if (!peek(wanted))
      return false;
    at += wanted.size();
    return true;
  }
  uint32_t next() { return rt::nextCodePoint({text.data(), text.size()}, at); }

  NodePtr parseAlternatives(unsigned depth);
  NodePtr parseSequence(unsigned depth);
  NodePtr parseRepeat(NodePtr node);
  bool parseBounds(uint32_t &least, uint32_t &most);
  NodePtr parseAtom(unsigned depth);
  NodePtr parseGroup(unsigned depth);
  NodePtr parseEscape();
  bool parseSetEscape(CharacterSet &set, bool inClass);
  std::optional<uint32_t> parsePointEscape();
  CharacterSet parseClass(unsigned depth);
  CharacterSet parseProperty(bool negated);
  std::optional<uint32_t> parseHex(size_t digits);

  static NodePtr makeSet(CharacterSet set) {
    auto node = std::make_unique<RegexNode>(RegexNode::Set);
    node->set = std::move(set);
    return node;
  }
  NodePtr makePoint(uint32_t point) {
    CharacterSet set{{point, point}};
    return makeSet(ignoreCase ? set.foldCase() : set);
  }
  static NodePtr makeAssert(rt::PatternAssert assertion) {
    auto node = std::make_unique<RegexNode>(RegexNode::Assert);
    node->assertion = assertion;
    return node;
  }

  llvm::StringRef text;
  size_t at = 0, failedAt = 0;
  bool failed = false, ignoreCase = false;
  std::string message;
};

} // namespace

NodePtr Parser::parseAlternatives(unsigned depth) {
  auto node = std::make_unique<RegexNode>(RegexNode::Alternatives);
  if (depth > kMaxDepth)
    fail("groups more than " + llvm::Twine(kMaxDepth) + " deep");
  bool before = ignoreCase;
  do
    node->children.push_back(parseSequence(depth));
  while (more() && accept("|"));
  ignoreCase = before;
  return node->children.size() == 1 ? std::move(node->children.front()) : std::move(node);
}

NodePtr Parser::parseSequence(unsigned depth) {
  auto node = std::make_unique<RegexNode>(RegexNode::Sequence);
  while (more() && !peek("|") && !peek(")"))
    if (NodePtr child = parseAtom(depth))
      node->children.push_back(parseRepeat(std::move(child)));
  return node;
}

/// {n}, {n,}, {,m}, {n,m}; what is none of these stands for itself.
bool Parser::parseBounds(uint32_t &least, uint32_t &most) {
  llvm::StringRef rest = text.substr(at);
  size_t close = rest.find('}');
  if (!rest.starts_with("{") || close == llvm::StringRef::npos)
    return false;
  auto [low, high] = rest.slice(1, close).split(',');
  bool isRange = rest.slice(1, close).contains(',');
  least = 0;
  if ((low.empty() && high.empty()) || (!low.empty() && low.getAsInteger(10, least)))
    return false;
  most = isRange ? rt::patternUnbounded : least;
  if (!high.empty() && high.getAsInteger(10, most))
    return false;
  at += close + 1;
  if (least > most || least > kMaxRepeat || (most != rt::patternUnbounded && most > kMaxRepeat))
    fail("a repetition that is not from 0 to " + llvm::Twine(kMaxRepeat));
  return true;
}

NodePtr Parser::parseRepeat(NodePtr node) {
  while (more()) {
    uint32_t least = 0, most = rt::patternUnbounded;
    bool bounds = false;
    if (accept("?"))
      most = 1;
    else if (accept("+"))
      least = 1;
    else if (!accept("*")) {
      bounds = parseBounds(least, most);
      if (!bounds)
        return node;
    }
    if (node->kind == RegexNode::Assert || node->kind == RegexNode::Look)
      fail("a repetition of what has no width");
    auto repeat = std::make_unique<RegexNode>(RegexNode::Repeat);
    repeat->least = least;
    repeat->most = most;
    if (accept("?"))
      repeat->mode = RegexNode::Lazy;
    else if (!bounds && accept("+"))
      repeat->mode = RegexNode::Possessive;
    repeat->children.push_back(std::move(node));
    node = std::move(repeat);
  }
  return node;
}

NodePtr Parser::parseAtom(unsigned depth) {
  if (accept("("))
    return parseGroup(depth);
  if (accept("["))
    return makeSet(parseClass(depth));
  if (accept("\\"))
    return parseEscape();
  if (accept("."))
    return makeSet(CharacterSet{{'\n', '\n'}}.complement());
  if (accept("^"))
    return makeAssert(rt::PatternAssert::LineBegin);
  if (accept("$"))
    return makeAssert(rt::PatternAssert::LineEnd);
  if (peek("*") || peek("+") || peek("?")) {
    fail("a repetition of nothing");
    return nullptr;
  }
  return makePoint(next());
}

NodePtr Parser::parseGroup(unsigned depth) {
  NodePtr node;
  bool before = ignoreCase;
  auto look = [&](bool behind, bool negative) {
    node = std::make_unique<RegexNode>(RegexNode::Look);
    node->behind = behind;
    node->negative = negative;
  };
  if (accept("?")) {
    if (accept("="))
      look(false, false);
    else if (accept("!"))
      look(false, true);
    else if (accept("<="))
      look(true, false);
    else if (accept("<!"))
      look(true, true);
    else if (accept(">"))
      node = std::make_unique<RegexNode>(RegexNode::Atomic);
    else if (accept("i)")) {
      ignoreCase = true; // Up to the group's end.
      return nullptr;
    } else if (accept("i:"))
      ignoreCase = true;
    else if (!accept(":")) {
      fail("a group (?" + text.substr(at, 1) + "…), which is not supported");
      return nullptr;
    }
  }
  NodePtr body = parseAlternatives(depth + 1);
  ignoreCase = before;
  if (!accept(")"))
    fail("a group without its )");
  if (!node)
    return body;
  node->children.push_back(std::move(body));
  return node;
}

std::optional<uint32_t> Parser::parseHex(size_t digits) {
  uint32_t point;
  llvm::StringRef number = text.substr(at, digits);
  if (number.size() != digits || digits == 0 || number.getAsInteger(16, point) || point > 0x10ffff) {
    fail("an escape that is no code point");
    return std::nullopt;
  }
  at += digits;
  return point;
}

/// Behind \p or \P.
CharacterSet Parser::parseProperty(bool negated) {
  llvm::StringRef name;
  if (accept("{")) {
    size_t close = text.find('}', at);
    if (close == llvm::StringRef::npos) {
      fail("a \\p{ without its }");
      return {};
    }
    name = text.slice(at, close);
    at = close + 1;
  } else if (at < text.size())
    name = text.substr(at++, 1);
  if (name.consume_front("^"))
    negated = !negated;
  std::optional<CharacterSet> set = findProperty(name);
  if (!set) {
    fail("the property \\p{" + name + "}, which is not supported");
    return {};
  }
  return negated ? set->complement() : *set;
}

/// Behind a backslash: \s, \p{…} and the like.
bool Parser::parseSetEscape(CharacterSet &set, bool inClass) {
  static constexpr struct {
    char letter;
    const CharacterSet &(*get)();
  } kSets[] = {{'s', spaces}, {'d', digits}, {'w', words}};
  if (at == text.size())
    return false;
  char letter = text[at];
  for (auto [name, get] : kSets)
    if (letter == name || letter == llvm::toUpper(name)) {
      ++at;
      set = get();
      // Oniguruma takes superscripts and fractions of Latin-1 for words, but not
      // inside a class.
      if (inClass && name == 'w')
        set = set.intersect(CharacterSet{{0xb2, 0xb3}, {0xb9, 0xb9}, {0xbc, 0xbe}}.complement());
      if (letter != name)
        set = set.complement();
      return true;
    }
  if (letter != 'p' && letter != 'P')
    return false;
  ++at;
  set = parseProperty(letter == 'P');
  return true;
}

/// Behind a backslash: a code point.
std::optional<uint32_t> Parser::parsePointEscape() {
  if (at == text.size()) {
    fail("a \\ at its end");
    return std::nullopt;
  }
  static constexpr llvm::StringLiteral kLetters = "rntfvae", kPoints = "\r\n\t\f\v\a\x1b";
  char letter = text[at];
  if (size_t i = kLetters.find(letter); i != llvm::StringRef::npos) {
    ++at;
    return static_cast<unsigned char>(kPoints[i]);
  }
  if (accept("u"))
    return parseHex(4);
  if (accept("x{")) {
    size_t close = text.find('}', at);
    auto point = parseHex(close == llvm::StringRef::npos ? 0 : close - at);
    accept("}");
    return point;
  }
  if (accept("x"))
    return parseHex(2);
  if (llvm::isAlnum(letter)) {
    fail("the escape \\" + llvm::Twine(letter) + ", which is not supported");
    return std::nullopt;
  }
  return next();
}

NodePtr Parser::parseEscape() {
  using rt::PatternAssert;
  static constexpr std::pair<char, PatternAssert> kAsserts[] = {{'b', PatternAssert::WordBorder},
                                                                {'B', PatternAssert::NoWordBorder},
                                                                {'A', PatternAssert::TextBegin},
                                                                {'z', PatternAssert::TextEnd},
                                                                {'Z', PatternAssert::TextEndOrNewline}};
  for (auto [letter, assertion] : kAsserts)
    if (accept(llvm::StringRef(&letter, 1)))
      return makeAssert(assertion);
  CharacterSet set;
  if (parseSetEscape(set, /*inClass=*/false))
    return makeSet(std::move(set));
  if (auto point = parsePointEscape())
    return makePoint(*point);
  return nullptr;
}

/// Behind a [.
CharacterSet Parser::parseClass(unsigned depth) {
  CharacterSet set;
  if (depth > kMaxDepth)
    fail("classes more than " + llvm::Twine(kMaxDepth) + " deep");
  bool negated = accept("^"), first = true;
  while (more() && (first || !peek("]"))) {
    first = false;
    CharacterSet part;
    if (peek("[:")) {
      fail("a class [:…:], which is not supported");
      return {};
    }
    if (accept("&&")) {
      // What follows is a class of its own, which ends at the same ].
      set = set.intersect(parseClass(depth + 1));
      return negated ? set.complement() : set;
    }
    if (accept("[")) {
      set.add(parseClass(depth + 1));
      continue;
    }
    if (accept("\\")) {
      if (parseSetEscape(part, /*inClass=*/true)) {
        set.add(part);
        continue;
      }
      --at;
    }
    auto parsePoint = [&]() -> std::optional<uint32_t> {
      if (accept("\\b"))
        return '\b';
      return accept("\\") ? parsePointEscape() : std::optional(next());
    };
    auto low = parsePoint();
    auto high = low;
    if (low && peek("-") && !peek("-]") && at + 1 < text.size() && !peek("-\\p") && !peek("-\\s") &&
        !peek("-[")) {
      accept("-");
      high = parsePoint();
    }
    if (!low || !high || *low > *high) {
      fail("a range whose end is before its beginning");
      return {};
    }
    set.add(*low, *high);
  }
  if (!accept("]"))
    fail("a class without its ]");
  if (ignoreCase)
    set = set.foldCase();
  return negated ? set.complement() : set;
}

llvm::Expected<NodePtr> parseRegex(llvm::StringRef regex) {
  if (rt::validUtf8({regex.data(), regex.size()}) != regex.size())
    return llvm::createStringError("a regular expression is not UTF-8");
  return Parser(regex).parse();
}

} // namespace halftone::tokenizer
