//===- JinjaLexer.cpp - the tokens of a template ----------------------------===//

#include "compiler/Import/Chat/JinjaLexer.h"
#include "compiler/Import/Chat/JinjaText.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

namespace halftone::chat::jinja {

using llvm::StringRef;

llvm::Error errorAt(unsigned line, const llvm::Twine &message) {
  return llvm::createStringError("line " + llvm::Twine(line) + " of the template: " + message);
}

namespace {

class Lexer {
public:
  explicit Lexer(StringRef source) : rest(source) {}

  llvm::Expected<std::vector<Token>> run();

private:
  llvm::Error readTag(bool isBlock);
  llvm::Error readComment();
  llvm::Error readString();
  llvm::Error readNumber();
  llvm::Error readOperator();
  bool readRaw(llvm::Error &error);
  bool endTag(StringRef end, bool trims);
  void addData(StringRef text, char sign, bool isVariable);

  llvm::Error fail(const llvm::Twine &message) { return errorAt(line, message); }
  void add(Token::Kind kind, std::string text = "") { tokens.push_back({kind, line, std::move(text)}); }
  void advance(size_t count) {
    StringRef passed = rest.take_front(count);
    line += static_cast<unsigned>(passed.count('\n'));
    if (!passed.empty())
      lineStarts = passed.back() == '\n';
    rest = rest.drop_front(count);
  }
  void skipSpace() { advance(rest.size() - stripLeft(rest).size()); }

