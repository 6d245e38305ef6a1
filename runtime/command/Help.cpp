//===- Help.cpp - --help and --version ------------------------------------===//

#include "runtime/command/Describe.h"
#include "runtime/command/Inputs.h"
#include "runtime/language/Signature.h"
#include "runtime/session/Program.h"
#include "runtime/support/DataType.h"

#include <cstdio>

namespace halftone::rt {

/// Whether --perplexity and --next make sense for this program.
static bool isLanguageModel(const halftone_program &program) {
  return findTensor(program.inputs, program.num_inputs, "input_ids") <
             program.num_inputs &&
         findTensor(program.outputs, program.num_outputs, "logits") <
             program.num_outputs;
}

/// Of programs that can go on from a text, or from tokens.
static void printWriting(const halftone_program &program, const char *self) {
  Signature signature;
  Diagnostic diagnostic;
  if (!signature.find(program, diagnostic))
    return;
  printf("Write\n"
         "  %s -p \"Once upon a time\" -n 200\n"
         "  %s --chat\n"
         "  %s --bench prefill=512,decode=128\n\n"
         "  -p, --prompt TEXT    what the model goes on from%s\n"
         "  --prompt-file FILE   the same from a file\n"
         "  --chat               turns of you and the model%s\n"
         "  --system TEXT        what a chat begins with\n"
         "  -n, --max-tokens N   how many tokens at most (default: until the\n"
         "                       model ends, or the context of %zu tokens)\n"
         "  --greedy             always the likeliest token\n"
         "  --temperature T      else drawn by chance: of logits / T (default\n"
         "                       0.8; 0 is greedy)\n"
         "  --top-k K            from the K likeliest (40; 0: all)\n"
         "  --top-p P            from the likeliest that have the probability P\n"
         "                       together (0.95)\n"
         "  --min-p P            from those that have the part P of the\n"
         "                       likeliest's probability (0)\n"
         "  --penalty X          of repeated tokens (1: none), and how far back\n"
         "  --penalty-last N     it reaches (64)\n"
         "  --seed N             equal seeds write equal texts (default: of the\n"
         "                       time; it is told at the end)\n"
         "  --stop TEXT          end before this text; repeatable\n"
         "  --ignore-end         go on where the model would end\n"
         "  --shift              where the context is full, let the older half\n"
         "                       of it go (default: end)\n"
         "  --keep N             but for its first N tokens (0)\n"
         "  --no-echo            print the new text only\n"
         "  --save FILE          keep what was read and written, and go on from\n"
         "  --restore FILE       it another time\n"
         "  --tokens FILE.npy --logits FILE.npy\n"
         "                       the logits after each of these token ids\n"
         "  --bench prefill=N,decode=M\n"
         "                       time reading N tokens and writing M behind\n"
         "                       them\n\n",
         self, self, self,
         program.text ? "" : " (not here: the\n                       program has no tokenizer)",
         program.text && program.text->chat
             ? ""
             : " (not here: the\n                       program has no chat format)",
         signature.context);
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
  printf("\n");
  printWriting(program, self);
  printf("Run\n"
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
        "  --perplexity FILE    perplexity of a text, or of token ids (.npy):\n"
        "                       integers, a list or one list per row\n"
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
