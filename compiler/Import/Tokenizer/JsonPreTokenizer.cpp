//===- JsonPreTokenizer.cpp - "pre_tokenizer" of tokenizer.json -------------===//

#include "compiler/Import/Tokenizer/Json.h"
#include "compiler/Import/Tokenizer/UnicodeData.h"

#include "llvm/ADT/StringSwitch.h"

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;
using rt::SplitBehavior;

/// How GPT-2 cuts text.
static constexpr const char *kByteLevelPattern =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

namespace {

class PreTokenizerReader {
public:
  explicit PreTokenizerReader(JsonContext &context) : context(context), description(context.description) {}

  llvm::Error read(const llvm::json::Value *part, unsigned depth = 0);

private:
  llvm::Error addStep(const llvm::json::Object &object, StringRef type);
  llvm::Error addRegex(StringRef regex, SplitBehavior behavior, bool inverted = false) {
    auto pattern = description.patterns.addRegex(regex);
    if (!pattern)
      return pattern.takeError();
    description.addSplit(*pattern, behavior, inverted);
    return llvm::Error::success();
  }
  void addSet(const CharacterSet &set, SplitBehavior behavior) {
    description.addSplit(description.patterns.addSet(set), behavior);
  }

  JsonContext &context;
  Description &description;
};

} // namespace

static llvm::Expected<SplitBehavior> getBehavior(const llvm::json::Object &object) {
  StringRef name = object.getString("behavior").value_or("Isolated");
  auto behavior = llvm::StringSwitch<std::optional<SplitBehavior>>(name)
                      .Case("Removed", SplitBehavior::Removed)
                      .Case("Isolated", SplitBehavior::Isolated)
                      .Case("MergedWithPrevious", SplitBehavior::MergedWithPrevious)
                      .Case("MergedWithNext", SplitBehavior::MergedWithNext)
                      .Case("Contiguous", SplitBehavior::Contiguous)
                      .Default(std::nullopt);
  if (!behavior)
    return createStringError("the pre-tokenizer's behavior \"%s\" is not supported", name.str().c_str());
  return *behavior;
}

llvm::Error PreTokenizerReader::addStep(const llvm::json::Object &object, StringRef type) {
  if (context.byteLevel)
    return createStringError("the pre-tokenizer %s after ByteLevel is not supported", type.str().c_str());
  if (type == "ByteLevel") {
    context.byteLevel = true;
    if (getFlag(object, "add_prefix_space", true))
      description.addPrefixSpace();
    if (getFlag(object, "use_regex", true))
      return addRegex(kByteLevelPattern, SplitBehavior::Isolated);
  } else if (type == "BertPreTokenizer") {
    addSet(spaces(), SplitBehavior::Removed);
    addSet(CharacterSet::fromTable(unicode::punctuation()), SplitBehavior::Isolated);
  } else if (type == "Whitespace")
    return addRegex("\\p{rustword}+|[^\\p{rustword}\\s]+", SplitBehavior::Removed, /*inverted=*/true);
  else if (type == "WhitespaceSplit")
    addSet(spaces(), SplitBehavior::Removed);
  else if (type == "Punctuation") {
    auto behavior = getBehavior(object);
    if (!behavior)
      return behavior.takeError();
    addSet(CharacterSet::fromTable(unicode::punctuation()), *behavior);
  } else if (type == "Digits")
    addSet(CharacterSet::fromTable(unicode::numeric()),
           getFlag(object, "individual_digits") ? SplitBehavior::Isolated : SplitBehavior::Contiguous);
  else if (type == "CharDelimiterSplit" || type == "Split") {
    auto behavior = type == "Split" ? getBehavior(object) : SplitBehavior::Removed;
    if (!behavior)
      return behavior.takeError();
    auto pattern = [&]() -> llvm::Expected<uint32_t> {
      if (type == "Split")
        return getPattern(description.patterns, object, "pre-tokenizer Split");
      auto delimiter = getText(object, "delimiter", "pre-tokenizer CharDelimiterSplit");
      if (!delimiter)
        return delimiter.takeError();
      return description.patterns.addLiteral(*delimiter);
    }();
    if (!pattern)
      return pattern.takeError();
    description.addSplit(*pattern, *behavior, getFlag(object, "invert"));
  } else if (type == "FixedLength") {
    int64_t length = object.getInteger("length").value_or(5);
    if (length < 1 || length > 1000)
      return createStringError("the pre-tokenizer FixedLength of %lld is not from 1 to 1000",
                               static_cast<long long>(length));
    return addRegex(("\\p{Any}{1," + llvm::Twine(length) + "}").str(), SplitBehavior::Isolated);
  } else if (type == "Metaspace") {
    auto scheme = getPrependScheme(object);
    if (!scheme)
      return scheme.takeError();
    auto replacement = getText(object, "replacement", "pre-tokenizer Metaspace");
    if (!replacement)
      return replacement.takeError();
    description.addMetaspace(*replacement, *scheme, getFlag(object, "split", true));
  } else
    return createStringError("the pre-tokenizer %s is not supported", type.str().c_str());
  return llvm::Error::success();
}

llvm::Error PreTokenizerReader::read(const llvm::json::Value *part, unsigned depth) {
  StringRef type;
  auto object = getTyped(part, "pre-tokenizer", type);
  if (!object || !*object)
    return object.takeError();
  if (type != "Sequence")
    return addStep(**object, type);
  const llvm::json::Array *list = (*object)->getArray("pretokenizers");
  if (!list || depth > 8)
    return createStringError(
        "the pre-tokenizer Sequence has no list \"pretokenizers\", or is nested too deep");
  for (const llvm::json::Value &step : *list)
    if (llvm::Error error = read(&step, depth + 1))
      return error;
  return llvm::Error::success();
}

llvm::Error readPreTokenizer(JsonContext &context, const llvm::json::Value *part) {
  return PreTokenizerReader(context).read(part);
}

} // namespace halftone::tokenizer
