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
  if (auto affine = dyn_cast<AffineAttr>(term)) {
    SmallVector<int64_t> blocks(affine.getBlocks());
    int64_t first = blocks.empty() || blocks.front() != AffineAttr::kWhole ? 1 : AffineAttr::kWhole;
    blocks.insert(blocks.begin(), std::max<int64_t>(rank, blocks.size()) - blocks.size(), first);
    return AffineAttr::get(term.getContext(), withRank(affine.getCodes(), rank), blocks,
                           withRank(affine.getScale(), rank),
                           affine.getZero() ? withRank(affine.getZero(), rank) : Attribute());
  }
  if (auto lookup = dyn_cast<LookupAttr>(term))
    return LookupAttr::get(term.getContext(), withRank(lookup.getCodes(), rank), lookup.getCodebook());
  if (auto sum = dyn_cast<SumAttr>(term))
    return SumAttr::get(term.getContext(), withRank(sum.getLhs(), rank), withRank(sum.getRhs(), rank));
  return term;
}

AffineAttr getAffine(Type codes, ArrayRef<int64_t> blocks, Type scale, Type zero) {
  return AffineAttr::get(codes.getContext(), TypeAttr::get(codes), blocks, TypeAttr::get(scale),
                         zero ? Attribute(TypeAttr::get(zero)) : Attribute());
}

} // namespace halftone::htq
