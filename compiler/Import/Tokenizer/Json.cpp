//===- Json.cpp - tokenizer.json of Hugging Face's tokenizers ---------------===//

#include "compiler/Import/Tokenizer/Json.h"
#include "compiler/Import/Tokenizer/Tokenizer.h"
#include "compiler/Import/Tokenizer/Writer.h"
#include "runtime/text/Utf8.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;

llvm::Expected<const llvm::json::Object *> getTyped(const llvm::json::Value *part, StringRef what,
                                                    StringRef &type) {
  if (!part || part->getAsNull())
    return nullptr;
  const llvm::json::Object *object = part->getAsObject();
  auto name = object ? object->getString("type") : std::nullopt;
  if (!name)
    return createStringError("the %s is no object with a \"type\"", what.str().c_str());
  type = *name;
  return object;
}

llvm::Expected<StringRef> getText(const llvm::json::Object &object, StringRef key, StringRef what) {
  if (auto text = object.getString(key))
    return *text;
  return createStringError("the %s has no text \"%s\"", what.str().c_str(), key.str().c_str());
}

llvm::Expected<uint32_t> getPattern(PatternTable &patterns, const llvm::json::Object &object,
                                    StringRef what) {
  if (const llvm::json::Object *pattern = object.getObject("pattern")) {
    if (auto text = pattern->getString("String"); text && !text->empty())
      return patterns.addLiteral(*text);
    if (auto regex = pattern->getString("Regex"))
      return patterns.addRegex(*regex);
  }
  return createStringError("the %s has no \"pattern\" that is a text or a regular expression",
                           what.str().c_str());
}

llvm::Expected<rt::PrependScheme> getPrependScheme(const llvm::json::Object &object) {
  StringRef scheme = object.getString("prepend_scheme").value_or("");
  if (scheme == "never" || (scheme.empty() && !getFlag(object, "add_prefix_space", true)))
    return rt::PrependScheme::Never;
  if (scheme == "first")
    return rt::PrependScheme::First;
  if (scheme == "always" || scheme.empty())
    return rt::PrependScheme::Always;
  return createStringError("the Metaspace's \"prepend_scheme\" \"%s\" is not supported",
                           scheme.str().c_str());
}

/// Tokens beside the model's.
static llvm::Error readAdded(Description &description, const llvm::json::Array &list) {
  for (const llvm::json::Value &entry : list) {
    const llvm::json::Object *object = entry.getAsObject();
    auto content = object ? object->getString("content") : std::nullopt;
    auto id = object ? object->getInteger("id") : std::nullopt;
    if (!content || !id || *id < 0)
      return createStringError("an added token has no \"content\" or no \"id\"");
    AddedToken token;
    token.id = static_cast<uint32_t>(std::min<int64_t>(*id, kMaxTokens));
    token.content = content->str();
    token.special = getFlag(*object, "special");
    token.normalized = getFlag(*object, "normalized", !token.special);
    token.flags = (getFlag(*object, "lstrip") ? rt::addedStripLeft : 0) |
                  (getFlag(*object, "rstrip") ? rt::addedStripRight : 0) |
                  (getFlag(*object, "single_word") ? rt::addedWord : 0);
    // An added token may rename one of the model's.
    if (token.id < description.tokens.size())
      description.tokens[token.id] = token.content;
    if (llvm::Error error = description.addToken(token.id, token.content))
      return error;
    if (!token.content.empty())
      description.added.push_back(std::move(token));
  }
  description.scores.resize(description.model == rt::TokenizerModel::Unigram ? description.tokens.size() : 0);
  return llvm::Error::success();
}

namespace {
/// "post_processor": what it puts before and behind a single text.
class PostProcessorReader {
public:
  explicit PostProcessorReader(Description &description) : description(description) {}

  llvm::Error read(const llvm::json::Value *part, unsigned depth = 0);

private:
  llvm::Error readTemplate(const llvm::json::Object &object);
  llvm::Error add(std::vector<uint32_t> &list, const llvm::json::Value *id) {
    auto number = id ? id->getAsInteger() : std::nullopt;
    if (!number || *number < 0 || *number >= kMaxTokens)
      return createStringError("the post-processor names a token that is none");
    list.push_back(static_cast<uint32_t>(*number));
    return llvm::Error::success();
  }

  Description &description;
};
} // namespace

