//===- HTQDialect.cpp - syntax of terms -------------------------------------===//

#include "dialects/HTQ/HTQDialect.h"

#include "dialects/HTQ/HTQOps.h"
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
