//===- Rotations.cpp - frequencies of rotary position embeddings ------------===//

#include "compiler/Import/Transformer/Rotations.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

namespace halftone::transformer {

std::vector<float> getFrequencies(double base, int64_t size) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < size; i += 2)
    frequencies.push_back(
        1.0f / std::pow(static_cast<float>(base), static_cast<float>(i) / static_cast<float>(size)));
  return frequencies;
}

void scaleByYarn(const Yarn &yarn, double base, int64_t size, std::vector<float> &frequencies) {
  auto pairOf = [&](double turns) {
    return size * std::log(yarn.length / (turns * 2 * M_PI)) / (2 * std::log(base));
  };
  double first = pairOf(yarn.fast), last = pairOf(yarn.slow);
  if (yarn.truncates) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, size - 1.0);
  if (first == last)
    last += 0.001;
  for (auto [i, frequency] : llvm::enumerate(frequencies)) {
    double share = 1 - std::clamp((i - first) / (last - first), 0.0, 1.0);
    frequency = frequency / yarn.factor * (1 - share) + frequency * share;
  }
}

} // namespace halftone::transformer
