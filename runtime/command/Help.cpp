//===- Help.cpp - --help and --version ------------------------------------===//

#include "runtime/command/Describe.h"
#include "runtime/session/Program.h"
#include "runtime/support/DataType.h"

#include <cstdio>
#include <cstring>

namespace halftone::rt {

/// Whether --perplexity and --next make sense for this program.
static bool isLanguageModel(const halftone_program &program) {
  bool ids = false, logits = false;
  for (uint32_t i = 0; i < program.num_inputs; ++i)
    ids |= strcmp(program.inputs[i].name, "input_ids") == 0;
  for (uint32_t i = 0; i < program.num_outputs; ++i)
    logits |= strcmp(program.outputs[i].name, "logits") == 0;
  return ids && logits;
}

static void printSignature(const char *title, const halftone_tensor_info *infos,
                           uint32_t count) {
  for (uint32_t i = 0; i < count; ++i)
    printf("  %-8s %s: %s %s\n", i ? "" : title, infos[i].name,
           typeName(infos[i].dtype), signatureShape(infos[i]).c_str());
}

void printHelp(const halftone_program &program, const char *self) {
  const char *input = program.num_inputs ? program.inputs[0].name : "x";
  const char *output = program.num_outputs ? program.outputs[0].name : "y";
  printf("%s: a model compiled by Halftone into this program.\n\n",
         program.name);
  printSignature("inputs", program.inputs, program.num_inputs);
  printSignature("outputs", program.outputs, program.num_outputs);
  printf("\n"
         "Run\n"
         "  %s --inputs in.npz --outputs out.npz\n"
         "  %s --input %s=x.npy --output %s=y.npy\n"
         "  %s --inputs in.json\n\n",
         self, self, input, output, self);
  printf("  --inputs FILE        all inputs: .npz (numpy.savez) or .json\n"
         "                       {\"%s\": [[...]], ...}\n"
         "  --outputs FILE       all outputs: .npz or .json; without it and\n"
         "                       --output a summary is printed\n"
         "  --input NAME=FILE    one input from a .npy file; repeatable\n"
         "  --output NAME=FILE   one output to a .npy file; repeatable\n"
         "  --threads N          how many threads compute (default: one per\n"
         "                       physical core that this process may use)\n"
         "  --pin                keep each thread on one CPU\n",
         input);
  printf("  --cpu LEVEL          run the code for");
  for (uint32_t i = 0; i < program.num_levels; ++i)
    printf("%s %s", i ? " or" : "", program.levels[i].name);
  printf(
      "\n"
      "                       (default: HALFTONE_CPU in the environment, or\n"
      "                       the best that this computer has)\n\n");
  printf("Measure\n"
         "  %s --bench 100",
         self);
  if (program.num_symbols) {
    printf(" --shape ");
    for (uint32_t s = 0; s < program.num_symbols; ++s)
      printf("%s%s=%lld", s ? "," : "", program.symbols[s].name,
             static_cast<long long>(program.symbols[s].max));
  }
  printf("\n\n"
         "  --bench N            time N runs; without inputs it makes\n"
         "                       some: small integers, ones for masks, random\n"
         "                       floats\n"
         "  --warmup K           runs before, not counted (default 3)\n"
         "  --shape NAME=N,...   dynamic dimensions of made inputs\n\n");
  if (isLanguageModel(program))
    printf(
        "Language models\n"
        "  %s --perplexity tokens.npy\n"
        "  %s --next tokens.npy --top 10\n\n"
        "  --perplexity FILE    perplexity of token ids: integers, a list or\n"
        "                       one list per row\n"
        "  --window N           tokens in each separate window (default: 512,\n"
        "                       or the most the program takes)\n"
        "  --next FILE          the most likely tokens after these\n"
        "  --top K              how many (default 5)\n\n",
        self, self);
  printf(
      "Know\n"
      "  --describe           signature, memory, CPU levels, build\n"
      "  --json               JSON from --describe, --bench%s\n"
      "  --version, --help\n\n"
      "Files: .npy versions 1 to 3, little-endian, C order; bfloat16 as the\n"
      "bits in uint16. Outputs replace a file only when they are complete.\n\n"
      "Exit codes: 0 done; 1 the run failed (shape, dtype, invalid data,\n"
      "output not writable); 2 bad option or unreadable input; 3 internal "
      "error.\n",
      isLanguageModel(program)
          ? ",\n                       --perplexity, --next"
          : "");
}

void printVersion(const halftone_program &program) {
  printf("%s\nHalftone runtime %s, ABI %u\nbuild: %s\n", program.name,
         HALFTONE_VERSION, HALFTONE_ABI_VERSION, program.build_info);
}

} // namespace halftone::rt
