//===- Formats.h - the names of common formats ------------------------------===//
//
// A name stands for a term over codes [n, k] and nothing more: passes and kernels
// know terms only. What has no name is written as a term.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_FORMATS_H
#define HALFTONE_DIALECTS_HTQ_FORMATS_H

#include "dialects/HTQ/HTQDialect.h"

namespace halftone::htq {

struct Format {
  /// An element type as it is stored, or an affine. Blocks are for codes [n, k]; see `withRank`.
  mlir::Attribute term;
  /// How parameters follow from data; of an affine.
  Rule rule = Rule::Absmax;
  /// The entries of the term's codebook, if it has one.
  llvm::ArrayRef<float> codebook;
};

/// One row of the table of names.
struct NamedFormat {
  llvm::StringLiteral name, term, summary;
  llvm::ArrayRef<float> codebook = {};
};

/// All names, in the order in which they are explained.
llvm::ArrayRef<NamedFormat> getNamedFormats();

/// The format that `text` says: a name, or a term as the dialect writes it within another one
/// ("affine<i4, blocks [1, 64], scale f16>"), after a rule and a space if not by the usual one. On
/// failure `error` says why.
mlir::FailureOr<Format> parseFormat(llvm::StringRef text, mlir::MLIRContext *context, std::string &error);

/// The rule that loses least: minmax where there is a zero, signed_max for signed integers below 8 bits
/// (one more step in 15 or fewer), else absmax.
Rule getUsualRule(AffineAttr affine);

} // namespace halftone::htq

#endif
