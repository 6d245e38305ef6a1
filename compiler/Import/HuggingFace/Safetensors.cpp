//===- Safetensors.cpp - the tensors of a .safetensors file -----------------===//
//
// Eight bytes, little-endian: the length of the header; the header, a JSON object
//
//   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …,
//    "__metadata__": {"key": "text"}}
//
// with offsets from its own end on; the data.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Safetensors.h"

#include "compiler/Import/HuggingFace/Json.h"
#include "runtime/support/Checked.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"

using namespace mlir;
using halftone::transformer::StoredTensor;

namespace halftone::huggingface {

/// The format's own limit.
static constexpr uint64_t kMaxHeader = 100'000'000;

/// Null for a name that the format does not have.
static Type getElementType(StringRef dtype, MLIRContext &context) {
  Builder b(&context);
  return llvm::StringSwitch<Type>(dtype)
      .Case("F64", b.getF64Type())
      .Case("F32", b.getF32Type())
      .Case("F16", b.getF16Type())
      .Case("BF16", b.getBF16Type())
      .Case("F8_E4M3", b.getType<Float8E4M3FNType>())
      .Case("F8_E5M2", b.getType<Float8E5M2Type>())
      .Case("I64", b.getI64Type())
      .Case("I32", b.getI32Type())
      .Case("I16", b.getIntegerType(16))
      .Cases({"I8", "BOOL"}, b.getI8Type())
      .Case("U8", b.getIntegerType(8, false))
      .Case("U16", b.getIntegerType(16, false))
      .Case("U32", b.getIntegerType(32, false))
      .Case("U64", b.getIntegerType(64, false))
      .Default(Type());
}

/// The integers >= 0 of an array.
static std::optional<SmallVector<int64_t>> readSizes(const llvm::json::Value *value) {
  const llvm::json::Array *array = value ? value->getAsArray() : nullptr;
  if (!array)
    return std::nullopt;
  SmallVector<int64_t> sizes;
  for (const llvm::json::Value &element : *array) {
    auto size = element.getAsInteger();
    if (!size || *size < 0)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

LogicalResult readSafetensors(Folder &folder, StringRef file, llvm::StringMap<StoredTensor> &tensors) {
  auto bytes = folder.open(file);
  if (!bytes)
    return failure();
  if (bytes->size() < 8)
    return folder.error(file) << "is no safetensors file: it has " << bytes->size() << " bytes";
  uint64_t header = llvm::support::endian::read64le(bytes->data());
  if (header > kMaxHeader || header > bytes->size() - 8)
    return folder.error(file) << "is no safetensors file, or was cut off: its header would have " << header
                              << " bytes, of " << bytes->size();
  auto entries = parseJson(folder, file, bytes->substr(8, header));
  if (!entries)
    return failure();
  uint64_t begin = 8 + header, size = bytes->size() - begin;

  std::vector<std::tuple<uint64_t, uint64_t, std::string>> ranges;
  for (auto &[key, value] : *entries) {
    std::string name = key.str();
    if (name == "__metadata__")
      continue;
    auto fail = [&]() -> InFlightDiagnostic {
      return folder.error(file) << "tensor " << quote(name) << ": ";
    };
    const llvm::json::Object *entry = value.getAsObject();
    auto dtype = entry ? entry->getString("dtype") : std::nullopt;
    auto shape = readSizes(entry ? entry->get("shape") : nullptr);
    auto offsets = readSizes(entry ? entry->get("data_offsets") : nullptr);
    if (!dtype || !shape || !offsets || offsets->size() != 2)
      return fail() << "expected \"dtype\", \"shape\" and two \"data_offsets\"";
    Type element = getElementType(*dtype, folder.getContext());
    if (!element)
      return fail() << "has the unknown dtype " << quote(*dtype);
    constexpr size_t kMaxRank = 8;
    if (shape->size() > kMaxRank)
      return fail() << "has rank " << shape->size() << ", at most " << kMaxRank << " is possible";
    uint64_t first = (*offsets)[0], last = (*offsets)[1];
    if (first > last || last > size)
      return fail() << "lies in bytes " << first << " to " << last << " of " << size
                    << ": the file was cut off, or damaged";
    Checked<int64_t> need = element.getIntOrFloatBitWidth() / 8;
    for (int64_t dim : *shape)
      need *= dim;
    int64_t needed;
    if (!need.get(needed) || static_cast<uint64_t>(needed) != last - first)
      return fail() << "has " << last - first << " bytes, which are no " << *dtype << " of this shape";
    ranges.push_back({first, last, name});
    auto type = RankedTensorType::get(*shape, element);
    if (!tensors.try_emplace(name, StoredTensor{file.str(), begin + first, type}).second)
      return fail() << "is in " << quote(tensors.find(name)->second.file) << " as well";
  }

  // One after the other, so that nothing is read twice and nothing is hidden.
  llvm::sort(ranges);
  uint64_t end = 0;
  for (auto &[first, last, name] : ranges) {
    if (first != end)
      return folder.error(file) << "tensor " << quote(name) << " begins at byte " << first << " of the data, "
                                << (first < end ? "inside of another" : "behind a gap") << ": expected byte "
                                << end;
    end = last;
  }
  if (end != size)
    return folder.error(file) << "has " << size - end << " bytes that belong to no tensor";
  return success();
}

} // namespace halftone::huggingface
