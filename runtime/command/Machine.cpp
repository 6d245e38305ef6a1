//===- Machine.cpp - what this process uses of the machine ----------------===//

#include "runtime/command/Machine.h"
#include "runtime/command/Progress.h"
#include "runtime/support/Array.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <unistd.h>

namespace halftone::rt {

namespace {

struct Part {
  const unsigned char *data;
  size_t bytes;
  uint64_t sum;
};

} // namespace

/// A line of the cache at a time, asked for ahead: what the hardware follows by
/// itself falls short of what memory gives.
static void *readPart(void *argument) {
  typedef uint64_t Vector __attribute__((vector_size(16), aligned(8)));
  constexpr size_t ahead = 4096;
  Part &part = *static_cast<Part *>(argument);
  Vector sums[4] = {};
  for (size_t i = 0; i + sizeof(sums) <= part.bytes; i += sizeof(sums)) {
    __builtin_prefetch(part.data + i + ahead);
    for (size_t k = 0; k < 4; ++k)
      sums[k] +=
          *reinterpret_cast<const Vector *>(part.data + i + k * sizeof(Vector));
  }
  Vector all = sums[0] + sums[1] + sums[2] + sums[3];
  part.sum = all[0] ^ all[1];
  return nullptr;
}

double measureReadBandwidth(const void *data, uint64_t bytes, size_t threads) {
  Array<Part> parts;
  Array<pthread_t> workers;
  size_t share = bytes / threads / 64 * 64;
  for (size_t i = 0; i < threads; ++i)
    parts.push({static_cast<const unsigned char *>(data) + i * share, share, 0});
  double best = 0;
  volatile uint64_t keep = 0; // The sums are wanted.
  for (double all = now(); share && now() - all < 0.5;) {
    double begin = now();
    workers.clear();
    for (size_t i = 1; i < threads; ++i) {
      pthread_t worker;
      if (pthread_create(&worker, nullptr, readPart, &parts[i]) != 0)
        break;
      workers.push(worker);
    }
    readPart(&parts[0]);
    for (pthread_t worker : workers)
      pthread_join(worker, nullptr);
    double seconds = now() - begin;
    for (const Part &part : parts)
      keep = keep + part.sum;
    double read = static_cast<double>(share * (workers.size() + 1)) / seconds;
    best = read > best ? read : best;
  }
  return best;
}

ProcessMemory readProcessMemory() {
  ProcessMemory memory;
  FILE *file = fopen("/proc/self/status", "r");
  if (!file)
    return memory;
  char line[256];
  unsigned long long kilobytes;
  while (fgets(line, sizeof(line), file)) {
    if (sscanf(line, "VmHWM: %llu kB", &kilobytes) == 1)
      memory.peak = kilobytes << 10;
    if (sscanf(line, "RssAnon: %llu kB", &kilobytes) == 1)
      memory.own = kilobytes << 10;
  }
  fclose(file);
  return memory;
}

double secondsSinceStart() {
  FILE *file = fopen("/proc/self/stat", "r");
  if (!file)
    return 0;
  char text[1024];
  size_t size = fread(text, 1, sizeof(text) - 1, file);
  fclose(file);
  text[size] = 0;
  // The name may hold anything, and ends with the last parenthesis; the 22nd
  // field is the start in ticks since boot.
  const char *at = strrchr(text, ')');
  for (int field = 2; at && field < 22; ++field)
    at = strchr(at + 1, ' ');
  unsigned long long ticks;
  timespec time;
  if (!at || sscanf(at, "%llu", &ticks) != 1 ||
      clock_gettime(CLOCK_BOOTTIME, &time) != 0)
    return 0;
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9 -
         static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

} // namespace halftone::rt
