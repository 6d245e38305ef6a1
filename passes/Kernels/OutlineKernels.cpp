//===- OutlineKernels.cpp - kernels become functions; equal ones share ------===//

#include "passes/Kernels/Passes.h"

#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace halftone::kernels {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "passes/Kernels/Passes.h.inc"
} // namespace halftone::kernels

using namespace mlir;
using namespace halftone;

namespace {

/// The name of the model's node that `loc` came from; empty without one.
StringRef getNodeName(Location loc) {
  StringRef name;
  loc->walk([&](Location inner) {
    auto named = dyn_cast<NameLoc>(inner);
    if (named)
      name = named.getName();
    return named ? WalkResult::interrupt() : WalkResult::advance();
  });
  return name;
}

/// What makes two kernels equal: the printed region, which numbers values in
/// order and leaves locations out, but for the nodes that faults name.
std::string getKey(htk::KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream os(text);
  // Whatever the command line asks printers to leave out matters here.
  constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  kernel->print(os, OpPrintingFlags()
                        .printGenericOpForm()
                        .useLocalScope()
                        .enableDebugInfo(false)
                        .skipRegions(false)
                        .elideLargeElementsAttrs(kAll)
                        .elideLargeResourceString(kAll));
  // Operand names differ from call to call: keep the region and the types.
  text.erase(0, text.find("({"));
  kernel.getBody().walk([&](Operation *op) {
    auto dequantize = dyn_cast<htq::DequantizeOp>(op);
    if (isa<ht::GatherOp, ht::GatherNDOp, ht::EmbeddingOp, ht::ScatterNDOp, ht::TopKOp>(op) ||
        (dequantize && htq::hasLookup(dequantize.getTerm())))
      os << getNodeName(op->getLoc()) << '\n';
  });
  return text;
}

struct OutlineKernelsPass : kernels::impl::OutlineKernelsBase<OutlineKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    llvm::StringMap<func::FuncOp> outlined;

    SmallVector<htk::KernelOp> kernels;
    module.walk([&](htk::KernelOp kernel) { kernels.push_back(kernel); });
    for (htk::KernelOp kernel : kernels) {
      func::FuncOp &function = outlined[getKey(kernel)];
      if (!function) {
        OpBuilder builder(&getContext());
        auto type = builder.getFunctionType(kernel.getInputs().getTypes(), kernel.getResultTypes());
        function = func::FuncOp::create(builder, kernel.getLoc(), kernel.getName(), type);
        function.setPrivate();
        function->setAttr(htk::HTKDialect::kKernelAttr, builder.getUnitAttr());
        if (auto parent = kernel->getParentOfType<func::FuncOp>())
          if (Attribute symbolList = parent->getAttr(ht::HTDialect::kSymbolsAttr))
            function->setAttr(ht::HTDialect::kSymbolsAttr, symbolList);
        function.getBody().takeBody(kernel.getBody());
        Operation *yield = function.getBody().front().getTerminator();
        builder.setInsertionPoint(yield);
        func::ReturnOp::create(builder, yield->getLoc(), yield->getOperands());
        yield->erase();
        symbols.insert(function); // Renames on collision.
      }
      OpBuilder builder(kernel);
      auto launch = htk::LaunchOp::create(builder, kernel.getLoc(), kernel.getResultTypes(), function.getSymName(),
                                          kernel.getInputs(), /*outputs=*/ValueRange{}, /*step=*/Value(),
                                          /*thread=*/Value());
      kernel.replaceAllUsesWith(launch.getResults());
      kernel.erase();
    }
  }
};

} // namespace
