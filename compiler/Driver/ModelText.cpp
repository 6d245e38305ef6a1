//===- ModelText.cpp - the tokenizer that goes with a model -----------------===//

#include "compiler/Driver/ModelText.h"

#include "compiler/Import/Chat/Chat.h"
#include "compiler/Import/GGUF/Importer.h"
#include "compiler/Import/GGUF/Reader.h"
#include "compiler/Import/Tokenizer/Tokenizer.h"
#include "dialects/HT/HTOps.h"
#include "runtime/text/Chat.h"
#include "runtime/text/Tokenizer.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace halftone::driver {

static constexpr llvm::StringLiteral kTokenizerAttr = "ht.tokenizer";

/// How many tokens the output "logits" tells apart; nullopt where there is none.
static std::optional<int64_t> getVocabulary(ModuleOp module) {
  // The levels of a lowered module have a graph each.
  std::optional<int64_t> vocabulary;
  module.walk([&](func::FuncOp graph) {
    if (graph.getName() != "main")
      return;
    for (auto [i, type] : llvm::enumerate(graph.getResultTypes())) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || tensor.getRank() < 2 || ht::getOutputName(graph, i) != "logits")
        continue;
      if (auto size = ht::getConstant(ht::getDims(tensor).back()))
        vocabulary = *size;
    }
  });
  return vocabulary;
}

/// Whether a GGUF file has a vocabulary.
static bool hasTokens(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return false;
  auto metadata = gguf::readMetadata((*file)->getBuffer());
  if (metadata)
    return metadata->get("tokenizer.ggml.tokens");
  llvm::consumeError(metadata.takeError());
  return false;
}

/// The tokenizer that a model's folder or file brings, from the model's folder on; empty where it brings
/// none.
static std::string findTokenizer(llvm::StringRef model) {
  if (isGGUF(model))
    return hasTokens(model) ? llvm::sys::path::filename(model).str() : "";
  llvm::SmallString<128> folder(model);
  if (!llvm::sys::fs::is_directory(model))
    llvm::sys::path::remove_filename(folder);
  llvm::sys::fs::make_absolute(folder);
  // Exporters put graphs into a folder of their own in the model's.
  llvm::SmallVector<llvm::StringRef, 2> places = {""};
  if (llvm::sys::path::filename(llvm::StringRef(folder).rtrim('/')) == "onnx")
    places.push_back("..");
  for (llvm::StringRef place : places)
    for (const char *name : {"tokenizer.json", "tokenizer.model"}) {
      llvm::SmallString<128> within(place), path(folder);
      llvm::sys::path::append(within, name);
      llvm::sys::path::append(path, within);
      if (llvm::sys::fs::exists(path))
        return within.str().str();
    }
  return {};
}

llvm::Error setTokenizer(ModuleOp module, llvm::StringRef model, llvm::StringRef option) {
  std::string path;
  if (option.empty()) {
    if (getVocabulary(module))
      path = findTokenizer(model);
  } else if (option != "none") {
    if (!llvm::sys::fs::exists(option))
      return llvm::createStringError("cannot open '%s': no such file; --tokenizer takes %s", option.str().c_str(),
                                     tokenizer::kTokenizerFiles);
    llvm::SmallString<128> absolute(option);
    llvm::sys::fs::make_absolute(absolute);
    path = absolute.str().str();
  }
  if (!path.empty())
    module->setAttr(kTokenizerAttr, StringAttr::get(module.getContext(), path));
  return llvm::Error::success();
}

/// Adds what a file beside the tokenizer says under "eos_token_id", of itself or of its "model": a token or a
/// list of them.
static llvm::Error addEnds(llvm::StringRef folder, llvm::StringRef name, llvm::SetVector<uint32_t> &ends) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return llvm::Error::success();
  auto json = tokenizer::parseJson((*file)->getBuffer());
  if (!json)
    return llvm::createStringError("%s: %s", path.c_str(), llvm::toString(json.takeError()).c_str());
  const llvm::json::Object *object = json->getAsObject();
  const llvm::json::Value *value = object ? object->get("eos_token_id") : nullptr;
  if (const llvm::json::Object *of = object && !value ? object->getObject("model") : nullptr)
    value = of->get("eos_token_id");
  if (!value)
    return llvm::Error::success();
  const llvm::json::Array *list = value->getAsArray();
  for (const llvm::json::Value &item : list ? *list : llvm::json::Array{*value})
    if (auto token = item.getAsInteger(); token && *token >= 0 && *token <= UINT32_MAX)
      ends.insert(static_cast<uint32_t>(*token));
  return llvm::Error::success();
}

