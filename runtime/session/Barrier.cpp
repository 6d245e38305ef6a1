//===- Barrier.cpp - threads meet: spin shortly, then sleep ---------------===//

#include "runtime/session/Barrier.h"
#include "halftone/abi.h"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace halftone::rt {

static long futex(std::atomic<uint32_t> &word, int operation, uint32_t value) {
  static_assert(sizeof(word) == sizeof(uint32_t));
  return syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

void WaitWord::waitWhile(uint32_t old, uint32_t mostSpins, SpinBudget &budget) {
  uint32_t spins = budget.take(mostSpins);
  for (uint32_t i = 0; i < spins; ++i) {
    if (word.load(std::memory_order_acquire) != old)
      return budget.succeeded(i);
    __builtin_ia32_pause();
  }
  budget.failed(mostSpins);
  // Announce the sleeper before the last look at the word; set() stores the
  // word before it looks for sleepers. Sequential consistency makes at least
  // one of the two see the other. The kernel compares once more.
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (word.load(std::memory_order_seq_cst) == old)
    futex(word, FUTEX_WAIT_PRIVATE, old);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void WaitWord::set(uint32_t value) {
  word.store(value, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0)
    futex(word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/// Of this thread, in whichever barriers it waits.
static constinit thread_local SpinBudget barrierBudget;

void Barrier::arriveAndWait() {
  // The generation cannot move on before this thread has arrived, so reading it
  // first is safe, and one counter is enough for any number of rounds.
  uint32_t round = generation.value();
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
    arrived.store(0, std::memory_order_relaxed);
    generation.set(round + 1);
    return;
  }
  generation.waitWhile(round, spins, barrierBudget);
}

uint32_t spinLimitFor(unsigned threads, unsigned cpus) {
  return threads <= cpus ? 2500 : 20;
}

} // namespace halftone::rt

/// Hidden, unlike the API: generated code must meet in the barrier of the
/// runtime that it was linked with.
void halftone_barrier(const halftone_step *step, int64_t) {
  if (step->num_threads > 1)
    static_cast<halftone::rt::Barrier *>(step->barrier)->arriveAndWait();
}
