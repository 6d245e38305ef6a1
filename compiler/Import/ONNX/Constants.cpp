//===- Constants.cpp - inputs that the user made constants ------------------===//

#include "compiler/Import/ONNX/Constants.h"

#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/SymbolicValue.h"
#include "compiler/Import/ONNX/TensorData.h"
#include "runtime/files/InputFile.h"
#include "runtime/files/Npy.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Error.h"

using namespace mlir;

namespace halftone::onnx {

/// Writers that know no extent leave it out or write a negative one.
static bool isStatic(const Dimension &dim) { return dim.value && *dim.value >= 0; }

static std::string describeShape(const ValueInfo &input) {
  std::string text;
  for (const Dimension &dim : input.dims)
    text += (text.empty() ? "" : ", ") +
            (isStatic(dim) ? std::to_string(*dim.value) : dim.parameter.empty() ? "?" : escape(dim.parameter));
  return "[" + text + "]";
}

/// The bits of one element; nullopt where `text` is no value of the type.
static std::optional<uint64_t> parseElement(StringRef text, Type element) {
  if (element.isInteger(1))
    return llvm::StringSwitch<std::optional<uint64_t>>(text.lower())
        .Cases({"true", "1"}, 1)
        .Cases({"false", "0"}, 0)
        .Default(std::nullopt);
  if (auto type = dyn_cast<FloatType>(element)) {
    const llvm::fltSemantics &semantics = type.getFloatSemantics();
    APFloat value(APFloat::IEEEdouble());
    auto status = value.convertFromString(text, APFloat::rmNearestTiesToEven);
    if (!status) {
      llvm::consumeError(status.takeError());
      return std::nullopt;
    }
    // What the type cannot hold is a mistake, not infinity.
    bool inexact;
    if ((value.isNegative() && !APFloat::semanticsHasSignedRepr(semantics)) ||
        (value.isZero() && !APFloat::semanticsHasZero(semantics)) ||
        (value.isNaN() && !APFloat::semanticsHasNaN(semantics)) ||
        (value.isInfinity() && !APFloat::semanticsHasInf(semantics)) ||
        ((*status | value.convert(semantics, APFloat::rmNearestTiesToEven, &inexact)) & APFloat::opOverflow))
      return std::nullopt;
    return value.bitcastToAPInt().getZExtValue();
  }
  unsigned width = element.getIntOrFloatBitWidth();
  uint64_t natural;
  int64_t integer;
  if (element.isUnsignedInteger()) {
    if (text.getAsInteger(10, natural) || (width < 64 && natural >> width))
      return std::nullopt;
    return natural;
  }
  if (text.getAsInteger(10, integer) || !llvm::isIntN(width, integer))
    return std::nullopt;
  return static_cast<uint64_t>(integer);
}

bool Constants::parseNumbers(const ValueInfo &input, StringRef text, std::vector<char> &bytes, Tensor &tensor,
                             std::string &error) {
  Type element = getElementType(input.type, &context);
  if (!element) {
    error = "element type " + toString(input.type) + " is not supported";
    return false;
  }
  SmallVector<StringRef> numbers;
  if (!text.trim().empty())
    text.split(numbers, ',');
  size_t width = getByteWidth(element);
  for (StringRef number : numbers) {
    auto bits = parseElement(number.trim(), element);
    if (!bits) {
      error = quote(number.trim()) + " is no " + toString(input.type);
      return false;
    }
    char word[8];
    llvm::support::endian::write64le(word, *bits);
    bytes.insert(bytes.end(), word, word + width);
  }
  for (const Dimension &dim : input.dims) {
    // A list says one extent by itself; more are a matter of an array.
    if (!isStatic(dim) && input.dims.size() > 1) {
      error = "numbers do not say the shape " + describeShape(input) + ": give a .npy file";
      return false;
    }
    tensor.dims.push_back(isStatic(dim) ? *dim.value : numbers.size());
  }
  auto count = countElements(tensor.dims, std::numeric_limits<int32_t>::max());
  if (count == static_cast<int64_t>(numbers.size()))
    return true;
  error = "shape " + describeShape(input) + " takes " +
          (count ? std::to_string(*count) + (*count == 1 ? " number" : " numbers") : "more numbers than can be given") +
          ", got " + std::to_string(numbers.size());
  return false;
}

/// The halftone_dtype of each DataType; 0 where there is none.
static uint32_t getDType(DataType type) {
  static constexpr uint32_t dtypes[] = {0,
                                        HALFTONE_F32,
                                        HALFTONE_U8,
                                        HALFTONE_I8,
                                        HALFTONE_U16,
                                        HALFTONE_I16,
                                        HALFTONE_I32,
                                        HALFTONE_I64,
                                        /*String=*/0,
                                        HALFTONE_BOOL,
                                        HALFTONE_F16,
                                        HALFTONE_F64,
                                        HALFTONE_U32,
                                        HALFTONE_U64,
                                        /*Complex64=*/0,
                                        /*Complex128=*/0,
                                        HALFTONE_BF16,
                                        HALFTONE_F8E4M3FN,
                                        HALFTONE_F8E4M3FNUZ,
                                        HALFTONE_F8E5M2,
                                        HALFTONE_F8E5M2FNUZ,
                                        HALFTONE_U4,
                                        HALFTONE_I4,
                                        HALFTONE_F4E2M1FN,
                                        HALFTONE_F8E8M0FNU,
                                        HALFTONE_U2,
                                        HALFTONE_I2};
  auto index = static_cast<size_t>(type);
  return index < std::size(dtypes) ? dtypes[index] : 0;
}

bool Constants::readFile(const ValueInfo &input, StringRef path, std::vector<char> &bytes, Tensor &tensor,
                         std::string &error) {
  rt::InputFile file;
  rt::Tensor array;
  rt::Diagnostic diagnostic;
  std::string name = path.str();
  if (!file.open(name.c_str(), diagnostic) || !rt::readNpy(file.bytes(), name.c_str(), array, diagnostic)) {
    error = diagnostic.text();
    return false;
  }
  tensor.dims.assign(array.dims, array.dims + array.rank);
  array.declareType(getDType(input.type));
  bool fits = getDType(input.type) == array.dtype && (!input.hasShape || array.rank == input.dims.size());
  for (unsigned i = 0; fits && input.hasShape && i < array.rank; ++i)
    fits = !isStatic(input.dims[i]) || *input.dims[i].value == array.dims[i];
  if (!fits) {
    error = "the model has " + toString(input.type) + (input.hasShape ? describeShape(input) : "") + ", but " +
            quote(path) + " holds " + rt::typeName(array.dtype) + rt::shapeText(array.dims, array.rank).c_str();
    return false;
  }
  const char *data = static_cast<const char *>(array.buffer.data());
  bytes.assign(data, data + array.buffer.size());
  return true;
}

const Tensor *Constants::add(const ValueInfo &input, StringRef text, std::string &error) {
  if (!input.isTensor) {
    error = "only tensors can be constant";
    return nullptr;
  }
  bool isFile = text.ends_with(".npy");
  if (!isFile && !input.hasShape) {
    error = "the model declares no rank for it: give a .npy file";
    return nullptr;
  }
  auto &[tensor, bytes] = tensors.emplace_back();
  tensor.name = input.name;
  tensor.type = input.type;
  tensor.storage = Storage::Given;
  if (!(isFile ? readFile(input, text, bytes, tensor, error) : parseNumbers(input, text, bytes, tensor, error)))
    return nullptr;
  tensor.data = StringRef(bytes.data(), bytes.size());
  return &tensor;
}

} // namespace halftone::onnx