llvm::Error PostProcessorReader::readTemplate(const llvm::json::Object &object) {
  const llvm::json::Array *single = object.getArray("single");
  const llvm::json::Object *special = object.getObject("special_tokens");
  if (!single)
    return createStringError("the post-processor TemplateProcessing has no list \"single\"");
  std::vector<uint32_t> prefix, suffix;
  bool behind = false;
  for (const llvm::json::Value &entry : *single) {
    const llvm::json::Object *item = entry.getAsObject();
    if (item && item->getObject("Sequence")) {
      if (behind)
        return createStringError("the post-processor repeats the text, which is not supported");
      behind = true;
      continue;
    }
    const llvm::json::Object *token = item ? item->getObject("SpecialToken") : nullptr;
    auto name = token ? token->getString("id") : std::nullopt;
    const llvm::json::Object *known = name && special ? special->getObject(*name) : nullptr;
    const llvm::json::Array *ids = known ? known->getArray("ids") : nullptr;
    if (!ids)
      return createStringError("the post-processor names a special token that it does not describe");
    for (const llvm::json::Value &id : *ids)
      if (llvm::Error error = add(behind ? suffix : prefix, &id))
        return error;
  }
  // What an earlier one put there stays next to the text.
  description.prefix.insert(description.prefix.begin(), prefix.begin(), prefix.end());
  llvm::append_range(description.suffix, suffix);
  return llvm::Error::success();
}

llvm::Error PostProcessorReader::read(const llvm::json::Value *part, unsigned depth) {
  StringRef type;
  auto object = getTyped(part, "post-processor", type);
  if (!object || !*object)
    return object.takeError();
  if (type == "Sequence") {
    const llvm::json::Array *list = (*object)->getArray("processors");
    if (!list || depth > 8)
      return createStringError(
          "the post-processor Sequence has no list \"processors\", or is nested too deep");
    for (const llvm::json::Value &step : *list)
      if (llvm::Error error = read(&step, depth + 1))
        return error;
    return llvm::Error::success();
  }
  if (type == "TemplateProcessing")
    return readTemplate(**object);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    for (auto [key, list] : {std::pair("cls", &description.prefix), std::pair("sep", &description.suffix)}) {
      const llvm::json::Array *pair = (*object)->getArray(key);
      if (llvm::Error error = add(*list, pair && pair->size() == 2 ? &(*pair)[1] : nullptr))
        return error;
    }
    return llvm::Error::success();
  }
  if (type == "ByteLevel") // About offsets only.
    return llvm::Error::success();
  return createStringError("the post-processor %s is not supported", type.str().c_str());
}

llvm::Error readPostProcessor(JsonContext &context, const llvm::json::Value *part) {
  return PostProcessorReader(context.description).read(part);
}

/// llvm::json parses nested values by recursion.
static bool isNestedTooDeep(StringRef text) {
  constexpr unsigned deepest = 64;
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char letter = text[i];
    if (inString) {
      i += letter == '\\';
      inString = letter != '"';
    } else if (letter == '"')
      inString = true;
    else if (letter == '[' || letter == '{') {
      if (++depth > deepest)
        return true;
    } else if ((letter == ']' || letter == '}') && depth)
      --depth;
  }
  return false;
}

/// A \uD8xx\uDCxx at the beginning of `text` as a code point.
static std::optional<uint32_t> readSurrogates(StringRef text) {
  uint32_t high, low;
  if (text.size() < 12 || !text.starts_with("\\u") || !text.substr(6).starts_with("\\u") ||
      text.substr(2, 4).getAsInteger(16, high) || text.substr(8, 4).getAsInteger(16, low) || high < 0xd800 ||
      high > 0xdbff || low < 0xdc00 || low > 0xdfff)
    return std::nullopt;
  return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/// With escaped pairs of surrogates written out. llvm::json (22) joins their bits
/// by "or" and gets code points from U+20000 on wrong.
static std::string joinSurrogates(StringRef text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    char bytes[4];
    if (text[i] != '\\')
      result += text[i++];
    else if (auto point = readSurrogates(text.substr(i))) {
      result.append(bytes, rt::encodeUtf8(*point, bytes));
      i += 12;
    } else {
      result += text.substr(i, 2);
      i += 2;
    }
  }
  return result;
}

llvm::Expected<llvm::json::Value> parseJson(StringRef text) {
  if (isNestedTooDeep(text))
    return createStringError("its values are nested too deep");
  if (text.contains("\\ud") || text.contains("\\uD"))
    return llvm::json::parse(joinSurrogates(text));
  return llvm::json::parse(text);
}

llvm::Expected<std::string> compileTokenizerJson(StringRef text) {
  auto file = parseJson(text);
  if (!file)
    return file.takeError();
  const llvm::json::Object *root = file->getAsObject();
  if (!root)
    return createStringError("it is no JSON object");
  JsonContext context;
  if (llvm::Error error = readNormalizer(context, root->get("normalizer")))
    return error;
  if (llvm::Error error = readPreTokenizer(context, root->get("pre_tokenizer")))
    return error;
  if (llvm::Error error = readModel(context, root->get("model")))
    return error;
  const llvm::json::Array *added = root->getArray("added_tokens");
  if (llvm::Error error = readAdded(context.description, added ? *added : llvm::json::Array()))
    return error;
  if (llvm::Error error = normalizeAddedTokens(context.description))
    return error;
  if (llvm::Error error = readPostProcessor(context, root->get("post_processor")))
    return error;
  if (llvm::Error error = readDecoder(context, root->get("decoder")))
    return error;
  return writeTokenizer(std::move(context.description));
}

} // namespace halftone::tokenizer
