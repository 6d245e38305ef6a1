//===- Smooth.cpp - outlier channels move from activations into weights -----===//
//
// SmoothQuant (Xiao et al., arXiv 2211.10438): x Wᵀ = (x / s) (s W)ᵀ for any s per
// channel. A channel that is large in all tokens costs every code of a token its
// precision; in a weight it costs less.
//
//===----------------------------------------------------------------------===//

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

namespace {

constexpr llvm::StringLiteral kPass = "htq-smooth";

/// Magnitudes below this are dead channels, which any scale suits.
constexpr double kLeastMagnitude = 1e-5;

using Scales = std::vector<float>;

ht::GetWeightOp getParameter(Value value) { return value ? value.getDefiningOp<ht::GetWeightOp>() : nullptr; }

/// Multiplies weights in their recipes. A weight with other readers stays beside its multiple.
class WeightScaler {
public:
  explicit WeightScaler(ModuleOp module) : symbols(module) {
    module.walk([&](ht::GetWeightOp get) { ++numReads[get.getName()]; });
  }

  ht::WeightOp lookup(ht::GetWeightOp get) { return symbols.lookup<ht::WeightOp>(get.getName()); }

  /// Makes `operand`, a parameter, that times `factors`, which have the shape `shape`.
  void multiply(OpOperand &operand, ArrayRef<float> factors, ArrayRef<int64_t> shape) {
    auto get = getParameter(operand.get());
    ht::WeightOp weight = lookup(get);
    OpBuilder builder(weight);
    if (numReads[get.getName()] > 1 || !get->hasOneUse()) {
      --numReads[get.getName()];
      weight = cast<ht::WeightOp>(builder.clone(*weight));
      weight.setSymName((weight.getSymName() + ".smoothed").str());
      symbols.insert(weight);
      numReads[weight.getSymName()] = 1;
      builder.setInsertionPoint(operand.getOwner());
      Value read = ht::GetWeightOp::create(builder, get.getLoc(), weight.getWeightType(), weight.getSymName());
      operand.set(read);
      if (get->use_empty())
        get->erase();
    }
    Operation *yield = weight.getInitializer().front().getTerminator();
    builder.setInsertionPoint(yield);
    Location loc = weight.getLoc();
    Value value = weight.getYielded();
    RankedTensorType type = weight.getWeightType();
    auto wide = ht::withElementType(type, builder.getF32Type());
    if (type != wide)
      value = ht::CastOp::create(builder, loc, wide, value);
    auto constant = DenseElementsAttr::get(RankedTensorType::get(shape, builder.getF32Type()), factors);
    value = ht::MulOp::create(builder, loc, value, ht::ConstantOp::create(builder, loc, constant));
    if (type != wide)
      value = ht::CastOp::create(builder, loc, type, value);
    yield->setOperand(0, value);
  }

  /// A parameter of these numbers, read at the builder's position.
  Value makeVector(OpBuilder &builder, Location loc, ArrayRef<float> values) {
    auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getF32Type());
    OpBuilder outside(symbols.getOp()->getRegion(0));
    auto weight = ht::WeightOp::create(outside, loc, builder.getStringAttr("smoothing"), TypeAttr::get(type),
                                       StringAttr());
    outside.createBlock(&weight.getInitializer());
    Value constant = ht::ConstantOp::create(outside, loc, DenseElementsAttr::get(type, values));
    ht::YieldOp::create(outside, loc, constant);
    symbols.insert(weight); // Renames on collision.
    numReads[weight.getSymName()] = 1;
    return ht::GetWeightOp::create(builder, loc, type, weight.getSymName());
  }

private:
  SymbolTable symbols;
  llvm::StringMap<unsigned> numReads;
};

/// Where the channels of a value are made: operands that can be divided instead of it.
struct Producer {
  const char *name;
  OpOperand *matrix = nullptr;          ///< a weight whose rows are the channels
  SmallVector<OpOperand *, 2> vectors = {}; ///< gains and biases of the channels
};

/// Linears that read one value.
struct Group {
  SmallVector<ht::LinearOp> linears;
  Scales magnitudes;
};

class Smoother {
public:
  Smoother(ModuleOp module, double alpha, StringRef modelDirectory)
      : scaler(module), source(modelDirectory), alpha(alpha) {}

