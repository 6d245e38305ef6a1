//===- ThreadPool.cpp - the threads of one session ------------------------===//

#include "runtime/session/ThreadPool.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace halftone::rt {

ThreadPool::~ThreadPool() { stop(); }

/// Blocks signals that are sent to the process, so that the application's
/// handlers never run on a worker. Faults of the code itself stay deliverable.
static void blockSignals(sigset_t &before) {
  sigset_t blocked;
  sigfillset(&blocked);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
    sigdelset(&blocked, signal);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
}

int ThreadPool::start(unsigned threads, bool pin, const CpuList &cpus) {
  numThreads = threads;
  spins = spinLimitFor(threads, cpus.count);
  barrier.init(threads, spins);
  done.init(threads, spins);
  if (threads == 1)
    return 0;
  workers = static_cast<Worker *>(calloc(threads - 1, sizeof(Worker)));
  if (!workers)
    return ENOMEM;
  sigset_t before;
  blockSignals(before);
  int error = 0;
  for (unsigned index = 1; index < threads && !error; ++index) {
    Worker &worker = workers[index - 1];
    worker.pool = this;
    worker.index = index;
    worker.cpu = pin ? cpus.cpus[index % cpus.count] : -1;
    error = pthread_create(&worker.handle, nullptr, workerMain, &worker);
    if (!error)
      ++numWorkers;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error)
    stop();
  return error;
}

void *ThreadPool::workerMain(void *argument) {
  const Worker &worker = *static_cast<Worker *>(argument);
  ThreadPool &pool = *worker.pool;
  char name[16];
  snprintf(name, sizeof(name), "halftone-%u", worker.index);
  pthread_setname_np(pthread_self(), name);
  if (worker.cpu >= 0)
    pinThisThread(static_cast<unsigned>(worker.cpu));
  SpinBudget idleBudget;
  for (uint32_t seen = 0;;) {
    pool.epoch.waitWhile(seen, pool.spins, idleBudget);
    seen = pool.epoch.value();
    if (pool.stopping)
      return nullptr;
    pool.currentStep(pool.currentData, worker.index);
    pool.done.arriveAndWait();
  }
}

void ThreadPool::run(Step step, halftone_step *data) {
  data->num_threads = numThreads;
  data->barrier = &barrier;
  if (numThreads == 1)
    return step(data, 0);
  currentStep = step;
  currentData = data;
  epoch.set(epoch.value() + 1);
  step(data, 0);
  done.arriveAndWait();
}

void ThreadPool::stop() {
  stopping = true;
  epoch.set(epoch.value() + 1);
  for (unsigned i = 0; i < numWorkers; ++i)
    pthread_join(workers[i].handle, nullptr);
  numWorkers = 0;
  free(workers);
  workers = nullptr;
}

} // namespace halftone::rt
