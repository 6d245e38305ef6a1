//===- Generate.cpp - what a model writes ---------------------------------===//

#include "runtime/language/Decoder.h"
#include "runtime/session/Error.h"
#include "runtime/text/Detokenizer.h"
#include "runtime/text/Sampler.h"
#include "runtime/text/StopStrings.h"

#include <cmath>

using namespace halftone::rt;

namespace {

class Generator {
public:
  Generator(halftone_decoder &decoder, size_t sequence,
            const halftone_generate_options &options, halftone_on_token onToken,
            void *user)
      : decoder(decoder), sequence(sequence), options(options),
        onToken(onToken), user(user), sampler(samplerOptions(options)),
        detokenizer(decoder.tokenizer.getTables(), /*special=*/false) {}

  /// Writes behind the tokens that the sequence has.
  halftone_status run(halftone_finish &finish);

private:
  static SamplerOptions samplerOptions(const halftone_generate_options &given);
  halftone_status write(halftone_finish &finish);
  halftone_status shift();
  uint32_t choose();
  bool tell(uint32_t token);
  bool tellRest();

  halftone_decoder &decoder;
  size_t sequence;
  const halftone_generate_options &options;
  halftone_on_token onToken;
  void *user;
  Sampler sampler;
  Detokenizer detokenizer;
  StopStrings stops;
  Array<float> logits;
  Array<double> scores;
  Array<char> written, certain;
  bool stopped = false; ///< at one of the stops
};

SamplerOptions
Generator::samplerOptions(const halftone_generate_options &given) {
  SamplerOptions chosen;
  chosen.temperature = given.temperature;
  chosen.topK = given.top_k;
  if (given.top_p != 0)
    chosen.topP = given.top_p;
  chosen.minP = given.min_p;
  if (given.penalty != 0)
    chosen.penalty = given.penalty;
  if (given.penalty_last)
    chosen.window = given.penalty_last;
  chosen.seed = given.seed;
  return chosen;
}

uint32_t Generator::choose() {
  size_t size = logits.size();
  scores.resize(size);
  for (size_t i = 0; i < size; ++i)
    scores[i] = static_cast<double>(logits[i]);
  return sampler.choose(scores.data(), size);
}

/// Whether to go on. A token that the tokenizer does not know has no text.
bool Generator::tell(uint32_t token) {
  certain.clear();
  if (decoder.hasText) {
    written.clear();
    (void)detokenizer.push(token, written);
    stopped = stops.push({written.data(), written.size()}, certain);
  }
  bool asked = onToken && onToken(user, token, certain.data(), certain.size());
  return !asked;
}

/// What waited for the end of a character or of a stop.
bool Generator::tellRest() {
  if (!decoder.hasText || stopped)
    return true;
  written.clear();
  certain.clear();
  detokenizer.finish(written);
  stopped = stops.push({written.data(), written.size()}, certain);
  if (!stopped)
    stops.finish(certain);
  return certain.empty() || !onToken ||
         !onToken(user, UINT32_MAX, certain.data(), certain.size());
}

/// Room for new tokens: the middle goes.
halftone_status Generator::shift() {
  Array<uint32_t> &tokens = decoder.sequences[sequence].tokens;
  size_t size = tokens.size(), keep = options.keep;
  size_t left = keep < size ? (size - keep) / 2 : 0;
  if (keep >= size || keep + left == 0)
    return fail(HALFTONE_INVALID_ARGUMENT,
                "%zu tokens to keep leave no room in a context of %zu", keep,
                size);
  Array<uint32_t> later;
  later.append(tokens.data() + size - left, left);
  decoder.truncate(sequence, keep);
  return decoder.push(sequence, later.data(), later.size());
}

halftone_status Generator::write(halftone_finish &finish) {
  Array<uint32_t> &tokens = decoder.sequences[sequence].tokens;
  for (size_t count = 0;; ++count) {
    finish = HALFTONE_FINISH_LENGTH;
    if (options.max_tokens && count == options.max_tokens)
      return HALFTONE_OK;
    finish = HALFTONE_FINISH_CONTEXT;
    if (tokens.size() == decoder.signature.context) {
      if (!options.shift)
        return HALFTONE_OK;
      if (halftone_status status = shift())
        return status;
    }
    if (halftone_status status =
            decoder.compute(sequence, logits.data(), 1))
      return status;
    uint32_t token = choose();
    finish = HALFTONE_FINISH_END;
    if (!options.ignore_ends && halftone_ends_text(&decoder, token)) {
      if (onToken)
        onToken(user, token, "", 0);
      return HALFTONE_OK;
    }
    if (halftone_status status = decoder.push(sequence, &token, 1))
      return status;
    sampler.accept(token);
    bool goesOn = tell(token);
    finish = stopped ? HALFTONE_FINISH_STOP : HALFTONE_FINISH_ASKED;
    if (stopped || !goesOn)
      return HALFTONE_OK;
  }
}

halftone_status Generator::run(halftone_finish &finish) {
  for (size_t i = 0; i < options.num_stops; ++i)
    stops.add({options.stops[i], strlen(options.stops[i])});
  logits.resize(decoder.signature.vocabulary);
  const Array<uint32_t> &tokens = decoder.sequences[sequence].tokens;
  for (uint32_t token : tokens) {
    sampler.accept(token);
    // What continues a text is written as a part of it.
    if (decoder.hasText && !options.anew)
      (void)detokenizer.push(token, written);
  }
  halftone_status status = write(finish);
  if (status == HALFTONE_OK && finish != HALFTONE_FINISH_ASKED && !tellRest())
    finish = HALFTONE_FINISH_ASKED;
  if (status == HALFTONE_OK && stopped)
    finish = HALFTONE_FINISH_STOP;
  return status;
}

} // namespace

