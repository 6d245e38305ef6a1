//===- Cpu.h - the processors that programs are compiled for ----------------===//

#ifndef HALFTONE_COMPILER_TARGET_CPU_H
#define HALFTONE_COMPILER_TARGET_CPU_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace halftone::target {

/// A level of the x86-64 psABI with features beside it, and the processor that code is
/// scheduled for. Level and features alone decide which instructions are used, so that
/// `cpuFeatures`, which the program checks at its start, covers them all.
struct Cpu {
  std::string name;     ///< as --cpu has it
  std::string level;    ///< LLVM's name: x86-64-v3 or x86-64-v4
  std::string tune;     ///< LLVM's name of the processor
  unsigned vectorBits;  ///< 256 or 512
  /// LLVM's names of what the catalogue of `htk` may ask for beside the level, such as avx512vnni.
  std::vector<std::string> features;
  uint64_t cpuFeatures; ///< bits of halftone_cpu_feature
};

/// `native`, x86-64-v3, x86-64-v4, or an LLVM processor name such as
/// sapphirerapids, whose level and features are then taken.
llvm::Expected<Cpu> getCpu(llvm::StringRef name);

/// The same of several, separated by commas; the one to prefer first, whatever
/// their order: wider vectors, then more features.
llvm::Expected<std::vector<Cpu>> getCpus(llvm::StringRef names);

/// What code needs that runs before a level is chosen: plain x86-64.
Cpu getBaseline();

} // namespace halftone::target

#endif
