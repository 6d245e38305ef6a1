//===- ThreadPool.h - the threads of one session --------------------------===//
//
// A step is one parallel region: all threads run the same function once. The
// caller is thread 0; the others wait for the next step, first spinning (steps
// of a decoder follow each other within microseconds), then asleep.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_THREADPOOL_H
#define HALFTONE_RUNTIME_SESSION_THREADPOOL_H

#include "halftone/abi.h"
#include "runtime/session/Barrier.h"
#include "runtime/session/Cpus.h"

#include <pthread.h>

namespace halftone::rt {

class ThreadPool {
public:
  using Step = void (*)(halftone_step *, int64_t);

  ThreadPool() = default;
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;
  ~ThreadPool();

  /// Starts `threads` - 1 workers. Returns 0 or the errno of what failed.
  int start(unsigned threads, bool pin, const CpuList &cpus);

  /// Runs step(data, thread) in every thread; returns when all have returned.
  void run(Step step, halftone_step *data);

  unsigned size() const { return numThreads; }

private:
  struct Worker {
    ThreadPool *pool;
    unsigned index;
    int cpu; ///< to stay on, or -1
    pthread_t handle;
  };

  static void *workerMain(void *argument);
  void stop();

  unsigned numThreads = 1;
  unsigned numWorkers = 0; ///< started
  uint32_t spins = 0;
  Worker *workers = nullptr;
  /// Written by thread 0 before `epoch` moves on, which publishes them.
  Step currentStep = nullptr;
  halftone_step *currentData = nullptr;
  bool stopping = false;

  WaitWord epoch;  ///< counts steps; workers wait for the next
  Barrier barrier; ///< for generated code
  Barrier done;    ///< all threads have returned from the step
};

} // namespace halftone::rt

#endif
