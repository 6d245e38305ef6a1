//===- AmxProgram.cpp - tile instructions, as a program has them -----------===//
//
// Encodings, addresses, threads, registers around them, questions before them and
// faults: what only a process shows. Prints what differs; exit code 1 if anything
// does. It must pass on a CPU with AMX as well.
//
//===----------------------------------------------------------------------===//

#include "Reference.h"

#include <atomic>
#include <cerrno>
#include <cpuid.h>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <immintrin.h>
#include <iterator>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace halftone::amx;

static std::atomic<unsigned> failures;

static bool check(bool holds, int line, const char *what) {
  if (!holds && failures++ < 20)
    printf("line %d: %s\n", line, what);
  return holds;
}
#define CHECK(...) check(__VA_ARGS__, __LINE__, #__VA_ARGS__)

//===----------------------------------------------------------------------===//
// Faults: SIGILL here, SIGILL or SIGSEGV from a processor
//===----------------------------------------------------------------------===//

static sigjmp_buf afterFault;
static volatile int faults;

static void countFault(int) {
  faults = faults + 1;
  siglongjmp(afterFault, 1);
}

#define CHECK_FAULTS(...)                                                                                    \
  do {                                                                                                       \
    int before = faults;                                                                                     \
    if (!sigsetjmp(afterFault, 1)) {                                                                         \
      __VA_ARGS__;                                                                                           \
    }                                                                                                        \
    check(faults == before + 1, __LINE__, "no fault: " #__VA_ARGS__);                                        \
  } while (0)

//===----------------------------------------------------------------------===//

static void configure(ProductShape shape) {
  TileConfig config = makeConfig(shape);
  _tile_loadconfig(&config);
}

static void checkQuestions() {
  unsigned a, b, c, d, low, high;
  __get_cpuid_count(7, 0, &a, &b, &c, &d);
  CHECK((d >> 24 & 1) && (d >> 25 & 1) && (d >> 22 & 1));
  __get_cpuid_count(0x1d, 1, &a, &b, &c, &d);
  CHECK(a == (1024 << 16 | 8192) && b == (8 << 16 | 64) && c == 16);
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  CHECK((low & 0x600e6) == 0x600e6);
}

/// Returns whether the kernel gave it.
static bool checkPermission() {
  constexpr long getPermitted = 0x1022, request = 0x1023, tileData = 18;
  // Processors want it for what tiles hold, not for their configuration.
  TileConfig config = makeConfig({1, 1, 4});
  CHECK_FAULTS(_tile_loadconfig(&config); _tile_zero(0));
  if (!CHECK(syscall(SYS_arch_prctl, request, tileData) == 0))
    return false;
  uint64_t mask = 0;
  CHECK(syscall(SYS_arch_prctl, getPermitted, &mask) == 0 && (mask & 0x60000) == 0x60000);
  // Other calls are what they were.
  CHECK(syscall(SYS_getpid) == getpid());
  CHECK(syscall(SYS_close, 1000) == -1 && errno == EBADF);
  return true;
}

static void checkProduct(Product product, ProductShape shape, RandomBytes &random) {
  constexpr unsigned stride = 80, bytes = maxRows * stride;
  static uint8_t a[bytes], b[bytes], got[bytes], want[bytes];
  random.fillOperand(product, /*special=*/false, a, bytes);
  random.fillOperand(product, /*special=*/false, b, bytes);
  random.fillSum(product, /*special=*/false, got, bytes);
  memcpy(want, got, bytes);
  configure(shape);
  _tile_loadd(0, got, stride);
  _tile_loadd(1, a, stride);
  _tile_stream_loadd(2, b, stride);
  switch (product) {
  case Product::S8S8:
    _tile_dpbssd(0, 1, 2);
    break;
  case Product::S8U8:
    _tile_dpbsud(0, 1, 2);
    break;
  case Product::U8S8:
    _tile_dpbusd(0, 1, 2);
    break;
  case Product::U8U8:
    _tile_dpbuud(0, 1, 2);
    break;
  case Product::BF16:
    _tile_dpbf16ps(0, 1, 2);
    break;
  case Product::F16:
    _tile_dpfp16ps(0, 1, 2);
    break;
  }
  _tile_stored(0, got, stride);
  referenceProduct(product, shape, want, a, b, stride);
  if (memcmp(got, want, bytes) != 0 && failures++ < 20)
    printf("product %d of %ux%ux%u differs\n", static_cast<int>(product), shape.m, shape.k, shape.n);
}

static void checkProducts(bool withF16, RandomBytes &random) {
  constexpr Product products[] = {Product::S8S8, Product::S8U8, Product::U8S8,
                                  Product::U8U8, Product::BF16, Product::F16};
  for (unsigned i = 0; i < std::size(products) - !withF16; ++i)
    for (unsigned m = 1; m <= 16; m += 5)
      for (unsigned k = 1; k <= 16; k += 3)
        for (unsigned n = 1; n <= 16; n += 5)
          checkProduct(products[i], {m, k, n}, random);
}

static void checkFaults() {
  const TileConfig config = {1, 0, {}, {64, 64, 64, 8}, {}, {16, 16, 16, 2}, {}};
  _tile_loadconfig(&config);
  TileConfig stored;
  _tile_storeconfig(&stored);
  CHECK(memcmp(&config, &stored, sizeof(config)) == 0);
  CHECK_FAULTS(_tile_zero(4));                                          // no such tile
  CHECK_FAULTS(__asm__ volatile(".byte 0xc4, 0xe2, 0x73, 0x5e, 0xc1")); // tdpbssd tmm0, tmm1, tmm1
  CHECK_FAULTS(_tile_dpbssd(0, 1, 3));                                  // of other shapes
  CHECK_FAULTS(_tile_loadd(0, reinterpret_cast<void *>(8), 64));        // no such memory
  TileConfig bad = config;
  bad.rowBytes[1] = 65;
  CHECK_FAULTS(_tile_loadconfig(&bad));
}

/// Static configuration (rip), displacements, scales, index, r8 to r15, negative stride.
static void checkAddresses(RandomBytes &random) {
  static const TileConfig fixed = {1, 0, {}, {8, 8, 8}, {}, {3, 2, 2}, {}};
  __asm__ volatile("ldtilecfg %0" : : "m"(fixed));
  int32_t data[1024], back[1024] = {};
  random.fill(reinterpret_cast<uint8_t *>(data), sizeof(data));
  char *from = reinterpret_cast<char *>(data), *to = reinterpret_cast<char *>(back);

  __asm__ volatile("tileloadd 400(%0,%1,4), %%tmm0\n tilestored %%tmm0, -64(%2,%1,1)"
                   :
                   : "r"(from), "r"(20l), "r"(to + 64)
                   : "memory");
  for (int row = 0; row < 3; ++row)
    CHECK(memcmp(to + row * 20, from + 400 + row * 80, 8) == 0);

  memset(back, 0, sizeof(back));
  __asm__ volatile("movq %0, %%r13\n movq %1, %%r12\n movq $-32, %%r14\n leaq (%%r12,%%r12), %%r8\n"
                   "tileloadd 1000(%%r13,%%r14,2), %%tmm0\n xorl %%r9d, %%r9d\n leaq 128(%%r12), %%r12\n"
                   "tilestored %%tmm0, (%%r12,%%r14)"
                   :
                   : "r"(from), "r"(to)
                   : "memory", "r8", "r9", "r12", "r13", "r14");
  for (int row = 0; row < 3; ++row)
    CHECK(memcmp(to + 128 - row * 32, from + 1000 - row * 64, 8) == 0);

  // Without an index every row is the first.
  __asm__ volatile("tileloadd (%0), %%tmm0\n tilestored %%tmm0, 64(%1,%2,2)"
                   :
                   : "r"(from), "r"(to), "r"(16l)
                   : "memory");
  for (int row = 0; row < 3; ++row)
    CHECK(memcmp(to + 64 + row * 32, from, 8) == 0);
}

static void checkOtherRegisters(RandomBytes &random) {
  uint8_t before[64], after[64], carry;
  uint64_t mask;
  constexpr uint64_t pattern = 0x123456789abc;
  random.fill(before, sizeof(before));
  __asm__ volatile(
      "vmovdqu64 %3, %%zmm17\n kmovq %4, %%k3\n stc\n tilezero %%tmm1\n tilezero %%tmm2\n tilezero %%tmm0\n"
      "setc %1\n vmovdqu64 %%zmm17, %0\n kmovq %%k3, %2"
      : "=m"(after), "=&r"(carry), "=&r"(mask)
      : "m"(before), "r"(pattern)
      : "xmm17", "k3", "cc");
  CHECK(memcmp(before, after, 64) == 0);
  CHECK(carry == 1);
  CHECK(mask == pattern);
}

/// Tiles are a thread's own; all threads meet code that did not run before.
static pthread_barrier_t together;
static void *useTiles(void *) {
  pthread_barrier_wait(&together);
  int32_t from[16], to[16] = {};
  for (int &element : from)
    element = 7;
  configure({1, 1, 16});
  _tile_loadd(0, from, 64);
  _tile_stored(0, to, 64);
  CHECK(memcmp(from, to, 64) == 0);
  _tile_release();
  return nullptr;
}

static void checkThreads() {
  const TileConfig mine = makeConfig({3, 2, 5});
  _tile_loadconfig(&mine);
  pthread_t threads[4];
  pthread_barrier_init(&together, nullptr, 4);
  for (pthread_t &thread : threads)
    pthread_create(&thread, nullptr, useTiles, nullptr);
  for (pthread_t thread : threads)
    pthread_join(thread, nullptr);
  TileConfig stored;
  _tile_storeconfig(&stored);
  CHECK(memcmp(&mine, &stored, sizeof(stored)) == 0);
  _tile_release();
  _tile_storeconfig(&stored);
  CHECK(stored.palette == 0 && stored.rows[0] == 0);
  CHECK_FAULTS(_tile_zero(0));
}

/// `f16`: with its products, which processors that have the rest may lack.
int main(int argc, char **argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  struct sigaction action = {};
  action.sa_handler = countFault;
  sigaction(SIGILL, &action, nullptr);
  sigaction(SIGSEGV, &action, nullptr);
  checkQuestions();
  if (!checkPermission())
    return 1;
  RandomBytes random;
  checkProducts(argc > 1 && strcmp(argv[1], "f16") == 0, random);
  checkFaults();
  checkAddresses(random);
  checkOtherRegisters(random);
  checkThreads();
  return failures ? 1 : 0;
}
