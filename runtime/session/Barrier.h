//===- Barrier.h - threads meet: spin shortly, then sleep -----------------===//
//
// Between two barriers of a step lie microseconds to milliseconds of work, so a
// thread that waits first spins (no system call, well under a microsecond when
// all threads run). On a machine that preempts virtual CPUs the last thread may
// be gone for milliseconds; spinning on would take the very CPU it needs, so
// after a bounded number of pauses a waiter sleeps on a futex.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_BARRIER_H
#define HALFTONE_RUNTIME_SESSION_BARRIER_H

#include <atomic>
#include <cstdint>

namespace halftone::rt {

/// A word that threads wait on until it changes. Each has a cache line of its
/// own: waiters read it, and nothing else may disturb that.
class alignas(64) WaitWord {
public:
  uint32_t value() const { return word.load(std::memory_order_acquire); }

  /// Returns when the value is no longer `old`.
  void waitWhile(uint32_t old, uint32_t spins);

  /// Stores the value and wakes those who sleep. One thread at a time.
  void set(uint32_t value);

private:
  std::atomic<uint32_t> word{0};
  std::atomic<uint32_t> sleepers{0};
};

class Barrier {
public:
  void init(uint32_t threads, uint32_t spinLimit) {
    count = threads;
    spins = spinLimit;
  }

  /// Returns when all threads have called it. What a thread wrote before it is
  /// seen by every thread after it.
  void arriveAndWait() {
    // The generation cannot move on before this thread has arrived, so reading
    // it first is safe, and one counter is enough for any number of rounds.
    uint32_t round = generation.value();
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
      arrived.store(0, std::memory_order_relaxed);
      generation.set(round + 1);
      return;
    }
    generation.waitWhile(round, spins);
  }

private:
  uint32_t count = 1;
  uint32_t spins = 0;
  alignas(64) std::atomic<uint32_t> arrived{0};
  WaitWord generation;
};

/// How many pauses a thread spins before it sleeps: about 100 microseconds
/// where a pause takes 40 ns. When threads outnumber CPUs the one waited for
/// needs this CPU, so there is next to no spinning.
uint32_t spinLimitFor(unsigned threads, unsigned cpus);

} // namespace halftone::rt

#endif
