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

AffineAttr getAffine(Type codes, ArrayRef<int64_t> blocks, Type scale, Type zero) {
  return AffineAttr::get(codes.getContext(), TypeAttr::get(codes), blocks, TypeAttr::get(scale),
                         zero ? Attribute(TypeAttr::get(zero)) : Attribute());
}

} // namespace halftone::htq
