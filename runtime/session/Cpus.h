//===- Cpus.h - the CPUs that this process may use ------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_CPUS_H
#define HALFTONE_RUNTIME_SESSION_CPUS_H

#include <cstdint>

namespace halftone::rt {

struct CpuList {
  static constexpr unsigned maximum = 4096;
  /// One CPU per physical core first, then their hyperthread siblings.
  uint16_t cpus[maximum];
  unsigned count = 0;
  /// How many of them are the first of their core.
  unsigned cores = 0;
};

/// From the calling thread's affinity mask (taskset, containers).
void listCpus(CpuList &list);

/// One thread per physical core, but no more than the control group's CPU quota
/// pays for: threads beyond it would be stopped in the middle of a step.
unsigned defaultThreads(const CpuList &list);

/// Keeps the calling thread on this CPU. A refusal is ignored: it is a hint.
void pinThisThread(unsigned cpu);

} // namespace halftone::rt

#endif
