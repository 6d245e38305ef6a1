//===- Model.h - a checked program with a count of its users --------------===//

#ifndef HALFTONE_RUNTIME_SESSION_MODEL_H
#define HALFTONE_RUNTIME_SESSION_MODEL_H

#include "halftone/halftone.h"

#include <atomic>
#include <cstdint>

/// Two libraries with two versions of this runtime may meet in one process, and
/// the linker then mixes their exported functions. A handle says who made it.
struct halftone_model {
  static constexpr uint64_t validMagic = 0x316c646d'65746c68;

  uint64_t magic = validMagic;
  const halftone_program *program = nullptr;
  const halftone_level *level = nullptr; ///< the one that runs
  /// The caller's own reference and one for each session.
  std::atomic<uint64_t> references{1};
};

namespace halftone::rt {

void retain(halftone_model *model);
void release(halftone_model *model);

/// Null, destroyed, or made by another runtime.
halftone_status checkModel(const halftone_model *model);

} // namespace halftone::rt

#endif
