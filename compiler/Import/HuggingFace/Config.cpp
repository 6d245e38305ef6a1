//===- Config.cpp - what config.json says -----------------------------------===//

#include "compiler/Import/HuggingFace/Config.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace halftone::huggingface {

const llvm::json::Value *Config::get(StringRef key) const {
  const llvm::json::Value *value = object.get(key);
  return value && value->kind() != llvm::json::Value::Null ? value : nullptr;
}

bool Config::has(StringRef key) const { return get(key); }

void Config::error(const Twine &message, ImportFailure kind) {
  if (parent)
    return parent->error(message, kind);
  if (std::exchange(valid, false))
    folder.error(kind) << message;
}

/// A value as a message has it.
static std::string quoted(const llvm::json::Value *value) {
  std::string text;
  if (value)
    llvm::raw_string_ostream(text) << *value;
  return quote(text);
}

void Config::report(StringRef key, const char *expected) {
  const llvm::json::Value *value = get(key);
  error((value ? Twine("\"") : Twine("has no \"")) + path + key + "\"" +
        (value ? " is " + quoted(value) : std::string()) + ": expected " + expected);
}

void Config::refuse(StringRef key, StringRef what) {
  error("\"" + path + key + "\" is " + quoted(get(key)) + ", which is not supported: " + what,
        ImportFailure::Unsupported);
}

void Config::fail(const Twine &message) { error(message); }

int64_t Config::getSize(StringRef key, std::optional<int64_t> otherwise) {
  const llvm::json::Value *value = get(key);
  if (!value && otherwise)
    return *otherwise;
  auto size = value ? value->getAsInteger() : std::nullopt;
  if (size && *size >= 1 && *size <= 1 << 28)
    return *size;
  report(key, "a whole number from 1 to 268435456");
  return 1;
}

double Config::getNumber(StringRef key, std::optional<double> otherwise) {
  const llvm::json::Value *value = get(key);
  if (!value && otherwise)
    return *otherwise;
  if (auto number = value ? value->getAsNumber() : std::nullopt; number && std::isfinite(*number))
    return *number;
  report(key, "a number");
  return 1;
}

bool Config::getBool(StringRef key, bool otherwise) {
  const llvm::json::Value *value = get(key);
  if (!value)
    return otherwise;
  if (auto boolean = value->getAsBoolean())
    return *boolean;
  report(key, "true or false");
  return otherwise;
}

std::string Config::getString(StringRef key, std::optional<StringRef> otherwise) {
  const llvm::json::Value *value = get(key);
  if (!value && otherwise)
    return otherwise->str();
  if (auto text = value ? value->getAsString() : std::nullopt)
    return text->str();
  report(key, "a string");
  return {};
}

std::vector<double> Config::getNumbers(StringRef key) {
  std::vector<double> numbers;
  const llvm::json::Value *value = get(key);
  const llvm::json::Array *array = value ? value->getAsArray() : nullptr;
  for (const llvm::json::Value &element : array ? *array : llvm::json::Array()) {
    auto number = element.getAsNumber();
    if (!number || !std::isfinite(*number)) {
      array = nullptr;
      break;
    }
    numbers.push_back(*number);
  }
  if (!array)
    report(key, "a list of numbers");
  return numbers;
}

std::vector<std::string> Config::getStrings(StringRef key) {
  std::vector<std::string> strings;
  const llvm::json::Value *value = get(key);
  const llvm::json::Array *array = value ? value->getAsArray() : nullptr;
  for (const llvm::json::Value &element : array ? *array : llvm::json::Array()) {
    auto text = element.getAsString();
    if (!text) {
      array = nullptr;
      break;
    }
    strings.push_back(text->str());
  }
  if (!array)
    report(key, "a list of strings");
  return strings;
}

std::unique_ptr<Config> Config::getObject(StringRef key) {
  const llvm::json::Value *value = get(key);
  if (!value)
    return nullptr;
  if (const llvm::json::Object *inner = value->getAsObject())
    return std::make_unique<Config>(folder, *inner, path + key.str() + ".", parent ? parent : this);
  report(key, "an object");
  return nullptr;
}

} // namespace halftone::huggingface
