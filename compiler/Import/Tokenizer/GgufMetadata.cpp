//===- GgufMetadata.cpp - keys and values of a GGUF file --------------------===//

#include "compiler/Import/Tokenizer/Gguf.h"
#include "runtime/files/ByteReader.h"

#include "llvm/ADT/StringMap.h"

namespace halftone::tokenizer {

using llvm::createStringError;
using llvm::StringRef;

namespace {

/// Value types by number.
enum Type : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, Text, List, U64, I64, F64, NumTypes };
constexpr uint8_t kSizes[NumTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct Value {
  Type type = U8;
  uint64_t count = 1;
  bool isList = false;
  rt::Bytes bytes; ///< of all elements
};

/// Over bytes that outlive it.
class Metadata : public GgufMetadata {
public:
  llvm::Error parse(StringRef bytes);

  std::optional<StringRef> getText(StringRef key) const override {
    auto texts = get(key, /*isList=*/false) ? readTexts(*get(key, false)) : std::nullopt;
    return texts ? std::optional(texts->front()) : std::nullopt;
  }
  std::optional<int64_t> getInteger(StringRef key) const override {
    const Value *value = get(key, false);
    if (!value || value->type == F32 || value->type == F64)
      return std::nullopt;
    auto numbers = readNumbers(*value);
    return numbers ? std::optional(static_cast<int64_t>(numbers->front())) : std::nullopt;
  }
  std::optional<std::vector<StringRef>> getTexts(StringRef key) const override {
    const Value *value = get(key, true);
    return value ? readTexts(*value) : std::nullopt;
  }
  std::optional<std::vector<double>> getNumbers(StringRef key) const override {
    const Value *value = get(key, true);
    return value ? readNumbers(*value) : std::nullopt;
  }

private:
  const Value *get(StringRef key, bool isList) const {
    auto found = values.find(key);
    return found != values.end() && found->second.isList == isList ? &found->second : nullptr;
  }
  static bool readText(rt::ByteReader &reader, StringRef &text);
  static bool skip(rt::ByteReader &reader, rt::Bytes all, Value &value);
  static std::optional<std::vector<StringRef>> readTexts(const Value &value);
  static std::optional<std::vector<double>> readNumbers(const Value &value);

  llvm::StringMap<Value> values;
};

} // namespace

bool Metadata::readText(rt::ByteReader &reader, StringRef &text) {
  uint64_t size;
  rt::Bytes part;
  if (!reader.read(size) || !reader.take(size, part))
    return false;
  text = StringRef(reinterpret_cast<const char *>(part.data), part.size);
  return true;
}

/// Goes behind the elements of a value, whose bytes it keeps.
bool Metadata::skip(rt::ByteReader &reader, rt::Bytes all, Value &value) {
  size_t begin = reader.position();
  if (value.type == Text)
    for (uint64_t i = 0; i < value.count; ++i) {
      StringRef text;
      if (!readText(reader, text))
        return false;
    }
  else {
    uint64_t bytes;
    if (!(Checked<uint64_t>(value.count) * kSizes[value.type]).get(bytes) || !reader.skip(bytes))
      return false;
  }
  return all.slice(begin, reader.position() - begin, value.bytes);
}

std::optional<std::vector<StringRef>> Metadata::readTexts(const Value &value) {
  if (value.type != Text)
    return std::nullopt;
  std::vector<StringRef> texts;
  rt::ByteReader reader(value.bytes);
  StringRef text;
  while (texts.size() < value.count && readText(reader, text))
    texts.push_back(text);
  return texts;
}

std::optional<std::vector<double>> Metadata::readNumbers(const Value &value) {
  if (value.type == Text)
    return std::nullopt;
  std::vector<double> numbers;
  rt::ByteReader reader(value.bytes);
  auto read = [&]<typename T>(T element) {
    if (!reader.read(element))
      return false;
    numbers.push_back(static_cast<double>(element));
    return true;
  };
  for (uint64_t i = 0; i < value.count; ++i) {
    bool there = value.type == U8 || value.type == Bool ? read(uint8_t())
                 : value.type == I8                     ? read(int8_t())
                 : value.type == U16                    ? read(uint16_t())
                 : value.type == I16                    ? read(int16_t())
                 : value.type == U32                    ? read(uint32_t())
                 : value.type == I32                    ? read(int32_t())
                 : value.type == U64                    ? read(uint64_t())
                 : value.type == I64                    ? read(int64_t())
                 : value.type == F32                    ? read(float())
                                                        : read(double());
    if (!there)
      return std::nullopt;
  }
  return numbers;
}

llvm::Error Metadata::parse(StringRef bytes) {
  rt::Bytes all = {reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()};
  rt::ByteReader reader(all);
  uint32_t magic = 0, version = 0;
  uint64_t numTensors = 0, numKeys = 0;
  constexpr uint32_t kMagic = 0x46554747; // GGUF
  if (!reader.read(magic) || magic != kMagic || !reader.read(version))
    return createStringError("it is no GGUF file");
  if (version != 2 && version != 3)
    return createStringError("it is a GGUF file of version %u; 2 and 3 are supported", version);
  if (!reader.read(numTensors) || !reader.read(numKeys))
    return createStringError("it ends in its header");
  for (uint64_t i = 0; i < numKeys; ++i) {
    StringRef key;
    uint32_t type = 0;
    if (!readText(reader, key) || !reader.read(type))
      return createStringError("it ends in its key %llu", static_cast<unsigned long long>(i));
    Value value;
    value.type = static_cast<Type>(type);
    if (type == List) {
      value.isList = true;
      if (!reader.read(type) || !reader.read(value.count))
        return createStringError("it ends in the list \"%s\"", key.str().c_str());
      value.type = static_cast<Type>(type);
    }
    if (type >= NumTypes || type == List)
      return createStringError("the value of \"%s\" has the type %u, which is not supported",
                               key.str().c_str(), type);
    if (!skip(reader, all, value))
      return createStringError("the value of \"%s\" reaches beyond its end", key.str().c_str());
    values[key] = value;
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<GgufMetadata>> parseGgufMetadata(StringRef bytes) {
  auto metadata = std::make_unique<Metadata>();
  if (llvm::Error error = metadata->parse(bytes))
    return std::move(error);
  return std::unique_ptr<GgufMetadata>(std::move(metadata));
}

} // namespace halftone::tokenizer
