//===- Terms.h - walking the terms of formats -------------------------------===//
//
// A term is a TypeAttr (a tensor of that element type, as it is stored),
// #htq.affine, #htq.lookup or #htq.sum. Whoever gives terms a meaning (verifier,
// interpreter, expansion, packer) does it by one recursion over these four.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_TERMS_H
#define HALFTONE_DIALECTS_HTQ_TERMS_H

#include "dialects/HTQ/HTQDialect.h"

namespace halftone::htq {

/// Whether `attribute` is a term.
bool isTerm(mlir::Attribute attribute);

/// The element types of a term's leaves, from left to right.
void getLeaves(mlir::Attribute term, llvm::SmallVectorImpl<mlir::Type> &leaves);

/// The shape that a scale or zero of `affine` has for codes of shape `codes`,
/// whose rank is that of the blocks.
ht::Dims getParameterDims(AffineAttr affine, llvm::ArrayRef<ht::Dim> codes);

/// An affine term with these leaves.
AffineAttr getAffine(mlir::Type codes, llvm::ArrayRef<int64_t> blocks, mlir::Type scale, mlir::Type zero = {});

} // namespace halftone::htq

#endif
