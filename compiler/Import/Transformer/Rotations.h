//===- Rotations.h - frequencies of rotary position embeddings --------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TRANSFORMER_ROTATIONS_H
#define HALFTONE_COMPILER_IMPORT_TRANSFORMER_ROTATIONS_H

#include <cstdint>
#include <vector>

namespace halftone::transformer {

/// base^(-2i / size), in the arithmetic of PyTorch's f32.
std::vector<float> getFrequencies(double base, int64_t size);

/// YaRN (arXiv 2309.00071): frequencies that turn fewer than `slow` times within the original
/// length are divided by the factor, those of more than `fast` turns stay, others are in between.
struct Yarn {
  double factor = 1, length = 1;
  double fast = 32, slow = 1;
  bool truncates = true; ///< the bounds, to whole pairs
};
void scaleByYarn(const Yarn &yarn, double base, int64_t size, std::vector<float> &frequencies);

} // namespace halftone::transformer

#endif