  llvm::Error smooth(Value x, Group &group) {
    for (ht::LinearOp linear : group.linears)
      if (auto format = linear->getAttrOfType<htq::FormatAttr>(htq::HTQDialect::kWeightsAttr);
          !format || !format.getRule()) {
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
    if (auto producer = findProducer(x, group)) {
      for (OpOperand *vector : producer->vectors)
        scaler.multiply(*vector, inverse, channels);
      if (producer->matrix)
        scaler.multiply(*producer->matrix, inverse, {channels, 1});
      where = std::string("folded into ") + producer->name;
    } else {
      OpBuilder builder(x.getContext());
      builder.setInsertionPointAfterValue(x);
      Location loc = group.linears.front().getLoc();
      Value scaled = ht::MulOp::create(builder, loc, x, scaler.makeVector(builder, loc, inverse));
      for (ht::LinearOp linear : group.linears)
        linear.getInputMutable().set(scaled);
    }
    for (ht::LinearOp linear : group.linears) {
      scaler.multiply(linear.getWeightMutable(), *scales, channels);
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
      auto weight = source.get(scaler.lookup(getParameter(linear.getWeight())));
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

  /// Whether only `group` sees what makes `x`.
  static bool isOnlyReadBy(Value x, const Group &group) {
    return llvm::all_of(x.getUsers(), [&](Operation *user) {
      auto linear = dyn_cast<ht::LinearOp>(user);
      return linear && linear.getInput() == x && llvm::is_contained(group.linears, linear);
    });
  }

  static bool addVector(Producer &producer, OpOperand &operand) {
    if (getParameter(operand.get()))
      producer.vectors.push_back(&operand);
    return static_cast<bool>(getParameter(operand.get()));
  }

  /// A linear whose result has the channels, seen through changes of shape.
  static std::optional<Producer> matchRows(Value value, int64_t channels, const char *name) {
    while (auto reshape = value.getDefiningOp<ht::ReshapeOp>()) {
      if (!value.hasOneUse())
        return std::nullopt;
      value = reshape.getInput();
    }
    auto linear = value.getDefiningOp<ht::LinearOp>();
    if (!linear || !value.hasOneUse() || !getParameter(linear.getWeight()) ||
        ht::getConstant(ht::getDims(value).back()) != channels)
      return std::nullopt;
    // Codes of the model file are not multiplied.
    if (auto format = linear->getAttrOfType<htq::FormatAttr>(htq::HTQDialect::kWeightsAttr);
        format && !format.getRule())
      return std::nullopt;
    Producer producer{name, &linear.getWeightMutable()};
    if (linear.getBias() && !addVector(producer, linear.getBiasMutable()[0]))
      return std::nullopt;
    return producer;
  }

  static std::optional<Producer> findProducer(Value x, const Group &group) {
    if (!isOnlyReadBy(x, group))
      return std::nullopt;
    int64_t channels = group.magnitudes.size();
    if (auto norm = x.getDefiningOp<ht::LayerNormOp>()) {
      Producer producer{"the norm"};
      bool fits = addVector(producer, norm.getGammaMutable()) &&
                  (!norm.getBeta() || addVector(producer, norm.getBetaMutable()[0]));
      return fits ? std::optional(producer) : std::nullopt;
    }
    if (auto norm = x.getDefiningOp<ht::RMSNormOp>()) {
      Producer producer{"the norm"};
      return addVector(producer, norm.getGammaMutable()) ? std::optional(producer) : std::nullopt;
    }
    if (auto glu = x.getDefiningOp<ht::GluOp>())
      return matchRows(glu.getUp(), channels, "the gated unit's linear");
    Value heads = x;
    while (auto reshape = heads.getDefiningOp<ht::ReshapeOp>()) {
      if (heads != x && !heads.hasOneUse())
        return std::nullopt;
      heads = reshape.getInput();
    }
    auto attention = heads.getDefiningOp<ht::AttentionOp>();
    if (!attention || (heads != x && !heads.hasOneUse()))
      return std::nullopt;
    // Heads that share a value have one scale for several channels of x.
    if (ht::getDims(attention.getQuery())[2] != ht::getDims(attention.getValue())[2])
      return std::nullopt;
    return matchRows(attention.getValue(), channels, "the values' linear");
  }

  WeightScaler scaler;
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
