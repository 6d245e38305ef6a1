/*===- ToySum.c - a program that keeps states from run to run -------------===*/

#include "Toys.h"

enum { numColumns = 3, sumOffset = 64 };

static const int64_t rowDims[] = {numColumns};
static const char *const rowText[] = {"3"};

static const halftone_tensor_info inputs[] = {
    {"x", HALFTONE_F32, 1, rowDims, rowText},
};

static const halftone_tensor_info outputs[] = {
    {"y", HALFTONE_F32, 1, rowDims, rowText},
};

static const halftone_state_info states[] = {
    {{"runs", HALFTONE_I64, 0, 0, 0}, 0},
    {{"sum", HALFTONE_F32, 1, rowDims, rowText}, sumOffset},
};

static void outputDims(const int64_t *symbol, int64_t *dims) {
  (void)symbol;
  dims[0] = numColumns;
}

static void step(halftone_step *run, int64_t thread) {
  const float *x = (const float *)run->inputs[0];
  float *y = (float *)run->outputs[0];
  int64_t *runs = (int64_t *)run->states;
  float *sum = (float *)((char *)run->states + sumOffset);
  for (int64_t i = thread; i < numColumns; i += run->num_threads)
    y[i] = sum[i] += x[i];
  if (thread == 0)
    ++*runs;
}

static const halftone_level levels[] = {{"plain", 0, 0, 0, 0, step}};

const halftone_program toySum = {
    HALFTONE_ABI_VERSION,
    sizeof(halftone_program),
    "sum",
    "{}",
    0,
    1,
    1,
    1,
    2,
    0,
    0,
    inputs,
    outputs,
    levels,
    states,
    sumOffset + numColumns * sizeof(float),
    0,
    0,
    outputDims,
    (const halftone_text *)0,
};
