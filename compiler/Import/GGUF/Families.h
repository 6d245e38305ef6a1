//===- Families.h - the architectures of GGUF files -------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_GGUF_FAMILIES_H
#define HALFTONE_COMPILER_IMPORT_GGUF_FAMILIES_H

#include "compiler/Import/GGUF/Config.h"
#include "compiler/Import/Transformer/Description.h"

namespace halftone::gguf {

/// What general.architecture calls it, and how to read its keys as layers.
struct Family {
  llvm::StringRef architecture;
  transformer::Decoder (*describe)(Config &);
};

/// All of them, in order of their names.
llvm::ArrayRef<Family> getFamilies();

/// How the importer calls the matrices of expert I, which files have in one tensor: the layer's
/// prefix, this, I and a point, and the tensor's name without its ending.
inline constexpr llvm::StringLiteral kExperts = "experts.";
/// That ending.
inline constexpr llvm::StringLiteral kExpertsEnding = "_exps.weight";

} // namespace halftone::gguf

#endif