static halftone_status checkOptions(const halftone_generate_options &options) {
  if (options.struct_size != sizeof(options))
    return fail(HALFTONE_INVALID_ARGUMENT,
                "struct_size of the options is %u; set it to "
                "sizeof(halftone_generate_options), which is %zu here",
                options.struct_size, sizeof(options));
  auto isIn = [](double value, double most) {
    return value >= 0 && value <= most; // Not NaN either.
  };
  if (!isIn(options.temperature, 1e6) || !isIn(options.top_p, 1) ||
      !isIn(options.min_p, 1) || !isIn(options.penalty, 1e6))
    return fail(HALFTONE_INVALID_ARGUMENT,
                "temperature and penalty must be at least 0, top_p and min_p "
                "from 0 to 1");
  if (options.num_stops && !options.stops)
    return fail(HALFTONE_INVALID_ARGUMENT, "the list of stops is null");
  for (size_t i = 0; i < options.num_stops; ++i)
    if (!options.stops[i])
      return fail(HALFTONE_INVALID_ARGUMENT, "stop %zu is null", i);
  return HALFTONE_OK;
}

halftone_status halftone_generate(halftone_decoder *decoder, size_t sequence,
                                  const uint32_t *tokens, size_t count,
                                  const halftone_generate_options *options,
                                  halftone_on_token on_token, void *user,
                                  halftone_finish *finish) {
  return alone(decoder, [&](halftone_decoder &d) {
    halftone_generate_options chosen = {};
    chosen.struct_size = sizeof(chosen);
    if (options)
      chosen = *options;
    if (halftone_status status = checkOptions(chosen))
      return status;
    size_t before = halftone_sequence_length(&d, sequence);
    if (halftone_status status = d.push(sequence, tokens, count))
      return status;
    if (before + count == 0)
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "there is nothing to go on from: give at least one token");
    halftone_finish ended = HALFTONE_FINISH_LENGTH;
    Generator generator(d, sequence, chosen, on_token, user);
    halftone_status status = generator.run(ended);
    if (finish)
      *finish = ended;
    if (status != HALFTONE_OK)
      d.truncate(sequence, before);
    return status;
  });
}
