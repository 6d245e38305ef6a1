//===- Cpu.cpp - the processors that programs are compiled for --------------===//

#include "compiler/Target/Cpu.h"

#include "runtime/include/halftone/abi.h"

#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

namespace halftone::target {

static Cpu makeLevel4(llvm::StringRef tune) {
  return {"x86-64-v4", tune.str(), 512, HALFTONE_CPU_AVX2_FMA | HALFTONE_CPU_AVX512};
}
static Cpu makeLevel3(llvm::StringRef tune) { return {"x86-64-v3", tune.str(), 256, HALFTONE_CPU_AVX2_FMA}; }

llvm::Expected<Cpu> getCpu(llvm::StringRef name) {
  auto hasAll = [](auto &&has, std::initializer_list<const char *> features) {
    return llvm::all_of(features, has);
  };
  std::initializer_list<const char *> v3 = {"avx2", "fma", "f16c", "bmi2"};
  std::initializer_list<const char *> v4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
  if (name == "native" || name.empty()) {
    auto features = llvm::sys::getHostCPUFeatures();
    auto has = [&](const char *feature) { return features.lookup(feature); };
    if (!hasAll(has, v3))
      return llvm::createStringError("this machine lacks AVX2 and FMA, the least that programs are compiled for; "
                                     "pass --cpu=x86-64-v3 to compile for another machine");
    // Virtual machines can show a model number that LLVM takes for an older
    // processor; AMX tells.
    llvm::StringRef tune = has("amx-tile") ? "sapphirerapids" : llvm::sys::getHostCPUName();
    return hasAll(has, v4) ? makeLevel4(tune) : makeLevel3(tune);
  }
  if (name == "x86-64-v3" || name == "x86-64-v4")
    return name == "x86-64-v4" ? makeLevel4("generic") : makeLevel3("generic");
  if (llvm::X86::parseArchX86(name) == llvm::X86::CK_None)
    return llvm::createStringError("unknown processor '%s': use native, x86-64-v3, x86-64-v4 or a name that LLVM "
                                   "knows, such as sapphirerapids, znver4 or haswell",
                                   name.str().c_str());
  llvm::SmallVector<llvm::StringRef> features;
  llvm::X86::getFeaturesForCPU(name, features);
  auto has = [&](const char *feature) { return llvm::is_contained(features, feature); };
  if (!hasAll(has, v3))
    return llvm::createStringError("processor '%s' lacks AVX2 or FMA, the least that programs are compiled for",
                                   name.str().c_str());
  return hasAll(has, v4) ? makeLevel4(name) : makeLevel3(name);
}

} // namespace halftone::target
