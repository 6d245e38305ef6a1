//===- Remedies.h - what to do about what cannot be imported ----------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_REMEDIES_H
#define HALFTONE_COMPILER_IMPORT_ONNX_REMEDIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace halftone::onnx {

/// Why something is refused, where a remedy depends on the reason alone and not
/// on the operator.
enum class Cause {
  Other,
  OldOpset,
  NewOpset,
  ElementType,
  ExternalData,
  Sparse,
  NoRank,
  NotTensor,
  SequenceInput,
  OptionalInput,
};

/// What to do about it, as a sentence without a capital; empty where nothing is
/// known to help.
llvm::StringRef getRemedy(Cause cause);

/// What operators have in common that Halftone does not have, and the remedy.
struct OperatorRemedy {
  const char *domain; ///< "" is ai.onnx; "*": any.
  const char *name;   ///< A `*` at the front or the end stands for anything.
  const char *why;
  const char *remedy;
};

/// All of them; the first that fits an operator counts.
llvm::ArrayRef<OperatorRemedy> getOperatorRemedies();

/// The entry for an operator, or null.
const OperatorRemedy *findOperatorRemedy(llvm::StringRef domain, llvm::StringRef name);

} // namespace halftone::onnx

#endif
