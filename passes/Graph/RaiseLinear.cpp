//===- RaiseLinear.cpp - matrix products by weights -------------------------===//
//
// `ht.linear` reads its weight as [out, in]. Exporters store [in, out] for matmul,
// or [out, in] under a transpose. The file's bytes stay; the recipe in the
// weight's initializer says how they are turned.
//
//===----------------------------------------------------------------------===//

#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringSet.h"

namespace halftone::graph {
#define GEN_PASS_DEF_RAISELINEAR
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

constexpr llvm::StringLiteral kPass = "ht-raise-linear";

/// A weight as matmul's right operand.
struct WeightOperand {
  GetWeightOp get;
  bool isTransposed; ///< The graph transposes it: the file holds [out, in].
};

std::optional<WeightOperand> matchWeightOperand(Value value) {
  value = skipFloatCasts(value);
  bool isTransposed = false;
  if (auto transpose = value.getDefiningOp<TransposeOp>()) {
    isTransposed = true;
    value = skipFloatCasts(transpose.getInput());
  }
  auto get = value.getDefiningOp<GetWeightOp>();
  if (!get || !isa<FloatType>(getElementTypeOrSelf(value)) || getDims(value).size() != 2)
    return std::nullopt;
  return WeightOperand{get, isTransposed};
}

/// Finds or makes each weight's [out, in] form.
class WeightLayouts {
public:
  explicit WeightLayouts(ModuleOp module) : module(module), symbols(module) {}

  /// A read of `operand`'s weight as [out, in] at the rewriter's position.
  Value getOutIn(IRRewriter &rewriter, WeightOperand operand) {
    if (operand.isTransposed)
      return operand.get;
    StringRef name = operand.get.getName();
    auto known = transposed.find(name);
    if (known == transposed.end())
      known = transposed.try_emplace(name, makeTransposed(rewriter, operand.get)).first;
    WeightOp weight = known->second;
    return GetWeightOp::create(rewriter, operand.get.getLoc(), weight.getWeightType(),
                               weight.getSymNameAttr());
  }

private:
  /// A weight with the transposed bytes, beside the one that others may still read
  /// as it is; `finish` drops the old one where no one does.
  WeightOp makeTransposed(IRRewriter &rewriter, GetWeightOp get) {
    OpBuilder::InsertionGuard guard(rewriter);
    auto weight = symbols.lookup<WeightOp>(get.getName());
    rewriter.setInsertionPointAfter(weight);
    auto copy = cast<WeightOp>(rewriter.clone(*weight.getOperation()));
    copy.setSymName((weight.getSymName() + "_t").str());
    symbols.insert(copy);
    Operation *yield = copy.getInitializer().front().getTerminator();
    rewriter.setInsertionPoint(yield);
    Value turned = graph::transpose(rewriter, yield->getLoc(), copy.getYielded(), {1, 0});
    yield->setOperand(0, turned);
    copy.setTypeAttr(TypeAttr::get(turned.getType()));
    eraseDeadOps(copy.getInitializer().front());
    return copy;
  }

public:
  /// Gives each transposed weight its source's name where the source is no longer read.
  void finish() {
    llvm::StringSet<> stillRead;
    module.walk([&](GetWeightOp get) { stillRead.insert(get.getName()); });
    llvm::StringMap<StringAttr> names; // Temporary to final.
    for (auto &[name, turned] : transposed) {
      if (stillRead.contains(name))
        continue;
      auto weight = symbols.lookup<WeightOp>(name);
      names[turned.getSymName()] = weight.getSymNameAttr();
      weight.erase();
      turned.setSymNameAttr(names[turned.getSymName()]);
    }
    module.walk([&](GetWeightOp get) {
      if (auto name = names.find(get.getName()); name != names.end())
        get.setName(name->second.getValue());
    });
  }

private:
  ModuleOp module;
  SymbolTable symbols;
  llvm::StringMap<WeightOp> transposed;
};

struct LinearMatch {
  WeightOperand weight;
  Value bias; ///< May be null.
  MatMulOp matmul;
  Operation *root; ///< The bias addition, or the matmul.

  StringRef raised() const { return "ht.linear"; }
};

std::optional<LinearMatch> analyse(MatMulOp matmul, Blocker &blocker) {
  auto weight = matchWeightOperand(matmul.getRhs());
  if (!weight) {
    if (Operation *left = skipFloatCasts(matmul.getLhs()).getDefiningOp(); isa_and_nonnull<GetWeightOp>(left))
      return blocker.at(left, "the weight of a linear must be the right operand");
    if (Operation *get = skipFloatCasts(matmul.getRhs()).getDefiningOp(); isa_and_nonnull<GetWeightOp>(get))
      return blocker.at(get, "the weight of a linear must be two-dimensional");
    return std::nullopt;
  }
  if (getElementTypeOrSelf(weight->get.getType()).getIntOrFloatBitWidth() >
      getElementTypeOrSelf(matmul.getType()).getIntOrFloatBitWidth())
    return blocker.at(weight->get, "a weight must not be wider than what it multiplies");
  LinearMatch match{*weight, {}, matmul, matmul};
  auto add = dyn_cast_or_null<AddOp>(getOnlyUser(matmul));
  Value other = add ? getOther(add, matmul) : Value();
  Dim out = getDims(matmul.getResult()).back();
  if (!other || add.getType() != matmul.getType() || !isVector(other, out))
    return match;
  // Only what is known at compile time is a bias; adding an activation is a residual.
  Value source = skipFloatCasts(skipBroadcasts(other));
  if (auto reshape = source.getDefiningOp<ReshapeOp>())
    source = skipFloatCasts(reshape.getInput());
  if (Operation *op = source.getDefiningOp(); op && isa<GetWeightOp, ConstantOp>(op)) {
    match.bias = other;
    match.root = add;
  }
  return match;
}

struct RaiseLinear : graph::impl::RaiseLinearBase<RaiseLinear> {
  void runOnOperation() override {
    WeightLayouts layouts(getOperation());
    auto rewrite = [&](IRRewriter &rewriter, LinearMatch &match) {
      rewriter.setInsertionPoint(match.root);
      Value weight = layouts.getOutIn(rewriter, match.weight);
      Value bias = match.bias ? materializeVector(rewriter, match.bias) : Value();
      rewriter.replaceOpWithNewOp<LinearOp>(match.root, match.matmul.getLhs(), weight, bias);
    };
    for (auto function : getOperation().getOps<func::FuncOp>())
      raiseEach<MatMulOp>(function, kPass, analyse, rewrite);
    layouts.finish();
  }
};

} // namespace
