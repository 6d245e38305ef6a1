//===- Sampler.h - the next token from logits -----------------------------===//
//
// In this order, as transformers has it: the penalty on tokens that were there
// lately, temperature, top-k, top-p, min-p, a draw. Everything is computed in
// double and drawn by a generator that is written down here: equal logits and
// an equal seed give equal tokens (as far as libm's exp and log are equal).
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_SAMPLER_H
#define HALFTONE_RUNTIME_TEXT_SAMPLER_H

#include "runtime/support/Array.h"

#include <cstdint>

namespace halftone::rt {

struct SamplerOptions {
  double temperature =
      1;             ///< 0: greedy, the likeliest token, the first of equals
  uint64_t topK = 0; ///< only that many of the likeliest; 0: all
  double topP = 1; ///< only the likeliest that have this probability together,
                   ///< at least one
  double minP =
      0; ///< only those that have this part of the likeliest one's probability
  double penalty =
      1; ///< of repeated tokens: positive logits are divided, others multiplied
  uint64_t window = 64; ///< how many tokens back the penalty reaches
  uint64_t seed = 0;
};

/// xoshiro256** (Blackman and Vigna), seeded by splitmix64.
class RandomNumbers {
public:
  explicit RandomNumbers(uint64_t seed);
  uint64_t next();

  /// From 0 up to, but without, 1: the upper 53 bits.
  double nextUnit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

private:
  uint64_t state[4];
};

class Sampler {
public:
  explicit Sampler(const SamplerOptions &options)
      : options(options), random(options.seed) {}

  /// Tells of a token that the penalty is to know: of the prompt, or chosen.
  void accept(uint32_t token);

  /// Chooses among `count` tokens; the logits are changed. What is no number
  /// counts as minus infinity; where nothing else is there, token 0.
  uint32_t choose(double *logits, size_t count);

private:
  struct Candidate {
    double logit;
    uint32_t token;
  };
  void penalize(double *logits, size_t count);
  void keepTopK(size_t count);
  void keepTopP();

  SamplerOptions options;
  RandomNumbers random;
  Array<uint32_t> recent; ///< a ring once it is full
  size_t oldest = 0;
  Array<Candidate> candidates;
  Array<double> weights;
};

} // namespace halftone::rt

#endif
