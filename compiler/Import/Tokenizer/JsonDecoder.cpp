//===- JsonDecoder.cpp - "decoder" of tokenizer.json ------------------------===//
//
// A decoder maps a list of tokens to a list of texts and joins them. What it does
// to one token depends on the token alone and on whether it is the first, so it is
// done here, once for each. What is left to the runtime is to put them together,
// to strip the beginning, and to see that bytes make characters.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Tokenizer/Json.h"
#include "runtime/text/Utf8.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <functional>

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;

namespace {

/// Changes a token's text; `first`: of the first token.
using TextStep = std::function<std::string(StringRef text, bool first)>;

class DecoderReader {
public:
  explicit DecoderReader(Description &description) : description(description) {}

  llvm::Error read(const llvm::json::Value *part, unsigned depth = 0);
  llvm::Error apply();

private:
  llvm::Error addStep(const llvm::json::Object &object, StringRef type);
  llvm::Error addStrip(const llvm::json::Object &object);
  TokenText decode(StringRef token) const;

  Description &description;
  std::vector<TextStep> steps;
  size_t byteStep = ~size_t(0); ///< how many steps come before ByteFallback
  bool joined = false;          ///< steps from here on would see all text at once
};

} // namespace

std::optional<std::string> fromByteLetters(StringRef letters) {
  // Printable bytes stand for themselves, the others follow from U+0100 on.
  static const auto bytes = [] {
    std::array<int, 0x144> bytes;
    bytes.fill(-1);
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      bool plain = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
      bytes[plain ? byte : next++] = static_cast<int>(byte);
    }
    return bytes;
  }();
  std::string result;
  for (size_t at = 0; at < letters.size();) {
    uint32_t letter = rt::nextCodePoint({letters.data(), letters.size()}, at);
    if (letter >= bytes.size() || bytes[letter] < 0)
      return std::nullopt;
    result += static_cast<char>(bytes[letter]);
  }
  return result;
}

static std::string replaceAll(StringRef text, StringRef from, StringRef to) {
  std::string result;
  for (size_t found; !from.empty() && (found = text.find(from)) != StringRef::npos;) {
    result += text.take_front(found);
    result += to;
    text = text.drop_front(found + from.size());
  }
  return result + text.str();
}

