//===- Signature.h - which programs are decoders --------------------------===//

#ifndef HALFTONE_RUNTIME_LANGUAGE_SIGNATURE_H
#define HALFTONE_RUNTIME_LANGUAGE_SIGNATURE_H

#include "halftone/abi.h"
#include "runtime/support/Diagnostic.h"

#include <cstddef>

namespace halftone::rt {

/// Inputs and outputs of a language model with caches, by name, as
/// compiler/Import/HuggingFace/README.md describes them.
struct Signature {
  uint32_t ids, sequences, start, wanted; ///< places among the inputs
  uint32_t logits;                        ///< place among the outputs
  size_t vocabulary;
  size_t context;      ///< most tokens of a sequence
  size_t numSequences; ///< in one session
  size_t maxTokens;    ///< most tokens of a sequence in one run

  /// Says what is missing where the program is no such model.
  bool find(const halftone_program &program, Diagnostic &diagnostic);
};

} // namespace halftone::rt

#endif
