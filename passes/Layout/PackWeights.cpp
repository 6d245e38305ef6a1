//===- PackWeights.cpp - lay linear weights out in panels of output rows ----===//

#include "passes/Layout/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

namespace halftone::layout {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Layout/Passes.h.inc"
} // namespace halftone::layout

using namespace mlir;
using namespace halftone;

namespace {

/// Makes packed weights, one for each weight that linears read.
class Packer {
public:
  Packer(ModuleOp module, int64_t panel) : symbols(module), panel(panel) {}

  ht::WeightOp pack(ht::WeightOp weight) {
    ht::WeightOp &packed = packedOf[weight];
    if (packed)
      return packed;
    OpBuilder builder(weight);
    packed = cast<ht::WeightOp>(builder.clone(*weight));
    packed.setSymName((weight.getSymName() + ".packed").str());
    symbols.insert(packed, Block::iterator(weight));

    auto from = weight.getWeightType();
    auto to = RankedTensorType::get({static_cast<int64_t>(llvm::divideCeil(from.getDimSize(0), panel)),
                                     from.getDimSize(1), panel},
                                    from.getElementType());
    Operation *yield = packed.getInitializer().front().getTerminator();
    builder.setInsertionPoint(yield);
    Value value = htk::PackOp::create(builder, weight.getLoc(), to, packed.getYielded());
    yield->setOperand(0, value);
    packed.setType(to);
    return packed;
  }

  ht::WeightOp lookup(StringRef name) { return symbols.lookup<ht::WeightOp>(name); }

private:
  SymbolTable symbols;
  int64_t panel;
  llvm::DenseMap<Operation *, ht::WeightOp> packedOf;
};

/// Replaces a linear of `kernel` by one that reads `packed`.
void rewriteLinear(ht::LinearOp linear, htk::KernelOp kernel, ht::WeightOp packed, unsigned operand) {
  OpBuilder outside(kernel);
  Value weight = ht::GetWeightOp::create(outside, kernel.getLoc(), packed.getWeightType(), packed.getSymName());
  kernel.getInputsMutable().append(weight);
  Value argument = kernel.getBody().front().addArgument(weight.getType(), weight.getLoc());

  OpBuilder builder(linear);
  Value result = htk::LinearOp::create(builder, linear.getLoc(), linear.getType(), linear.getInput(), argument);
  if (linear.getBias())
    result = ht::AddOp::create(builder, linear.getLoc(), result, linear.getBias());
  linear.replaceAllUsesWith(result);
  linear.erase();

  Block &body = kernel.getBody().front();
  if (body.getArgument(operand).use_empty()) {
    body.eraseArgument(operand);
    kernel.getInputsMutable().erase(operand);
  }
}

struct PackWeightsPass : layout::impl::PackWeightsBase<PackWeightsPass> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (panel <= 0) {
      module.emitError() << "panel must be positive, got " << panel.getValue();
      return signalPassFailure();
    }
    Packer packer(module, panel);
    SmallVector<std::pair<ht::LinearOp, htk::KernelOp>> linears;
    module.walk([&](ht::LinearOp linear) {
      if (auto kernel = linear->getParentOfType<htk::KernelOp>())
        linears.push_back({linear, kernel});
    });
    for (auto [linear, kernel] : linears) {
      auto argument = dyn_cast<BlockArgument>(linear.getWeight());
      auto get = argument ? kernel.getInputs()[argument.getArgNumber()].getDefiningOp<ht::GetWeightOp>() : nullptr;
      if (!get) {
        remark::missed(linear.getLoc(), remark::RemarkOpts::name("not packed").category("htk-pack-weights"))
            << "the weight is not a parameter of the model";
        continue;
      }
      rewriteLinear(linear, kernel, packer.pack(packer.lookup(get.getName())), argument.getArgNumber());
      if (get->use_empty())
        get->erase();
    }
    // Weights that only linears read are no longer read as rows.
    for (auto weight : llvm::make_early_inc_range(module.getOps<ht::WeightOp>()))
      if (SymbolTable::symbolKnownUseEmpty(weight, module))
        weight.erase();
  }
};

} // namespace
