//===- PreloadTest.cpp - a program of tile instructions, with and without --===//

#include <array>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {
struct Ended {
  int code; ///< exit code, or -1
  std::string said;
};

Ended runProgram(const std::string &environment, const std::string &argument = "") {
  FILE *pipe = popen(("env " + environment + " '" AMX_PROGRAM_PATH "' " + argument + " 2>&1").c_str(), "r");
  if (!pipe)
    return {-1, "cannot be started"};
  std::string said;
  std::array<char, 4096> buffer;
  while (size_t count = fread(buffer.data(), 1, buffer.size(), pipe))
    said.append(buffer.data(), count);
  int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, said};
}

bool kernelKnows(const char *flag) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("flags"))
      return (line + " ").find(std::string(" ") + flag + " ") != std::string::npos;
  return false;
}
} // namespace

TEST(AmxProgram, RunsEmulated) {
  if (!__builtin_cpu_supports("avx512f"))
    GTEST_SKIP() << "the program needs AVX-512, which this CPU lacks";
  if (kernelKnows("amx_tile"))
    GTEST_SKIP() << "this CPU has tiles of its own, which the emulator cannot keep from running";
  std::string counts = testing::TempDir() + "amx-counts-" + std::to_string(getpid());
  Ended ended = runProgram("LD_PRELOAD='" AMX_EMULATOR_PATH "' AMX_EMULATOR_COUNTS='" + counts + "'", "f16");
  EXPECT_EQ(ended.code, 0) << ended.said;
  // Of what the program provokes, this says why.
  EXPECT_NE(ended.said.find("AMX emulator: ldtilecfg"), std::string::npos) << ended.said;
  EXPECT_NE(ended.said.find("arch_prctl was not asked for permission to use AMX"), std::string::npos)
      << ended.said;

  std::stringstream counted;
  counted << std::ifstream(counts).rdbuf();
  remove(counts.c_str());
  for (const char *name :
       {"ldtilecfg", "sttilecfg", "tilerelease", "tilezero", "tileloadd", "tileloaddt1", "tilestored",
        "tdpbssd", "tdpbsud", "tdpbusd", "tdpbuud", "tdpbf16ps", "tdpfp16ps"})
    EXPECT_NE(counted.str().find(std::string(name) + " "), std::string::npos) << counted.str();
}

// What the program expects of the emulator, processors do.
TEST(AmxProgram, RunsOnTheCpuItself) {
  if (!kernelKnows("amx_int8") || !kernelKnows("amx_bf16"))
    GTEST_SKIP() << "this CPU has no AMX";
  Ended ended = runProgram("");
  EXPECT_EQ(ended.code, 0) << ended.said;
}
