//===- Registration.h - one place that knows every dialect and pass ---------===//

#ifndef HALFTONE_COMPILER_DRIVER_REGISTRATION_H
#define HALFTONE_COMPILER_DRIVER_REGISTRATION_H

namespace mlir {
class DialectRegistry;
}

namespace halftone {

/// All dialects that a module may hold in any phase, with the interface
/// implementations that the pipelines need.
void registerDialects(mlir::DialectRegistry &registry);

/// All Halftone passes, phase pipelines and the upstream passes they use.
void registerPasses();

} // namespace halftone

#endif
