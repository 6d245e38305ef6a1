//===- limits.cpp - what this computer can do at most ---------------------===//
//
//   limits [THREADS [SECONDS]]
//
// Measures, on one thread and on THREADS at once, how fast dot products and fused
// multiply-adds are done in registers (each instruction set that the CPU has and
// the kernel permits) and how fast L2, L3 and memory are read, SECONDS for each.
// Prints JSON: giga-operations or gigabytes per second. A multiply-add is two
// operations. The best of many short runs counts: it is a limit.
//
//===----------------------------------------------------------------------===//

#include <cpuid.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// What one thread is given. Arithmetic looks at `rounds` alone; reads go `rounds`
/// times over their own part of a buffer.
struct Work {
  const char *data;
  size_t bytes;
  long rounds;
};

/// Does the work and says how many operations or bytes it was.
using Kernel = double (*)(const Work &);

//===-- Arithmetic in registers -------------------------------------------===//

/// As many independent sums as hide the latency of any instruction here; they, the
/// factors and a temporary fit the 16 registers of AVX2.
constexpr int kSums = 12;

/// The bytes of a factor: an ordinary number in every type (63; 0.75 in f32 and
/// bf16), so that no denormal slows anything down.
constexpr int kOrdinary = 0x3f;

/// A kernel that adds to each `sum` by STEP, from `a` and `b`. The empty assembly
/// keeps the compiler from computing a step's factors once for all.
#define ARITHMETIC(name, features, Vector, operations, STEP)                                                 \
  __attribute__((target(features))) double name(const Work &work) {                                          \
    Vector sums[kSums] = {}, a, b;                                                                           \
    memset(&a, kOrdinary, sizeof a);                                                                         \
    memset(&b, kOrdinary, sizeof b);                                                                         \
    for (long round = 0; round < work.rounds; ++round) {                                                     \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < kSums; ++i) {                                   \
        Vector &sum = sums[i];                                                                               \
        __asm__ volatile("" : "+x"(a));                                                                      \
        sum = STEP;                                                                                          \
      }                                                                                                      \
    }                                                                                                        \
    for (Vector & sum : sums)                                                                                \
      __asm__ volatile("" : : "x"(sum));                                                                     \
    return 2.0 * (operations)*kSums * double(work.rounds);                                                   \
  }

ARITHMETIC(avx2F32, "avx2,fma", __m256, 8, _mm256_fmadd_ps(a, b, sum))
ARITHMETIC(avx512F32, "avx512f", __m512, 16, _mm512_fmadd_ps(a, b, sum))
ARITHMETIC(avx512Bf16, "avx512f,avx512bf16", __m512, 32, _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b))
ARITHMETIC(avx2Int8, "avx2", __m256i, 32,
           _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), b)))
ARITHMETIC(avxVnni, "avx2,avxvnni", __m256i, 32, _mm256_dpbusd_avx_epi32(sum, a, b))
ARITHMETIC(avx512Vnni, "avx512f,avx512vnni", __m512i, 64, _mm512_dpbusd_epi32(sum, a, b))

/// Eight tiles of 16 rows of 64 bytes.
__attribute__((target("amx-tile"))) void configureTiles() {
  struct {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t columns[16] = {};
    uint8_t rows[16] = {};
  } config;
  std::fill_n(config.columns, 8, uint16_t(64));
  std::fill_n(config.rows, 8, uint8_t(16));
  _tile_loadconfig(&config);
  char data[1024];
  memset(data, kOrdinary, sizeof data);
  _tile_loadd(0, data, 64);
  _tile_loadd(1, data, 64);
  _tile_loadd(2, data, 64);
  _tile_loadd(3, data, 64);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
}

/// The register blocking of a matrix product: two tiles by two.
#define TILES(name, features, depth, STEP)                                                                   \
  __attribute__((target("amx-tile," features))) double name(const Work &work) {                              \
    configureTiles();                                                                                        \
    for (long round = 0; round < work.rounds; ++round) {                                                     \
      STEP(4, 0, 2);                                                                                         \
      STEP(5, 0, 3);                                                                                         \
      STEP(6, 1, 2);                                                                                         \
      STEP(7, 1, 3);                                                                                         \
    }                                                                                                        \
    _tile_release();                                                                                         \
    return 2.0 * 16 * 16 * (depth)*4 * double(work.rounds);                                                  \
  }

