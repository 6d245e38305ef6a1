//===- Terms.cpp - walking the terms of formats -----------------------------===//

#include "dialects/HTQ/Terms.h"

using namespace mlir;

namespace halftone::htq {

bool isTerm(Attribute attribute) {
  return isa_and_present<TypeAttr, AffineAttr, LookupAttr, SumAttr>(attribute);
}

void getLeaves(Attribute term, SmallVectorImpl<Type> &leaves) {
  if (auto leaf = dyn_cast<TypeAttr>(term)) {
    leaves.push_back(leaf.getValue());
  } else if (auto affine = dyn_cast<AffineAttr>(term)) {
    getLeaves(affine.getCodes(), leaves);
    getLeaves(affine.getScale(), leaves);
    if (affine.getZero())
      getLeaves(affine.getZero(), leaves);
  } else if (auto lookup = dyn_cast<LookupAttr>(term)) {
    getLeaves(lookup.getCodes(), leaves);
    getLeaves(lookup.getCodebook(), leaves);
  } else {
    auto sum = cast<SumAttr>(term);
    getLeaves(sum.getLhs(), leaves);
    getLeaves(sum.getRhs(), leaves);
  }
}

/// Whether data can become codes of this type: integers, or floats of at most 8 bits with a sign.
static bool isMadeOfData(Type type) {
  if (auto floats = dyn_cast<FloatType>(type))
    return floats.getWidth() <= 8 && !isa<Float8E8M0FNUType>(type);
  return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() > 1 && type.getIntOrFloatBitWidth() <= 16;
}

LogicalResult verifyRule(function_ref<InFlightDiagnostic()> emitError, AffineAttr affine, Rule rule,
                         std::optional<Rule> outer) {
  auto lookup = dyn_cast<LookupAttr>(affine.getCodes());
  Attribute codes = lookup && !outer ? lookup.getCodes() : affine.getCodes();
  auto leaf = dyn_cast<TypeAttr>(codes);
  if (!leaf || !isMadeOfData(leaf.getValue()) || (lookup && !isa<TypeAttr>(lookup.getCodebook())))
    return emitError() << "expected an affine of codes or of a lookup, got " << affine;
  Type type = leaf.getValue();
  if (rule != Rule::Absmax && !isa<IntegerType>(type))
    return emitError() << "has codes of " << type << ", which only absmax makes";
  if (lookup && rule != Rule::Absmax)
    return emitError() << "codes of a codebook are chosen by absmax, got " << stringifyRule(rule);
  if (static_cast<bool>(affine.getZero()) != (rule == Rule::Minmax))
    return emitError() << (affine.getZero() ? "has a zero, which only minmax finds"
                                                  : "needs a zero for minmax");
  if (affine.getZero() && affine.getZero() != codes)
    return emitError() << "has a zero that is not of the codes' type";
  bool hasSigns = !outer || outer == Rule::SignedMax;
  if (!affine.getZero() && !lookup && hasSigns && type.isUnsignedInteger())
    return emitError() << "has unsigned codes without a zero";
  if (auto scale = dyn_cast<AffineAttr>(affine.getScale()))
    return verifyRule(emitError, scale, scale.getZero() ? Rule::Minmax : Rule::Absmax, rule);
  if (!isa<TypeAttr>(affine.getScale()) || !isa<FloatType>(cast<TypeAttr>(affine.getScale()).getValue()))
    return emitError() << "expected a scale of floats or an affine, got " << affine.getScale();
  return success();
}

Attribute mapBlocks(Attribute term, function_ref<SmallVector<int64_t>(ArrayRef<int64_t>)> change) {
  MLIRContext *context = term.getContext();
  if (auto affine = dyn_cast<AffineAttr>(term))
    return AffineAttr::get(context, mapBlocks(affine.getCodes(), change), change(affine.getBlocks()),
                           mapBlocks(affine.getScale(), change),
                           affine.getZero() ? mapBlocks(affine.getZero(), change) : Attribute());
  if (auto lookup = dyn_cast<LookupAttr>(term))
    return LookupAttr::get(context, mapBlocks(lookup.getCodes(), change), lookup.getCodebook());
  if (auto sum = dyn_cast<SumAttr>(term))
    return SumAttr::get(context, mapBlocks(sum.getLhs(), change), mapBlocks(sum.getRhs(), change));
  return term;
}

static void describe(Attribute term, ArrayRef<ht::Dim> dims, StringRef prefix, SmallVectorImpl<Leaf> &leaves) {
  // What a part is made of goes by the part's name; a lone leaf has it.
  auto visit = [&](Attribute part, ArrayRef<ht::Dim> dims, const Twine &name) {
    std::string path = (prefix + name).str();
    if (auto leaf = dyn_cast<TypeAttr>(part))
      leaves.push_back({path, leaf.getValue(), ht::Dims(dims)});
    else
      describe(part, dims, isa<LookupAttr>(part) ? std::string(prefix) : path + ".", leaves);
  };
  if (auto affine = dyn_cast<AffineAttr>(term)) {
    visit(affine.getCodes(), dims, "codes");
    ht::Dims parameters = getParameterDims(affine, dims);
    visit(affine.getScale(), parameters, "scale");
    if (affine.getZero())
      visit(affine.getZero(), parameters, "zero");
  } else if (auto lookup = dyn_cast<LookupAttr>(term)) {
    visit(lookup.getCodes(), dims, "codes");
    size_t first = leaves.size();
    visit(lookup.getCodebook(), {}, "codebook");
    for (Leaf &leaf : MutableArrayRef(leaves).drop_front(first))
      leaf.isCodebook = true;
  } else {
    auto sum = cast<SumAttr>(term);
    visit(sum.getLhs(), dims, "lhs");
    visit(sum.getRhs(), dims, "rhs");
  }
}

SmallVector<Leaf> describeLeaves(Attribute term, ArrayRef<ht::Dim> dims) {
  if (auto leaf = dyn_cast<TypeAttr>(term))
    return {Leaf{"", leaf.getValue(), ht::Dims(dims)}};
  SmallVector<Leaf> leaves;
  describe(term, dims, "", leaves);
  return leaves;
}

SmallVector<Type> getQuantizedTypes(Attribute term, RankedTensorType type) {
  SmallVector<Type> types;
  for (const Leaf &leaf : describeLeaves(term, ht::getDims(type)))
    if (!leaf.isCodebook)
      types.push_back(ht::getTensorType(leaf.dims, leaf.element));
  return types;
}

bool hasLookup(Attribute term) {
  return term.walk([](LookupAttr) { return WalkResult::interrupt(); }).wasInterrupted();
}

double getBitsPerElement(Attribute term, ArrayRef<int64_t> shape) {
  ht::Dims dims;
  double elements = 1, bits = 0;
  for (int64_t size : shape) {
    dims.push_back(getAffineConstantExpr(size, term.getContext()));
    elements *= size;
  }
  for (const Leaf &leaf : describeLeaves(term, dims)) {
    double count = leaf.isCodebook ? 0 : leaf.element.getIntOrFloatBitWidth(); // A codebook is shared.
    for (ht::Dim dim : leaf.dims)
      count *= *ht::getConstant(dim);
    bits += count;
  }
  return elements > 0 ? bits / elements : 0;
}

ht::Dims getParameterDims(AffineAttr affine, ArrayRef<ht::Dim> codes) {
  ht::Dims dims;
  for (auto [dim, block] : llvm::zip_equal(codes, affine.getBlocks()))
    dims.push_back(block == AffineAttr::kWhole ? getAffineConstantExpr(1, affine.getContext())
                                               : ht::normalize(dim.ceilDiv(block)));
  return dims;
}

int64_t getInnerBlock(Attribute term) {
  auto affine = dyn_cast<AffineAttr>(term);
  return affine && !affine.getBlocks().empty() ? affine.getBlocks().back() : AffineAttr::kWhole;
}

/// A leaf of integers that a byte holds.
static IntegerType getCodeType(Attribute term) {
  auto leaf = dyn_cast_if_present<TypeAttr>(term);
  auto type = leaf ? dyn_cast<IntegerType>(leaf.getValue()) : IntegerType();
  return type && type.getWidth() > 1 && type.getWidth() <= 8 ? type : IntegerType();
}

/// An affine of such integers, and with such a zero if any.
static AffineAttr getIntegerAffine(Attribute term) {
  auto affine = dyn_cast<AffineAttr>(term);
  bool fits =
      affine && getCodeType(affine.getCodes()) && (!affine.getZero() || getCodeType(affine.getZero()));
  return fits ? affine : AffineAttr();
}

bool isIntegerProduct(Attribute lhs, Attribute rhs) {
  // The scale of a two-level term is outside: its codes are integers either way.
  return getIntegerAffine(lhs) && getIntegerAffine(rhs);
}

int64_t getMagnitude(AffineAttr affine) {
  auto getRange = [](IntegerType type) -> std::pair<int64_t, int64_t> {
    int64_t values = int64_t(1) << type.getWidth();
    return type.isUnsigned() ? std::pair(int64_t(0), values - 1) : std::pair(-values / 2, values / 2 - 1);
  };
  auto [least, greatest] = getRange(getCodeType(affine.getCodes()));
  auto [leastZero, greatestZero] =
      affine.getZero() ? getRange(getCodeType(affine.getZero())) : std::pair<int64_t, int64_t>(0, 0);
  return std::max(greatestZero - least, greatest - leastZero);
}

int64_t getLongestSum(Attribute lhs, Attribute rhs) {
  int64_t product = getMagnitude(cast<AffineAttr>(lhs)) * getMagnitude(cast<AffineAttr>(rhs));
  return std::numeric_limits<int32_t>::max() / product;
}

bool isScaledInIntegers(Attribute input, Attribute weight, int64_t length) {
  if (!isIntegerProduct(input, weight) || getInnerBlock(input) != AffineAttr::kWhole)
    return false;
  auto affine = cast<AffineAttr>(weight);
  AffineAttr scale = getIntegerAffine(affine.getScale());
  if (!scale || getInnerBlock(scale) != AffineAttr::kWhole)
    return false;
  // Magnitudes are below 2^9 each. -2^31 is an i32 and 2^31 none, but products of three least codes are
  // negative.
  int64_t product = getMagnitude(cast<AffineAttr>(input)) * getMagnitude(affine) * getMagnitude(scale);
  return length <= (int64_t(1) << 31) / product;
}

int64_t getPieceLength(Attribute lhs, Attribute rhs, int64_t length) {
  int64_t piece = length;
  for (Attribute term : {lhs, rhs})
    if (int64_t block = getInnerBlock(term); block != AffineAttr::kWhole)
      piece = std::min(piece, block);
  return piece;
}

Attribute withRank(Attribute term, unsigned rank) {
  return mapBlocks(term, [&](ArrayRef<int64_t> given) {
    SmallVector<int64_t> blocks(given);
    int64_t first = blocks.empty() || blocks.front() != AffineAttr::kWhole ? 1 : AffineAttr::kWhole;
    // Rows may have fewer axes than a matrix has: a row alone has one.
    while (blocks.size() > rank)
      blocks.erase(blocks.begin());
    blocks.insert(blocks.begin(), rank - blocks.size(), first);
    return blocks;
  });
}

AffineAttr getAffine(Type codes, ArrayRef<int64_t> blocks, Type scale, Type zero) {
  return AffineAttr::get(codes.getContext(), TypeAttr::get(codes), blocks, TypeAttr::get(scale),
                         zero ? Attribute(TypeAttr::get(zero)) : Attribute());
}

} // namespace halftone::htq
