/*===- ToyModel.c - a program with symbols, barriers and a fault ----------===*/

#include "Toys.h"

enum { numColumns = 4, scale = 0 };

static const float toyPayload[16] __attribute__((aligned(4096))) = {2.0f};

static const halftone_symbol symbols[] = {{"batch", 1, 8},
                                          {"sequence", 1, 512}};

static const int64_t xDims[] = {-1, -2, numColumns};
static const char *const xText[] = {"batch", "sequence", "4"};
static const int64_t maskDims[] = {-1, -2};
static const int64_t totalDims[] = {-1};
static const int64_t allDims[] = {-3};
static const char *const allText[] = {"2 * batch"};

static const halftone_tensor_info inputs[] = {
    {"x", HALFTONE_F32, 3, xDims, xText},
    {"mask", HALFTONE_I64, 2, maskDims, xText},
};

static const halftone_tensor_info outputs[] = {
    {"y", HALFTONE_F32, 3, xDims, xText},
    {"total", HALFTONE_F32, 1, totalDims, xText},
    {"all", HALFTONE_F32, 1, allDims, allText},
};

static const char *const faultSites[] = {"Where /mask: a value is not 0 or 1"};

static void outputDims(const int64_t *symbol, int64_t *dims) {
  dims[0] = symbol[0];
  dims[1] = symbol[1];
  dims[2] = numColumns;
  dims[3] = symbol[0];
  dims[4] = 2 * symbol[0];
}

static void step(halftone_step *run, int64_t thread) {
  const float *x = (const float *)run->inputs[0];
  const int64_t *mask = (const int64_t *)run->inputs[1];
  float *y = (float *)run->outputs[0];
  float *total = (float *)run->outputs[1];
  float *all = (float *)run->outputs[2];
  float *rowSums = (float *)run->arena;
  const float *weights = (const float *)run->payload;
  int64_t batch = run->symbols[0], sequence = run->symbols[1];
  int64_t rows = batch * sequence;
  int64_t threads = run->num_threads;

  for (int64_t row = thread; row < rows; row += threads) {
    float sum = 0;
    if (mask[row] != 0 && mask[row] != 1)
      __atomic_store_n(&run->fault, 1, __ATOMIC_RELAXED);
    for (int64_t c = 0; c < numColumns; ++c) {
      float value = x[row * numColumns + c] * weights[scale] * (float)mask[row];
      y[row * numColumns + c] = value;
      sum += value;
    }
    rowSums[row] = sum;
  }
  halftone_barrier(run, thread);
  /* Every thread reads what others wrote. */
  for (int64_t b = thread; b < batch; b += threads) {
    float sum = 0;
    for (int64_t s = 0; s < sequence; ++s)
      sum += rowSums[b * sequence + s];
    total[b] = sum;
  }
  halftone_barrier(run, thread);
  for (int64_t i = thread; i < 2 * batch; i += threads)
    all[i] = total[i % batch];
}

/* The first is for CPUs that do not exist yet. */
static const halftone_level levels[] = {
    {"future", (uint64_t)1 << 40, 0, 1, faultSites, step},
    {"plain", 0, 8 * 512 * sizeof(float), 1, faultSites, step},
};

#ifdef TOY_IS_THE_PROGRAM
const halftone_program toyModel HALFTONE_SYMBOL("halftone_program");
#endif

const halftone_program toyModel = {
    HALFTONE_ABI_VERSION,
    sizeof(halftone_program),
    "toy",
    "{\"compiler\": \"by hand\"}",
    2,
    2,
    3,
    2,
    0,
    0,
    symbols,
    inputs,
    outputs,
    levels,
    0,
    0,
    toyPayload,
    sizeof toyPayload,
    outputDims,
    (const halftone_text *)0,
};
