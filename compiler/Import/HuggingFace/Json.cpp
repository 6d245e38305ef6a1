//===- Json.cpp - JSON of a model's folder ----------------------------------===//

#include "compiler/Import/HuggingFace/Json.h"

using namespace mlir;

namespace halftone::huggingface {

/// No configuration or header nests deeper; a parser that recurses must not.
static constexpr unsigned kMaxDepth = 32;

/// Whether no more than `kMaxDepth` brackets are open at once, strings left out.
static bool isShallow(StringRef text) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      i += c == '\\';
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth)
        return false;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

std::optional<llvm::json::Object> parseJson(Folder &folder, StringRef file, StringRef text) {
  if (!isShallow(text)) {
    folder.error(file) << "its JSON nests deeper than " << kMaxDepth << " levels";
    return std::nullopt;
  }
  auto value = llvm::json::parse(text);
  if (!value) {
    folder.error(file) << "is no JSON: " << llvm::toString(value.takeError());
    return std::nullopt;
  }
  llvm::json::Object *object = value->getAsObject();
  if (!object) {
    folder.error(file) << "is no JSON object";
    return std::nullopt;
  }
  return std::move(*object);
}

std::optional<llvm::json::Object> readJson(Folder &folder, StringRef file) {
  // Generous for the index of a model of a thousand layers.
  constexpr size_t kMaxBytes = 64 << 20;
  auto text = folder.open(file);
  if (!text)
    return std::nullopt;
  if (text->size() > kMaxBytes) {
    folder.error(file) << "has " << text->size() << " bytes, at most " << kMaxBytes << " are expected";
    return std::nullopt;
  }
  return parseJson(folder, file, *text);
}

} // namespace halftone::huggingface
