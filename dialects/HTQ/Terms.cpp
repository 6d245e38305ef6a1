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

bool isIntegerProduct(Attribute lhs, Attribute rhs) {
  return llvm::all_of(ArrayRef<Attribute>{lhs, rhs}, [](Attribute term) {
    auto affine = dyn_cast<AffineAttr>(term);
    if (!affine)
      return false;
    // The scale of a two-level term is outside: its codes are integers either way.
    auto codes = dyn_cast<TypeAttr>(affine.getCodes());
    return codes && isa<IntegerType>(codes.getValue());
  });
}

int64_t getPieceLength(Attribute lhs, Attribute rhs, int64_t length) {
  int64_t piece = length;
  for (Attribute term : {lhs, rhs})
    if (int64_t block = getInnerBlock(term); block != AffineAttr::kWhole)
      piece = std::min(piece, block);
  return piece;
}

AffineAttr getAffine(Type codes, ArrayRef<int64_t> blocks, Type scale, Type zero) {
  return AffineAttr::get(codes.getContext(), TypeAttr::get(codes), blocks, TypeAttr::get(scale),
                         zero ? Attribute(TypeAttr::get(zero)) : Attribute());
}

} // namespace halftone::htq