TILES(amxInt8, "amx-int8", 64, _tile_dpbssd)
TILES(amxBf16, "amx-bf16", 32, _tile_dpbf16ps)
TILES(amxFp16, "amx-fp16", 32, _tile_dpfp16ps)

//===-- Reads -------------------------------------------------------------===//

#define READS(name, features, Vector, XOR)                                                                   \
  __attribute__((target(features))) double name(const Work &work) {                                          \
    constexpr size_t kStep = 8 * sizeof(Vector);                                                             \
    Vector sums[8] = {};                                                                                     \
    for (long round = 0; round < work.rounds; ++round)                                                       \
      for (const char *at = work.data, *end = at + work.bytes; at < end; at += kStep) {                      \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; ++i) sums[i] =                             \
            XOR(sums[i], ((const Vector *)at)[i]);                                                           \
      }                                                                                                      \
    for (Vector & sum : sums)                                                                                \
      __asm__ volatile("" : : "x"(sum));                                                                     \
    return double(work.bytes) * double(work.rounds);                                                         \
  }

READS(reads256, "avx2", __m256i, _mm256_xor_si256)
READS(reads512, "avx512f", __m512i, _mm512_xor_si512)

//===-- Measuring ---------------------------------------------------------===//

struct Buffer {
  explicit Buffer(size_t bytes) : bytes(bytes) {
    constexpr size_t kHugePage = 2 << 20;
    data = static_cast<char *>(aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage));
    if (!data) {
      fprintf(stderr, "limits: error: no memory for a buffer of %zu MiB\n", bytes >> 20);
      exit(1);
    }
    madvise(data, bytes, MADV_HUGEPAGE); // Without: fewer pages in the TLB, no other harm.
    memset(data, 1, bytes);
  }
  ~Buffer() { free(data); }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  char *data;
  size_t bytes;
};

struct Limit {
  const char *name;
  bool present;
  Kernel kernel;
  /// Each thread has so many parts of so many bytes, and reads one of them a run, again
  /// and again unless there are several: those are so many that no cache keeps one until
  /// its next turn. Arithmetic reads nothing.
  size_t bytes = 0;
  size_t parts = 1;
};

/// Units per second of one run by all threads together.
double rate(const Limit &limit, const Buffer &buffer, size_t turn, long rounds, int threads) {
  struct Result {
    double units, begin, end;
  };
  std::vector<Result> results(threads);
  std::barrier start(threads);
  auto body = [&](int thread) {
    const char *parts = buffer.data + thread * limit.parts * limit.bytes;
    auto part = [&](size_t turn) { return parts + turn % limit.parts * limit.bytes; };
    Result &result = results[thread];
    // Fills the cache, if it is to be read again, and wakes the wide units.
    limit.kernel({part(turn), limit.bytes, 1});
    start.arrive_and_wait();
    result.begin = now();
    result.units = limit.kernel({part(turn + 1), limit.bytes, rounds});
    result.end = now();
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread)
    others.emplace_back(body, thread);
  body(0);
  for (std::thread &other : others)
    other.join();
  double units = 0, begin = results[0].begin, end = results[0].end;
  for (const Result &result : results) {
    units += result.units;
    begin = std::min(begin, result.begin);
    end = std::max(end, result.end);
  }
  return units / (end - begin);
}

/// The best of as many runs of some milliseconds as `seconds` allow, in giga-units. Short
/// ones, which others seldom interrupt.
double best(const Limit &limit, int threads, double seconds) {
  const Buffer buffer(std::max<size_t>(limit.bytes * limit.parts * threads, 1));
  long rounds = 1;
  for (double took = 0; limit.parts == 1 && took < 0.003; rounds *= 2) {
    const double begin = now();
    limit.kernel({buffer.data, limit.bytes, rounds});
    took = now() - begin;
  }
  double result = 0;
  const double end = now() + seconds;
  size_t turn = 0;
  do {
    result = std::max(result, rate(limit, buffer, turn++, rounds, threads));
  } while (now() < end);
  return result * 1e-9;
}

