//===- ChatSource.cpp - where checkpoints have their chat template ----------===//

#include "compiler/Import/Chat/Chat.h"
#include "compiler/Import/GGUF/Reader.h"
#include "compiler/Import/Tokenizer/Tokenizer.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

namespace halftone::chat {

using llvm::createStringError;
using llvm::StringRef;

using Buffer = std::unique_ptr<llvm::MemoryBuffer>;

static llvm::Expected<Buffer> readFile(const llvm::Twine &path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return createStringError(path + ": cannot be read: " + file.getError().message());
  return std::move(*file);
}

static llvm::Expected<llvm::json::Object> readObject(const std::string &path) {
  auto file = readFile(path);
  if (!file)
    return file.takeError();
  auto json = tokenizer::parseJson((*file)->getBuffer());
  if (!json)
    return createStringError(path + ": " + llvm::toString(json.takeError()));
  if (llvm::json::Object *object = json->getAsObject())
    return std::move(*object);
  return createStringError(path + ": it is no JSON object");
}

/// "chat_template": a text, or a list of which the one called "default" counts.
static llvm::Error readTemplate(const llvm::json::Object &object, const std::string &path,
                                std::optional<ChatTemplate> &found) {
  const llvm::json::Value *value = object.get("chat_template");
  if (!value || value->getAsNull())
    return llvm::Error::success();
  auto text = value->getAsString();
  if (const llvm::json::Array *list = value->getAsArray())
    for (const llvm::json::Value &item : *list)
      if (const llvm::json::Object *named = item.getAsObject();
          named && named->getString("name") == "default")
        text = named->getString("template");
  if (!text)
    return createStringError(path +
                             ": \"chat_template\" is no text, and no list with one called \"default\"");
  found = ChatTemplate{text->str(), "", "", path};
  return llvm::Error::success();
}

/// "bos_token" and "eos_token": a text, or an object that has it as "content".
static void readTokens(const llvm::json::Object &object, ChatTemplate &found) {
  for (auto [key, token] : {std::pair("bos_token", &found.begin), std::pair("eos_token", &found.end)}) {
    auto text = object.getString(key);
    if (const llvm::json::Object *added = object.getObject(key))
      text = added->getString("content");
    if (text && token->empty())
      *token = text->str();
  }
}

static llvm::Expected<std::optional<ChatTemplate>> findInFolder(StringRef folder, StringRef jinjaFile) {
  auto pathOf = [&](StringRef name) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return path.str().str();
  };
  std::optional<ChatTemplate> found;
  std::string jinja = jinjaFile.empty() ? pathOf("chat_template.jinja") : jinjaFile.str();
  if (llvm::sys::fs::exists(jinja)) {
    auto file = readFile(jinja);
    if (!file)
      return file.takeError();
    found = ChatTemplate{(*file)->getBuffer().str(), "", "", jinja};
  }
  for (StringRef name : {"chat_template.json", "tokenizer_config.json", "special_tokens_map.json"}) {
    std::string path = pathOf(name);
    if (!llvm::sys::fs::exists(path))
      continue;
    auto object = readObject(path);
    if (!object)
      return object.takeError();
    if (!found)
      if (llvm::Error error = readTemplate(*object, path, found))
        return std::move(error);
    if (found)
      readTokens(*object, *found);
  }
  return found;
}

static llvm::Expected<std::optional<ChatTemplate>> findInGguf(StringRef bytes, const std::string &path) {
  auto metadata = gguf::readMetadata(bytes);
  if (!metadata)
    return createStringError(path + ": " + llvm::toString(metadata.takeError()));
  auto text = metadata->getText("tokenizer.chat_template");
  if (!text)
    return std::nullopt;
  ChatTemplate found = {text->str(), "", "", path};
  auto tokens = metadata->getTexts("tokenizer.ggml.tokens").value_or(std::vector<StringRef>());
  for (auto [key, token] : {std::pair("tokenizer.ggml.bos_token_id", &found.begin),
                            std::pair("tokenizer.ggml.eos_token_id", &found.end)})
    if (auto id = metadata->getInteger(key); id && *id >= 0 && static_cast<uint64_t>(*id) < tokens.size())
      *token = tokens[static_cast<size_t>(*id)].str();
  return found;
}

llvm::Expected<std::optional<ChatTemplate>> findChatTemplate(StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return findInFolder(path, "");
  auto file = readFile(path);
  if (!file)
    return file.takeError();
  StringRef bytes = (*file)->getBuffer();
  if (bytes.starts_with("GGUF"))
    return findInGguf(bytes, path.str());
  // A template of its own has its tokens in the folder, where there are any.
  if (!path.ends_with(".json"))
    return findInFolder(llvm::sys::path::parent_path(path), path);
  auto object = readObject(path.str());
  if (!object)
    return object.takeError();
  std::optional<ChatTemplate> found;
  if (llvm::Error error = readTemplate(*object, path.str(), found))
    return std::move(error);
  if (found)
    readTokens(*object, *found);
  return found;
}

} // namespace halftone::chat
