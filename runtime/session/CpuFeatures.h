//===- CpuFeatures.h - what this computer can run -------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_CPUFEATURES_H
#define HALFTONE_RUNTIME_SESSION_CPUFEATURES_H

#include "runtime/support/Text.h"

#include <cstdint>

namespace halftone::rt {

/// Bits of halftone_cpu_feature that the CPU has and the operating system
/// saves. AMX is reported where it exists; permission is asked for on use.
uint64_t presentCpuFeatures();

/// "AVX2+FMA, AVX-512"; bits that this runtime does not know are "bit 17".
Text cpuFeatureNames(uint64_t features);

/// Asks the kernel to let this process use AMX tiles. Returns 0 or an errno.
int requestAmxPermission();

} // namespace halftone::rt

#endif
