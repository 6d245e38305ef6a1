//===- Level.h - which of a program's levels runs -------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_LEVEL_H
#define HALFTONE_RUNTIME_SESSION_LEVEL_H

#include "halftone/halftone.h"

namespace halftone::rt {

/// What levels are measured against.
struct Computer {
  uint64_t cpuFeatures;
  int (*requestAmx)(); ///< asks for permission; 0 or an errno
};

Computer thisComputer();

/// The level that is asked for; without a name, the best.
struct LevelRequest {
  const char *name = nullptr;
  const char *origin = ""; ///< what to begin messages with
};

/// The name, or without one what HALFTONE_CPU says.
LevelRequest requestLevel(const char *name);

/// The level that is asked for, or the first one that the computer can run.
/// Asks for permission to use AMX where a level needs it; refused, the next one
/// is tried.
halftone_status chooseLevel(const halftone_program &program,
                            const LevelRequest &request,
                            const Computer &computer,
                            const halftone_level *&level);

} // namespace halftone::rt

#endif
