//===- Level.cpp - which of a program's levels runs -----------------------===//

#include "runtime/session/Level.h"
#include "runtime/session/CpuFeatures.h"
#include "runtime/session/Error.h"
#include "runtime/support/Text.h"

#include <cstdlib>
#include <cstring>

namespace halftone::rt {

Computer thisComputer() { return {presentCpuFeatures(), requestAmxPermission}; }

LevelRequest requestLevel(const char *name) {
  if (name)
    return {name, ""};
  const char *variable = getenv("HALFTONE_CPU");
  if (variable && *variable)
    return {variable, "HALFTONE_CPU: "};
  return {};
}

/// If not, `obstacle` says why: "needs AVX-512".
static bool canRun(const halftone_level &level, const Computer &computer,
                   Text &obstacle) {
  if (uint64_t missing = level.cpu_features & ~computer.cpuFeatures) {
    obstacle.format("needs %s", cpuFeatureNames(missing).c_str());
    return false;
  }
  if (level.cpu_features & (HALFTONE_CPU_AMX_INT8 | HALFTONE_CPU_AMX_BF16))
    if (int error = computer.requestAmx()) {
      obstacle.format("needs AMX, which the kernel does not permit (%s; Linux "
                      "5.16 or newer is needed)",
                      strerror(error));
      return false;
    }
  return true;
}

static halftone_status chooseByName(const halftone_program &program,
                                    const LevelRequest &request,
                                    const Computer &computer,
                                    const halftone_level *&chosen) {
  Text names;
  for (uint32_t i = 0; i < program.num_levels; ++i) {
    const halftone_level &level = program.levels[i];
    names.append(i ? ", " : "").append(level.name);
    if (strcmp(level.name, request.name) != 0)
      continue;
    Text obstacle;
    if (!canRun(level, computer, obstacle))
      return fail(HALFTONE_UNSUPPORTED_CPU,
                  "%s%s cannot run as %s on this computer: that %s",
                  request.origin, quoted(program.name).c_str(), level.name,
                  obstacle.c_str());
    chosen = &level;
    return HALFTONE_OK;
  }
  return fail(HALFTONE_INVALID_ARGUMENT,
              "%s%s has no code for %s; it was compiled for %s", request.origin,
              quoted(program.name).c_str(), quoted(request.name).c_str(),
              names.c_str());
}

halftone_status chooseLevel(const halftone_program &program,
                            const LevelRequest &request,
                            const Computer &computer,
                            const halftone_level *&chosen) {
  chosen = nullptr;
  if (request.name)
    return chooseByName(program, request, computer, chosen);
  Text obstacles;
  for (uint32_t i = 0; i < program.num_levels; ++i) {
    const halftone_level &level = program.levels[i];
    obstacles.append(i ? "; " : "").append(level.name).append(" ");
    if (canRun(level, computer, obstacles)) {
      chosen = &level;
      return HALFTONE_OK;
    }
  }
  return fail(
      HALFTONE_UNSUPPORTED_CPU,
      "%s cannot run on this computer: %s; compile the model again with "
      "a --cpu that this computer has",
      quoted(program.name).c_str(), obstacles.c_str());
}

} // namespace halftone::rt
