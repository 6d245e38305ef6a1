//===- Reader.cpp - what a GGUF file holds ----------------------------------===//
//
// Little-endian, without padding but where it says so:
//
//   "GGUF", version u32, number of tensors u64, number of keys u64
//   each key: text, type u32, value; a text is its length u64 and its bytes, a list the
//     type u32 and the number u64 of its elements, and these
//   each tensor: name, number of dimensions u32, dimensions u64 (the first is contiguous),
//     type u32, offset u64 from the beginning of the data
//   the data, at the next multiple of general.alignment, as all offsets are
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUF/Reader.h"

#include "compiler/Import/Support/Names.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

namespace halftone::gguf {

using llvm::StringRef;

static constexpr uint8_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

static constexpr TensorType kTensorTypes[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
};

static llvm::Error fail(const llvm::Twine &message) { return llvm::createStringError(message); }

static bool readText(rt::ByteReader &reader, StringRef &text) {
  uint64_t size;
  rt::Bytes part;
  if (!reader.read(size) || !reader.take(size, part))
    return false;
  text = StringRef(reinterpret_cast<const char *>(part.data), part.size);
  return true;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static std::optional<std::vector<StringRef>> readTexts(const Entry &value) {
  if (value.type != ValueType::Text)
    return std::nullopt;
  std::vector<StringRef> texts;
  rt::ByteReader reader(value.bytes);
  StringRef text;
  while (texts.size() < value.count && readText(reader, text))
    texts.push_back(text);
  return texts;
}

/// The elements of a value as numbers of type To; none if it is of texts.
template <typename To>
static std::optional<std::vector<To>> readNumbers(const Entry &value) {
  if (value.type == ValueType::Text)
    return std::nullopt;
  std::vector<To> numbers;
  rt::ByteReader reader(value.bytes);
  auto read = [&]<typename T>(T element) {
    if (!reader.read(element))
      return false;
    numbers.push_back(static_cast<To>(element));
    return true;
  };
  auto readOne = [&] {
    switch (value.type) {
    case ValueType::U8:
    case ValueType::Bool:
      return read(uint8_t());
    case ValueType::I8:
      return read(int8_t());
    case ValueType::U16:
      return read(uint16_t());
    case ValueType::I16:
      return read(int16_t());
    case ValueType::U32:
      return read(uint32_t());
    case ValueType::I32:
      return read(int32_t());
    case ValueType::U64:
      return read(uint64_t());
    case ValueType::I64:
      return read(int64_t());
    case ValueType::F32:
      return read(float());
    case ValueType::F64:
      return read(double());
    case ValueType::Text:
    case ValueType::List:
      return false;
    }
    return false;
  };
  for (uint64_t i = 0; i < value.count; ++i)
    if (!readOne())
      return std::nullopt;
  return numbers;
}

static bool isFloat(const Entry &value) {
  return value.type == ValueType::F32 || value.type == ValueType::F64;
}

const Entry *Metadata::get(StringRef key) const {
  auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}

std::optional<StringRef> Metadata::getText(StringRef key) const {
  const Entry *value = get(key);
  auto texts = value && !value->isList ? readTexts(*value) : std::nullopt;
  return texts ? std::optional(texts->front()) : std::nullopt;
}

std::optional<int64_t> Metadata::getInteger(StringRef key) const {
  const Entry *value = get(key);
  auto numbers = value && !value->isList && !isFloat(*value) ? readNumbers<int64_t>(*value) : std::nullopt;
  return numbers ? std::optional(numbers->front()) : std::nullopt;
}

std::optional<double> Metadata::getNumber(StringRef key) const {
  const Entry *value = get(key);
  auto numbers = value && !value->isList ? readNumbers<double>(*value) : std::nullopt;
  return numbers ? std::optional(numbers->front()) : std::nullopt;
}

std::optional<std::vector<StringRef>> Metadata::getTexts(StringRef key) const {
  const Entry *value = get(key);
  return value && value->isList ? readTexts(*value) : std::nullopt;
}

std::optional<std::vector<double>> Metadata::getNumbers(StringRef key) const {
  const Entry *value = get(key);
  return value && value->isList ? readNumbers<double>(*value) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// Goes through a file once.
class Reader {
public:
  explicit Reader(StringRef bytes)
      : all{reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()}, reader(all) {}

  llvm::Error readKeys(Metadata &metadata);
  /// After the keys.
  llvm::Error readTensors(const Metadata &metadata, std::vector<Tensor> &tensors);

private:
  bool skip(Entry &value);
  llvm::Error readTensor(Tensor &tensor);

  rt::Bytes all;
  rt::ByteReader reader;
  uint64_t numTensors = 0;
};

/// Goes behind the elements of a value, whose bytes it keeps.
bool Reader::skip(Entry &value) {
  size_t begin = reader.position();
  if (value.type == ValueType::Text) {
    for (uint64_t i = 0; i < value.count; ++i) {
      StringRef text;
      if (!readText(reader, text))
        return false;
    }
  } else {
    uint64_t bytes;
    if (!(Checked<uint64_t>(value.count) * kSizes[static_cast<uint32_t>(value.type)]).get(bytes) ||
        !reader.skip(bytes))
      return false;
  }
  return all.slice(begin, reader.position() - begin, value.bytes);
}

llvm::Error Reader::readKeys(Metadata &metadata) {
  uint32_t magic = 0, version = 0;
  uint64_t numKeys = 0;
  constexpr uint32_t kMagic = 0x46554747; // GGUF
  if (!reader.read(magic) || magic != kMagic || !reader.read(version))
    return fail("it is no GGUF file");
  if ((version & 0xffff) == 0 && version != 0)
    return fail("it is a GGUF file for big-endian machines; convert the model for little-endian ones");
  if (version != 2 && version != 3)
    return fail("it is a GGUF file of version " + llvm::Twine(version) + "; 2 and 3 are supported");
  if (!reader.read(numTensors) || !reader.read(numKeys))
    return fail("it ends in its header");
  for (uint64_t i = 0; i < numKeys; ++i) {
    StringRef key;
    uint32_t type = 0;
    if (!readText(reader, key) || !reader.read(type))
      return fail("it ends in its key " + llvm::Twine(i));
    Entry value;
    if (type == static_cast<uint32_t>(ValueType::List)) {
      value.isList = true;
      if (!reader.read(type) || !reader.read(value.count))
        return fail("it ends in the list " + quote(key));
    }
    if (type >= std::size(kSizes) || type == static_cast<uint32_t>(ValueType::List))
      return fail("the value of " + quote(key) + " has the type " + llvm::Twine(type) +
                  ", which is none of a key or of a list's elements");
    value.type = static_cast<ValueType>(type);
    if (!skip(value))
      return fail("the value of " + quote(key) + " reaches beyond its end");
    if (!metadata.values.try_emplace(key, value).second)
      return fail("its key " + quote(key) + " comes twice");
  }
  return llvm::Error::success();
}

llvm::Error Reader::readTensor(Tensor &tensor) {
  constexpr uint32_t kMaxRank = 4;
  uint32_t rank = 0;
  if (!readText(reader, tensor.name) || !reader.read(rank))
    return fail("it ends in its list of tensors");
  std::string name = "tensor " + quote(tensor.name);
  if (rank > kMaxRank)
    return fail(name + " has " + llvm::Twine(rank) + " dimensions, at most " + llvm::Twine(kMaxRank) +
                " are possible");
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t dim = 0;
    if (!reader.read(dim))
      return fail("it ends in its list of tensors");
    if (dim < 1 || dim > INT64_MAX)
      return fail(name + " has a dimension of " + llvm::Twine(dim));
    tensor.dims.insert(tensor.dims.begin(), static_cast<int64_t>(dim));
  }
  if (!reader.read(tensor.typeNumber) || !reader.read(tensor.offset))
    return fail("it ends in its list of tensors");
  auto found =
      llvm::find_if(kTensorTypes, [&](const TensorType &t) { return t.number == tensor.typeNumber; });
  tensor.type = found == std::end(kTensorTypes) ? nullptr : found;
  return llvm::Error::success();
}

llvm::Error Reader::readTensors(const Metadata &metadata, std::vector<Tensor> &tensors) {
  llvm::StringSet<> names;
  for (uint64_t i = 0; i < numTensors; ++i) {
    Tensor tensor;
    if (llvm::Error error = readTensor(tensor))
      return error;
    if (!names.insert(tensor.name).second)
      return fail("tensor " + quote(tensor.name) + " is there twice");
    tensors.push_back(std::move(tensor));
  }

  constexpr StringRef kAlignment = "general.alignment";
  int64_t alignment = metadata.getInteger(kAlignment).value_or(metadata.get(kAlignment) ? 0 : 32);
  if (alignment < 1 || alignment > 1 << 24 || !llvm::isPowerOf2_64(alignment))
    return fail("its " + quote(kAlignment) + " is no power of two up to 16777216");
  uint64_t begin = llvm::alignTo(reader.position(), alignment);
  std::vector<std::tuple<uint64_t, uint64_t, StringRef>> ranges;
  for (Tensor &tensor : tensors) {
    auto failTensor = [&](const llvm::Twine &what) {
      return fail("tensor " + quote(tensor.name) + " " + what);
    };
    if (tensor.offset % alignment != 0)
      return failTensor("begins at byte " + llvm::Twine(tensor.offset) + " of the data, no multiple of " +
                        llvm::Twine(alignment));
    if (!(Checked<uint64_t>(tensor.offset) + begin).get(tensor.offset))
      return failTensor("begins beyond the end of the file");
    if (!tensor.type)
      continue;
    uint64_t innermost = tensor.dims.empty() ? 1 : tensor.dims.back();
    if (innermost % tensor.type->elements != 0)
      return failTensor("has rows of " + llvm::Twine(innermost) + " elements, which are no blocks of " +
                        llvm::Twine(tensor.type->elements) + " of " + tensor.type->name);
    Checked<uint64_t> bytes = innermost / tensor.type->elements * Checked<uint64_t>(tensor.type->bytes);
    for (int64_t dim : llvm::ArrayRef(tensor.dims).drop_back(tensor.dims.empty() ? 0 : 1))
      bytes *= dim;
    uint64_t size;
    if (!bytes.get(size) || !isInside(tensor.offset, size, all.size))
      return failTensor("reaches beyond the end of the file: it was cut off, or damaged");
    ranges.push_back({tensor.offset, size, tensor.name});
  }
  llvm::sort(ranges);
  for (size_t i = 1; i < ranges.size(); ++i) {
    auto &[first, size, name] = ranges[i - 1];
    if (std::get<0>(ranges[i]) - first < size)
      return fail("tensor " + quote(std::get<2>(ranges[i])) + " begins inside of " + quote(name));
  }
  return llvm::Error::success();
}

llvm::Expected<File> readFile(StringRef bytes) {
  File file;
  Reader reader(bytes);
  if (llvm::Error error = reader.readKeys(file.metadata))
    return std::move(error);
  if (llvm::Error error = reader.readTensors(file.metadata, file.tensors))
    return std::move(error);
  return std::move(file);
}

llvm::Expected<Metadata> readMetadata(StringRef bytes) {
  Metadata metadata;
  Reader reader(bytes);
  if (llvm::Error error = reader.readKeys(metadata))
    return std::move(error);
  return std::move(metadata);
}

} // namespace halftone::gguf
