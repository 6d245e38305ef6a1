//===- machine.c - what this computer can do at most -------------------------===//
//
//   machine [SECONDS]
//
// Measures, on one thread and on each available CPU at once, how fast memory is
// read (GB/s, a buffer of 512 MiB that no cache holds) and how fast f32 fused
// multiply-adds are done (GFLOP/s, AVX-512 where the CPU has it, else AVX2), and
// prints one line of JSON. The best of many short runs counts: it is a limit.
//
//===----------------------------------------------------------------------===//

#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, REGISTERS = 16, ROUNDS = 2000000 };
static const size_t BUFFER = (size_t)512 << 20;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// Keeps a value alive without storing it.
#define KEEP(x) __asm__ volatile("" : : "x"(x))
/// Keeps the compiler from computing a value ahead.
#define OPAQUE(x) __asm__ volatile("" : "+x"(x))

/// Does some work on a buffer (or on registers alone) and says how many units it was.
typedef double (*kernel)(const char *buffer, size_t bytes);

__attribute__((target("avx512f"))) static double flops512(const char *buffer, size_t bytes) {
  (void)buffer, (void)bytes;
  __m512 sum[REGISTERS], a = _mm512_set1_ps(1.0f), b = _mm512_set1_ps(1e-30f);
  OPAQUE(a);
  for (int i = 0; i < REGISTERS; ++i)
    sum[i] = _mm512_set1_ps((float)i);
  for (int round = 0; round < ROUNDS; ++round)
#pragma clang loop unroll(full)
    for (int i = 0; i < REGISTERS; ++i)
      sum[i] = _mm512_fmadd_ps(sum[i], a, b);
  for (int i = 0; i < REGISTERS; ++i)
    KEEP(sum[i]);
  return 2.0 * 16 * REGISTERS * ROUNDS;
}

__attribute__((target("avx2,fma"))) static double flops256(const char *buffer, size_t bytes) {
  (void)buffer, (void)bytes;
  __m256 sum[12], a = _mm256_set1_ps(1.0f), b = _mm256_set1_ps(1e-30f);
  OPAQUE(a);
  for (int i = 0; i < 12; ++i)
    sum[i] = _mm256_set1_ps((float)i);
  for (int round = 0; round < ROUNDS; ++round)
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; ++i)
      sum[i] = _mm256_fmadd_ps(sum[i], a, b);
  for (int i = 0; i < 12; ++i)
    KEEP(sum[i]);
  return 2.0 * 8 * 12 * ROUNDS;
}

__attribute__((target("avx512f"))) static double read512(const char *buffer, size_t bytes) {
  __m512i sum[8];
  for (int i = 0; i < 8; ++i)
    sum[i] = _mm512_setzero_si512();
  for (size_t at = 0; at < bytes; at += 512)
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; ++i)
      sum[i] = _mm512_xor_si512(sum[i], _mm512_load_si512(buffer + at + 64 * i));
  for (int i = 0; i < 8; ++i)
    KEEP(sum[i]);
  return (double)bytes;
}

__attribute__((target("avx2"))) static double read256(const char *buffer, size_t bytes) {
  __m256i sum[8];
  for (int i = 0; i < 8; ++i)
    sum[i] = _mm256_setzero_si256();
  for (size_t at = 0; at < bytes; at += 256)
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; ++i)
      sum[i] = _mm256_xor_si256(sum[i], _mm256_load_si256((const __m256i *)(buffer + at + 32 * i)));
  for (int i = 0; i < 8; ++i)
    KEEP(sum[i]);
  return (double)bytes;
}

struct worker {
  pthread_t thread;
  pthread_barrier_t *barrier;
  kernel run;
  const char *buffer;
  size_t bytes;
  double amount, begin, end;
};

static void *work(void *argument) {
  struct worker *self = argument;
  pthread_barrier_wait(self->barrier);
  self->begin = now();
  self->amount = self->run(self->buffer, self->bytes);
  self->end = now();
  return NULL;
}

/// Units per second of `threads` threads together, the buffer shared among them:
/// the best run of those that `seconds` allow.
static double best(kernel run, const char *buffer, int threads, double seconds) {
  double result = 0;
  for (double end = now() + seconds; now() < end;) {
    struct worker workers[MAX_THREADS];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    size_t share = BUFFER / (size_t)threads & ~(size_t)4095;
    for (int i = 0; i < threads; ++i) {
      workers[i] = (struct worker){0, &barrier, run, buffer + (size_t)i * share, share, 0, 0, 0};
      if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) {
        fprintf(stderr, "machine: error: cannot start a thread\n");
        exit(1);
      }
    }
    double amount = 0, first = 1e300, last = 0;
    for (int i = 0; i < threads; ++i) {
      pthread_join(workers[i].thread, NULL);
      amount += workers[i].amount;
      first = workers[i].begin < first ? workers[i].begin : first;
      last = workers[i].end > last ? workers[i].end : last;
    }
    pthread_barrier_destroy(&barrier);
    if (amount / (last - first) > result)
      result = amount / (last - first);
  }
  return result;
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 1;
  int wide = __builtin_cpu_supports("avx512f");
  if (!wide && !__builtin_cpu_supports("fma")) {
    fprintf(stderr, "machine: error: this CPU has no fused multiply-add\n");
    return 1;
  }
  char *buffer = aligned_alloc(4096, BUFFER);
  if (!buffer) {
    fprintf(stderr, "machine: error: no memory for a buffer of 512 MiB\n");
    return 1;
  }
  memset(buffer, 1, BUFFER);
  cpu_set_t set;
  int cpus = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
  if (cpus > MAX_THREADS)
    cpus = MAX_THREADS;

  kernel flops = wide ? flops512 : flops256, reads = wide ? read512 : read256;
  printf("{\"cpus\": %d, \"vector\": \"%s\", ", cpus, wide ? "avx512" : "avx2");
  printf("\"read_gbs_1\": %.2f, \"read_gbs_all\": %.2f, ", best(reads, buffer, 1, seconds) / 1e9,
         best(reads, buffer, cpus, seconds) / 1e9);
  printf("\"fma_gflops_1\": %.1f, \"fma_gflops_all\": %.1f}\n", best(flops, buffer, 1, seconds) / 1e9,
         best(flops, buffer, cpus, seconds) / 1e9);
  free(buffer);
  return 0;
}
