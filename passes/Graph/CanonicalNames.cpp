//===- CanonicalNames.cpp - make two modules comparable as text -------------===//

#include "passes/Graph/Passes.h"

#include "dialects/HT/HTOps.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace halftone::graph {
#define GEN_PASS_DEF_CANONICALNAMES
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone::ht;

namespace {

struct CanonicalNames : halftone::graph::impl::CanonicalNamesBase<CanonicalNames> {
  using CanonicalNamesBase::CanonicalNamesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::StringMap<StringAttr> names;
    Builder builder(&getContext());
    auto rename = [&](StringRef name) {
      auto [it, isNew] = names.try_emplace(name);
      if (isNew)
        it->second = builder.getStringAttr("w" + Twine(names.size() - 1));
      return it->second;
    };
    module.walk([&](GetWeightOp get) { get.setName(rename(get.getName()).getValue()); });
    for (auto weight : module.getOps<WeightOp>())
      weight.setSymNameAttr(rename(weight.getSymName()));
    if (!forgetFiles)
      return;
    module->removeAttr("ht.model_directory");
    module.walk([&](Operation *op) {
      op->setLoc(builder.getUnknownLoc());
      if (auto load = dyn_cast<LoadOp>(op)) {
        load.setFile("");
        load.setOffset(0);
      }
      for (Region &region : op->getRegions())
        for (BlockArgument argument : region.getArguments())
          argument.setLoc(builder.getUnknownLoc());
    });
  }
};

} // namespace
