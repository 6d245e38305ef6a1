//===- Cpus.cpp - the CPUs that this process may use ----------------------===//

#include "runtime/session/Cpus.h"
#include "halftone/halftone.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace halftone::rt {

/// Reads a small file of /sys. Returns false when there is none.
static bool readSmallFile(const char *path, char *text, size_t room) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  ssize_t size = read(file, text, room - 1);
  close(file);
  if (size <= 0)
    return false;
  text[size] = 0;
  return true;
}

/// The least CPU of the core that `cpu` belongs to; `cpu` where unknown.
static unsigned firstSibling(unsigned cpu) {
  char path[96], text[64];
  snprintf(path, sizeof(path),
           "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
  if (!readSmallFile(path, text, sizeof(text)))
    return cpu;
  return static_cast<unsigned>(strtoul(text, nullptr, 10));
}

void listCpus(CpuList &list) {
  list.count = list.cores = 0;
  static_assert(CpuList::maximum % CPU_SETSIZE == 0);
  cpu_set_t allowed[CpuList::maximum / CPU_SETSIZE];
  memset(allowed, 0, sizeof(allowed));
  if (sched_getaffinity(0, sizeof(allowed), allowed) == 0) {
    auto isAllowed = [&](unsigned cpu) {
      return CPU_ISSET_S(cpu, sizeof(allowed), allowed) != 0;
    };
    uint16_t later[CpuList::maximum];
    unsigned numLater = 0;
    for (unsigned cpu = 0; cpu < CpuList::maximum; ++cpu) {
      if (!isAllowed(cpu))
        continue;
      unsigned first = firstSibling(cpu);
      // A CPU whose first sibling is not ours stands for the core itself.
      if (first == cpu || first >= CpuList::maximum || !isAllowed(first))
        list.cpus[list.count++] = static_cast<uint16_t>(cpu);
      else
        later[numLater++] = static_cast<uint16_t>(cpu);
    }
    list.cores = list.count;
    for (unsigned i = 0; i < numLater; ++i)
      list.cpus[list.count++] = later[i];
  }
  if (list.count == 0) {
    list.cpus[0] = 0;
    list.count = list.cores = 1;
  }
}

unsigned defaultThreads(const CpuList &list) {
  unsigned threads = list.cores;
  char text[64];
  long long quota, period;
  // "max 100000" has no number first and leaves the count as it is.
  if (readSmallFile("/sys/fs/cgroup/cpu.max", text, sizeof(text)) &&
      sscanf(text, "%lld %lld", &quota, &period) == 2 && quota > 0 &&
      period > 0) {
    long long paid = quota / period + (quota % period != 0);
    if (paid < threads)
      threads = static_cast<unsigned>(paid);
  }
  return threads < HALFTONE_MAX_THREADS ? threads : HALFTONE_MAX_THREADS;
}

void pinThisThread(unsigned cpu) {
  cpu_set_t one[CpuList::maximum / CPU_SETSIZE];
  memset(one, 0, sizeof(one));
  CPU_SET_S(cpu, sizeof(one), one);
  sched_setaffinity(0, sizeof(one), one);
}

} // namespace halftone::rt