void print(const std::vector<Limit> &limits, int threads, double seconds) {
  const char *separator = "";
  for (const Limit &limit : limits) {
    if (!limit.present)
      continue;
    const double one = best(limit, 1, seconds);
    printf("%s\n  \"%s\": {\"one\": %.2f, \"all\": %.2f}", separator, limit.name, one,
           threads > 1 ? best(limit, threads, seconds) : one);
    fflush(stdout);
    separator = ",";
  }
}

/// What AMX can be used for: the CPU has it (cpuid leaf 7) and Linux lets this process
/// use tiles, once asked (ARCH_REQ_XCOMP_PERM).
struct Amx {
  bool int8 = false, bf16 = false, fp16 = false;

  Amx() {
    constexpr int kRequestPermission = 0x1023, kTileData = 18;
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(edx >> 24 & 1) ||
        syscall(SYS_arch_prctl, kRequestPermission, kTileData))
      return;
    bf16 = edx >> 22 & 1;
    int8 = edx >> 25 & 1;
    if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
      fp16 = eax >> 21 & 1;
  }
};

/// The bytes of the data cache of `level` as Linux describes it (sysconf counts an L3
/// once for each core on some CPUs).
size_t cacheBytes(int level, size_t otherwise) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    auto read = [&](const char *file) {
      std::string text;
      std::getline(std::ifstream(folder + file), text);
      return text;
    };
    if (read("level") != std::to_string(level) || read("type") == "Instruction")
      continue;
    const std::string size = read("size"); // "1024K"
    return strtoul(size.c_str(), nullptr, 10) << (size.ends_with('K') ? 10 : 0);
  }
  return otherwise;
}

} // namespace

int main(int argc, char **argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 1;
  const double seconds = argc > 2 ? atof(argv[2]) : 0.3;
  if (threads < 1 || threads > 1024) {
    fprintf(stderr, "limits: error: '%s' is no number of threads\n", argv[1]);
    return 2;
  }
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    fprintf(stderr, "limits: error: this CPU has no AVX2\n");
    return 1;
  }
  const size_t l2 = cacheBytes(2, 1 << 20);
  const size_t l3 = cacheBytes(3, 32 << 20);
  const bool wide = __builtin_cpu_supports("avx512f");
  const Amx amx;
  constexpr size_t kPart = 32 << 20;
  const Kernel reads = wide ? reads512 : reads256;

  printf("{\"threads\": %d, \"l2_bytes\": %zu, \"l3_bytes\": %zu, \"limits\": {", threads, l2, l3);
  print(
      {
          {"amx_int8", amx.int8, amxInt8},
          {"amx_bf16", amx.bf16, amxBf16},
          {"amx_fp16", amx.fp16, amxFp16},
          {"avx512_vnni", bool(__builtin_cpu_supports("avx512vnni")), avx512Vnni},
          {"avx_vnni", bool(__builtin_cpu_supports("avxvnni")), avxVnni},
          {"avx2_int8", true, avx2Int8},
          {"avx512_bf16", bool(__builtin_cpu_supports("avx512bf16")), avx512Bf16},
          {"avx512_f32", wide, avx512F32},
          {"avx2_f32", true, avx2F32},
          {"read_l2", true, reads, l2 / 2 / 4096 * 4096},
          // Several times what L2 holds, and a part of L3 that the others leave free.
          {"read_l3", l3 / threads > 2 * l2, reads, std::min(4 * l2, l3 / 2 / threads / 4096 * 4096)},
          {"read_memory", true, reads, kPart, std::max(4 * l3, size_t(512) << 20) / kPart / threads + 1},
      },
      threads, seconds);
  printf("\n}}\n");
  return 0;
}
