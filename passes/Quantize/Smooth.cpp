//===- Smooth.cpp - outlier channels move from activations into weights -----===//
//
// SmoothQuant (Xiao et al., arXiv 2211.10438): x Wᵀ = (x / s) (s W)ᵀ for any s per
// channel. A channel that is large in all tokens costs every code of a token its
// precision; in a weight it costs less.
//
//===----------------------------------------------------------------------===//

#include "passes/Quantize/Channels.h"
#include "passes/Quantize/Passes.h"

#include "compiler/Evaluate/WeightSource.h"
#include "dialects/HTQ/HTQDialect.h"
#include "dialects/HTQ/Observation.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

#include <cmath>

namespace halftone::quantize {
#define GEN_PASS_DEF_SMOOTH
#include "passes/Quantize/Passes.h.inc"
} // namespace halftone::quantize

using namespace mlir;
using namespace halftone;
using namespace halftone::quantize;

namespace {

constexpr llvm::StringLiteral kPass = "htq-smooth";

/// Magnitudes below this are dead channels, which any scale suits.
constexpr double kLeastMagnitude = 1e-5;

using Scales = std::vector<float>;

/// Linears that read one value.
struct Group {
  SmallVector<ht::LinearOp> linears;
  Scales magnitudes;
};

class Smoother {
public:
  Smoother(ModuleOp module, double alpha, StringRef modelDirectory)
      : editor(module), source(modelDirectory), alpha(alpha) {}

  llvm::Error smooth(Value x, Group &group) {
    for (ht::LinearOp linear : group.linears)
      if (!makesCodes(linear)) {
        remark::missed(linear.getLoc(), remark::RemarkOpts::name("smoothing").category(kPass))
            << "the weight is not quantized here: it cannot be scaled";
        return llvm::Error::success();
      }
    auto scales = findScales(group);
    if (!scales)
      return scales.takeError();
    int64_t channels = scales->size();
    Scales inverse;
    for (float scale : *scales)
      inverse.push_back(1 / scale);

    std::string where = "multiplied";
    if (auto producer = findProducer(x, group.linears)) {
      for (OpOperand *vector : producer->vectors)
        multiply(*vector, inverse, channels);
      if (producer->matrix)
        multiply(*producer->matrix, inverse, {channels, 1});
      where = std::string("folded into ") + producer->name;
    } else {
      OpBuilder builder(x.getContext());
      builder.setInsertionPointAfterValue(x);
      Location loc = group.linears.front().getLoc();
      Value factors = editor.makeVector(builder, loc, "smoothing", inverse);
      Value scaled = ht::MulOp::create(builder, loc, x, factors);
      for (ht::LinearOp linear : group.linears)
        linear.getInputMutable().set(scaled);
    }
    for (ht::LinearOp linear : group.linears) {
      multiply(linear.getWeightMutable(), *scales, channels);
      linear->removeAttr(htq::kInputMagnitudesAttr);
      remark::passed(linear.getLoc(), remark::RemarkOpts::name("smoothing").category(kPass)) << where;
    }
    return llvm::Error::success();
  }

private:
  /// s = max|x|^alpha / max|w|^(1 - alpha), per channel.
  llvm::Expected<Scales> findScales(Group &group) {
    std::vector<double> largest(group.magnitudes.size(), 0);
    for (ht::LinearOp linear : group.linears) {
      auto weight = source.get(editor.lookup(getParameter(linear.getWeight())));
      if (!weight)
        return weight.takeError();
      std::vector<double> row(largest.size());
      for (int64_t i = 0; i < weight->getDim(0); ++i) {
        weight->read(i * weight->getDim(1), row);
        for (auto [max, value] : llvm::zip_equal(largest, row))
          max = std::max(max, std::abs(value));
      }
    }
    Scales scales;
    for (auto [x, w] : llvm::zip_equal(group.magnitudes, largest)) {
      double scale = std::pow(std::max<double>(x, kLeastMagnitude), alpha) /
                     std::pow(std::max(w, kLeastMagnitude), 1 - alpha);
      scales.push_back(std::isfinite(scale) ? scale : 1);
    }
    return scales;
  }

  /// Makes `operand`, a parameter, that times `factors`, which have the shape `shape`.
  void multiply(OpOperand &operand, ArrayRef<float> factors, ArrayRef<int64_t> shape) {
    editor.edit(&operand, "smoothed", [&](OpBuilder &builder, Location loc, Value value) -> Value {
      auto constant = DenseElementsAttr::get(RankedTensorType::get(shape, builder.getF32Type()), factors);
      return ht::MulOp::create(builder, loc, value, ht::ConstantOp::create(builder, loc, constant));
    });
  }

  RecipeEditor editor;
  evaluate::WeightSource source;
  double alpha;
};

struct SmoothPass : quantize::impl::SmoothBase<SmoothPass> {
  using SmoothBase::SmoothBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!(alpha >= 0 && alpha <= 1)) {
      module.emitError() << "alpha is between 0 and 1, got " << alpha.getValue();
      return signalPassFailure();
    }
    llvm::MapVector<Value, Group> groups;
    module.walk([&](ht::LinearOp linear) {
      auto magnitudes = linear->getAttrOfType<DenseElementsAttr>(htq::kInputMagnitudesAttr);
      auto format = linear->getAttrOfType<htq::FormatAttr>(htq::HTQDialect::kActivationsAttr);
      if (!magnitudes || !format || !format.getRule())
        return;
      Group &group = groups[linear.getInput()];
      group.linears.push_back(linear);
      group.magnitudes.assign(magnitudes.value_begin<float>(), magnitudes.value_end<float>());
    });
    Smoother smoother(module, alpha, modelDirectory);
    for (auto &[x, group] : groups)
      if (llvm::Error error = smoother.smooth(x, group)) {
        group.linears.front().emitError() << llvm::toString(std::move(error));
        return signalPassFailure();
      }
  }
};

} // namespace
