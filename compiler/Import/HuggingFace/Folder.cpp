//===- Folder.cpp - the files of a model's folder ---------------------------===//

#include "compiler/Import/HuggingFace/Folder.h"

#include "compiler/Import/ONNX/Names.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace halftone::huggingface {

/// No configuration or header nests deeper; a parser that recurses must not.
static constexpr unsigned kMaxDepth = 32;

std::string quote(StringRef name) { return onnx::quote(name); }

std::string Folder::getPath(StringRef file) const {
  llvm::SmallString<128> full(path);
  llvm::sys::path::append(full, file);
  return full.str().str();
}

bool Folder::has(StringRef file) const { return llvm::sys::fs::exists(getPath(file)); }

Location Folder::getLocation(StringRef file) const {
  return FileLineColLoc::get(&context, getPath(file), 0, 0);
}

InFlightDiagnostic Folder::error(StringRef file, ImportFailure kind) {
  failure = kind;
  return emitError(getLocation(file));
}

std::optional<StringRef> Folder::open(StringRef file) {
  std::unique_ptr<onnx::MappedFile> &mapped = files[file];
  if (!mapped) {
    std::string message;
    mapped = onnx::MappedFile::open(getPath(file), message);
    if (!mapped) {
      error(file) << message;
      return std::nullopt;
    }
  }
  return mapped->bytes();
}

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

std::optional<llvm::json::Object> Folder::parseJson(StringRef file, StringRef text) {
  if (!isShallow(text)) {
    error(file) << "its JSON nests deeper than " << kMaxDepth << " levels";
    return std::nullopt;
  }
  auto value = llvm::json::parse(text);
  if (!value) {
    error(file) << "is no JSON: " << llvm::toString(value.takeError());
    return std::nullopt;
  }
  llvm::json::Object *object = value->getAsObject();
  if (!object) {
    error(file) << "is no JSON object";
    return std::nullopt;
  }
  return std::move(*object);
}

std::optional<llvm::json::Object> Folder::readJson(StringRef file) {
  // Generous for the index of a model of a thousand layers.
  constexpr size_t kMaxBytes = 64 << 20;
  auto text = open(file);
  if (!text)
    return std::nullopt;
  if (text->size() > kMaxBytes) {
    error(file) << "has " << text->size() << " bytes, at most " << kMaxBytes << " are expected";
    return std::nullopt;
  }
  return parseJson(file, *text);
}

} // namespace halftone::huggingface
