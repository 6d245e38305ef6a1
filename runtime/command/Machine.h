//===- Machine.h - what this process uses of the machine ------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_MACHINE_H
#define HALFTONE_RUNTIME_COMMAND_MACHINE_H

#include <cstddef>
#include <cstdint>

namespace halftone::rt {

/// Bytes per second that `threads` threads together read of this memory, the
/// best pass of half a second: the limit of what reads weights once per token.
/// Of memory that caches hold it is theirs.
double measureReadBandwidth(const void *data, uint64_t bytes, size_t threads);

/// Peak of the resident memory, and what of it now is not mapped from files;
/// 0 where the system does not say.
struct ProcessMemory {
  uint64_t peak = 0;
  uint64_t own = 0;
};
ProcessMemory readProcessMemory();

/// Seconds since this process was started; 0 where the system does not say.
double secondsSinceStart();

} // namespace halftone::rt

#endif
