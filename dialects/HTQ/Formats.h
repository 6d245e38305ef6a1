//===- Formats.h - the names of common formats ------------------------------===//
//
// A name stands for a `#htq.format` of codes [n, k] and nothing more: passes and
// kernels know terms only. What has no name is written as a term.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_FORMATS_H
#define HALFTONE_DIALECTS_HTQ_FORMATS_H

#include "dialects/HTQ/HTQDialect.h"

namespace halftone::htq {

/// One row of the table of names.
struct NamedFormat {
  llvm::StringLiteral name, term, summary;
  llvm::ArrayRef<float> codebook = {};
};

/// All names, in the order in which they are explained.
llvm::ArrayRef<NamedFormat> getNamedFormats();

/// The format that `text` says: a name, or a term as the dialect writes it within another one
/// ("affine<i4, blocks [1, 64], scale f16>"), after a rule and a space if not by the usual one. A name that
/// ends in a block's length, as in `int4-g128`, stands for any other length as well. On failure `error` says
/// why.
mlir::FailureOr<FormatAttr> parseFormat(llvm::StringRef text, mlir::MLIRContext *context, std::string &error);

/// What tensors a format is for: rows of weights [n, k] or of activations [tokens, k].
enum class Use { Weights, Activations };

/// The first name of `format`, or what is parsed as it.
std::string getName(FormatAttr format, Use use);

/// The format of tensors that are stored or computed with as they are.
FormatAttr getPlainFormat(mlir::Type element);

/// The rule that loses least: minmax where there is a zero, signed_max for signed integers below 8 bits
/// (one more step in 15 or fewer), else absmax.
Rule getUsualRule(AffineAttr affine);

} // namespace halftone::htq

#endif
