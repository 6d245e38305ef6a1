//===- TextTest.cpp - parts of tokenizers ---------------------------------===//
//
// Whole tokenizers need the compiler to make them: test/e2e/test_tokenizers.py.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/Detokenizer.h"
#include "runtime/text/Tokenizer.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace halftone::rt;

namespace {

TextView view(const std::string &text) { return {text.data(), text.size()}; }

TEST(Utf8, AllCodePointsThereAndBack) {
  for (uint32_t point = 0; point <= 0x10ffff; ++point) {
    char bytes[4];
    size_t size = encodeUtf8(point, bytes), at = 0;
    TextView text = {bytes, size};
    bool isSurrogate = point >= 0xd800 && point < 0xe000;
    ASSERT_EQ(validUtf8(text), isSurrogate ? 0 : size) << point;
    if (isSurrogate)
      continue;
    ASSERT_EQ(nextCodePoint(text, at), point);
    ASSERT_EQ(at, size);
    ASSERT_EQ(previousCodePoint(text, size), 0u);
  }
}

TEST(Utf8, BrokenTextIsValidUpToItsBreak) {
  const std::pair<std::string, size_t> cases[] = {
      {"ab\xff", 2},       {"\xc3", 0},         {"a\xe2\x82", 1},        {"\xc0\x80", 0},
      {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf4\x90\x80\x80", 0}, {"\xf0\x9f\x98\x80\x80", 4}};
  for (auto &[text, valid] : cases)
    EXPECT_EQ(validUtf8(view(text)), valid) << text;
}

/// What is given away after each piece, and at the end.
std::string stream(const std::vector<std::string> &pieces) {
  Array<char> pending, text;
  std::string result;
  auto take = [&](bool last) {
    takeWholeCharacters(pending, text, last);
    result.append(text.data(), text.size());
    text.clear();
    result += '|';
  };
  for (const std::string &piece : pieces) {
    pending.append(piece.data(), piece.size());
    take(false);
  }
  take(true);
  return result;
}

TEST(Detokenizer, GivesWholeCharacters) {
  EXPECT_EQ(stream({"a\xf0\x9f", "\x98",
                    "\x80"
                    "b"}),
            "a||\xf0\x9f\x98\x80"
            "b||");
  EXPECT_EQ(stream({"\xe2\x82", "x"}), "|\xef\xbf\xbdx||");
  // One mark for the beginning of a character, as Python and Rust replace it.
  EXPECT_EQ(stream({"a\xf0\x9f"}), "a|\xef\xbf\xbd|");
  EXPECT_EQ(stream({"\xff\xff"}), "\xef\xbf\xbd\xef\xbf\xbd||");
  // U+D800 is no character: each of its bytes is broken by itself.
  EXPECT_EQ(stream({"\xed\xa0\x80"}), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd||");
}

constexpr uint32_t word(PatternOp op) { return static_cast<uint32_t>(op); }

/// A class of ASCII digits and of U+0660 to U+0669.
const uint32_t digits[] = {0, 0x3ff0000, 0, 0, 0x660, 0x669};

std::vector<std::string> findAll(std::vector<uint32_t> code, const std::string &text) {
  code.insert(code.end(), 5, word(PatternOp::Match));
  CharacterClass classes[] = {CharacterClass(digits, 6)};
  Matcher matcher(classes, 1);
  std::vector<std::string> found;
  size_t begin, end;
  for (size_t from = 0; matcher.find({code.data(), code.size()}, view(text), from, begin, end); from = end) {
    found.push_back(text.substr(begin, end - begin));
    if (begin == end)
      break;
  }
  return found;
}

TEST(Matcher, LoopsGiveBack) {
  using enum PatternOp;
  // \d+5
  EXPECT_EQ(findAll({word(Loop), 0, 1, patternUnbounded, 0, word(Char), '5'}, "a1555b5 \xd9\xa0"
                                                                              "5"),
            (std::vector<std::string>{"1555", "\xd9\xa0"
                                              "5"}));
  // \d++5 never matches: nothing is given back.
  EXPECT_TRUE(findAll({word(Loop), 0, 1, patternUnbounded, 1, word(Char), '5'}, "1555").empty());
  // \d{2,3}
  EXPECT_EQ(findAll({word(Loop), 0, 2, 3, 0}, "1 12345"), (std::vector<std::string>{"123", "45"}));
}

TEST(Matcher, LooksAround) {
  using enum PatternOp;
  // (?<!a)\d(?=b)
  std::vector<uint32_t> code = {word(Look), 1, 1, 1, 8,  word(Char), 'a', word(Match), word(Class), 0,
                                word(Look), 0, 0, 0, 18, word(Char), 'b', word(Match)};
  EXPECT_EQ(findAll(code, "a1b 2b 3c"), (std::vector<std::string>{"2"}));
}

TEST(Matcher, DamagedCodeFindsNothing) {
  using enum PatternOp;
  const std::vector<uint32_t> codes[] = {{word(Jump), 1000},  {word(Class), 77},        {word(Jump), 0},
                                         {word(Split), 0, 0}, {word(Look), 0, 0, 0, 0}, {99}};
  for (auto &code : codes)
    EXPECT_TRUE(findAll(code, "12").empty());
}

TEST(Tokenizer, DamagedFormsAreRefused) {
  alignas(8) unsigned char bytes[sizeof(TokenizerHeader)] = {};
  auto &header = *reinterpret_cast<TokenizerHeader *>(bytes);
  auto open = [&](size_t size) {
    Tokenizer tokenizer;
    Diagnostic diagnostic;
    return tokenizer.open({bytes, size}, diagnostic) ? std::string() : diagnostic.text();
  };
  EXPECT_NE(open(10), "");
  EXPECT_EQ(open(sizeof(bytes)), "this is no compiled tokenizer");
  memcpy(header.magic, tokenizerMagic, sizeof(header.magic));
  header.version = 7;
  EXPECT_EQ(open(sizeof(bytes)), "a compiled tokenizer of version 7; this runtime reads version 1");
  header.version = tokenizerVersion;
  header.size = sizeof(bytes) - 1;
  EXPECT_EQ(open(sizeof(bytes)), "damaged tokenizer: its header");
  header.size = sizeof(bytes);
  header.model = static_cast<uint32_t>(TokenizerModel::WordLevel);
  header.unknown = noToken;
  for (TokenizerSpan &section : header.sections)
    section = {0, 0};
  EXPECT_EQ(open(sizeof(bytes)), "");
  header.sections[sectionTexts] = {8, 4096};
  EXPECT_EQ(open(sizeof(bytes)), "damaged tokenizer: section 2 of 4096 bytes at 8");
  header.sections[sectionTexts] = {0, 0};
  header.numTokens = 5;
  EXPECT_EQ(open(sizeof(bytes)), "damaged tokenizer: its tables are not those of 5 tokens");
}

} // namespace
