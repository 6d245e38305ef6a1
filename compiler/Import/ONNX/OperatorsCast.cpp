//===- OperatorsCast.cpp - conversions of element types ---------------------===//

#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/Operators.h"

#include <cmath>

using namespace mlir;
using halftone::ht::Dim;

namespace halftone::onnx {

namespace {

/// The element type that attribute `to` names; null after an error.
Type getTarget(NodeImporter &node) {
  auto to = static_cast<DataType>(node.requiredInteger("to"));
  Type element = node.failed() ? Type() : getElementType(to, node.getContext());
  if (!element && !node.failed())
    node.error("conversion to " + toString(to) + " is not supported",
               to == DataType::String ? "convert numbers to text outside of the model" : "");
  return element;
}

/// Powers of two that round down or to the nearest: the exponent of f32, which
/// is the code, after the half that a carry makes of the fraction.
Value castToPowerOfTwo(NodeImporter &node, Value x, Type element, bool nearest, bool saturate) {
  Builder b(node.getContext());
  Type word = b.getIntegerType(32, /*isSigned=*/false);
  Value wide = node.cast(x, b.getF32Type());
  Value bits = node.bitcast(node.unary<ht::AbsOp>(wide), word);
  Value half = node.scalar(nearest ? 0x400000 : 0, word);
  Value code = node.div(node.add(bits, half), node.scalar(0x800000, word));
  if (saturate)
    code = node.infer<ht::MinOp>({code, node.scalar(254, word)});
  // NaN and infinity.
  Value special = node.compare(ht::ComparePredicate::GE, bits, node.scalar(0x7f800000, word));
  code = node.where(special, node.scalar(255, word), code);
  return node.bitcast(node.cast(code, b.getIntegerType(8, /*isSigned=*/false)), element);
}

/// The number that `text` writes, as ONNX has it; nullopt where it is none.
std::optional<double> parseNumber(StringRef text) {
  std::string lower = text.trim().lower();
  StringRef digits = StringRef(lower).ltrim('+');
  double infinity = std::numeric_limits<double>::infinity(), number;
  if (digits == "inf" || digits == "-inf")
    return digits == "inf" ? infinity : -infinity;
  if (digits == "nan")
    return std::numeric_limits<double>::quiet_NaN();
  return digits.getAsDouble(number) ? std::nullopt : std::optional(number);
}

/// Text that is known, as numbers: there are no strings in programs.
void emitNumbers(NodeImporter &node, const Tensor &text, Type element) {
  SymbolicTensor numbers;
  numbers.elementType = element;
  numbers.shape.assign(text.dims.begin(), text.dims.end());
  auto count = countElements(numbers.shape, SymbolicTensor::kMaxElements);
  if (!count || *count != static_cast<int64_t>(text.strings.size()))
    return node.error("its text has " + Twine(text.strings.size()) + " strings, which do not fill its shape, or are more "
                      "than " + Twine(SymbolicTensor::kMaxElements));
  for (StringRef string : text.strings) {
    int64_t integer;
    auto number = parseNumber(string);
    if (numbers.isFloat() && number)
      numbers.elements.push_back({Dim(), FloatAttr::get(element, *number).getValueAsDouble()});
    else if (!string.trim().getAsInteger(10, integer))
      numbers.elements.push_back({node.symbols().constant(integer)});
    else if (number && std::abs(*number) < 9e15)
      numbers.elements.push_back({node.symbols().constant(static_cast<int64_t>(*number))});
    else
      return node.error("'" + escape(string) + "' is no number");
  }
  node.setResult(0, std::move(numbers));
}

/// The conversion of input 0 to `element`.
void emitConversion(NodeImporter &node, Type element) {
  Binding *given = node.anyInput(0);
  if (!given || node.failed())
    return;
  if (given->kind == Binding::Kind::Text)
    return emitNumbers(node, *given->text, element);
  if (element == node.elementType(0))
    return node.forward(0, 0);
  bool isCode = isa<FloatType>(element) && element.getIntOrFloatBitWidth() <= 8;
  // A converted initializer is a weight of its own, converted at compile time.
  if (Value weight = isCode ? Value() : node.castWeight(0, ht::withElementType(node.type(0), element)))
    return node.setResult(0, weight);
  bool saturate = isCode && node.integer("saturate", 1) != 0;
  StringRef mode = node.string("round_mode", "up");
  Value x = node.input(0);
  if (isa<Float8E8M0FNUType>(element) && mode != "up") {
    if (mode != "nearest" && mode != "down")
      return node.error("round_mode must be up, down or nearest, got '" + mode + "'");
    return node.setResult(0, castToPowerOfTwo(node, x, element, mode == "nearest", saturate));
  }
  // What has no NaN makes -0 of it.
  Type from = node.elementType(0);
  if (isa<Float4E2M1FNType>(element) && isa<FloatType>(from) && from.getIntOrFloatBitWidth() > 8 && x) {
    auto flags = ht::withElementType(node.type(0), IntegerType::get(node.getContext(), 1));
    Value isNaN = ht::IsNaNOp::create(node.getBuilder(), node.getLoc(), flags, x);
    x = node.where(isNaN, node.scalarLike(-0.0, x), x);
  }
  node.setResult(0, node.cast(x, element, saturate));
}

void emitCast(NodeImporter &node) {
  if (Type element = getTarget(node))
    emitConversion(node, element);
}

void emitCastLike(NodeImporter &node) { emitConversion(node, node.elementType(1)); }

/// A bool is a byte, 0 or 1, which its conversion is too.
void emitBitCast(NodeImporter &node) {
  Type to = getTarget(node), from = node.elementType(0);
  if (node.failed())
    return;
  auto width = [](Type type) { return type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth(); };
  if (width(to) != width(from))
    return node.error("elements of " + Twine(width(from)) + " bits cannot become " + Twine(width(to)) + " bits");
  if (to == from)
    return node.forward(0, 0);
  Type byte = IntegerType::get(node.getContext(), 8, IntegerType::Unsigned);
  Value x = node.input(0);
  if (from.isInteger(1))
    x = node.cast(x, byte);
  if (to.isInteger(1))
    return node.setResult(0, node.cast(from == byte || from.isInteger(1) ? x : node.bitcast(x, byte), to));
  node.setResult(0, node.bitcast(x, to));
}

const char *const kNote = "strings must be known at import; complex numbers are refused";

const Operator kOperators[] = {
    {"", "BitCast", 26, kNewest, emitBitCast, nullptr, kNote},
    {"", "Cast", 6, kNewest, emitCast, evaluateCast, kNote},
    {"", "CastLike", 15, kNewest, emitCastLike, nullptr, kNote},
};

} // namespace

ArrayRef<Operator> castOperators() { return kOperators; }

} // namespace halftone::onnx
