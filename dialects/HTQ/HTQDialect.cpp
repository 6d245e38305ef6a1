//===- HTQDialect.cpp - syntax of terms -------------------------------------===//

#include "dialects/HTQ/HTQDialect.h"

#include "dialects/HT/HTOps.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Observation.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::htq;

/// Terms of terms of … that a file may hold.
static constexpr unsigned kMaxTermDepth = 16;

static unsigned getDepth(Attribute term) {
  if (auto affine = dyn_cast<AffineAttr>(term))
    return 1 + std::max({getDepth(affine.getCodes()), getDepth(affine.getScale()),
                         affine.getZero() ? getDepth(affine.getZero()) : 0});
  if (auto lookup = dyn_cast<LookupAttr>(term))
    return 1 + std::max(getDepth(lookup.getCodes()), getDepth(lookup.getCodebook()));
  if (auto sum = dyn_cast<SumAttr>(term))
    return 1 + std::max(getDepth(sum.getLhs()), getDepth(sum.getRhs()));
  return 0;
}

//===----------------------------------------------------------------------===//
// Syntax: inside a term, terms are written without `#htq.`
//===----------------------------------------------------------------------===//

ParseResult htq::parseTerm(AsmParser &parser, Attribute &term) {
  StringRef keyword;
  if (succeeded(parser.parseOptionalKeyword(&keyword, {"affine", "lookup", "sum"}))) {
    term = keyword == "affine"   ? AffineAttr::parse(parser, {})
           : keyword == "lookup" ? LookupAttr::parse(parser, {})
                                 : SumAttr::parse(parser, {});
    return success(static_cast<bool>(term));
  }
  Type type;
  if (parser.parseType(type))
    return failure();
  term = TypeAttr::get(type);
  return success();
}

void htq::printTerm(AsmPrinter &printer, Attribute term) {
  TypeSwitch<Attribute>(term)
      .Case<TypeAttr>([&](auto leaf) { printer << leaf.getValue(); })
      .Case<AffineAttr, LookupAttr, SumAttr>([&](auto inner) {
        printer << inner.getMnemonic();
        inner.print(printer);
      });
}

static ParseResult parseZero(AsmParser &parser, Attribute &zero) {
  if (failed(parser.parseOptionalComma()))
    return success();
  return failure(parser.parseKeyword("zero") || parseTerm(parser, zero));
}

static void printZero(AsmPrinter &printer, Attribute zero) {
  if (zero) {
    printer << ", zero ";
    printTerm(printer, zero);
  }
}

static ParseResult parseBlocks(AsmParser &parser, SmallVector<int64_t> &blocks) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalQuestion())) {
      blocks.push_back(AffineAttr::kWhole);
      return success();
    }
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseInteger(blocks.emplace_back()))
      return failure();
    if (blocks.back() <= 0)
      return parser.emitError(loc, "a block has at least one element, got ") << blocks.back();
    return success();
  });
}

static void printBlocks(AsmPrinter &printer, ArrayRef<int64_t> blocks) {
  printer << '[';
  llvm::interleaveComma(blocks, printer, [&](int64_t block) {
    if (block == AffineAttr::kWhole)
      printer << '?';
    else
      printer << block;
  });
  printer << ']';
}

Attribute FormatAttr::parse(AsmParser &parser, Type) {
  std::optional<Rule> rule;
  Attribute term;
  DenseElementsAttr codebook;
  StringRef keyword;
  if (parser.parseLess())
    return {};
  if (succeeded(parser.parseOptionalKeyword(&keyword, {"absmax", "signed_max", "minmax"})))
    rule = symbolizeRule(keyword);
  if (parseTerm(parser, term) ||
      (succeeded(parser.parseOptionalKeyword("codebook")) && parser.parseAttribute(codebook)) || parser.parseGreater())
    return {};
  return parser.getChecked<FormatAttr>(parser.getContext(), rule, term, codebook);
}

void FormatAttr::print(AsmPrinter &printer) const {
  printer << '<';
  if (getRule())
    printer << stringifyRule(*getRule()) << ' ';
  printTerm(printer, getTerm());
  if (getCodebook())
    printer << " codebook " << getCodebook();
  printer << '>';
}

#include "dialects/HTQ/HTQDialect.cpp.inc"
#include "dialects/HTQ/HTQEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/HTQ/HTQAttrs.cpp.inc"

void HTQDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/HTQ/HTQAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/HTQ/HTQOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

static LogicalResult verifyParts(function_ref<InFlightDiagnostic()> emitError, ArrayRef<Attribute> parts) {
  for (Attribute part : parts) {
    if (!isTerm(part))
      return emitError() << "expected a term, got " << part;
    if (getDepth(part) >= kMaxTermDepth)
      return emitError() << "terms nest deeper than " << kMaxTermDepth;
  }
  return success();
}

