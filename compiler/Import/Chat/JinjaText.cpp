//===- JinjaText.cpp - text as Python sees it -------------------------------===//

#include "compiler/Import/Chat/JinjaText.h"
#include "runtime/text/Utf8.h"
#include "runtime/text/WhiteSpace.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <charconv>
#include <cmath>

namespace halftone::chat::jinja {

using llvm::StringRef;

size_t firstBrokenByte(StringRef text) { return rt::validUtf8({text.data(), text.size()}); }

size_t firstPoint(StringRef text) {
  if (text.empty())
    return 0;
  return std::max<size_t>(1, rt::utf8Prefix(text.data(), text.size()));
}

size_t countPoints(StringRef text) {
  return static_cast<size_t>(llvm::count_if(text, [](char byte) { return (byte & 0xc0) != 0x80; }));
}

/// The code point that `text` begins with, which moves behind it.
static uint32_t takePoint(StringRef &text) {
  size_t at = 0;
  uint32_t point = rt::nextCodePoint({text.data(), text.size()}, at);
  text = text.drop_front(at);
  return point;
}

StringRef stripLeft(StringRef text, std::optional<StringRef> set) {
  while (!text.empty()) {
    StringRef rest = text;
    uint32_t point = takePoint(rest);
    if (set ? !set->contains(text.drop_back(rest.size())) : !rt::isSpace(point))
      break;
    text = rest;
  }
  return text;
}

StringRef stripRight(StringRef text, std::optional<StringRef> set) {
  while (!text.empty()) {
    size_t begin = rt::previousCodePoint({text.data(), text.size()}, text.size());
    StringRef last = text.drop_front(begin), rest = last;
    uint32_t point = takePoint(rest);
    if (set ? !set->contains(last) : !rt::isSpace(point))
      break;
    text = text.take_front(begin);
  }
  return text;
}

static bool appendPoint(std::string &text, uint32_t point) {
  if ((point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
    return false;
  char bytes[4];
  text.append(bytes, rt::encodeUtf8(point, bytes));
  return true;
}

bool unescape(StringRef text, std::string &value) {
  while (!text.empty()) {
    if (text.front() != '\\') {
      value += text.front();
      text = text.drop_front();
      continue;
    }
    if (text.size() < 2)
      return false;
    char letter = text[1];
    static constexpr StringRef kLetters = "\\'\"abfnrtv", kValues = "\\'\"\a\b\f\n\r\t\v";
    size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (size_t which = kLetters.find(letter); which != StringRef::npos) {
      value += kValues[which];
      text = text.drop_front(2);
    } else if (letter == '\n') // Joins lines.
      text = text.drop_front(2);
    else if (letter >= '0' && letter <= '7') {
      StringRef octal =
          text.drop_front().take_front(3).take_while([](char c) { return c >= '0' && c <= '7'; });
      uint32_t point = 0;
      if (octal.getAsInteger(8, point) || point == 0 || !appendPoint(value, point))
        return false;
      text = text.drop_front(1 + octal.size());
    } else if (digits) {
      uint32_t point;
      StringRef number = text.substr(2, digits);
      if (number.size() != digits || !llvm::all_of(number, llvm::isHexDigit) ||
          number.getAsInteger(16, point) || point == 0 || !appendPoint(value, point))
        return false;
      text = text.drop_front(2 + digits);
    } else if (letter == 'N')
      return false;
    else { // Stays what it is.
      value += '\\';
      text = text.drop_front();
    }
  }
  return true;
}

std::string quoteText(StringRef text) {
  char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
  std::string result(1, quote);
  while (!text.empty()) {
    size_t size = firstPoint(text);
    auto byte = static_cast<unsigned char>(text.front());
    if (text.front() == quote || byte == '\\')
      (result += '\\') += text.front();
    else if (byte == '\n' || byte == '\r' || byte == '\t')
      (result += '\\') += byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
    else if (byte < 0x20 || byte == 0x7f)
      (result += "\\x") += llvm::toHex(text.take_front(1), /*LowerCase=*/true);
    else
      result += text.take_front(size);
    text = text.drop_front(size);
  }
  return result + quote;
}

std::string formatFloat(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  // The shortest digits that read back as the number, as Python places them.
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  auto [mantissa, exponentText] = StringRef(buffer, static_cast<size_t>(end - buffer)).split('e');
  int exponent = 0;
  exponentText.consume_front("+");
  exponentText.getAsInteger(10, exponent);
  std::string sign = mantissa.consume_front("-") ? "-" : "";
  if (exponent < -4 || exponent >= 16)
    return sign + mantissa.str() + "e" + (exponent < 0 ? "-" : "+") + (std::abs(exponent) < 10 ? "0" : "") +
           std::to_string(std::abs(exponent));
  std::string digits;
  for (char letter : mantissa)
    if (letter != '.')
      digits += letter;
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole)
    return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string jsonQuote(StringRef text, bool asciiOnly) {
  std::string result = "\"";
  auto escape = [&](unsigned unit) {
    result += "\\u";
    result += llvm::utohexstr(unit, /*LowerCase=*/true, 4);
  };
  while (!text.empty()) {
    size_t size = firstPoint(text);
    auto byte = static_cast<unsigned char>(text.front());
    static constexpr StringRef kValues = "\"\\\n\r\t\b\f", kLetters = "\"\\nrtbf";
    if (size_t which = kValues.find(text.front()); which != StringRef::npos)
      (result += '\\') += kLetters[which];
    else if (byte < 0x20)
      escape(byte);
    else if (byte >= 0x80 && asciiOnly) {
      StringRef rest = text;
      uint32_t point = takePoint(rest);
      if (point >= 0x10000) {
        escape(0xd800 + ((point - 0x10000) >> 10));
        escape(0xdc00 + ((point - 0x10000) & 0x3ff));
      } else
        escape(point);
    } else
      result += text.take_front(size);
    text = text.drop_front(size);
  }
  return result + "\"";
}

} // namespace halftone::chat::jinja
