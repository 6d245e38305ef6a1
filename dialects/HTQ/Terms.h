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

#include "mlir/IR/OpImplementation.h"

namespace halftone::htq {

/// Whether `attribute` is a term.
bool isTerm(mlir::Attribute attribute);

/// The element types of a term's leaves, from left to right.
void getLeaves(mlir::Attribute term, llvm::SmallVectorImpl<mlir::Type> &leaves);

/// Checks that the leaves of `affine` can be found from data by `rule`; from the scales of such data, if
/// `outer` is the rule that these have come from.
mlir::LogicalResult verifyRule(llvm::function_ref<mlir::InFlightDiagnostic()> emitError, AffineAttr affine,
                               Rule rule, std::optional<Rule> outer = {});

/// `term` with `change` applied to the blocks of every affine.
mlir::Attribute mapBlocks(mlir::Attribute term,
                          llvm::function_ref<llvm::SmallVector<int64_t>(llvm::ArrayRef<int64_t>)> change);

/// A tensor that a term is made of.
struct Leaf {
  std::string name; ///< by its place: `codes`, `scale`, `scale.codes`
  mlir::Type element;
  ht::Dims dims; ///< empty for a codebook, whose length is its own
  bool isCodebook = false;
};

/// The leaves of a term whose value has dimensions `dims`, from left to right.
llvm::SmallVector<Leaf> describeLeaves(mlir::Attribute term, llvm::ArrayRef<ht::Dim> dims);

/// The types of these leaves without codebooks: what `htq.dynamic_quantize` makes of a tensor.
llvm::SmallVector<mlir::Type> getQuantizedTypes(mlir::Attribute term, mlir::RankedTensorType type);

/// Whether elements of `term` choose from a codebook: a code outside of it is a fault.
bool hasLookup(mlir::Attribute term);

/// How many bits an element of a [rows, k] tensor takes, with its share of the parameters.
double getBitsPerElement(mlir::Attribute term, llvm::ArrayRef<int64_t> shape);

/// The shape that a scale or zero of `affine` has for codes of shape `codes`,
/// whose rank is that of the blocks.
ht::Dims getParameterDims(AffineAttr affine, llvm::ArrayRef<ht::Dim> codes);

/// Syntax of a term inside an attribute or operation: without `#htq.`.
mlir::ParseResult parseTerm(mlir::AsmParser &parser, mlir::Attribute &term);
void printTerm(mlir::AsmPrinter &printer, mlir::Attribute term);
inline void printTerm(mlir::AsmPrinter &printer, mlir::Operation *, mlir::Attribute term) {
  printTerm(printer, term);
}

/// The block of an affine along the last axis of its codes; kWhole for other terms.
int64_t getInnerBlock(mlir::Attribute term);

/// Whether a product of values of these terms is computed on integer codes: both are affines of
/// integers of at most 8 bits, as their zeros are (the scale may be anything).
bool isIntegerProduct(mlir::Attribute lhs, mlir::Attribute rhs);

/// The greatest magnitude of a code less its zero, by the types of both; of an affine of integers.
int64_t getMagnitude(AffineAttr affine);

/// The most products of codes of two affines of integers whose sum is an i32.
int64_t getLongestSum(mlir::Attribute lhs, mlir::Attribute rhs);

/// Whether the integers that scale pieces of `weight` are applied in i32 in a product of integers over
/// a k of `length`: its scale is an affine of integers with one scale for all of k, as `input` is, and
/// no sum can leave i32.
bool isScaledInIntegers(mlir::Attribute input, mlir::Attribute weight, int64_t length);

/// How many elements of a k of `length` are summed before a scale of either term changes.
int64_t getPieceLength(mlir::Attribute lhs, mlir::Attribute rhs, int64_t length);

/// `term` for codes of `rank` axes: blocks of new first axes are as that of the first axis, 1 if that has
/// several elements.
mlir::Attribute withRank(mlir::Attribute term, unsigned rank);

/// An affine term with these leaves.
AffineAttr getAffine(mlir::Type codes, llvm::ArrayRef<int64_t> blocks, mlir::Type scale,
                     mlir::Type zero = {});

} // namespace halftone::htq

#endif
