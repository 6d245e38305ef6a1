//===- Bench.cpp - how long a run takes -----------------------------------===//

#include "runtime/command/Bench.h"
#include "runtime/command/Progress.h"

#include <cstdio>
#include <cstdlib>

namespace halftone::rt {

static int compareDoubles(const void *a, const void *b) {
  double left = *static_cast<const double *>(a);
  double right = *static_cast<const double *>(b);
  return (left > right) - (left < right);
}

static double percentile(const Array<double> &sorted, double share) {
  double rank = share * static_cast<double>(sorted.size() - 1);
  size_t below = static_cast<size_t>(rank);
  if (below + 1 >= sorted.size())
    return sorted[sorted.size() - 1];
  return sorted[below] + (rank - static_cast<double>(below)) *
                             (sorted[below + 1] - sorted[below]);
}

bool measure(Runner &runner, const Options &options, Timings &timings,
             Diagnostic &diagnostic) {
  Progress progress;
  Array<double> times;
  for (uint64_t i = 0; i < options.warmup + options.benchRuns; ++i) {
    double start = now();
    if (!runner.run(diagnostic))
      return false;
    double milliseconds = (now() - start) * 1e3;
    if (i == 0)
      timings.first = milliseconds;
    if (i >= options.warmup)
      times.push(milliseconds);
    if (progress.isDue())
      fprintf(
          stderr, "bench: run %llu of %llu\n",
          static_cast<unsigned long long>(i + 1),
          static_cast<unsigned long long>(options.warmup + options.benchRuns));
  }
  qsort(times.data(), times.size(), sizeof(double), compareDoubles);
  timings.median = percentile(times, 0.5);
  timings.p10 = percentile(times, 0.1);
  timings.p90 = percentile(times, 0.9);
  timings.least = times[0];
  timings.greatest = times[times.size() - 1];
  return true;
}

static void printJson(const halftone_program &program, const Options &options,
                      const Runner &runner, const Array<Tensor> &inputs,
                      const Timings &timings) {
  printf("{\"schema_version\": 1, \"program\": %s, \"level\": %s, "
         "\"threads\": %zu, "
         "\"pinned\": %s, \"warmup\": %llu, \"runs\": %llu, \"inputs\": {",
         jsonText(program.name).c_str(), jsonText(runner.level()).c_str(),
         runner.threads(), options.pin ? "true" : "false",
         static_cast<unsigned long long>(options.warmup),
         static_cast<unsigned long long>(options.benchRuns));
  for (size_t i = 0; i < inputs.size(); ++i)
    printf("%s%s: %s", i ? ", " : "", jsonText(inputs[i].name.c_str()).c_str(),
           shapeText(inputs[i].dims, inputs[i].rank).c_str());
  printf("}, \"median_ms\": %.6g, \"p10_ms\": %.6g, \"p90_ms\": %.6g, "
         "\"min_ms\": %.6g, \"max_ms\": %.6g, \"first_run_ms\": %.6g}\n",
         timings.median, timings.p10, timings.p90, timings.least,
         timings.greatest, timings.first);
}

void printTimings(const halftone_program &program, const Options &options,
                  const Runner &runner, const Array<Tensor> &inputs,
                  const Timings &timings) {
  if (options.json)
    return printJson(program, options, runner, inputs, timings);
  printf("%s for %s, %zu thread%s%s", program.name, runner.level(),
         runner.threads(), runner.threads() == 1 ? "" : "s",
         options.pin ? ", pinned" : "");
  for (const Tensor &input : inputs)
    printf(", %s %s", input.name.c_str(),
           shapeText(input.dims, input.rank).c_str());
  printf("\n%llu runs: median %.4g ms, p10 %.4g ms, p90 %.4g ms, min %.4g ms, "
         "max %.4g ms\n",
         static_cast<unsigned long long>(options.benchRuns), timings.median,
         timings.p10, timings.p90, timings.least, timings.greatest);
}

} // namespace halftone::rt
