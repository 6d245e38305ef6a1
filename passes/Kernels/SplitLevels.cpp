//===- SplitLevels.cpp - one module for each level --------------------------===//

#include "passes/Kernels/Passes.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringSet.h"

namespace halftone::kernels {
#define GEN_PASS_DEF_SPLITLEVELS
#include "passes/Kernels/Passes.h.inc"
} // namespace halftone::kernels

using namespace mlir;
using namespace halftone;

namespace {

struct SplitLevelsPass : kernels::impl::SplitLevelsBase<SplitLevelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<htk::CpuAttr> levels;
    if (failed(collect(module, levels)))
      return signalPassFailure();
    module->removeAttr(kernels::kLevelsAttr);
    module->removeAttr(htk::HTKDialect::kCpuAttr);

    auto whole = ModuleOp::create(module.getLoc());
    whole.getBodyRegion().takeBody(module.getBodyRegion());
    module.getBodyRegion().emplaceBlock();
    OpBuilder b(module.getBodyRegion());
    for (htk::CpuAttr level : levels) {
      ModuleOp copy = level == levels.back() ? whole : whole.clone();
      copy.setSymName(level.getName());
      copy->setAttr(htk::HTKDialect::kCpuAttr, level);
      b.insert(copy);
    }
  }

private:
  LogicalResult collect(ModuleOp module, SmallVectorImpl<htk::CpuAttr> &levels) {
    Attribute list = module->getAttr(kernels::kLevelsAttr);
    if (!list) {
      auto cpu = module->getAttrOfType<htk::CpuAttr>(htk::HTKDialect::kCpuAttr);
      levels.push_back(cpu ? cpu : htk::CpuAttr::get(&getContext(), "x86-64-v4", 512, {}));
      return success();
    }
    llvm::StringSet<> names;
    for (Attribute element :
         isa<ArrayAttr>(list) ? cast<ArrayAttr>(list).getValue() : ArrayRef<Attribute>()) {
      auto level = dyn_cast<htk::CpuAttr>(element);
      if (!level || !names.insert(level.getName()).second)
        return module.emitError() << "expected '" << kernels::kLevelsAttr
                                  << "' to list #htk.cpu of different names, got " << element;
      levels.push_back(level);
    }
    if (levels.empty())
      return module.emitError() << "expected '" << kernels::kLevelsAttr << "' to list at least one #htk.cpu";
    return success();
  }
};

} // namespace
