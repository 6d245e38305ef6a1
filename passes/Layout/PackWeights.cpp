//===- PackWeights.cpp - lay the weights of linears out in panels -----------===//

#include "passes/Layout/Passes.h"

#include "dialects/HTK/Packing.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

namespace halftone::layout {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Layout/Passes.h.inc"
} // namespace halftone::layout

using namespace mlir;
using namespace halftone;

namespace {

/// Makes packed weights: one for each weight and group that linears read.
class Packer {
public:
  explicit Packer(ModuleOp module) : symbols(module) {}

  ht::WeightOp pack(ht::WeightOp weight, const htk::PackedLeaf &leaf) {
    RankedTensorType to = leaf.getPackedType();
    ht::WeightOp &packed = packedOf[{weight, leaf.group}];
    if (packed)
      return packed;
    OpBuilder builder(weight);
    packed = cast<ht::WeightOp>(builder.clone(*weight));
    packed.setSymName((weight.getSymName() + ".packed").str());
    symbols.insert(packed, Block::iterator(weight));

    Operation *yield = packed.getInitializer().front().getTerminator();
    builder.setInsertionPoint(yield);
    Value value = htk::PackOp::create(builder, weight.getLoc(), to, packed.getYielded(), leaf.group);
    yield->setOperand(0, value);
    packed.setType(to);
    return packed;
  }

  ht::WeightOp lookup(StringRef name) { return symbols.lookup<ht::WeightOp>(name); }

private:
  SymbolTable symbols;
  llvm::MapVector<std::pair<Operation *, int64_t>, ht::WeightOp> packedOf;
};

/// The parameter of the model that `value`, an argument of `kernel`, is; or null.
ht::GetWeightOp getParameter(htk::KernelOp kernel, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument ? kernel.getInputs()[argument.getArgNumber()].getDefiningOp<ht::GetWeightOp>() : nullptr;
}

/// Adds the weight `name` to what `kernel` reads.
Value addParameter(htk::KernelOp kernel, ht::WeightOp weight) {
  OpBuilder outside(kernel);
  Value value =
      ht::GetWeightOp::create(outside, kernel.getLoc(), weight.getWeightType(), weight.getSymName());
  kernel.getInputsMutable().append(value);
  return kernel.getBody().front().addArgument(value.getType(), value.getLoc());
}

/// Removes arguments that nothing reads now, and parameters that no kernel takes.
void dropUnread(htk::KernelOp kernel, ArrayRef<Value> arguments) {
  for (Value value : arguments) {
    auto argument = cast<BlockArgument>(value);
    if (!argument.use_empty())
      continue;
    unsigned index = argument.getArgNumber();
    Operation *source = kernel.getInputs()[index].getDefiningOp();
    kernel.getBody().front().eraseArgument(index);
    kernel.getInputsMutable().erase(index);
    if (source->use_empty())
      source->erase();
  }
}

/// Terms and operands of a linear, whichever operation it is.
struct Product {
  Operation *op;
  Attribute inputTerm, weightTerm;
  SmallVector<Value> input, weight;
  Value bias;

  static Product of(ht::LinearOp op) {
    auto term = [](Value value) { return TypeAttr::get(getElementTypeOrSelf(value)); };
    return {op, term(op.getInput()), term(op.getWeight()), {op.getInput()}, {op.getWeight()}, op.getBias()};
  }
  static Product of(htq::LinearOp op) {
    return {op,
            op.getInputTerm(),
            op.getWeightTerm(),
            llvm::to_vector_of<Value>(op.getInput()),
            llvm::to_vector_of<Value>(op.getWeight()),
            Value()};
  }
};

void pack(const Product &product, htk::KernelOp kernel, Packer &packer) {
  auto result = cast<RankedTensorType>(product.op->getResult(0).getType());
  int64_t n = result.getShape().back(),
          k = cast<RankedTensorType>(product.input.front().getType()).getShape().back();
  SmallVector<Value> packed;
  for (auto [value, leaf] : llvm::zip_equal(product.weight, htk::getPackedLeaves(product.weightTerm, n, k))) {
    ht::WeightOp weight = packer.lookup(getParameter(kernel, value).getName());
    packed.push_back(addParameter(kernel, leaf.isCodebook ? weight : packer.pack(weight, leaf)));
  }
  OpBuilder builder(product.op);
  Location loc = product.op->getLoc();
  Value value = htk::LinearOp::create(builder, loc, result, product.inputTerm, product.input,
                                      product.weightTerm, packed);
  if (product.bias)
    value = ht::AddOp::create(builder, loc, value, product.bias);
  product.op->getResult(0).replaceAllUsesWith(value);
  product.op->erase();
  dropUnread(kernel, product.weight);
}

struct PackWeightsPass : layout::impl::PackWeightsBase<PackWeightsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Product> products;
    module.walk([&](Operation *op) {
      if (!op->getParentOfType<htk::KernelOp>())
        return;
      if (auto linear = dyn_cast<ht::LinearOp>(op))
        products.push_back(Product::of(linear));
      else if (auto linear = dyn_cast<htq::LinearOp>(op))
        products.push_back(Product::of(linear));
    });
    Packer packer(module);
    for (const Product &product : products) {
      auto kernel = product.op->getParentOfType<htk::KernelOp>();
      if (llvm::all_of(product.weight, [&](Value leaf) { return getParameter(kernel, leaf) != nullptr; })) {
        pack(product, kernel, packer);
        continue;
      }
      remark::missed(product.op->getLoc(),
                     remark::RemarkOpts::name("not packed").category("htk-pack-weights"))
          << "the weight is not a parameter of the model";
    }
    // Weights that only linears read are no longer read as rows.
    for (auto weight : llvm::make_early_inc_range(module.getOps<ht::WeightOp>()))
      if (SymbolTable::symbolKnownUseEmpty(weight, module))
        weight.erase();
  }
};

} // namespace
