//===- AssignStorage.cpp - the element type that weights are stored in ------===//

#include "passes/Quantize/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

namespace halftone::quantize {
#define GEN_PASS_DEF_ASSIGNSTORAGE
#include "passes/Quantize/Passes.h.inc"
} // namespace halftone::quantize

using namespace mlir;
using namespace halftone;

namespace {

/// Whether `use` reads a weight of any float width.
bool widensOnRead(OpOperand &use) {
  if (auto linear = dyn_cast<ht::LinearOp>(use.getOwner()))
    return use.get() == linear.getWeight() && use.get() != linear.getBias();
  if (auto embedding = dyn_cast<ht::EmbeddingOp>(use.getOwner()))
    return use.get() == embedding.getTable() && embedding.getType().getElementType().isF32();
  return false;
}

struct AssignStoragePass : quantize::impl::AssignStorageBase<AssignStoragePass> {
  using AssignStorageBase::AssignStorageBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Type target;
    if (storage == "f32")
      target = Float32Type::get(&getContext());
    else if (storage == "bf16")
      target = BFloat16Type::get(&getContext());
    if (!target) {
      module.emitError() << "storage must be f32 or bf16, got '" << storage << "'";
      return signalPassFailure();
    }

    llvm::MapVector<StringAttr, SmallVector<ht::GetWeightOp>> readers;
    module.walk([&](ht::GetWeightOp get) { readers[get.getNameAttr().getAttr()].push_back(get); });
    SymbolTable symbols(module);
    for (auto &[name, gets] : readers) {
      auto weight = symbols.lookup<ht::WeightOp>(name);
      RankedTensorType type = weight.getWeightType();
      // f32 widens what is narrower; bf16 takes f32 only: an f16 would lose bits and save none.
      Type element = type.getElementType();
      bool suits = target.isF32() ? isa<BFloat16Type, Float16Type>(element) : element.isF32();
      if (!suits)
        continue;
      bool movable = llvm::all_of(gets, [](ht::GetWeightOp get) { return llvm::all_of(get->getUses(), widensOnRead); });
      if (!movable) {
        if (type.getRank() > 1)
          remark::missed(weight.getLoc(), remark::RemarkOpts::name("kept").category("ht-assign-storage"))
              << "@" << name.getValue() << " has a reader that needs its own type";
        continue;
      }
      OpBuilder builder(weight.getInitializer().front().getTerminator());
      auto stored = ht::withElementType(type, target);
      Value cast = ht::CastOp::create(builder, weight.getLoc(), stored, weight.getYielded());
      weight.getInitializer().front().getTerminator()->setOperand(0, cast);
      weight.setType(stored);
      for (ht::GetWeightOp get : gets)
        get.getResult().setType(stored);
    }
  }
};

} // namespace
