//===- Assign.cpp - a format for every linear and table ---------------------===//

#include "passes/Quantize/Passes.h"

#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"
#include "passes/Quantize/Plan.h"
#include "passes/Quantize/RecipeTerm.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

namespace halftone::quantize {
#define GEN_PASS_DEF_ASSIGN
#include "passes/Quantize/Passes.h.inc"
} // namespace halftone::quantize

using namespace mlir;
using namespace halftone;
using namespace halftone::quantize;

namespace {

constexpr llvm::StringLiteral kPass = "htq-assign";

ht::GetWeightOp getMatrix(Operation *op) {
  if (auto linear = dyn_cast<ht::LinearOp>(op))
    return linear.getWeight().getDefiningOp<ht::GetWeightOp>();
  return cast<ht::EmbeddingOp>(op).getTable().getDefiningOp<ht::GetWeightOp>();
}

/// Whether `use` reads a matrix in whatever format it is.
bool takesFormats(OpOperand &use) {
  if (auto linear = dyn_cast<ht::LinearOp>(use.getOwner()))
    return use.get() == linear.getWeight() && use.get() != linear.getBias();
  return isa<ht::EmbeddingOp>(use.getOwner());
}

/// What the graph and the user call `op`.
StringRef getName(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName();
  return {};
}

/// A stride of a vector register costs three additions and no shuffle for order 8, which is as much as an
/// encoder's int8 needs: see passes/Quantize/README.md.
constexpr Rotation kUsualRotations[] = {{8, 16}, {4, 16}, {2, 16}};

bool isPlain(htq::FormatAttr format) { return isa<TypeAttr>(format.getTerm()); }
bool isF32(htq::FormatAttr format) {
  return format.getTerm() == TypeAttr::get(Float32Type::get(format.getContext()));
}

class Assigner {
public:
  Assigner(ModuleOp module, Plan &plan) : module(module), symbols(module), plan(plan) {
    module.walk([&](ht::GetWeightOp get) {
      if (!llvm::all_of(get->getUses(), takesFormats))
        needsItsType.insert(get.getName());
      if (llvm::any_of(get->getUsers(), llvm::IsaPred<ht::EmbeddingOp>))
        tables.insert(get.getName());
    });
  }

  void assign(Operation *op) {
    ht::GetWeightOp get = getMatrix(op);
    if (!get)
      return miss(op, "the weight is not a parameter of the model");
    auto weight = symbols.lookup<ht::WeightOp>(get.getName());
    Choice asked = plan.choose({weight.getSymName(), getName(op)});
    htq::FormatAttr weights = decideWeights(op, weight, asked.weights), activations;
    if (weights)
      op->setAttr(htq::HTQDialect::kWeightsAttr, weights);
    if (auto linear = dyn_cast<ht::LinearOp>(op)) {
      activations = decideActivations(linear, weights, asked.activations);
      if (activations)
        op->setAttr(htq::HTQDialect::kActivationsAttr, activations);
      if (auto rotation = decideRotation(linear, weights, activations, asked.rotation))
        op->setAttr(htq::HTQDialect::kRotationAttr, rotation);
    }
    record(op, weight, weights, activations);
  }

  void assign(ht::AttentionOp attention) {
    StringRef name = getName(attention);
    htq::FormatAttr format = decideAttention(attention, plan.chooseAttention(name));
    if (format)
      attention->setAttr(htq::HTQDialect::kActivationsAttr, format);
    std::string text = format ? htq::getName(format, htq::Use::Activations) : "f32";
    remark::passed(attention.getLoc(), remark::RemarkOpts::name("format").category(kPass)) << "attention " + text;
    if (!name.empty() && recordedAttention.insert(name).second)
      lines.push_back("{\"match\": " + quote(escapePattern(name)) + ", \"attention\": \"" + text + "\"}");
  }

  /// The decisions as a plan.
  std::string getPlan() const {
    std::string text = "[";
    for (const auto &[i, line] : llvm::enumerate(lines))
      text += (i ? ",\n  " : "\n  ") + line;
    return text + "\n]\n";
  }

private:
  static void miss(Operation *op, const Twine &reason) {
    remark::missed(op->getLoc(), remark::RemarkOpts::name("format").category(kPass)) << reason.str();
  }

