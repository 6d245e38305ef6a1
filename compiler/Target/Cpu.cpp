//===- Cpu.cpp - the processors that programs are compiled for --------------===//

#include "compiler/Target/Cpu.h"

#include "runtime/include/halftone/abi.h"

#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

namespace halftone::target {

namespace {

/// What a level can have beside it. AMX needs the rest of its kernels in 512 bits.
struct Feature {
  llvm::StringLiteral name;
  uint64_t bit;
  unsigned vectorBits;
};

constexpr Feature kFeatures[] = {
    {"avxvnni", HALFTONE_CPU_AVX_VNNI, 256},        {"avx512vnni", HALFTONE_CPU_AVX512_VNNI, 512},
    {"avx512bf16", HALFTONE_CPU_AVX512_BF16, 512}, {"amx-int8", HALFTONE_CPU_AMX_INT8, 512},
    {"amx-bf16", HALFTONE_CPU_AMX_BF16, 512},
};

using HasFeature = llvm::function_ref<bool(llvm::StringRef)>;

Cpu makeLevel(llvm::StringRef name, bool is512, llvm::StringRef tune, HasFeature has) {
  Cpu cpu{name.str(), "x86-64-v3", tune.str(), 256, {}, HALFTONE_CPU_AVX2_FMA};
  if (is512) {
    cpu.level = "x86-64-v4";
    cpu.vectorBits = 512;
    cpu.cpuFeatures |= HALFTONE_CPU_AVX512;
  }
  for (const Feature &feature : kFeatures)
    if (feature.vectorBits == cpu.vectorBits && has(feature.name)) {
      cpu.features.push_back(feature.name.str());
      cpu.cpuFeatures |= feature.bit;
    }
  return cpu;
}

} // namespace

llvm::Expected<Cpu> getCpu(llvm::StringRef name) {
  auto hasAll = [](HasFeature has, std::initializer_list<const char *> features) {
    return llvm::all_of(features, has);
  };
  std::initializer_list<const char *> v3 = {"avx2", "fma", "f16c", "bmi2"};
  std::initializer_list<const char *> v4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
  if (name == "native" || name.empty()) {
    auto features = llvm::sys::getHostCPUFeatures();
    auto has = [&](llvm::StringRef feature) { return features.lookup(feature); };
    if (!hasAll(has, v3))
      return llvm::createStringError("this machine lacks AVX2 and FMA, the least that programs are compiled for; "
                                     "pass --cpu=x86-64-v3 to compile for another machine");
    // Virtual machines can show a model number that LLVM takes for an older
    // processor; AMX tells.
    llvm::StringRef tune = has("amx-tile") ? "sapphirerapids" : llvm::sys::getHostCPUName();
    return makeLevel("native", hasAll(has, v4), tune, has);
  }
  if (name == "x86-64-v3" || name == "x86-64-v4")
    return makeLevel(name, name == "x86-64-v4", "generic", [](llvm::StringRef) { return false; });
  if (llvm::X86::parseArchX86(name) == llvm::X86::CK_None)
    return llvm::createStringError("unknown processor '%s': use native, x86-64-v3, x86-64-v4 or a name that LLVM "
                                   "knows, such as sapphirerapids, znver4 or haswell",
                                   name.str().c_str());
  llvm::SmallVector<llvm::StringRef> own;
  llvm::X86::getFeaturesForCPU(name, own);
  llvm::StringMap<bool> features;
  for (llvm::StringRef feature : own) {
    features[feature] = true;
    llvm::X86::updateImpliedFeatures(feature, true, features);
  }
  auto has = [&](llvm::StringRef feature) { return features.lookup(feature); };
  if (!hasAll(has, v3))
    return llvm::createStringError("processor '%s' lacks AVX2 or FMA, the least that programs are compiled for",
                                   name.str().c_str());
  return makeLevel(name, hasAll(has, v4), name, has);
}

llvm::Expected<std::vector<Cpu>> getCpus(llvm::StringRef names) {
  std::vector<Cpu> cpus;
  llvm::SmallVector<llvm::StringRef> list;
  names.split(list, ',');
  for (llvm::StringRef name : list) {
    auto cpu = getCpu(name);
    if (!cpu)
      return cpu.takeError();
    for (const Cpu &other : cpus)
      if (other.cpuFeatures == cpu->cpuFeatures)
        return llvm::createStringError("%s and %s need the same features of a CPU: one of them would never run; name "
                                       "one",
                                       other.name.c_str(), cpu->name.c_str());
    cpus.push_back(std::move(*cpu));
  }
  llvm::sort(cpus, [](const Cpu &a, const Cpu &b) {
    return std::pair(a.vectorBits, a.cpuFeatures) > std::pair(b.vectorBits, b.cpuFeatures);
  });
  return cpus;
}

Cpu getBaseline() { return {"x86-64", "x86-64", "generic", 128, {}, 0}; }

} // namespace halftone::target
