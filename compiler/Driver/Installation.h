//===- Installation.h - where the compiler's own parts are ------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_INSTALLATION_H
#define HALFTONE_COMPILER_DRIVER_INSTALLATION_H

#include <string>

namespace halftone::driver {

/// The folder of libhalftone_rt.a: as built, or HALFTONE_RUNTIME_DIR.
std::string getRuntimeLibraries();

/// The C compiler driver that links: as found when this compiler was built, or HALFTONE_LINKER.
std::string getDefaultLinker();

} // namespace halftone::driver

#endif
