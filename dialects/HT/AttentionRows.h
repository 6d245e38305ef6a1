//===- AttentionRows.h - rows of attention that may attend nowhere ----------===//
//
// `ht.attention` gives zeros in a row that may attend nowhere. Graphs that mask
// by a large finite number, which all scores of such a row share and softmax
// cancels, give the mean of all values there. The unit attribute `ht.uniform`
// says so.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_DIALECTS_HT_ATTENTIONROWS_H
#define HALFTONE_DIALECTS_HT_ATTENTIONROWS_H

#include "dialects/HT/HTOps.h"

namespace halftone::ht {

inline constexpr llvm::StringLiteral kUniformAttr = "ht.uniform";

inline bool isUniform(AttentionOp op) { return op->hasAttr(kUniformAttr); }

} // namespace halftone::ht

#endif
