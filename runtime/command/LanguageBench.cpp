//===- LanguageBench.cpp - --bench prefill=N,decode=M ---------------------===//

#include "runtime/command/Generate.h"
#include "runtime/command/Machine.h"
#include "runtime/command/Progress.h"
#include "runtime/command/Writer.h"
#include "runtime/text/Sampler.h"

#include <algorithm>
#include <cstdio>

namespace halftone::rt {

namespace {

struct Speeds {
  double toFirstToken = 0; ///< seconds from the process's start
  double prefill = 0, decode = 0; ///< seconds of a token, medians
  size_t context = 0;             ///< tokens before the last one written
};

class LanguageBenchmark {
public:
  LanguageBenchmark(Writer &writer, const Options &options)
      : writer(writer), options(options.languageBench),
        vocabulary(halftone_decoder_vocabulary(writer.get())) {}

  bool run(Speeds &speeds, Diagnostic &diagnostic);

private:
  bool prefill(size_t count, double &seconds, Diagnostic &diagnostic);
  bool decode(Array<double> &seconds, Diagnostic &diagnostic);

  static double median(Array<double> &values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
  }

  Writer &writer;
  const LanguageBench &options;
  size_t vocabulary;
  RandomNumbers random{1};
  Array<float> logits;
};

} // namespace

/// Reads random tokens into the empty sequence 0.
bool LanguageBenchmark::prefill(size_t count, double &seconds,
                                Diagnostic &diagnostic) {
  Array<uint32_t> tokens;
  for (size_t i = 0; i < count; ++i)
    tokens.push(static_cast<uint32_t>(random.next() % vocabulary));
  logits.resize(vocabulary);
  if (!writer.check(halftone_sequence_truncate(writer.get(), 0, 0), diagnostic))
    return false;
  double begin = now();
  if (!writer.check(halftone_sequence_append(writer.get(), 0, tokens.data(),
                                             count, logits.data(), 1),
                    diagnostic))
    return false;
  seconds = (now() - begin) / static_cast<double>(count);
  return true;
}

/// Writes tokens behind what was read, whatever the model thinks of them.
bool LanguageBenchmark::decode(Array<double> &seconds,
                               Diagnostic &diagnostic) {
  Progress progress;
  for (uint64_t i = 0; i < options.decode; ++i) {
    auto token = static_cast<uint32_t>(random.next() % vocabulary);
    size_t sequence = 0;
    double begin = now();
    if (!writer.check(halftone_sequences_step(writer.get(), &sequence, &token,
                                              1, logits.data()),
                      diagnostic))
      return false;
    seconds.push(now() - begin);
    if (progress.isDue())
      fprintf(stderr, "bench: token %llu of %llu\n",
              static_cast<unsigned long long>(i + 1),
              static_cast<unsigned long long>(options.decode));
  }
  return true;
}

bool LanguageBenchmark::run(Speeds &speeds, Diagnostic &diagnostic) {
  size_t count = options.prefill ? options.prefill : 1;
  double seconds;
  Array<double> prefills, decodes;
  // The first run brings the weights to memory; it is what a user waits for.
  if (!prefill(count, seconds, diagnostic))
    return false;
  speeds.toFirstToken = secondsSinceStart();
  for (double begin = now(); prefills.size() < 3 ||
                             (now() - begin < 2 && prefills.size() < 50);) {
    if (!prefill(count, seconds, diagnostic))
      return false;
    prefills.push(seconds);
  }
  if (!decode(decodes, diagnostic))
    return false;
  speeds.prefill = median(prefills);
  speeds.decode = median(decodes);
  speeds.context = count + options.decode;
  return true;
}

ExitCode runLanguageBench(const halftone_program &program,
                          const Options &options, Diagnostic &diagnostic) {
  Writer writer(program);
  if (!writer.start(options, diagnostic))
    return writer.exitCode();
  const LanguageBench &asked = options.languageBench;
  size_t context = halftone_decoder_context(writer.get());
  if (asked.prefill + asked.decode + !asked.prefill > context) {
    diagnostic.fail("--bench: %llu tokens are more than the context of %zu",
                    static_cast<unsigned long long>(asked.prefill +
                                                    asked.decode),
                    context);
    return exitUsage;
  }
  Speeds speeds;
  if (!LanguageBenchmark(writer, options).run(speeds, diagnostic))
    return writer.exitCode();
  double limit = measureReadBandwidth(program.payload, program.payload_bytes,
                                      writer.threads());
  // Of one sequence, at the middle of what was written.
  double kept = static_cast<double>(program.state_bytes) /
                static_cast<double>(halftone_decoder_sequences(writer.get())) *
                (static_cast<double>(speeds.context) -
                 static_cast<double>(asked.decode) / 2) /
                static_cast<double>(context);
  double bytes = static_cast<double>(program.payload_bytes) + kept;
  double share = asked.decode ? 100 * bytes / speeds.decode / limit : 0;
  ProcessMemory memory = readProcessMemory();
  auto perSecond = [](double seconds) { return seconds > 0 ? 1 / seconds : 0; };
  double prefill = asked.prefill ? perSecond(speeds.prefill) : 0;
  double decode = perSecond(speeds.decode);
  if (options.json) {
    printf("{\"schema_version\": 1, \"program\": %s, \"level\": %s, "
           "\"threads\": %zu, \"prefill\": %llu, \"decode\": %llu, "
           "\"prefill_tok_s\": %.6g, \"decode_tok_s\": %.6g, "
           "\"seconds_to_first_token\": %.6g, \"peak_memory_bytes\": %llu, "
           "\"own_memory_bytes\": %llu, \"weight_bytes\": %llu, "
           "\"state_bytes_read\": %.0f, \"read_bandwidth\": %.6g, "
           "\"percent_of_bandwidth\": %.4g}\n",
           jsonText(program.name).c_str(), jsonText(writer.level()).c_str(),
           writer.threads(), static_cast<unsigned long long>(asked.prefill),
           static_cast<unsigned long long>(asked.decode), prefill, decode,
           speeds.toFirstToken, static_cast<unsigned long long>(memory.peak),
           static_cast<unsigned long long>(memory.own),
           static_cast<unsigned long long>(program.payload_bytes), kept, limit,
           share);
    return exitOk;
  }
  printf("%s for %s, %zu thread%s\n", program.name, writer.level(),
         writer.threads(), writer.threads() == 1 ? "" : "s");
  if (asked.prefill)
    printf("reading %llu tokens: %.1f tokens/s (median)\n",
           static_cast<unsigned long long>(asked.prefill), prefill);
  if (asked.decode)
    printf("writing %llu tokens behind them: %.1f tokens/s (median), which "
           "read %s of weights and %s of keys and values for each: %.0f %% of "
           "the %.1f GB/s that reading alone reaches here\n",
           static_cast<unsigned long long>(asked.decode), decode,
           sizeText(program.payload_bytes).c_str(),
           sizeText(static_cast<uint64_t>(kept)).c_str(), share, limit * 1e-9);
  printf("%.3f s from the process's start to the first token; at most %s of "
         "memory, %s of it not mapped from the program's file\n",
         speeds.toFirstToken, sizeText(memory.peak).c_str(),
         sizeText(memory.own).c_str());
  return exitOk;
}

} // namespace halftone::rt
