/*===- ToyLanguageModel.c - a program for --perplexity and --next ---------===*/

#include "Toys.h"

enum { vocabulary = 16, maxSequence = 8 };

static const halftone_symbol symbols[] = {{"batch", 1, 1},
                                          {"sequence", 1, maxSequence}};

static const int64_t idsDims[] = {-1, -2};
static const int64_t logitsDims[] = {-1, -2, vocabulary};
static const char *const dimText[] = {"batch", "sequence", "16"};

static const halftone_tensor_info inputs[] = {
    {"input_ids", HALFTONE_I64, 2, idsDims, dimText},
    {"attention_mask", HALFTONE_I64, 2, idsDims, dimText},
    {"position_ids", HALFTONE_I64, 2, idsDims, dimText},
};

static const halftone_tensor_info outputs[] = {
    {"logits", HALFTONE_F32, 3, logitsDims, dimText},
};

static const char *const faultSites[] = {
    "Gather /embeddings/word: index out of range",
    "the mask is not 1 or the positions do not count",
};

static void outputDims(const int64_t *symbol, int64_t *dims) {
  dims[0] = symbol[0];
  dims[1] = symbol[1];
  dims[2] = vocabulary;
}

static void step(halftone_step *run, int64_t thread) {
  const int64_t *ids = (const int64_t *)run->inputs[0];
  const int64_t *mask = (const int64_t *)run->inputs[1];
  const int64_t *positions = (const int64_t *)run->inputs[2];
  float *logits = (float *)run->outputs[0];
  for (int64_t i = thread; i < run->symbols[1]; i += run->num_threads) {
    if (mask[i] != 1 || positions[i] != i)
      __atomic_store_n(&run->fault, 2, __ATOMIC_RELAXED);
    if (ids[i] < 0 || ids[i] >= vocabulary) {
      __atomic_store_n(&run->fault, 1, __ATOMIC_RELAXED);
      continue;
    }
    for (int64_t v = 0; v < vocabulary; ++v)
      logits[i * vocabulary + v] = v == (ids[i] + 1) % vocabulary ? 2.0f : 0.0f;
  }
}

static const halftone_level levels[] = {{"plain", 0, 0, 2, faultSites, step}};

#ifdef TOY_IS_THE_PROGRAM
const halftone_program toyLanguageModel HALFTONE_SYMBOL("halftone_program");
#endif

const halftone_program toyLanguageModel = {
    HALFTONE_ABI_VERSION,
    sizeof(halftone_program),
    "toy-lm",
    "{\"compiler\": \"by hand\"}",
    2,
    3,
    1,
    1,
    0,
    0,
    symbols,
    inputs,
    outputs,
    levels,
    0,
    0,
    0,
    0,
    outputDims,
    (const halftone_text *)0,
};
