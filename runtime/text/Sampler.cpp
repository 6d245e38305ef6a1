//===- Sampler.cpp - the next token from logits ---------------------------===//

#include "runtime/text/Sampler.h"

#include <algorithm>
#include <cmath>

namespace halftone::rt {

RandomNumbers::RandomNumbers(uint64_t seed) {
  for (uint64_t &word : state) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t mixed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    word = mixed ^ mixed >> 31;
  }
}

static uint64_t rotate(uint64_t word, int by) {
  return word << by | word >> (64 - by);
}

uint64_t RandomNumbers::next() {
  uint64_t result = rotate(state[1] * 5, 7) * 9, shifted = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = rotate(state[3], 45);
  return result;
}

void Sampler::accept(uint32_t token) {
  if (options.window == 0)
    return;
  if (recent.size() < options.window) {
    recent.push(token);
    return;
  }
  recent[oldest] = token;
  oldest = (oldest + 1) % recent.size();
}

/// Each token once, however often it was there.
void Sampler::penalize(double *logits, size_t count) {
  if (options.penalty == 1)
    return;
  Array<uint32_t> tokens;
  tokens.append(recent.data(), recent.size());
  std::sort(tokens.begin(), tokens.end());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= count || (i && tokens[i] == tokens[i - 1]))
      continue;
    double &logit = logits[tokens[i]];
    logit = logit > 0 ? logit / options.penalty : logit * options.penalty;
  }
}

/// The likeliest come first; among equals, the one of the lower number.
void Sampler::keepTopK(size_t count) {
  auto isBetter = [](const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  if (count < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + count,
                     candidates.end(), isBetter);
    candidates.truncate(count);
  }
  std::sort(candidates.begin(), candidates.end(), isBetter);
}

/// Of candidates in order.
void Sampler::keepTopP() {
  double most = candidates[0].logit, sum = 0;
  for (const Candidate &candidate : candidates)
    sum += exp(candidate.logit - most);
  double reached = 0;
  size_t kept = 0;
  while (kept < candidates.size() &&
         (kept == 0 || reached < options.topP * sum))
    reached += exp(candidates[kept++].logit - most);
  candidates.truncate(kept);
}

uint32_t Sampler::choose(double *logits, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (std::isnan(logits[i]))
      logits[i] = -INFINITY;
  penalize(logits, count);
  size_t best = 0;
  for (size_t i = 1; i < count; ++i)
    if (logits[i] > logits[best])
      best = i;
  if (options.temperature == 0 || count == 0 || std::isinf(logits[best]))
    return static_cast<uint32_t>(best);

  double most = logits[best] / options.temperature;
  // Of the likeliest one, which no step before drops.
  double least = options.minP > 0 ? most + log(options.minP) : -INFINITY;
  candidates.clear();
  for (size_t i = 0; i < count; ++i) {
    double logit = logits[i] / options.temperature;
    if (logit > -INFINITY)
      candidates.push({logit, static_cast<uint32_t>(i)});
  }
  if (options.topK || options.topP < 1)
    keepTopK(options.topK && options.topK < candidates.size()
                 ? options.topK
                 : candidates.size());
  if (options.topP < 1)
    keepTopP();
  double sum = 0;
  weights.clear();
  for (const Candidate &candidate : candidates) {
    double weight = candidate.logit >= least ? exp(candidate.logit - most) : 0;
    weights.push(weight);
    sum += weight;
  }
  double drawn = random.nextUnit() * sum;
  size_t chosen = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (weights[i] == 0)
      continue;
    chosen = i; // The last one with a chance, where rounding leaves a rest.
    if (drawn < weights[i])
      break;
    drawn -= weights[i];
  }
  return candidates[chosen].token;
}

} // namespace halftone::rt
