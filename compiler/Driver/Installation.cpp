//===- Installation.cpp - where the compiler's own parts are ----------------===//

#include "compiler/Driver/Installation.h"

#include <cstdlib>

namespace halftone::driver {

static std::string getEnvironment(const char *name, const char *otherwise) {
  const char *value = std::getenv(name);
  return value && *value ? value : otherwise;
}

std::string getRuntimeLibraries() { return getEnvironment("HALFTONE_RUNTIME_DIR", HALFTONE_BUILT_RUNTIME_DIR); }

std::string getDefaultLinker() { return getEnvironment("HALFTONE_LINKER", HALFTONE_BUILT_LINKER); }

} // namespace halftone::driver
