//===- HTDialect.cpp - attributes and function constraints ------------------===//

#include "dialects/HT/HTDialect.h"

#include "dialects/HT/HTOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halftone::ht;

#include "dialects/HT/HTDialect.cpp.inc"
#include "dialects/HT/HTEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/HT/HTAttrs.cpp.inc"

void HTDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/HT/HTAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/HT/HTOps.cpp.inc"
      >();
}

Operation *HTDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements);
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// More symbols than any model needs; a bound so that names can be listed.
static constexpr unsigned kMaxSymbols = 32;

Attribute DimsAttr::parse(AsmParser &parser, Type) {
  MLIRContext *context = parser.getContext();
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (unsigned i = 0; i < kMaxSymbols; ++i)
      all.push_back("s" + std::to_string(i));
    return all;
  }();
  SmallVector<std::pair<StringRef, AffineExpr>> symbols;
  for (unsigned i = 0; i < kMaxSymbols; ++i)
    symbols.push_back({names[i], getAffineSymbolExpr(i, context)});

  SmallVector<AffineExpr> exprs;
  auto parseExpr = [&]() -> ParseResult {
    AffineExpr expr;
    if (parser.parseAffineExpr(symbols, expr))
      return failure();
    exprs.push_back(normalize(expr));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseExpr))
    return {};
  return DimsAttr::get(context, exprs);
}

void DimsAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(getExprs(), printer, [&](AffineExpr expr) { printer << toString(expr); });
  printer << ">";
}

LogicalResult DimsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                       function_ref<InFlightDiagnostic()> emitError) const {
  auto dynamic = llvm::count_if(shape, ShapedType::isDynamic);
  if (dynamic != static_cast<int64_t>(getExprs().size()))
    return emitError() << "expected one expression for each of the " << dynamic
                       << " dynamic dimensions, got " << getExprs().size();
  for (AffineExpr expr : getExprs())
    if (getConstant(expr))
      return emitError() << "dimension " << toString(expr) << " is constant: write it in the shape";
  return success();
}

LogicalResult SymbolAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef name,
                                 int64_t min, int64_t max) {
  if (min < 0 || min > max)
    return emitError() << "symbol \"" << name << "\" needs 0 <= min <= max, got " << min << " and " << max;
  return success();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Checks [F2] for one type or attribute of an operation.
static LogicalResult checkSymbols(Operation *op, DimsAttr dims, size_t declared) {
  for (AffineExpr expr : dims.getExprs()) {
    bool inRange = true;
    expr.walk([&](AffineExpr part) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
        inRange &= symbol.getPosition() < declared;
    });
    if (!inRange)
      return op->emitOpError() << "uses a symbol in " << toString(expr) << ", but the function declares "
                               << declared;
  }
  return success();
}

static LogicalResult checkSymbols(Operation *op, TypeRange types, size_t declared) {
  for (Type type : types)
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (auto dims = dyn_cast_if_present<DimsAttr>(tensor.getEncoding()))
        if (failed(checkSymbols(op, dims, declared)))
          return failure();
  return success();
}

