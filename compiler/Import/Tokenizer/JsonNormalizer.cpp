//===- JsonNormalizer.cpp - "normalizer" of tokenizer.json ------------------===//

#include "compiler/Import/Tokenizer/Json.h"
#include "compiler/Import/Tokenizer/UnicodeData.h"

#include "llvm/Support/Base64.h"

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;

static CharacterSet getSet(llvm::ArrayRef<uint32_t> table) { return CharacterSet::fromTable(table); }

static void removeSet(Description &description, const CharacterSet &set) {
  description.addReplace(description.patterns.addSet(set), /*keep=*/false, "");
}

/// Cleaning, spaces around ideographs, accents, lower case: each on request.
static void addBert(Description &description, const llvm::json::Object &object) {
  bool lower = getFlag(object, "lowercase", true);
  if (getFlag(object, "clean_text", true)) {
    removeSet(description, getSet(unicode::controls()));
    description.addReplace(description.patterns.addSet(spaces()), /*keep=*/false, " ");
  }
  if (getFlag(object, "handle_chinese_chars", true))
    description.addReplace(description.patterns.addSet(getSet(unicode::ideographs())), /*keep=*/true, " ",
                           " ");
  if (getFlag(object, "strip_accents", lower)) {
    description.addForm(/*compatible=*/false, /*compose=*/false);
    removeSet(description, getSet(unicode::accents()));
  }
  if (lower)
    description.addLower();
}

static llvm::Error addStep(Description &description, const llvm::json::Object &object, StringRef type) {
  if (type == "BertNormalizer")
    addBert(description, object);
  else if (type == "NFC" || type == "NFKC" || type == "NFD" || type == "NFKD")
    description.addForm(/*compatible=*/type.contains('K'), /*compose=*/type.ends_with("C"));
  else if (type == "Lowercase")
    description.addLower();
  else if (type == "StripAccents")
    removeSet(description, getSet(unicode::marks()));
  else if (type == "Strip")
    description.addStrip(getFlag(object, "strip_left"), getFlag(object, "strip_right"));
  else if (type == "Nmt") {
    removeSet(description, getSet(unicode::nmtRemoved()));
    description.addReplace(description.patterns.addSet(getSet(unicode::nmtSpaces())), /*keep=*/false, " ");
  } else if (type == "Prepend") {
    auto text = getText(object, "prepend", "normalizer Prepend");
    if (!text)
      return text.takeError();
    description.addPrepend(*text);
  } else if (type == "Replace") {
    auto pattern = getPattern(description.patterns, object, "normalizer Replace");
    if (!pattern)
      return pattern.takeError();
    auto content = getText(object, "content", "normalizer Replace");
    if (!content)
      return content.takeError();
    description.addReplace(*pattern, /*keep=*/false, *content);
  } else if (type == "Precompiled") {
    auto text = getText(object, "precompiled_charsmap", "normalizer Precompiled");
    if (!text)
      return text.takeError();
    std::vector<char> map;
    if (llvm::Error error = llvm::decodeBase64(*text, map))
      return error;
    // An empty map changes nothing.
    if (!map.empty())
      return description.addCharsmap({map.data(), map.size()}, /*byClusters=*/true);
  } else
    return createStringError("the normalizer %s is not supported", type.str().c_str());
  return llvm::Error::success();
}

static llvm::Error addSteps(Description &description, const llvm::json::Value *part, unsigned depth) {
  StringRef type;
  auto object = getTyped(part, "normalizer", type);
  if (!object || !*object)
    return object.takeError();
  if (type != "Sequence")
    return addStep(description, **object, type);
  const llvm::json::Array *list = (*object)->getArray("normalizers");
  if (!list || depth > 8)
    return createStringError("the normalizer Sequence has no list \"normalizers\", or is nested too deep");
  for (const llvm::json::Value &step : *list)
    if (llvm::Error error = addSteps(description, &step, depth + 1))
      return error;
  return llvm::Error::success();
}

llvm::Error readNormalizer(JsonContext &context, const llvm::json::Value *part) {
  return addSteps(context.description, part, 0);
}

} // namespace halftone::tokenizer
