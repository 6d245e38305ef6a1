//===- Calibration.h - what observed tensors hold over runs -----------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_CALIBRATION_H
#define HALFTONE_COMPILER_EVALUATE_CALIBRATION_H

#include "compiler/Evaluate/Interpreter.h"

namespace halftone::evaluate {

/// The measurements of `htq.observe` in all runs with this observer:
///
///   Calibration calibration;
///   for (inputs of a sample)
///     interpret(function, inputs, weights, {.observer = calibration.getObserver()});
class Calibration {
public:
  /// To be used while this lives, by one thread.
  Observer getObserver();

  /// The greatest magnitude of each channel, by site.
  const llvm::StringMap<std::vector<float>> &getMaxima() const { return maxima; }

private:
  llvm::StringMap<std::vector<float>> maxima;
};

} // namespace halftone::evaluate

#endif