LogicalResult HTDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != kSymbolsAttr)
    return success();
  auto function = dyn_cast<func::FuncOp>(op);
  auto array = dyn_cast<ArrayAttr>(attribute.getValue());
  if (!function || !array)
    return op->emitOpError() << "'" << kSymbolsAttr << "' must be an array on a function";
  llvm::StringSet<> names;
  for (Attribute element : array) {
    auto symbol = dyn_cast<SymbolAttr>(element);
    if (!symbol)
      return op->emitOpError() << "'" << kSymbolsAttr << "' must hold #ht.symbol, got " << element;
    if (!names.insert(symbol.getName()).second)
      return op->emitOpError() << "declares symbol \"" << symbol.getName() << "\" twice";
  }
  if (failed(checkSymbols(op, function.getArgumentTypes(), array.size())) ||
      failed(checkSymbols(op, function.getResultTypes(), array.size())))
    return failure();
  WalkResult result = function.walk([&](Operation *inner) {
    if (failed(checkSymbols(inner, inner->getResultTypes(), array.size())))
      return WalkResult::interrupt();
    for (NamedAttribute named : inner->getAttrs())
      if (auto dims = dyn_cast<DimsAttr>(named.getValue()))
        if (failed(checkSymbols(inner, dims, array.size())))
          return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Checks [F4] for argument `index`, once its attribute is met.
LogicalResult HTDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned index, NamedAttribute attribute) {
  auto function = dyn_cast<func::FuncOp>(op);
  if (attribute.getName() != kStateAttr || !function)
    return success();
  auto name = function.getArgAttrOfType<StringAttr>(index, kNameAttr);
  auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[index]);
  if (!name || !type || !type.hasStaticShape())
    return op->emitOpError() << "expected a name and a static type of state " << index << ", got "
                             << function.getArgumentTypes()[index];
  for (unsigned other = 0; other < function.getNumArguments(); ++other)
    if (other != index && function.getArgAttr(other, kStateAttr) && function.getArgAttr(other, kNameAttr) == name)
      return op->emitOpError() << "has two states named " << name;
  if (!getStateResult(function, index))
    return op->emitOpError() << "returns no state " << name << " of " << type;
  return success();
}

LogicalResult HTDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned index,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<func::FuncOp>(op);
  if (attribute.getName() != kStateAttr || !function)
    return success();
  unsigned owners = 0;
  for (unsigned argument = 0; argument < function.getNumArguments(); ++argument)
    owners += isState(function, argument) && getStateResult(function, argument) == index;
  if (owners != 1)
    return op->emitOpError() << "expected one state for result " << index << ", got " << owners;
  return success();
}

namespace halftone::ht {

bool isState(func::FuncOp function, unsigned argument) {
  return static_cast<bool>(function.getArgAttr(argument, HTDialect::kStateAttr));
}

std::optional<unsigned> getStateResult(func::FuncOp function, unsigned argument) {
  for (auto [result, type] : llvm::enumerate(function.getResultTypes()))
    if (function.getResultAttr(result, HTDialect::kStateAttr) && type == function.getArgumentTypes()[argument] &&
        function.getResultAttr(result, HTDialect::kNameAttr) == function.getArgAttr(argument, HTDialect::kNameAttr))
      return result;
  return std::nullopt;
}

LogicalResult verifySymbolicShapes(Operation *op) {
  for (TypeRange types : {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    for (Type type : types)
      if (auto tensor = dyn_cast<RankedTensorType>(type);
          tensor && !tensor.hasStaticShape() && !isa_and_present<DimsAttr>(tensor.getEncoding()))
        return op->emitOpError() << "has " << type << ", whose dynamic dimensions have no expressions";
  // Where a function declares symbols, the dialect checks it as a whole.
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || function.isPrivate() || function->hasAttr(HTDialect::kSymbolsAttr))
    return success();
  if (failed(checkSymbols(op, op->getOperandTypes(), 0)) || failed(checkSymbols(op, op->getResultTypes(), 0)))
    return failure();
  for (NamedAttribute named : op->getAttrs())
    if (auto dims = dyn_cast<DimsAttr>(named.getValue()))
      if (failed(checkSymbols(op, dims, 0)))
        return failure();
  return success();
}

SmallVector<SymbolAttr> getSymbols(func::FuncOp function) {
  SmallVector<SymbolAttr> symbols;
  if (auto array = function->getAttrOfType<ArrayAttr>(HTDialect::kSymbolsAttr))
    for (Attribute element : array)
      symbols.push_back(cast<SymbolAttr>(element));
  return symbols;
}

std::string getInputName(func::FuncOp function, unsigned index) {
  if (auto name = function.getArgAttrOfType<StringAttr>(index, HTDialect::kNameAttr))
    return name.str();
  return "input" + std::to_string(index);
}

std::string getOutputName(func::FuncOp function, unsigned index) {
  if (auto name = function.getResultAttrOfType<StringAttr>(index, HTDialect::kNameAttr))
    return name.str();
  return "output" + std::to_string(index);
}

} // namespace halftone::ht
