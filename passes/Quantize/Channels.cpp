//===- Channels.cpp - what makes and what reads the channels of activations -===//

#include "passes/Quantize/Channels.h"

#include "dialects/HTQ/HTQDialect.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace halftone::quantize {

ht::GetWeightOp getParameter(Value value) { return value ? value.getDefiningOp<ht::GetWeightOp>() : nullptr; }

bool makesCodes(ht::LinearOp linear) {
  auto format = linear->getAttrOfType<htq::FormatAttr>(htq::HTQDialect::kWeightsAttr);
  return format && format.getRule();
}

//===----------------------------------------------------------------------===//
// Producers
//===----------------------------------------------------------------------===//

/// Whether only `readers` see what makes `x`.
static bool isOnlyReadBy(Value x, ArrayRef<ht::LinearOp> readers) {
  return llvm::all_of(x.getUsers(), [&](Operation *user) {
    auto linear = dyn_cast<ht::LinearOp>(user);
    return linear && linear.getInput() == x && llvm::is_contained(readers, linear);
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
  // Codes of the model file are not changed.
  bool isFixed = linear && linear->hasAttr(htq::HTQDialect::kWeightsAttr) && !makesCodes(linear);
  if (!linear || isFixed || !value.hasOneUse() || !getParameter(linear.getWeight()) ||
      ht::getConstant(ht::getDims(value).back()) != channels)
    return std::nullopt;
  Producer producer{name, &linear.getWeightMutable()};
  if (linear.getBias() && !addVector(producer, linear.getBiasMutable()[0]))
    return std::nullopt;
  return producer;
}

std::optional<std::pair<Producer, int64_t>> findHeads(Value x, ArrayRef<ht::LinearOp> readers) {
  if (!isOnlyReadBy(x, readers))
    return std::nullopt;
  Value heads = x;
  while (auto reshape = heads.getDefiningOp<ht::ReshapeOp>()) {
    if (heads != x && !heads.hasOneUse())
      return std::nullopt;
    heads = reshape.getInput();
  }
  auto attention = heads.getDefiningOp<ht::AttentionOp>();
  if (!attention || (heads != x && !heads.hasOneUse()))
    return std::nullopt;
  // Heads that share a value have one row for several channels of x.
  ht::Dims values = ht::getDims(attention.getValue());
  auto channels = ht::getConstant(ht::getDims(x).back()), width = ht::getConstant(values[3]);
  if (ht::getDims(attention.getQuery())[2] != values[2] || !channels || !width)
    return std::nullopt;
  auto producer = matchRows(attention.getValue(), *channels, "the values' linear");
  return producer ? std::optional(std::pair(*producer, *width)) : std::nullopt;
}

std::optional<Producer> findProducer(Value x, ArrayRef<ht::LinearOp> readers) {
  if (!isOnlyReadBy(x, readers))
    return std::nullopt;
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
  auto channels = ht::getConstant(ht::getDims(x).back());
  if (auto glu = x.getDefiningOp<ht::GluOp>())
    return channels ? matchRows(glu.getUp(), *channels, "the gated unit's linear") : std::nullopt;
  auto heads = findHeads(x, readers);
  return heads ? std::optional(heads->first) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Recipes
//===----------------------------------------------------------------------===//

RecipeEditor::RecipeEditor(ModuleOp module) : symbols(module) {
  module.walk([&](ht::GetWeightOp get) { numUses[get.getName()] += llvm::range_size(get->getUses()); });
}

void RecipeEditor::edit(ArrayRef<OpOperand *> operands, StringRef suffix, Edit edit) {
  ht::WeightOp weight = lookup(getParameter(operands.front()->get()));
  OpBuilder builder(weight);
  size_t &uses = numUses[weight.getSymName()];
  if (uses > operands.size()) {
    uses -= operands.size();
    weight = cast<ht::WeightOp>(builder.clone(*weight));
    weight.setSymName((weight.getSymName() + "." + suffix).str());
    symbols.insert(weight);
    numUses[weight.getSymName()] = operands.size();
    for (OpOperand *operand : operands) {
      auto get = getParameter(operand->get());
      builder.setInsertionPoint(operand->getOwner());
      operand->set(
          ht::GetWeightOp::create(builder, get.getLoc(), weight.getWeightType(), weight.getSymName()));
      if (get->use_empty())
        get->erase();
    }
  }
  Operation *yield = weight.getInitializer().front().getTerminator();
  builder.setInsertionPoint(yield);
  Location loc = weight.getLoc();
  Value value = weight.getYielded();
  RankedTensorType type = weight.getWeightType();
  auto wide = ht::withElementType(type, builder.getF32Type());
  if (type != wide)
    value = ht::CastOp::create(builder, loc, wide, value);
  value = edit(builder, loc, value);
  if (type != wide)
    value = ht::CastOp::create(builder, loc, type, value);
  yield->setOperand(0, value);
}

Value RecipeEditor::makeVector(OpBuilder &builder, Location loc, StringRef name, ArrayRef<float> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getF32Type());
  OpBuilder outside(symbols.getOp()->getRegion(0));
  auto weight =
      ht::WeightOp::create(outside, loc, builder.getStringAttr(name), TypeAttr::get(type), StringAttr());
  outside.createBlock(&weight.getInitializer());
  Value constant = ht::ConstantOp::create(outside, loc, DenseElementsAttr::get(type, values));
  ht::YieldOp::create(outside, loc, constant);
  symbols.insert(weight); // Renames on collision.
  numUses[weight.getSymName()] = 1;
  return ht::GetWeightOp::create(builder, loc, type, weight.getSymName());
}

} // namespace halftone::quantize