  /// Null: the weight stays in the type that it has.
  htq::FormatAttr decideWeights(Operation *op, ht::WeightOp weight, htq::FormatAttr asked) {
    Type element = weight.getWeightType().getElementType();
    std::string name = ("@" + weight.getSymName()).str();
    std::optional<RecipeTerm> own = getRecipeTerm(weight);
    if (needsItsType.contains(weight.getSymName())) {
      if (asked ? !isPlain(asked) || asked.getTerm() != TypeAttr::get(element) : own.has_value())
        miss(op, name + " has a reader that needs its own type");
      return {};
    }
    if (asked && isPlain(asked)) {
      // f32 widens what is narrower; others take f32 only: an f16 as bf16 would lose bits and save none.
      bool suits = isF32(asked) ? isa<BFloat16Type, Float16Type>(element) : element.isF32();
      return suits && getElementTypeOrSelf(op->getResult(0)).isF32() ? asked : htq::FormatAttr();
    }
    if (!asked && !own)
      return {};
    if (const char *reason = whyNotQuantized(op, weight)) {
      miss(op, name + " stays " + llvm::formatv("{0}", element).str() + ": " + reason);
      return {};
    }
    if (!own) {
      if (asked.getRule())
        return asked;
      miss(op, name + " is not of the term that its format names");
      return {};
    }
    // What the model's author chose, perhaps by data, is not rounded again.
    auto kept = htq::FormatAttr::get(op->getContext(), std::nullopt, own->term, {});
    if (asked && asked.getTerm() != kept.getTerm())
      miss(op, name + " stays as the model file has quantized it");
    if (htq::getBitsPerElement(own->term, weight.getWeightType().getShape()) <
            element.getIntOrFloatBitWidth() &&
        hasRows(own->term))
      return kept;
    miss(op, name + " is dequantized: its parameters are too many, or are shared by rows");
    return {};
  }

  /// Whether each row has its parameters, on every level.
  static bool hasRows(Attribute term) {
    bool result = true;
    htq::mapBlocks(term, [&](ArrayRef<int64_t> blocks) {
      result &= blocks.front() == 1;
      return SmallVector<int64_t>(blocks);
    });
    return result;
  }

  static const char *whyNotQuantized(Operation *op, ht::WeightOp weight) {
    if (!getElementTypeOrSelf(op->getResult(0)).isF32())
      return "products of codes are computed in f32";
    if (weight.getWeightType().getElementType().isF64())
      return "parameters are found in f32";
    if (weight.getWeightType().getNumElements() == 0)
      return "it is empty";
    return nullptr;
  }

  /// Null: the input stays as it is.
  htq::FormatAttr decideActivations(ht::LinearOp linear, htq::FormatAttr weights, htq::FormatAttr asked) {
    if (isF32(asked))
      return {};
    auto type = cast<RankedTensorType>(linear.getWeight().getType());
    Attribute term = weights ? weights.getTerm() : Attribute(TypeAttr::get(type.getElementType()));
    auto decline = [&](const Twine &reason) {
      miss(linear, "activations stay as they are: " + reason);
      return htq::FormatAttr();
    };
    if (!getElementTypeOrSelf(linear.getInput()).isF32())
      return decline("they are no f32");
    if (isPlain(asked)) {
      auto plain = dyn_cast<TypeAttr>(term);
      bool wider = plain && plain.getValue().getIntOrFloatBitWidth() > 16;
      return wider ? decline("the weight is wider") : asked;
    }
    if (!asked.getRule())
      return decline("their format has no rule");
    if (!htq::isIntegerProduct(asked.getTerm(), term))
      return decline("only codes of integers multiply codes of integers");
    if (htq::getPieceLength(asked.getTerm(), term, type.getDimSize(1)) >
        htq::getLongestSum(asked.getTerm(), term))
      return decline("a sum of " + Twine(type.getDimSize(1)) + " products does not fit i32");
    return asked;
  }

  /// The order and stride of a rotation; null: none.
  DenseI64ArrayAttr decideRotation(ht::LinearOp linear, htq::FormatAttr weights, htq::FormatAttr activations,
                                   Rotation asked) {
    bool isAuto = asked.order == Rotation::kAuto;
    auto decline = [&](const Twine &reason) {
      miss(linear, "the input is not rotated: " + reason);
      return DenseI64ArrayAttr();
    };
    if (asked.order == Rotation::kNone || (isAuto && (!activations || isPlain(activations))))
      return {};
    if (!activations || isPlain(activations))
      return decline("it will be no codes");
    if (!weights || !weights.getRule())
      return decline("the weight keeps the codes of the model file");
    if (tables.contains(getMatrix(linear).getName()))
      return decline("an embedding reads the weight as well");
    std::string reason;
    for (Rotation rotation : isAuto ? ArrayRef<Rotation>(kUsualRotations) : ArrayRef(asked)) {
      reason = htq::HadamardOp::whyNot(rotation.order, rotation.stride, linear.getInput().getType());
      if (reason.empty())
        return DenseI64ArrayAttr::get(linear.getContext(), {rotation.order, rotation.stride});
    }
    return decline(reason);
  }