  StringRef rest;
  unsigned line = 1;
  bool lineStarts = true; ///< the last rule that matched ended with a line
  std::string nesting;    ///< closing brackets to come
  std::vector<Token> tokens;
};

} // namespace

/// Text before a tag with the sign `sign`: - takes all white space before it, and
/// what only indents a block goes, but for +.
void Lexer::addData(StringRef text, char sign, bool isVariable) {
  StringRef kept = text;
  if (sign == '-')
    kept = stripRight(text);
  else if (sign != '+' && !isVariable) {
    size_t newline = text.rfind('\n');
    size_t begin = newline == StringRef::npos ? 0 : newline + 1;
    if ((newline != StringRef::npos || lineStarts) && strip(text.substr(begin)).empty())
      kept = text.take_front(begin);
  }
  if (!kept.empty())
    add(Token::Data, kept.str());
}

/// Goes behind the end of a tag, if it is there.
bool Lexer::endTag(StringRef end, bool trims) {
  bool strips = rest.starts_with("-") && rest.drop_front().starts_with(end);
  bool keeps = trims && rest.starts_with("+") && rest.drop_front().starts_with(end);
  if (!strips && !keeps && !rest.starts_with(end))
    return false;
  size_t size = end.size() + (strips || keeps);
  if (strips)
    size = rest.size() - stripLeft(rest.drop_front(size)).size();
  else if (trims && !keeps && rest.drop_front(size).starts_with("\n"))
    ++size;
  advance(size);
  return true;
}

llvm::Error Lexer::readComment() {
  unsigned begin = line;
  size_t end = rest.find("#}");
  if (end == StringRef::npos)
    return errorAt(begin, "a comment has no end");
  advance(end - (end && (rest[end - 1] == '-' || rest[end - 1] == '+')));
  endTag("#}", /*trims=*/true);
  return llvm::Error::success();
}

/// {% raw %} … {% endraw %}; false where `rest` is at something else.
bool Lexer::readRaw(llvm::Error &error) {
  StringRef at = rest.drop_front(2);
  if (!at.consume_front("-"))
    at.consume_front("+");
  at = stripLeft(at);
  if (!at.consume_front("raw"))
    return false;
  at = stripLeft(at);
  bool strips = at.consume_front("-");
  if (!at.consume_front("%}"))
    return false;
  if (strips)
    at = stripLeft(at);
  advance(rest.size() - at.size());
  for (size_t from = 0;;) {
    size_t begin = rest.find("{%", from);
    if (begin == StringRef::npos) {
      error = fail("a raw block has no end");
      return true;
    }
    StringRef tag = rest.drop_front(begin + 2);
    char sign = tag.empty() ? 0 : tag.front();
    if (sign == '-' || sign == '+')
      tag = tag.drop_front();
    tag = stripLeft(tag);
    if (tag.consume_front("endraw")) {
      tag = stripLeft(tag);
      if (tag.starts_with("%}") || tag.starts_with("-%}") || tag.starts_with("+%}")) {
        addData(rest.take_front(begin), sign, /*isVariable=*/false);
        advance(rest.size() - tag.size());
        endTag("%}", /*trims=*/true);
        return true;
      }
    }
    from = begin + 2;
  }
}

llvm::Error Lexer::readString() {
  char quote = rest.front();
  size_t end = 1;
  while (end < rest.size() && rest[end] != quote)
    end += rest[end] == '\\' ? 2 : 1;
  if (end >= rest.size())
    return fail("a string has no end");
  std::string value;
  if (!unescape(rest.slice(1, end), value))
    return fail("a string has an escape that is none, or not supported");
  add(Token::String, std::move(value));
  advance(end + 1);
  return llvm::Error::success();
}

llvm::Error Lexer::readNumber() {
  size_t end = 0;
  auto digits = [&] {
    while (end < rest.size() && (llvm::isDigit(rest[end]) ||
                                 (rest[end] == '_' && end + 1 < rest.size() && llvm::isDigit(rest[end + 1]))))
      ++end;
  };
  digits();
  auto isDigitAt = [&](size_t i) { return i < rest.size() && llvm::isDigit(rest[i]); };
  bool isFloat = false, isPath = rest.data()[-1] == '.'; // a.0.1
  if (!isPath && isDigitAt(end + 1) && rest[end] == '.') {
    isFloat = true;
    ++end;
    digits();
  }
  if (end < rest.size() && (rest[end] | 0x20) == 'e') {
    size_t sign = end + 1 < rest.size() && (rest[end + 1] == '+' || rest[end + 1] == '-');
    if (isDigitAt(end + 1 + sign)) {
      isFloat = true;
      end += 1 + sign;
      digits();
    }
  }
  std::string number;
  for (char letter : rest.take_front(end))
    if (letter != '_')
      number += letter;
  if ((end < rest.size() && (llvm::isAlpha(rest[end]) || rest[end] == '_')) ||
      (!isFloat && number.size() > 1 && number.front() == '0'))
    return fail("the number " + rest.take_front(end + 1) + "… is not supported");
  add(isFloat ? Token::Float : Token::Integer, std::move(number));
  advance(end);
  return llvm::Error::success();
}

llvm::Error Lexer::readOperator() {
  static constexpr StringRef kOperators[] = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "/",
                                             "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                             "<",  ">",  "=",  ".",  ":",  "|",  ",", ";"};
  for (StringRef which : kOperators) {
    if (!rest.starts_with(which))
      continue;
    char letter = which.front();
    if (which == "(" || which == "[" || which == "{")
      nesting += letter == '(' ? ')' : letter == '[' ? ']' : '}';
    else if (which == ")" || which == "]" || which == "}") {
      if (nesting.empty() || nesting.back() != letter)
        return fail("unexpected '" + which + "'");
      nesting.pop_back();
    }
    add(Token::Operator, which.str());
    advance(which.size());
    return llvm::Error::success();
  }
  return fail("unexpected '" + rest.take_front(firstPoint(rest)) + "'");
}

/// What is between {{ and }}, or {% and %}.
llvm::Error Lexer::readTag(bool isBlock) {
  unsigned begin = line;
  add(isBlock ? Token::BlockBegin : Token::VariableBegin);
  advance(2);
  if (rest.starts_with("-") || rest.starts_with("+"))
    advance(1);
  nesting.clear();
  while (true) {
    unsigned endLine = line;
    if (nesting.empty() && endTag(isBlock ? "%}" : "}}", /*trims=*/isBlock)) {
      tokens.push_back({isBlock ? Token::BlockEnd : Token::VariableEnd, endLine, ""});
      return llvm::Error::success();
    }
    skipSpace();
    if (rest.empty())
      return errorAt(begin, "a tag has no end");
    if (nesting.empty() &&
        (rest.starts_with(isBlock ? "%}" : "}}") || rest.starts_with(isBlock ? "-%}" : "-}}") ||
         (isBlock && rest.starts_with("+%}"))))
      continue;
    char letter = rest.front();
    llvm::Error error = llvm::Error::success();
    if (letter == '\'' || letter == '"')
      error = readString();
    else if (llvm::isDigit(letter))
      error = readNumber();
    else if (llvm::isAlpha(letter) || letter == '_') {
      StringRef name = rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
      add(Token::Name, name.str());
      advance(name.size());
    } else
      error = readOperator();
    if (error)
      return error;
  }
}

llvm::Expected<std::vector<Token>> Lexer::run() {
  while (!rest.empty()) {
    size_t begin = 0;
    while ((begin = rest.find('{', begin)) != StringRef::npos) {
      StringRef tag = rest.substr(begin, 2);
      if (tag == "{{" || tag == "{%" || tag == "{#")
        break;
      ++begin;
    }
    if (begin == StringRef::npos) {
      add(Token::Data, rest.str());
      break;
    }
    char kind = rest[begin + 1], sign = begin + 2 < rest.size() ? rest[begin + 2] : 0;
    addData(rest.take_front(begin), sign, kind == '{');
    advance(begin);
    llvm::Error error = llvm::Error::success();
    if (kind == '#') {
      advance(2);
      error = readComment();
    } else if (kind == '{' || !readRaw(error)) {
      llvm::cantFail(std::move(error));
      error = readTag(kind == '%');
    }
    if (error)
      return std::move(error);
  }
  add(Token::End);
  return std::move(tokens);
}

llvm::Expected<std::vector<Token>> tokenize(StringRef source) {
  if (firstBrokenByte(source) != source.size())
    return llvm::createStringError("the template is not UTF-8");
  if (source.contains('\0'))
    return llvm::createStringError("the template holds a zero byte");
  // All kinds of line ends are one, and the last one goes.
  std::string lines;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      i += source.substr(i + 1).starts_with("\n");
      lines += '\n';
    } else
      lines += source[i];
  }
  if (!lines.empty() && lines.back() == '\n')
    lines.pop_back();
  return Lexer(lines).run();
}

} // namespace halftone::chat::jinja
