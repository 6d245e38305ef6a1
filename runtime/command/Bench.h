//===- Bench.h - how long a run takes -------------------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_BENCH_H
#define HALFTONE_RUNTIME_COMMAND_BENCH_H

#include "runtime/command/Runner.h"

namespace halftone::rt {

/// Milliseconds of the timed runs. The p-th percentile is the value at rank
/// p/100 × (n - 1), between neighbours in proportion, as numpy has it.
struct Timings {
  double first = 0; ///< the very first run, which brings the weights to memory
  double median = 0;
  double p10 = 0;
  double p90 = 0;
  double least = 0;
  double greatest = 0;
};

/// Runs `options.warmup` times untimed, then `options.benchRuns` times. The
/// runner must have been prepared.
bool measure(Runner &runner, const Options &options, Timings &timings,
             Diagnostic &diagnostic);

/// To stdout, as text or JSON.
void printTimings(const halftone_program &program, const Options &options,
                  const Runner &runner, const Array<Tensor> &inputs,
                  const Timings &timings);

} // namespace halftone::rt

#endif