  /// Null: q, k and v stay as they are.
  static htq::FormatAttr decideAttention(ht::AttentionOp attention, htq::FormatAttr asked) {
    if (isF32(asked))
      return {};
    if (!getElementTypeOrSelf(attention.getQuery()).isF32()) {
      miss(attention, "attention stays as it is: its operands are no f32");
      return {};
    }
    for (Value operand : {attention.getKey(), attention.getValue()})
      if (operand.getDefiningOp<ht::UpdateOp>()) {
        miss(attention, "attention stays as it is: keys and values of f32 are kept from step to step, and all "
                        "of them would be cast in each");
        return {};
      }
    return asked;
  }

  static std::string quote(StringRef text) {
    return llvm::formatv("{0}", llvm::json::Value(llvm::json::fixUTF8(text))).str();
  }

  /// Says what was decided, as a remark and as a rule of the plan that can be saved.
  void record(Operation *op, ht::WeightOp weight, htq::FormatAttr weights, htq::FormatAttr activations) {
    RankedTensorType type = weight.getWeightType();
    Attribute term = weights ? weights.getTerm() : Attribute(TypeAttr::get(type.getElementType()));
    double bits = htq::getBitsPerElement(term, type.getShape());
    std::string weightsName = weights ? htq::getName(weights, htq::Use::Weights) : kAsInModel.str();
    std::string activationsName = activations ? htq::getName(activations, htq::Use::Activations) : "f32";
    auto rotation = op->getAttrOfType<DenseI64ArrayAttr>(htq::HTQDialect::kRotationAttr);
    std::string rotationName = rotation ? llvm::formatv("{0}x{1}", rotation[0], rotation[1]).str() : "none";
    std::string shape = llvm::formatv("[{0}, {1}]", type.getDimSize(0), type.getDimSize(1));
    bool isLinear = isa<ht::LinearOp>(op);
    std::string input = isLinear ? "; activations " + activationsName : "";
    if (rotation)
      input += ", rotated by " + rotationName;
    remark::passed(op->getLoc(), remark::RemarkOpts::name("format").category(kPass))
        << llvm::formatv("@{0} {1}: weights {2}, {3:F2} bits{4}", weight.getSymName(), shape, weightsName,
                         bits, input)
               .str();
    if (!recorded.insert(weight.getSymName()).second)
      return;
    std::string line =
        "{\"match\": " + quote(escapePattern(weight.getSymName())) + ", \"weights\": " + quote(weightsName);
    if (isLinear)
      line += ", \"activations\": " + quote(activationsName);
    if (activations && !isPlain(activations))
      line += ", \"rotation\": " + quote(rotationName);
    lines.push_back(line + llvm::formatv(", \"shape\": {0}, \"bits\": {1:F2}}", shape, bits).str());
  }

  ModuleOp module;
  SymbolTable symbols;
  Plan &plan;
  llvm::StringSet<> needsItsType, tables, recorded, recordedAttention;
  std::vector<std::string> lines;
};

/// What attention multiplies in where nothing is asked: bf16 pays where tiles multiply it, on the least of the
/// levels that the module is for.
static StringRef getUsualAttention(ModuleOp module) {
  auto cpu = module->getAttrOfType<htk::CpuAttr>(htk::HTKDialect::kCpuAttr);
  return cpu && !cpu.has("amx-bf16") ? "f32" : "";
}

struct AssignPass : quantize::impl::AssignBase<AssignPass> {
  using AssignBase::AssignBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::string attentionFormat = attention.empty() ? getUsualAttention(module).str() : attention;
    auto plan = Plan::read({weights, activations, rotation, attentionFormat, planFile}, &getContext());
    if (!plan) {
      module.emitError() << llvm::toString(plan.takeError());
      return signalPassFailure();
    }
    Assigner assigner(module, *plan);
    module.walk([&](Operation *op) {
      if (isa<ht::LinearOp, ht::EmbeddingOp>(op))
        assigner.assign(op);
      else if (auto attention = dyn_cast<ht::AttentionOp>(op))
        assigner.assign(attention);
    });
    for (StringRef pattern : plan->getUnused())
      module.emitWarning() << "plan '" << planFile << "': the rule for '" << pattern
                           << "' decides nothing: no weight or attention has such a name that no earlier rule has taken";
    if (savePlan.empty())
      return;
    std::error_code error;
    llvm::raw_fd_ostream file(savePlan, error);
    if (!error) {
      file << assigner.getPlan();
      file.close();
      error = file.error();
      file.clear_error();
    }
    if (error) {
      module.emitError() << "cannot write plan '" << savePlan << "': " << error.message();
      signalPassFailure();
    }
  }
};

} // namespace
