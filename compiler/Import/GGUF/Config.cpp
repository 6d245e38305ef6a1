//===- Config.cpp - what a GGUF file says of its model ----------------------===//

#include "compiler/Import/GGUF/Config.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using namespace mlir;

namespace halftone::gguf {

/// Keys that change nothing: what else says, or how the file was made.
static constexpr StringRef kIgnored[] = {"vocab_size", "tensor_data_layout", "rope.scaling.finetuned"};

void Config::error(const Twine &message, ImportFailure kind) {
  if (std::exchange(valid, false))
    folder.error(kind) << message;
}

std::string Config::getKey(StringRef key) {
  read.insert(key);
  return prefix + key.str();
}

void Config::report(StringRef key, const char *expected) {
  error((has(key) ? "its key " : "it has no key ") + quote(prefix + key.str()) +
            (has(key) ? " is not " : ": expected ") + expected,
        ImportFailure::Unreadable);
}

void Config::refuse(StringRef key, StringRef what) {
  std::string value;
  if (auto text = file.metadata.getText(prefix + key.str()))
    value = " " + quote(*text);
  else if (auto number = file.metadata.getInteger(prefix + key.str()))
    value = " " + std::to_string(*number);
  error("its key " + quote(prefix + key.str()) + " has a value" + value + " that is not supported: " + what,
        ImportFailure::Unsupported);
}

int64_t Config::getSize(StringRef key, std::optional<int64_t> otherwise) {
  std::string name = getKey(key);
  if (!has(key) && otherwise)
    return *otherwise;
  auto size = file.metadata.getInteger(name);
  if (size && *size >= 1 && *size <= 1 << 28)
    return *size;
  report(key, "a whole number from 1 to 268435456");
  return 1;
}

double Config::getNumber(StringRef key, std::optional<double> otherwise) {
  std::string name = getKey(key);
  if (!has(key) && otherwise)
    return *otherwise;
  if (auto number = file.metadata.getNumber(name); number && std::isfinite(*number))
    return *number;
  report(key, "a number");
  return 1;
}

bool Config::getBool(StringRef key, bool otherwise) {
  std::string name = getKey(key);
  if (!has(key))
    return otherwise;
  if (auto value = file.metadata.getInteger(name))
    return *value;
  report(key, "true or false");
  return otherwise;
}

std::string Config::getText(StringRef key, StringRef otherwise) {
  std::string name = getKey(key);
  if (!has(key))
    return otherwise.str();
  if (auto text = file.metadata.getText(name))
    return text->str();
  report(key, "a text");
  return otherwise.str();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

int64_t Config::getRows(StringRef name) {
  const Tensor *tensor = tensors.lookup(name);
  if (tensor && tensor->dims.size() == 2 && tensor->dims.front() <= 1 << 28)
    return tensor->dims.front();
  fail((tensor ? "its tensor " : "it has no tensor ") + quote(name) +
       (tensor ? " is no matrix of at most 268435456 rows" : ""));
  return 1;
}

std::vector<float> Config::getFloats(StringRef name, int64_t count) {
  std::vector<float> numbers(count, 1);
  const Tensor *tensor = tensors.lookup(name);
  if (!tensor || !tensor->type || tensor->type->name != "F32" || tensor->dims.size() != 1 ||
      tensor->dims.front() != count) {
    fail("expected " + Twine(count) + " numbers of F32 in tensor " + quote(name));
    return numbers;
  }
  for (int64_t i = 0; i < count; ++i)
    numbers[i] =
        llvm::bit_cast<float>(llvm::support::endian::read32le(bytes.data() + tensor->offset + 4 * i));
  return numbers;
}

void Config::reportUnread() const {
  std::vector<StringRef> unread;
  for (StringRef key : file.metadata.getKeys()) {
    StringRef name = key;
    if (name.consume_front(prefix) && !read.contains(name) && !llvm::is_contained(kIgnored, name))
      unread.push_back(key);
  }
  llvm::sort(unread);
  for (StringRef key : unread)
    emitWarning(folder.getLocation())
        << "the key " << quote(key) << " is not known here: what it says is left out";
}

} // namespace halftone::gguf
