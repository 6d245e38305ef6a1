//===- TensorData.cpp - element types and the bytes of initializers ---------===//

#include "compiler/Import/ONNX/TensorData.h"

#include "compiler/Import/ONNX/Names.h"
#include "runtime/support/Checked.h"

#include "mlir/IR/Builders.h"
#include "mlir/Support/DebugStringHelper.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

using namespace mlir;

namespace halftone::onnx {

std::string toString(DataType type) {
  static const char *const names[] = {
      "undefined",      "float32",  "uint8",        "int8",           "uint16",
      "int16",          "int32",    "int64",        "string",         "bool",
      "float16",        "float64",  "uint32",       "uint64",         "complex64",
      "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
      "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1",     "float8e8m0",
      "uint2",          "int2"};
  auto index = static_cast<size_t>(type);
  if (index < std::size(names))
    return names[index];
  return std::to_string(static_cast<int32_t>(type));
}

Type getElementType(DataType type, MLIRContext *context) {
  Builder b(context);
  switch (type) {
  case DataType::Float:
    return b.getF32Type();
  case DataType::Double:
    return b.getF64Type();
  case DataType::Float16:
    return b.getF16Type();
  case DataType::BFloat16:
    return b.getBF16Type();
  case DataType::Float8E4M3FN:
    return b.getType<Float8E4M3FNType>();
  case DataType::Float8E4M3FNUZ:
    return b.getType<Float8E4M3FNUZType>();
  case DataType::Float8E5M2:
    return b.getType<Float8E5M2Type>();
  case DataType::Float8E5M2FNUZ:
    return b.getType<Float8E5M2FNUZType>();
  case DataType::Float8E8M0:
    return b.getType<Float8E8M0FNUType>();
  case DataType::Float4E2M1:
    return b.getType<Float4E2M1FNType>();
  case DataType::Int2:
    return b.getIntegerType(2);
  case DataType::Int4:
    return b.getIntegerType(4);
  case DataType::Int8:
    return b.getI8Type();
  case DataType::Int16:
    return b.getI16Type();
  case DataType::Int32:
    return b.getI32Type();
  case DataType::Int64:
    return b.getI64Type();
  case DataType::UInt2:
    return b.getIntegerType(2, /*isSigned=*/false);
  case DataType::UInt4:
    return b.getIntegerType(4, /*isSigned=*/false);
  case DataType::UInt8:
    return b.getIntegerType(8, /*isSigned=*/false);
  case DataType::UInt16:
    return b.getIntegerType(16, /*isSigned=*/false);
  case DataType::UInt32:
    return b.getIntegerType(32, /*isSigned=*/false);
  case DataType::UInt64:
    return b.getIntegerType(64, /*isSigned=*/false);
  case DataType::Bool:
    return b.getI1Type();
  case DataType::Undefined:
  case DataType::String:
  case DataType::Complex64:
  case DataType::Complex128:
    break;
  }
  // A file may say any number.
  return {};
}

std::optional<DataType> getDataType(Type elementType) {
  for (int32_t i = 1; i <= static_cast<int32_t>(DataType::Int2); ++i)
    if (auto type = static_cast<DataType>(i); getElementType(type, elementType.getContext()) == elementType)
      return type;
  return std::nullopt;
}

std::string toString(Type elementType) {
  auto type = getDataType(elementType);
  return type ? toString(*type) : debugString(elementType);
}

int64_t getByteWidth(Type elementType) { return std::max(1u, elementType.getIntOrFloatBitWidth() / 8); }

/// Bits of one element in a file: 2- and 4-bit ones lie next to each other.
static unsigned getStoredBits(Type elementType) {
  return elementType.isInteger(1) ? 8 : elementType.getIntOrFloatBitWidth();
}

static std::string describeShape(ArrayRef<int64_t> dims) {
  return "[" + llvm::join(llvm::map_range(dims, [](int64_t d) { return std::to_string(d); }), ", ") + "]";
}

RankedTensorType TensorReader::getType(const Tensor &tensor, MLIRContext *context, std::string &error) {
  Type element = getElementType(tensor.type, context);
  if (!element) {
    error = "element type " + toString(tensor.type) + " is not supported";
    return {};
  }
  bool empty = llvm::is_contained(tensor.dims, 0);
  Checked<int64_t> bits = 8 * getByteWidth(element);
  bool isShape = true;
  for (int64_t size : tensor.dims) {
    isShape &= size >= 0 && (!empty || size <= INT32_MAX);
    bits *= empty ? 1 : size;
  }
  if (!isShape || !bits.isAtMost(INT64_MAX)) {
    error = "shape " + describeShape(tensor.dims) + " is not the shape of a tensor";
    return {};
  }
  return RankedTensorType::get(tensor.dims, element);
}

/// Bytes in a file of a tensor of `type`, whose shape `getType` has checked.
static uint64_t getByteCount(RankedTensorType type) {
  uint64_t bits = getStoredBits(type.getElementType());
  if (llvm::is_contained(type.getShape(), 0))
    return 0;
  for (int64_t size : type.getShape())
    bits *= size;
  return llvm::divideCeil(bits, 8);
}

/// Whether a file may hold elements of `type` as the varints of `storage`.
static bool isStoredAs(Storage storage, DataType type) {
  switch (type) {
  case DataType::Float:
  case DataType::Double:
    return false;
  case DataType::Int64:
    return storage == Storage::Int64s;
  case DataType::UInt32:
  case DataType::UInt64:
    return storage == Storage::UInt64s;
  default:
    return storage == Storage::Int32s;
  }
}

std::optional<TensorBytes> TensorReader::locate(const Tensor &tensor, RankedTensorType type,
                                                std::string &error) {
  uint64_t needed = getByteCount(type);
  Type element = type.getElementType();
  TensorBytes bytes;
  bytes.file = modelFile;
  switch (tensor.storage) {
  case Storage::Raw:
    break;
  case Storage::Floats:
    if (!element.isF32()) {
      error = "its elements are float32, but its type is " + toString(tensor.type);
      return std::nullopt;
    }
    break;
  case Storage::Doubles:
    if (!element.isF64()) {
      error = "its elements are float64, but its type is " + toString(tensor.type);
      return std::nullopt;
    }
    break;
  case Storage::External: {
    if (tensor.length && *tensor.length != needed) {
      error = "external data in " + quote(tensor.location) + " has " + std::to_string(*tensor.length) +
              " bytes, but " + toString(tensor.type) + describeShape(tensor.dims) + " needs " +
              std::to_string(needed);
      return std::nullopt;
    }
    std::string reason;
    auto data = files.read(tensor.location, tensor.offset, needed, reason);
    if (!data) {
      error = "external data in " + quote(tensor.location) + ": " + reason;
      return std::nullopt;
    }
    bytes.file = tensor.location.str();
    bytes.offset = tensor.offset;
    bytes.data = *data;
    return bytes;
  }
  case Storage::None:
    if (needed == 0) {
      bytes.offset = 0;
      return bytes;
    }
    error = "it has no elements, but " + toString(tensor.type) + describeShape(tensor.dims) + " needs " +
            std::to_string(needed) + " bytes";
    return std::nullopt;
  case Storage::Int32s:
  case Storage::Int64s:
  case Storage::UInt64s:
  case Storage::Given:
    return std::nullopt;
  }
  if (tensor.data.size() != needed) {
    error = "it has " + std::to_string(tensor.data.size()) + " bytes, but " + toString(tensor.type) +
            describeShape(tensor.dims) + " needs " + std::to_string(needed);
    return std::nullopt;
  }
  bytes.data = tensor.data;
  if (model.file && needed)
    bytes.offset = tensor.data.data() - model.file->bytes().data();
  return bytes;
}

/// Reads a base-128 varint and moves `data` behind it.
static std::optional<uint64_t> readVarint(StringRef &data) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 10 && i < data.size(); ++i) {
    auto byte = static_cast<uint8_t>(data[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (!(byte & 0x80)) {
      data = data.drop_front(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

/// The elements of 2 or 4 bits that `packed` holds, a byte each.
static std::vector<char> unpack(ArrayRef<char> packed, unsigned bits, int64_t count) {
  std::vector<char> bytes;
  int64_t perByte = 8 / bits;
  for (int64_t i = 0; i < count; ++i) {
    auto byte = static_cast<uint8_t>(packed[i / perByte]);
    bytes.push_back(static_cast<char>(byte >> (i % perByte * bits)));
  }
  return bytes;
}

DenseElementsAttr TensorReader::decode(const Tensor &tensor, RankedTensorType type, std::string &error) {
  auto bytes = locate(tensor, type, error);
  if (!error.empty())
    return {};
  Type element = type.getElementType();
  unsigned bits = getStoredBits(element);
  std::vector<char> raw;
  if (bytes) {
    raw.assign(bytes->data.begin(), bytes->data.end());
  } else if (tensor.storage == Storage::Given) {
    raw.assign(tensor.data.begin(), tensor.data.end());
  } else {
    // One varint per element, or per byte of packed ones; int32_data also holds the bits of floats.
    if (!isStoredAs(tensor.storage, tensor.type)) {
      error = "its elements are stored in a field that does not fit its type " + toString(tensor.type);
      return {};
    }
    uint64_t needed = getByteCount(type);
    StringRef rest = tensor.data;
    size_t width = getByteWidth(element);
    while (!rest.empty() && raw.size() < needed) {
      auto value = readVarint(rest);
      if (!value)
        break;
      char word[8];
      llvm::support::endian::write64le(word, *value);
      raw.insert(raw.end(), word, word + width);
    }
    if (!rest.empty() || raw.size() != needed) {
      error = "its elements do not fill shape " + describeShape(tensor.dims);
      return {};
    }
  }
  if (type.getNumElements() == 0)
    return DenseElementsAttr::get(type, ArrayRef<mlir::Attribute>());
  if (bits < 8) {
    if (tensor.storage != Storage::Given)
      raw = unpack(raw, bits, type.getNumElements());
    // A literal has zeros above, also where the sign is copied there in memory.
    for (char &byte : raw)
      byte &= static_cast<char>((1 << bits) - 1);
  }
  if (element.isInteger(1)) {
    SmallVector<bool> values;
    for (char byte : raw)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, values);
  }
  // getFromRawBuffer reads host order, and hosts are little-endian here.
  return DenseElementsAttr::getFromRawBuffer(type, raw);
}

} // namespace halftone::onnx