/// The same of a GGUF file's keys.
static llvm::Error addEnds(llvm::StringRef path, llvm::SetVector<uint32_t> &ends) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError("%s: cannot be read: %s", path.str().c_str(),
                                   file.getError().message().c_str());
  auto metadata = gguf::readMetadata((*file)->getBuffer());
  if (!metadata)
    return llvm::createStringError("%s: %s", path.str().c_str(), llvm::toString(metadata.takeError()).c_str());
  for (const char *key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
    if (auto token = metadata->getInteger(key); token && *token >= 0 && *token <= UINT32_MAX)
      ends.insert(static_cast<uint32_t>(*token));
  return llvm::Error::success();
}

/// The token, if it is one, that a model writes behind its replies.
static std::optional<uint32_t> getReplyEnd(const emit::TextDescription &text) {
  auto bytes = [](const std::string &form) {
    return rt::Bytes{reinterpret_cast<const unsigned char *>(form.data()), form.size()};
  };
  rt::Diagnostic diagnostic;
  rt::Chat chat;
  rt::Tokenizer tokenizer;
  rt::Array<uint32_t> ids;
  if (!chat.open(bytes(text.chat), diagnostic) || !tokenizer.open(bytes(text.tokenizer), diagnostic) ||
      !tokenizer.encode(chat.replyStop(), /*whole=*/false, ids, diagnostic) || ids.size() != 1 ||
      !tokenizer.getTables().isSpecial(ids[0]))
    return std::nullopt;
  return ids[0];
}

/// The compiled form of the template beside the tokenizer; empty where there is none.
static llvm::Expected<std::string> readChat(ModuleOp module, llvm::StringRef path) {
  auto found = chat::findChatTemplate(path);
  if (!found)
    return found.takeError();
  if (!*found)
    return std::string();
  auto form = chat::compileChatForm((*found)->text, (*found)->begin, (*found)->end);
  if (form)
    return std::move(*form);
  emitWarning(module.getLoc()) << "the program will not chat: " << (*found)->file << ": "
                               << llvm::toString(form.takeError());
  return std::string();
}

llvm::Expected<emit::TextDescription> readText(ModuleOp module, llvm::StringRef modelDirectory) {
  emit::TextDescription text;
  auto name = module->getAttrOfType<StringAttr>(kTokenizerAttr);
  if (!name)
    return text;
  module->removeAttr(kTokenizerAttr);
  llvm::SmallString<128> path(modelDirectory);
  if (llvm::sys::path::is_absolute(name.getValue()))
    path.assign(name.getValue());
  else
    llvm::sys::path::append(path, name.getValue());
  auto form = tokenizer::compileTokenizer(path);
  if (!form)
    return llvm::createStringError("%s (--tokenizer names another file, or none)",
                                   llvm::toString(form.takeError()).c_str());
  text.tokenizer = std::move(*form);
  rt::TokenizerHeader header;
  memcpy(&header, text.tokenizer.data(), sizeof(header));
  auto vocabulary = getVocabulary(module);
  if (vocabulary && header.numTokens > *vocabulary)
    return llvm::createStringError("%s: it has %u tokens, but the model only %lld: it is another model's tokenizer "
                                   "(--tokenizer names a file, or none)",
                                   path.c_str(), header.numTokens, static_cast<long long>(*vocabulary));

  llvm::SetVector<uint32_t> ends;
  bool isGguf = isGGUF(path);
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  if (isGguf) {
    if (llvm::Error error = addEnds(path, ends))
      return std::move(error);
  } else {
    for (const char *file : {"generation_config.json", "config.json", "genai_config.json"})
      if (llvm::Error error = addEnds(folder, file, ends))
        return std::move(error);
  }
  if (ends.empty() && header.end != rt::noToken)
    ends.insert(header.end);
  auto chat = readChat(module, isGguf ? path.str() : folder);
  if (!chat)
    return chat.takeError();
  text.chat = std::move(*chat);
  if (!text.chat.empty())
    if (auto end = getReplyEnd(text))
      ends.insert(*end);
  text.ends.assign(ends.begin(), ends.end());
  return text;
}

} // namespace halftone::driver
