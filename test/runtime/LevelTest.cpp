//===- LevelTest.cpp - which of a program's levels runs -------------------===//

#include "runtime/session/Level.h"
#include "Helpers.h"
#include "runtime/session/CpuFeatures.h"

#include <cerrno>

using namespace halftone;
using namespace halftone::test;

namespace {
constexpr uint64_t v3 = HALFTONE_CPU_AVX2_FMA, v4 = v3 | HALFTONE_CPU_AVX512,
                   amx = v4 | HALFTONE_CPU_AMX_INT8;

/// A program with levels for AMX, AVX-512 and AVX2.
struct Levels : testing::Test {
  Levels() {
    const halftone_level &toy = toyModel.levels[1];
    for (auto [name, features] :
         {std::pair("amx", amx), {"wide", v4}, {"narrow", v3}}) {
      levels.push_back(toy);
      levels.back().name = name;
      levels.back().cpu_features = features;
    }
    program.levels = levels.data();
    program.num_levels = static_cast<uint32_t>(levels.size());
  }
  ~Levels() override { unsetenv("HALFTONE_CPU"); }

  /// The level's name, or what is said in its place.
  std::string choose(
      uint64_t features, const rt::LevelRequest &request = {},
      int (*requestAmx)() = [] { return 0; }) {
    const halftone_level *level;
    status = chooseLevel(program, request, {features, requestAmx}, level);
    return level ? level->name : halftone_last_error();
  }

  std::vector<halftone_level> levels;
  halftone_program program = toyModel;
  halftone_status status = HALFTONE_OK;
};
} // namespace

static int refuse() { return EPERM; }

TEST_F(Levels, TheFirstThatTheComputerHasRuns) {
  EXPECT_EQ(choose(amx), "amx");
  EXPECT_EQ(choose(v4 | HALFTONE_CPU_AVX512_VNNI), "wide");
  EXPECT_EQ(choose(v3), "narrow");
}

TEST_F(Levels, WithoutPermissionForAmxTheNextRuns) {
  EXPECT_EQ(choose(amx, {}, refuse), "wide");
  program.num_levels = 1;
  EXPECT_EQ(choose(amx, {}, refuse),
            "\"toy\" cannot run on this computer: amx needs AMX, which the "
            "kernel does not permit (Operation not permitted; Linux 5.16 or "
            "newer is needed); compile the model again with a --cpu that this "
            "computer has");
}

TEST_F(Levels, PermissionIsAskedOnlyForALevelThatNeedsIt) {
  static int asked;
  asked = 0;
  choose(v4, {}, [] { return ++asked; });
  choose(amx, {"wide"}, [] { return ++asked; });
  EXPECT_EQ(asked, 0);
}

TEST_F(Levels, WhatEachLacksIsSaid) {
  EXPECT_EQ(choose(0),
            "\"toy\" cannot run on this computer: amx needs AVX2+FMA, AVX-512, "
            "AMX INT8; wide needs AVX2+FMA, AVX-512; narrow needs AVX2+FMA; "
            "compile the model again with a --cpu that this computer has");
  EXPECT_EQ(status, HALFTONE_UNSUPPORTED_CPU);
  levels[0].cpu_features = uint64_t(1) << 40;
  EXPECT_EQ(choose(0).find("\"toy\" cannot run on this computer: amx needs bit "
                           "40; wide"),
            0u);
}

TEST_F(Levels, ANamedLevelRunsIfTheComputerHasIt) {
  EXPECT_EQ(choose(amx, {"narrow"}), "narrow");
  EXPECT_EQ(choose(amx, {"amx"}), "amx");
  EXPECT_EQ(choose(v3, {"wide"}),
            "\"toy\" cannot run as wide on this computer: that needs AVX-512");
  EXPECT_EQ(status, HALFTONE_UNSUPPORTED_CPU);
  EXPECT_EQ(
      choose(amx, {"amx"}, refuse),
      "\"toy\" cannot run as amx on this computer: that needs AMX, which "
      "the kernel does not permit (Operation not permitted; Linux 5.16 or "
      "newer is needed)");
  EXPECT_EQ(choose(amx, {"broad", "HALFTONE_CPU: "}),
            "HALFTONE_CPU: \"toy\" has no code for \"broad\"; it was compiled "
            "for amx, wide, narrow");
  EXPECT_EQ(status, HALFTONE_INVALID_ARGUMENT);
}

TEST_F(Levels, TheEnvironmentNamesALevelUnlessTheCallerDoes) {
  for (halftone_level &level : levels)
    level.cpu_features = 0;
  auto load = [&](const char *name) {
    halftone_model *model;
    EXPECT_EQ(halftone_load_level(&program, name, &model), HALFTONE_OK)
        << halftone_last_error();
    std::string level = halftone_model_level(model);
    halftone_model_destroy(model);
    return level;
  };
  EXPECT_EQ(load(nullptr), "amx");
  setenv("HALFTONE_CPU", "wide", 1);
  EXPECT_EQ(load(nullptr), "wide");
  EXPECT_EQ(load("narrow"), "narrow");
  setenv("HALFTONE_CPU", "", 1);
  EXPECT_EQ(load(nullptr), "amx");
  setenv("HALFTONE_CPU", "broad", 1);
  halftone_model *model;
  EXPECT_EQ(halftone_load(&program, &model), HALFTONE_INVALID_ARGUMENT);
}

TEST_F(Levels, TheChosenOneRuns) {
  static int runs;
  runs = 0;
  levels[0].cpu_features = 0;
  levels[0].arena_bytes = 4096;
  levels[0].step = [](halftone_step *, int64_t) { ++runs; };
  Loaded toy(program);
  EXPECT_EQ(halftone_model_arena_bytes(toy.model), 4096u);
  ToyRun run(1, 1);
  EXPECT_EQ(halftone_session_run(toy.session, run.inputs.data(), 2,
                                 run.outputs.data(), 3),
            HALFTONE_OK);
  EXPECT_EQ(runs, 1);
}

TEST_F(Levels, AreChecked) {
  auto damage = [&] {
    halftone_model *model;
    EXPECT_EQ(halftone_load(&program, &model), HALFTONE_INVALID_PROGRAM);
    return std::string(halftone_last_error());
  };
  levels[2].name = "wide";
  EXPECT_EQ(damage(),
            "this program is damaged: it has two levels named \"wide\"");
  levels[1].step = nullptr;
  EXPECT_EQ(damage(),
            "this program is damaged: level 1 has no name or no code");
}

TEST(CpuFeatures, AgreeWithTheKernel) {
  std::string info = readFile("/proc/cpuinfo");
  uint64_t present = rt::presentCpuFeatures();
  auto kernelHas = [&](const std::string &flag) {
    return info.find(" " + flag + " ") != std::string::npos ||
           info.find(" " + flag + "\n") != std::string::npos;
  };
  EXPECT_EQ((present & HALFTONE_CPU_AVX2_FMA) != 0, kernelHas("avx2"));
  EXPECT_EQ((present & HALFTONE_CPU_AVX512_VNNI) != 0,
            kernelHas("avx512_vnni"));
  EXPECT_EQ((present & HALFTONE_CPU_AVX512_BF16) != 0,
            kernelHas("avx512_bf16"));
  EXPECT_EQ((present & HALFTONE_CPU_AMX_INT8) != 0, kernelHas("amx_int8"));
}
