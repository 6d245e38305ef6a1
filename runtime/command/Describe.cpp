//===- Describe.cpp - what a compiled model is ----------------------------===//

#include "runtime/command/Describe.h"
#include "runtime/files/Json.h"
#include "runtime/session/CpuFeatures.h"
#include "runtime/session/Error.h"
#include "runtime/session/Level.h"
#include "runtime/session/Program.h"

#include <cstdio>

namespace halftone::rt {

static void describeTensors(const char *title,
                            const halftone_tensor_info *infos, uint32_t count) {
  printf("%s:\n", title);
  for (uint32_t i = 0; i < count; ++i)
    printf("  %-24s %-5s %s\n", infos[i].name, typeName(infos[i].dtype),
           signatureShape(infos[i]).c_str());
}

/// Without a level that can run: what the one to prefer needs.
static uint64_t arenaBytes(const halftone_program &program,
                           const halftone_level *running) {
  return (running ? running : program.levels)->arena_bytes;
}

static Text featureNames(uint64_t features) {
  Text names = cpuFeatureNames(features);
  if (names.empty())
    names.append("nothing beyond x86-64");
  return names;
}

static void describeLevels(const halftone_program &program,
                           const halftone_level *running) {
  uint64_t present = presentCpuFeatures();
  printf("CPU:\n  %-24s %s\n", "this computer has",
         featureNames(present).c_str());
  for (uint32_t i = 0; i < program.num_levels; ++i) {
    const halftone_level &level = program.levels[i];
    uint64_t missing = level.cpu_features & ~present;
    printf("  %-24s needs %s%s%s%s\n", level.name,
           featureNames(level.cpu_features).c_str(),
           missing ? "; missing: " : "", cpuFeatureNames(missing).c_str(),
           &level == running ? "; this is what runs" : "");
  }
  if (!running)
    printf("  the program cannot run here: %s\n", lastError());
}

static void describeText(const halftone_program &program,
                         const halftone_level *running) {
  printf("%s\n", program.name);
  describeTensors("inputs", program.inputs, program.num_inputs);
  describeTensors("outputs", program.outputs, program.num_outputs);
  if (program.num_symbols)
    printf("dynamic dimensions:\n");
  for (uint32_t s = 0; s < program.num_symbols; ++s)
    printf("  %-24s %lld to %lld\n", program.symbols[s].name,
           static_cast<long long>(program.symbols[s].min),
           static_cast<long long>(program.symbols[s].max));
  printf("memory:\n  %-24s %s\n  %-24s %s for each session, at the greatest "
         "dimensions\n",
         "weights", sizeText(program.payload_bytes).c_str(), "arena",
         sizeText(arenaBytes(program, running)).c_str());
  if (program.num_states)
    printf("  %-24s %s for each session, in %u tensors\n", "states",
           sizeText(program.state_bytes).c_str(), program.num_states);
  if (const halftone_text *text = program.text) {
    printf("text:\n  %-24s %s\n  %-24s %s\n  %-24s", "tokenizer",
           sizeText(text->tokenizer_bytes).c_str(), "chat format",
           text->chat ? "yes" : "none", "ends at tokens");
    for (uint64_t i = 0; i < text->num_ends; ++i)
      printf(" %u", text->ends[i]);
    printf("%s\n", text->num_ends ? "" : " none");
  }
  describeLevels(program, running);
  printf("build: %s\n", program.build_info);
}

static void describeTensorJson(const halftone_tensor_info &info) {
  printf("\n  {\"name\": %s, \"dtype\": \"%s\", \"shape\": [",
         jsonText(info.name).c_str(), typeName(info.dtype));
  for (uint32_t d = 0; d < info.rank; ++d)
    if (info.dims[d] >= 0)
      printf("%s%lld", d ? ", " : "", static_cast<long long>(info.dims[d]));
    else
      printf("%s%s", d ? ", " : "", jsonText(info.dim_text[d]).c_str());
  printf("]}");
}

static void describeTensorsJson(const char *title,
                                const halftone_tensor_info *infos,
                                uint32_t count) {
  printf(" \"%s\": [", title);
  for (uint32_t i = 0; i < count; ++i) {
    printf("%s", i ? "," : "");
    describeTensorJson(infos[i]);
  }
  printf("],\n");
}

static void describeStatesJson(const halftone_program &program) {
  printf(" \"states\": [");
  for (uint32_t i = 0; i < program.num_states; ++i) {
    printf("%s", i ? "," : "");
    describeTensorJson(program.states[i].tensor);
  }
  printf("],\n");
}

static void describeTextJson(const halftone_program &program) {
  const halftone_text *text = program.text;
  if (!text) {
    printf(" \"text\": null,\n");
    return;
  }
  printf(" \"text\": {\"tokenizer_bytes\": %llu, \"chat\": %s, \"ends\": [",
         static_cast<unsigned long long>(text->tokenizer_bytes),
         text->chat ? "true" : "false");
  for (uint64_t i = 0; i < text->num_ends; ++i)
    printf("%s%u", i ? ", " : "", text->ends[i]);
  printf("]},\n");
}

/// `["AVX2+FMA", "AVX-512"]`
static Text featureArray(uint64_t features) {
  Text text;
  text.append("[");
  for (unsigned index = 0; index < 64; ++index)
    if (uint64_t feature = features & uint64_t(1) << index)
      text.append(text.size() > 1 ? ", " : "")
          .append(jsonText(cpuFeatureNames(feature).c_str()).c_str());
  return std::move(text.append("]"));
}

static void describeLevelsJson(const halftone_program &program,
                               const halftone_level *running) {
  uint64_t present = presentCpuFeatures();
  printf(" \"cpu_features\": %s,\n \"level\": %s,\n \"levels\": [",
         featureArray(present).c_str(),
         running ? jsonText(running->name).c_str() : "null");
  for (uint32_t i = 0; i < program.num_levels; ++i) {
    const halftone_level &level = program.levels[i];
    printf("%s\n  {\"name\": %s, \"needed\": %s, \"missing\": %s, "
           "\"arena_bytes\": %llu}",
           i ? "," : "", jsonText(level.name).c_str(),
           featureArray(level.cpu_features).c_str(),
           featureArray(level.cpu_features & ~present).c_str(),
           static_cast<unsigned long long>(level.arena_bytes));
  }
  printf("],\n");
}

static void describeJson(const halftone_program &program,
                         const halftone_level *running) {
  printf("{\"schema_version\": 2,\n \"name\": %s,\n \"abi_version\": %u,\n"
         " \"runtime_version\": \"%s\",\n",
         jsonText(program.name).c_str(), program.abi_version, HALFTONE_VERSION);
  describeTensorsJson("inputs", program.inputs, program.num_inputs);
  describeTensorsJson("outputs", program.outputs, program.num_outputs);
  describeStatesJson(program);
  printf(" \"symbols\": [");
  for (uint32_t s = 0; s < program.num_symbols; ++s)
    printf("%s\n  {\"name\": %s, \"min\": %lld, \"max\": %lld}", s ? "," : "",
           jsonText(program.symbols[s].name).c_str(),
           static_cast<long long>(program.symbols[s].min),
           static_cast<long long>(program.symbols[s].max));
  printf("],\n \"memory\": {\"weight_bytes\": %llu, \"arena_bytes\": %llu, "
         "\"state_bytes\": %llu},\n",
         static_cast<unsigned long long>(program.payload_bytes),
         static_cast<unsigned long long>(arenaBytes(program, running)),
         static_cast<unsigned long long>(program.state_bytes));
  describeTextJson(program);
  describeLevelsJson(program, running);
  // JSON by contract; a string where it is not, so that the whole stays valid.
  bool embeddable = isJson(program.build_info);
  printf(" \"build_info\": %s}\n", embeddable
                                       ? program.build_info
                                       : jsonText(program.build_info).c_str());
}

ExitCode describe(const halftone_program &program, const Options &options,
                  Diagnostic &diagnostic) {
  const halftone_level *running;
  halftone_status status = chooseLevel(program, requestLevel(options.level),
                                       thisComputer(), running);
  // A computer that cannot run the program can still tell about it.
  if (status && status != HALFTONE_UNSUPPORTED_CPU) {
    diagnostic.fail("%s", lastError());
    return exitUsage;
  }
  if (options.json)
    describeJson(program, running);
  else
    describeText(program, running);
  return exitOk;
}

} // namespace halftone::rt
