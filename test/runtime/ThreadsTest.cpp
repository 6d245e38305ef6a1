//===- ThreadsTest.cpp - barriers, pools, sessions at once ----------------===//

#include "Helpers.h"
#include "runtime/session/Arena.h"
#include "runtime/session/ThreadPool.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace halftone;
using namespace halftone::test;

namespace {
/// Counters that only a working barrier keeps in step.
struct Meeting {
  static constexpr int rounds = 2000;
  std::atomic<int> arrived{0};
  int plain = 0; ///< written by one thread a round, read by all
  std::atomic<int> mistakes{0};
};
} // namespace

static Meeting meeting;

static void meet(halftone_step *step, int64_t thread) {
  int threads = static_cast<int>(step->num_threads);
  for (int round = 0; round < Meeting::rounds; ++round) {
    meeting.arrived.fetch_add(1, std::memory_order_relaxed);
    halftone_barrier(step, thread);
    if (meeting.arrived.load(std::memory_order_relaxed) !=
        (round + 1) * threads)
      ++meeting.mistakes;
    if (round % threads == thread)
      meeting.plain = round;
    halftone_barrier(step, thread);
    if (meeting.plain != round)
      ++meeting.mistakes;
    halftone_barrier(step, thread);
  }
}

class Barriers : public testing::TestWithParam<unsigned> {};

TEST_P(Barriers, KeepThreadsTogether) {
  rt::CpuList cpus;
  rt::listCpus(cpus);
  rt::ThreadPool pool;
  ASSERT_EQ(pool.start(GetParam(), GetParam() % 2, cpus), 0);
  for (int run = 0; run < 3; ++run) {
    meeting.arrived = 0;
    meeting.mistakes = 0;
    halftone_step step = {};
    pool.run(meet, &step);
    EXPECT_EQ(meeting.mistakes, 0);
    EXPECT_EQ(meeting.arrived, Meeting::rounds * static_cast<int>(GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Barriers, testing::Range(1u, 9u));

TEST(Threads, IdleWorkersSleepAndWakeUp) {
  Loaded toy(toyModel, 4);
  for (int i = 0; i < 5; ++i) {
    ToyRun run(4, 16);
    ASSERT_EQ(halftone_session_run(toy.session, run.inputs.data(), 2,
                                   run.outputs.data(), 3),
              HALFTONE_OK);
    run.check();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // Sleeping means that the process uses next to no time.
  std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 20);
}

TEST(Threads, SessionsRunAtOnce) {
  halftone_model *model;
  ASSERT_EQ(halftone_load(&toyModel, &model), HALFTONE_OK);
  std::vector<std::thread> users;
  std::atomic<int> failures{0};
  for (unsigned user = 0; user < 4; ++user)
    users.emplace_back([&, user] {
      halftone_session_options options = {};
      options.struct_size = sizeof options;
      options.threads = user + 1;
      halftone_session *session;
      if (halftone_session_create(model, &options, &session) != HALFTONE_OK) {
        ++failures;
        return;
      }
      for (int i = 0; i < 50; ++i) {
        ToyRun run(1 + i % 8, 1 + (i * 37) % 200);
        if (halftone_session_run(session, run.inputs.data(), 2,
                                 run.outputs.data(), 3) != HALFTONE_OK)
          ++failures;
        run.check();
      }
      halftone_session_destroy(session);
    });
  for (std::thread &user : users)
    user.join();
  EXPECT_EQ(failures, 0);
  halftone_model_destroy(model);
}

TEST(Threads, OneSessionRefusesASecondRunMeanwhile) {
  Loaded toy(toyModel, 2);
  std::atomic<int> ran{0}, busy{0}, other{0};
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user)
    users.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        ToyRun run(2, 64);
        halftone_status status = halftone_session_run(
            toy.session, run.inputs.data(), 2, run.outputs.data(), 3);
        if (status == HALFTONE_OK) {
          ++ran;
          run.check();
        } else
          ++(status == HALFTONE_BUSY ? busy : other);
      }
    });
  for (std::thread &user : users)
    user.join();
  EXPECT_GT(ran, 0);
  EXPECT_EQ(other, 0);
  EXPECT_EQ(ran + busy, 400);
}

TEST(Threads, AForkedChildIsToldToMakeItsOwnSession) {
  Loaded toy(toyModel, 2);
  ToyRun run(1, 1);
  pid_t child = fork();
  if (child == 0) {
    halftone_status status = halftone_session_run(
        toy.session, run.inputs.data(), 2, run.outputs.data(), 3);
    halftone_session_destroy(toy.session);
    _exit(status == HALFTONE_INVALID_ARGUMENT ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Threads, ArenasAreAlignedAndWritable) {
  for (uint64_t bytes : {0ull, 1ull, 4096ull, 5000000ull}) {
    rt::Arena arena;
    ASSERT_TRUE(arena.allocate(bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.data()) %
                  (bytes > 4000000 ? 2 << 20 : 4096),
              0u);
    static_cast<char *>(arena.data())[bytes ? bytes - 1 : 0] = 1;
  }
  rt::Arena impossible;
  EXPECT_FALSE(impossible.allocate(UINT64_MAX));
}

static void manyBarriers(halftone_step *step, int64_t thread) {
  for (int i = 0; i < 20000; ++i)
    halftone_barrier(step, thread);
}

/// Printed for the record; the machine decides what it is.
TEST(Threads, BarrierLatency) {
  rt::CpuList cpus;
  rt::listCpus(cpus);
  for (unsigned threads : {1u, 2u}) {
    rt::ThreadPool pool;
    ASSERT_EQ(pool.start(threads, false, cpus), 0);
    halftone_step step = {};
    double best = 1e9;
    for (int run = 0; run < 5; ++run) {
      auto start = std::chrono::steady_clock::now();
      pool.run(manyBarriers, &step);
      std::chrono::duration<double, std::nano> time =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count() / 20000);
    }
    printf("barrier, %u threads: %.0f ns\n", threads, best);
    EXPECT_GT(best, 0);
  }
}
