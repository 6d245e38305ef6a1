//===- Observation.h - what a sample of inputs has shown --------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_OBSERVATION_H
#define HALFTONE_DIALECTS_HTQ_OBSERVATION_H

#include "llvm/ADT/StringRef.h"

namespace halftone::htq {

/// Attribute of `ht.linear`: the greatest magnitude of each channel of its input, in f32. Calibration
/// makes it, the fold phase uses it up.
inline constexpr llvm::StringLiteral kInputMagnitudesAttr = "htq.input_magnitudes";

} // namespace halftone::htq

#endif
