//===- Preload.cpp - makes a process believe that it runs on AMX -----------===//
//
// Loaded with LD_PRELOAD. On a CPU without AMX a tile instruction is illegal: the
// signal's handler carries it out on tiles in thread-local memory and goes on
// behind it. All else runs natively, so the answers to the three questions that
// programs ask before they use AMX are changed as well:
//
//   arch_prctl   syscall() is this library's
//   cpuid        these instructions are made illegal ones as code is loaded, where
//   xgetbv       they look like those of clang's <cpuid.h>; see patch
//
// AMX_EMULATOR_COUNTS=FILE appends how often each instruction ran ("-": stderr).
//
//===----------------------------------------------------------------------===//

#include "Instruction.h"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <initializer_list>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace halftone::amx;

static constinit thread_local Tiles tiles;
/// Linux sends a signal to those who did not ask.
static std::atomic<bool> permitted;
/// What the program wants to happen on an illegal instruction and on a trap.
static struct sigaction programActions[2];
static struct sigaction &programAction(int number) { return programActions[number == SIGTRAP]; }

/// Writes over code, whose page stays writable from then on.
static bool overwrite(uint8_t *code, const uint8_t *with, size_t bytes) {
  uintptr_t start = reinterpret_cast<uintptr_t>(code), page = start & ~uintptr_t(4095);
  if (mprotect(reinterpret_cast<void *>(page), start + bytes - page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
    return false;
  memcpy(code, with, bytes);
  return true;
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

namespace {
struct Count {
  std::atomic<const char *> name;
  std::atomic<unsigned long> times;
};
} // namespace
static Count counts[16];

static void count(const char *name) {
  for (Count &entry : counts) {
    const char *expected = nullptr;
    if (entry.name == name || entry.name.compare_exchange_strong(expected, name) || expected == name) {
      entry.times.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
}

[[gnu::destructor]] static void writeCounts() {
  const char *path = getenv("AMX_EMULATOR_COUNTS");
  if (!path || !counts[0].name)
    return;
  int file =
      strcmp(path, "-") == 0 ? STDERR_FILENO : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  for (Count &entry : counts)
    if (entry.name)
      dprintf(file, "%s %lu\n", entry.name.load(), entry.times.load());
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

/// CPUID as clang's <cpuid.h> has it: between two equal exchanges with rbx.
static bool isBetweenExchanges(const uint8_t *cpuid) {
  const uint8_t *before = cpuid - 3, *after = cpuid + 2;
  return (before[0] & 0xfb) == 0x48 && before[1] == 0x87 && memcmp(before, after, 3) == 0;
}

static constexpr uint8_t cpuidCode[] = {0x0f, 0xa2}, illegalCpuid[] = {0x0f, 0x0b};
static constexpr uint8_t xgetbvCode[] = {0x0f, 0x01, 0xd0}, illegalXgetbv[] = {0x0f, 0xb9, 0xd0};

/// Makes CPUID illegal, and an XGETBV near one.
static void patch(uint8_t *code, size_t size) {
  constexpr size_t near = 1024;
  uint8_t *end = code + size, *lastCpuid = nullptr;
  for (uint8_t *at = code; (at = static_cast<uint8_t *>(memchr(at, 0x0f, end - at))); ++at) {
    if (at - code >= 3 && end - at >= 5 && memcmp(at, cpuidCode, 2) == 0 && isBetweenExchanges(at)) {
      overwrite(at, illegalCpuid, 2);
      lastCpuid = at;
    } else if (lastCpuid && size_t(at - lastCpuid) < near && end - at >= 3 &&
               memcmp(at, xgetbvCode, 3) == 0) {
      overwrite(at, illegalXgetbv, 3);
    }
  }
}

static int patchObject(dl_phdr_info *object, size_t, void *onlyAt) {
  if (onlyAt ? object->dlpi_addr != *static_cast<ElfW(Addr) *>(onlyAt)
             : strncmp(object->dlpi_name, "/usr/", 5) == 0 || strncmp(object->dlpi_name, "/lib", 4) == 0 ||
                   strcmp(object->dlpi_name, "linux-vdso.so.1") == 0)
    return 0;
  for (unsigned i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = object->dlpi_phdr[i];
    if (segment.p_type == PT_LOAD && segment.p_flags == (PF_R | PF_X))
      patch(reinterpret_cast<uint8_t *>(object->dlpi_addr + segment.p_vaddr), segment.p_memsz);
  }
  return 0;
}

/// A Sapphire Rapids with all else that this CPU has.
static void answerCpuid(greg_t *registers) {
  unsigned leaf = registers[REG_RAX], subleaf = registers[REG_RCX];
  unsigned eax = leaf, ebx, ecx = subleaf, edx;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx)); // not <cpuid.h>'s, which is patched
  constexpr unsigned tileInformation = 0x1d, multiplyInformation = 0x1e;
  if (leaf == 0 && eax < multiplyInformation)
    eax = multiplyInformation;
  else if (leaf == 7 && subleaf == 0)
    edx |= 1u << 22 | 1u << 24 | 1u << 25; // BF16, TILE, INT8
  else if (leaf == 0xd && subleaf == 0)
    eax |= 0x60000;
  else if (leaf == tileInformation && subleaf == 0)
    eax = 1, ebx = ecx = edx = 0;
  else if (leaf == tileInformation && subleaf == 1)
    eax = 1024 << 16 | 8192, ebx = numTiles << 16 | maxRowBytes, ecx = maxRows, edx = 0;
  else if (leaf == multiplyInformation && subleaf == 0)
    eax = 0, ebx = maxRowBytes << 8 | 16, ecx = edx = 0;
  registers[REG_RAX] = eax;
  registers[REG_RBX] = ebx;
  registers[REG_RCX] = ecx;
  registers[REG_RDX] = edx;
}

static void answerXgetbv(greg_t *registers) {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(static_cast<unsigned>(registers[REG_RCX])));
  registers[REG_RAX] = registers[REG_RCX] == 0 ? low | 0x60000 : low;
  registers[REG_RDX] = high;
}

/// Returns whether the call was one about AMX.
static bool answerArchPrctl(long request, long argument) {
  constexpr long getSupported = 0x1021, getPermitted = 0x1022, requestPermission = 0x1023, tileData = 18;
  if (request == requestPermission && argument == tileData) {
    permitted = true;
    return true;
  }
  if (request != getSupported && request != getPermitted)
    return false;
  *reinterpret_cast<uint64_t *>(argument) = permitted || request == getSupported ? 0x602e7 : 0x202e7;
  return true;
}

//===----------------------------------------------------------------------===//
// Illegal instructions
//===----------------------------------------------------------------------===//

static const char *execute(const Instruction &instruction) {
  if (!permitted)
    return "arch_prctl was not asked for permission to use AMX";
  void *memory = reinterpret_cast<void *>(instruction.address);
  switch (instruction.operation) {
  case Operation::LoadConfig:
    return tiles.loadConfig(memory);
  case Operation::StoreConfig:
    tiles.storeConfig(memory);
    return nullptr;
  case Operation::Release:
    tiles.release();
    return nullptr;
  case Operation::Zero:
    return tiles.zero(instruction.reg);
  case Operation::Load:
    return tiles.load(instruction.reg, static_cast<const char *>(memory), instruction.stride);
  case Operation::Store:
    return tiles.store(instruction.reg, static_cast<char *>(memory), instruction.stride);
  case Operation::Multiply:
    return tiles.multiply(instruction.product, instruction.reg, instruction.rm, instruction.vvvv);
  }
  return nullptr;
}

static bool answerQuestion(const uint8_t *code, greg_t *registers) {
  if (memcmp(code, illegalCpuid, 2) == 0 && isBetweenExchanges(code)) {
    answerCpuid(registers);
    registers[REG_RIP] += 2;
    return true;
  }
  if (memcmp(code, illegalXgetbv, 3) == 0) {
    answerXgetbv(registers);
    registers[REG_RIP] += 3;
    return true;
  }
  return false;
}

/// An illegal instruction costs an exit from a virtual machine as well, often the
/// most of it all: when one runs a second time its first byte is a breakpoint.
static void handle(int number, siginfo_t *info, void *context) {
  constexpr uint8_t breakpoint = 0xcc, vex = 0xc4;
  greg_t *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  bool isTrap = number == SIGTRAP;
  auto *code = reinterpret_cast<uint8_t *>(registers[REG_RIP]) - isTrap;
  Instruction instruction;
  // Another thread may have changed the byte since.
  if ((code[0] == vex || code[0] == breakpoint) && decode(code, registers, instruction)) {
    const char *fault = execute(instruction);
    if (!fault) {
      count(instruction.name);
      registers[REG_RIP] = reinterpret_cast<greg_t>(code + instruction.length);
      if (!isTrap)
        overwrite(code, &breakpoint, 1);
      return;
    }
    if (isTrap) { // again, as what it is
      overwrite(code, &vex, 1);
      registers[REG_RIP] = reinterpret_cast<greg_t>(code);
      return;
    }
    dprintf(STDERR_FILENO, "AMX emulator: %s (tile %u) at %p: %s\n", instruction.name, instruction.reg, code,
            fault);
  } else if (!isTrap && answerQuestion(code, registers)) {
    return;
  }
  const struct sigaction &action = programAction(number);
  if (action.sa_flags & SA_SIGINFO)
    action.sa_sigaction(number, info, context);
  else if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
    action.sa_handler(number);
  else
    signal(number, SIG_DFL), raise(number);
}

//===----------------------------------------------------------------------===//
// Functions of the C library that are seen before its own
//===----------------------------------------------------------------------===//

template <typename Function>
static Function *next(Function *&cache, const char *name) {
  if (!cache)
    cache = reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
  return cache;
}

extern "C" {
#pragma GCC visibility push(default)

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long),
       e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && answerArchPrctl(a, b))
    return 0;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  if (static_cast<unsigned long>(result) <= -4096ul)
    return result;
  errno = static_cast<int>(-result);
  return -1;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before) noexcept {
  static decltype(sigaction) *real;
  if (number != SIGILL && number != SIGTRAP)
    return next(real, "sigaction")(number, action, before);
  struct sigaction previous = programAction(number);
  if (action)
    programAction(number) = *action;
  if (before)
    *before = previous;
  return 0;
}

void *dlopen(const char *path, int mode) {
  static decltype(dlopen) *real;
  void *handle = next(real, "dlopen")(path, mode);
  link_map *map;
  if (handle && path && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0)
    dl_iterate_phdr(patchObject, &map->l_addr);
  return handle;
}

#pragma GCC visibility pop
} // extern "C"

[[gnu::constructor]] static void start() {
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  for (int number : {SIGILL, SIGTRAP})
    reinterpret_cast<decltype(sigaction) *>(dlsym(RTLD_NEXT, "sigaction"))(number, &action, nullptr);
  dl_iterate_phdr(patchObject, nullptr);
}