/// What WordPiece decoders do to English.
static std::string cleanUp(std::string text) {
  static constexpr std::pair<StringRef, StringRef> kRules[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (auto [from, to] : kRules)
    text = replaceAll(text, from, to);
  return text;
}

/// At most `count` of `letter` less at the beginning.
static StringRef stripLeft(StringRef text, StringRef letter, size_t count) {
  while (count-- && text.consume_front(letter))
    ;
  return text;
}

llvm::Error DecoderReader::addStrip(const llvm::json::Object &object) {
  auto content = getText(object, "content", "decoder Strip");
  if (!content)
    return content.takeError();
  std::string letter = content->str();
  int64_t left = object.getInteger("start").value_or(0), right = object.getInteger("stop").value_or(0);
  if (letter.empty() || left < 0 || right < 0 || left > 1000 || right > 1000)
    return createStringError("the decoder Strip has no content, or counts that are not from 0 to 1000");
  if (!joined) {
    steps.push_back([=](StringRef text, bool) {
      text = stripLeft(text, letter, static_cast<size_t>(left));
      for (int64_t i = 0; i < right && text.consume_back(letter); ++i)
        ;
      return text.str();
    });
    return llvm::Error::success();
  }
  if (right || description.strippedLeft)
    return createStringError("the decoder Strip of a text's end is not supported");
  description.strippedText = letter;
  description.strippedLeft = static_cast<uint32_t>(left);
  return llvm::Error::success();
}

llvm::Error DecoderReader::addStep(const llvm::json::Object &object, StringRef type) {
  if (type == "Strip")
    return addStrip(object);
  if (type == "Fuse") {
    joined = true;
    return llvm::Error::success();
  }
  if (joined)
    return createStringError("the decoder %s after one that joins tokens is not supported",
                             type.str().c_str());
  if (type == "ByteLevel") {
    steps.push_back([](StringRef text, bool) { return fromByteLetters(text).value_or(text.str()); });
    joined = true;
  } else if (type == "ByteFallback") {
    byteStep = std::min(byteStep, steps.size());
    description.flags |= rt::flagByteTokens;
  } else if (type == "Replace") {
    const llvm::json::Object *pattern = object.getObject("pattern");
    auto from = pattern ? pattern->getString("String") : std::nullopt;
    auto to = object.getString("content");
    if (!from || !to)
      return createStringError("the decoder Replace is supported for a text that becomes another, not for a "
                               "regular expression");
    steps.push_back(
        [from = from->str(), to = to->str()](StringRef text, bool) { return replaceAll(text, from, to); });
  } else if (type == "Metaspace") {
    auto scheme = getPrependScheme(object);
    if (!scheme)
      return scheme.takeError();
    auto replacement = getText(object, "replacement", "decoder Metaspace");
    if (!replacement)
      return replacement.takeError();
    bool drops = *scheme != rt::PrependScheme::Never;
    steps.push_back([mark = replacement->str(), drops](StringRef text, bool first) {
      return replaceAll(text, mark, first && drops ? "" : " ");
    });
  } else if (type == "WordPiece") {
    steps.push_back([prefix = object.getString("prefix").value_or("##").str(),
                     clean = getFlag(object, "cleanup", true)](StringRef text, bool first) {
      std::string result = first ? text.str() : text.consume_front(prefix) ? text.str() : " " + text.str();
      return clean ? cleanUp(std::move(result)) : result;
    });
  } else
    return createStringError("the decoder %s is not supported", type.str().c_str());
  return llvm::Error::success();
}

llvm::Error DecoderReader::read(const llvm::json::Value *part, unsigned depth) {
  StringRef type;
  auto object = getTyped(part, "decoder", type);
  if (!object)
    return object.takeError();
  if (!*object) { // Without a decoder there are spaces between tokens.
    steps.push_back([](StringRef text, bool first) { return (first ? "" : " ") + text.str(); });
    return llvm::Error::success();
  }
  if (type != "Sequence")
    return addStep(**object, type);
  const llvm::json::Array *list = (*object)->getArray("decoders");
  if (!list || depth > 8)
    return createStringError("the decoder Sequence has no list \"decoders\", or is nested too deep");
  for (const llvm::json::Value &step : *list)
    if (llvm::Error error = read(&step, depth + 1))
      return error;
  return llvm::Error::success();
}

TokenText DecoderReader::decode(StringRef token) const {
  TokenText result;
  for (bool first : {false, true}) {
    std::string text = token.str();
    for (size_t i = 0; i <= steps.size(); ++i) {
      unsigned byte;
      StringRef digits = text;
      if (i == byteStep && text.size() == 6 && digits.consume_front("<0x") && digits.consume_back(">") &&
          !digits.getAsInteger(16, byte)) {
        result.isByte = true;
        text = std::string(1, static_cast<char>(byte));
        break;
      }
      if (i < steps.size())
        text = steps[i](text, first);
    }
    (first ? result.first : result.text) = std::move(text);
  }
  return result;
}

llvm::Error DecoderReader::apply() {
  size_t total = 0;
  for (auto &token : description.tokens) {
    description.texts.push_back(token ? decode(*token) : TokenText());
    total += description.texts.back().text.size() + description.texts.back().first.size();
    if (total > size_t(1) << 28)
      return createStringError("the decoder makes more than 2^28 bytes of the vocabulary");
  }
  return llvm::Error::success();
}

llvm::Error readDecoder(JsonContext &context, const llvm::json::Value *part) {
  DecoderReader reader(context.description);
  if (llvm::Error error = reader.read(part))
    return error;
  return reader.apply();
}

} // namespace halftone::tokenizer
