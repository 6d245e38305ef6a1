//===- CpuFeatures.cpp - what this computer can run -----------------------===//
//
// The runtime itself is plain x86-64, so this runs on any CPU and can name what
// is missing before the first instruction of generated code.
//
//===----------------------------------------------------------------------===//

#include "runtime/session/CpuFeatures.h"
#include "halftone/abi.h"

#include <cerrno>
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace halftone::rt {

namespace {
struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};
} // namespace

static Leaf readLeaf(unsigned leaf, unsigned subleaf) {
  Leaf result;
  __get_cpuid_count(leaf, subleaf, &result.eax, &result.ebx, &result.ecx,
                    &result.edx);
  return result;
}

static bool hasAll(unsigned bits, unsigned wanted) {
  return (bits & wanted) == wanted;
}

static constexpr unsigned bit(unsigned index) { return 1u << index; }

/// The register sets that the operating system saves for a thread.
static uint64_t savedState() {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

uint64_t presentCpuFeatures() {
  Leaf basic = readLeaf(1, 0);
  constexpr unsigned osxsave = bit(27);
  if (!hasAll(basic.ecx, osxsave))
    return 0;
  uint64_t state = savedState();
  Leaf extended = readLeaf(7, 0);
  Leaf extended1 = extended.eax >= 1 ? readLeaf(7, 1) : Leaf();
  Leaf amd = readLeaf(0x80000001, 0);

  uint64_t features = 0;
  constexpr uint64_t ymmState = 0x6, zmmState = 0xe6, tileState = 0x60000;
  // x86-64-v3: FMA, MOVBE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT.
  bool v3 = hasAll(basic.ecx, bit(12) | bit(22) | bit(28) | bit(29)) &&
            hasAll(extended.ebx, bit(3) | bit(5) | bit(8)) &&
            hasAll(amd.ecx, bit(5)) && (state & ymmState) == ymmState;
  if (!v3)
    return 0;
  features |= HALFTONE_CPU_AVX2_FMA;
  if (hasAll(extended1.eax, bit(4)))
    features |= HALFTONE_CPU_AVX_VNNI;
  // F, DQ, CD, BW, VL.
  if (hasAll(extended.ebx, bit(16) | bit(17) | bit(28) | bit(30) | bit(31)) &&
      (state & zmmState) == zmmState) {
    features |= HALFTONE_CPU_AVX512;
    if (hasAll(extended.ecx, bit(11)))
      features |= HALFTONE_CPU_AVX512_VNNI;
    if (hasAll(extended1.eax, bit(5)))
      features |= HALFTONE_CPU_AVX512_BF16;
  }
  constexpr unsigned amxTile = bit(24);
  if (hasAll(extended.edx, amxTile) && (state & tileState) == tileState) {
    if (hasAll(extended.edx, bit(25)))
      features |= HALFTONE_CPU_AMX_INT8;
    if (hasAll(extended.edx, bit(22)))
      features |= HALFTONE_CPU_AMX_BF16;
  }
  return features;
}

Text cpuFeatureNames(uint64_t features) {
  static constexpr const char *names[] = {"AVX2+FMA",     "AVX-512",
                                          "AVX-512 VNNI", "AVX-512 BF16",
                                          "AMX INT8",     "AMX BF16",
                                          "AVX-VNNI"};
  Text text;
  for (unsigned index = 0; index < 64; ++index) {
    if (!(features >> index & 1))
      continue;
    text.append(text.empty() ? "" : ", ");
    if (index < sizeof(names) / sizeof(names[0]))
      text.append(names[index]);
    else
      text.format("bit %u", index);
  }
  return text;
}

int requestAmxPermission() {
  constexpr long archReqXcompPerm = 0x1023, tileDataFeature = 18;
  return syscall(SYS_arch_prctl, archReqXcompPerm, tileDataFeature) == 0
             ? 0
             : errno;
}

} // namespace halftone::rt
