//===- Calibration.cpp - what observed tensors hold over runs ---------------===//

#include "compiler/Evaluate/Calibration.h"

#include "dialects/HTQ/HTQOps.h"

using namespace mlir;

namespace halftone::evaluate {

Observer Calibration::getObserver() {
  return [this](Operation *operation, ArrayRef<Tensor> results) {
    auto op = dyn_cast<htq::ObserveOp>(operation);
    if (!op)
      return;
    const Tensor &tensor = results.front();
    int64_t channels = tensor.getShape().back();
    std::vector<float> &greatest = maxima[op.getSite()];
    greatest.resize(std::max<size_t>(greatest.size(), channels));
    std::vector<double> row(channels);
    for (int64_t begin = 0; begin < tensor.getNumElements(); begin += channels) {
      tensor.read(begin, MutableArrayRef<double>(row));
      for (auto [x, most] : llvm::zip_first(row, greatest))
        // NaN compares false.
        if (auto magnitude = static_cast<float>(std::fabs(x)); magnitude > most)
          most = magnitude;
    }
  };
}

} // namespace halftone::evaluate