LogicalResult AffineAttr::verify(function_ref<InFlightDiagnostic()> emitError, Attribute codes,
                                 ArrayRef<int64_t> blocks, Attribute scale, Attribute zero) {
  for (int64_t block : blocks)
    if (block < 0)
      return emitError() << "a block has at least one element, got " << block;
  SmallVector<Attribute> parts{codes, scale};
  if (zero)
    parts.push_back(zero);
  return verifyParts(emitError, parts);
}

LogicalResult LookupAttr::verify(function_ref<InFlightDiagnostic()> emitError, Attribute codes,
                                 Attribute codebook) {
  return verifyParts(emitError, {codes, codebook});
}

LogicalResult SumAttr::verify(function_ref<InFlightDiagnostic()> emitError, Attribute lhs, Attribute rhs) {
  return verifyParts(emitError, {lhs, rhs});
}

/// Whether every affine over a matrix has two blocks.
static bool isOfMatrices(Attribute term) {
  if (auto affine = dyn_cast<AffineAttr>(term))
    return affine.getBlocks().size() == 2 && isOfMatrices(affine.getCodes()) && isOfMatrices(affine.getScale()) &&
           (!affine.getZero() || isOfMatrices(affine.getZero()));
  if (auto lookup = dyn_cast<LookupAttr>(term))
    return isOfMatrices(lookup.getCodes());
  if (auto sum = dyn_cast<SumAttr>(term))
    return isOfMatrices(sum.getLhs()) && isOfMatrices(sum.getRhs());
  return true;
}

LogicalResult FormatAttr::verify(function_ref<InFlightDiagnostic()> emitError, std::optional<Rule> rule,
                                 Attribute term, DenseElementsAttr codebook) {
  if (!isTerm(term))
    return emitError() << "expected a term, got " << term;
  auto affine = dyn_cast<AffineAttr>(term);
  if (rule && !affine)
    return emitError() << "has a rule for " << term << ", which is no affine";
  if (rule && failed(verifyRule(emitError, affine, *rule)))
    return failure();
  auto lookup = rule ? dyn_cast<LookupAttr>(affine.getCodes()) : LookupAttr();
  if (lookup && !codebook)
    return emitError() << "lacks the codebook of its term";
  if (codebook && (!lookup || codebook.getType().getRank() != 1 ||
                   TypeAttr::get(codebook.getElementType()) != lookup.getCodebook()))
    return emitError() << "has a codebook of " << codebook.getType() << " that its term lacks";
  if (auto leaf = dyn_cast<TypeAttr>(term); leaf && !isa<FloatType>(leaf.getValue()))
    return emitError() << "casts to " << leaf.getValue() << ", which is no float";
  if (!isOfMatrices(term))
    return emitError() << "expected blocks of two axes, rows and k, got " << term;
  return success();
}

LogicalResult HTQDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kInputMagnitudesAttr) {
    auto linear = dyn_cast<ht::LinearOp>(op);
    auto values = dyn_cast<DenseElementsAttr>(attribute.getValue());
    if (!linear || !values || !values.getElementType().isF32() ||
        values.getType().getShape() != cast<RankedTensorType>(linear.getWeight().getType()).getShape().drop_front())
      return op->emitError() << attribute.getName() << " must be an f32 for each channel of a linear's input";
    return success();
  }
  if (attribute.getName() == kRotationAttr) {
    auto linear = dyn_cast<ht::LinearOp>(op);
    auto rotation = dyn_cast<DenseI64ArrayAttr>(attribute.getValue());
    if (!linear || !rotation || rotation.size() != 2)
      return op->emitError() << attribute.getName() << " must be an order and a stride for a linear's input";
    std::string reason = HadamardOp::whyNot(rotation[0], rotation[1], linear.getInput().getType());
    return reason.empty() ? success() : op->emitError() << attribute.getName() << ": " << reason;
  }
  bool isWeights = attribute.getName() == kWeightsAttr;
  if (!isWeights && attribute.getName() != kActivationsAttr)
    return op->emitError() << "has an unknown attribute " << attribute.getName();
  if (!isa<FormatAttr>(attribute.getValue()))
    return op->emitError() << attribute.getName() << " must be a format, got " << attribute.getValue();
  if (auto attention = dyn_cast<ht::AttentionOp>(op); attention && !isWeights) {
    if (!isa<TypeAttr>(cast<FormatAttr>(attribute.getValue()).getTerm()))
      return op->emitError() << attribute.getName() << " of attention must be a float, got "
                             << attribute.getValue();
    return success();
  }
  if (!isa<ht::LinearOp>(op) && !(isWeights && isa<ht::EmbeddingOp>(op)))
    return op->emitError() << "has " << attribute.getName() << ", but reads no weight"
                           << (isWeights ? "" : " with activations");
  return success();
}
