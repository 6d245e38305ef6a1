//===- Barrier.h - threads meet: spin shortly, then sleep -----------------===//
//
// Between two barriers of a step lie microseconds to milliseconds of work, so a
// thread that waits first spins (no system call, well under a microsecond when
// all threads run). On a machine that preempts virtual CPUs the last thread may
// be gone for milliseconds; spinning on would take the very CPU it needs, so
// after a bounded number of pauses a waiter sleeps on a futex. Where spinning
// keeps failing (the scheduler has put two threads on one CPU since others use
// the rest) a waiter gives it up sooner.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_BARRIER_H
#define HALFTONE_RUNTIME_SESSION_BARRIER_H

#include <atomic>
#include <cstdint>

namespace halftone::rt {

/// How long one thread spins in one kind of wait, learnt from how its last
/// waits ended.
class SpinBudget {
public:
  /// `most` is spinLimitFor(...), with which each kind of wait begins.
  uint32_t take(uint32_t most) {
    // Now and then a full try, to notice that spinning works again.
    bool isProbe = ++waits % 64 == 0;
    return isProbe || budget > most ? most : budget;
  }
  void succeeded(uint32_t pauses) {
    if (budget < 2 * pauses)
      budget = 2 * pauses;
  }
  void failed(uint32_t most) {
    budget = (budget < most ? budget : most) / 2;
    if (budget < least)
      budget = least;
  }

private:
  static constexpr uint32_t least = 20;

  uint32_t budget = UINT32_MAX;
  uint32_t waits = 0;
};

/// A word that threads wait on until it changes. Each has a cache line of its
/// own: waiters read it, and nothing else may disturb that.
class alignas(64) WaitWord {
public:
  uint32_t value() const { return word.load(std::memory_order_acquire); }

  /// Returns when the value is no longer `old`.
  void waitWhile(uint32_t old, uint32_t mostSpins, SpinBudget &budget);

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
  void arriveAndWait();

private:
  uint32_t count = 1;
  uint32_t spins = 0;
  alignas(64) std::atomic<uint32_t> arrived{0};
  WaitWord generation;
};

/// How many pauses a thread spins at most before it sleeps: about 100
/// microseconds where a pause takes 40 ns. When threads outnumber CPUs the one
/// waited for needs this CPU, so there is next to no spinning.
uint32_t spinLimitFor(unsigned threads, unsigned cpus);

} // namespace halftone::rt

#endif
