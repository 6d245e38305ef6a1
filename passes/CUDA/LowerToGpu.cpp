//===- LowerToGpu.cpp - kernel functions become GPU kernels -----------------===//

#include "passes/CUDA/KernelBuilder.h"
#include "passes/Elements/ElementEmitter.h"

namespace halftone::cuda {
#define GEN_PASS_DEF_LOWERTOGPU
#include "passes/CUDA/Passes.h.inc"
} // namespace halftone::cuda

using namespace mlir;
using namespace halftone;
using namespace halftone::cuda;

namespace {

/// Threads of a block of a pointwise kernel.
constexpr int64_t kPointwiseWidth = 256;

/// Whether `kernel` can be lowered; says why it cannot.
LogicalResult check(func::FuncOp kernel) {
  if (kernel.getNumResults() != 1)
    return emitRefusal(kernel.getLoc(), kernel.getSymName()) << "it has several results";
  for (Operation &op : kernel.getBody().front())
    if (htk::isRoot(&op) && !isa<htk::LinearOp>(op))
      return emitRefusal(op.getLoc(), kernel.getSymName()) << op.getName() << " is lowered for CPUs only";
  auto linears = kernel.getOps<htk::LinearOp>();
  if (std::distance(linears.begin(), linears.end()) > 1)
    return emitRefusal(kernel.getLoc(), kernel.getSymName()) << "it has several linears";
  return success();
}

/// One thread for each element of the result.
void lowerPointwise(KernelBuilder &k) {
  ElementEmitter emitter(k);
  Value output = k.getYield().getOperand(0);
  SmallVector<Value> dims = k.getDims(output);
  Value total = k.getProduct(dims);
  k.forEachItem(k.ceilDiv(total, kPointwiseWidth), [&](Value item) {
    Value position = k.add(k.mul(item, kPointwiseWidth), k.x);
    k.branch(k.less(position, total), [&] {
      Indices at;
      for (Value index : k.delinearize(position, dims))
        at.push_back({index, false});
      k.store(emitter.get(output, at, Lanes()), k.getOutput(0), position, Lanes());
    });
  });
}

LogicalResult lowerKernel(func::FuncOp source, gpu::GPUModuleOp module, Tables &tables) {
  if (failed(check(source)))
    return failure();
  auto linears = source.getOps<htk::LinearOp>();
  bool isLinear = !linears.empty();
  KernelBuilder builder(source, module, isLinear ? kLinearWidth : kPointwiseWidth,
                        isLinear ? kLinearHeight : 1, tables);
  auto type = cast<RankedTensorType>(source.getResultTypes().front());
  if (llvm::is_contained(type.getShape(), 0)) // There is nothing to compute.
    return success();
  if (!isLinear)
    lowerPointwise(builder);
  else if (failed(lowerLinear(builder, *linears.begin())))
    return failure();
  return failure(builder.hasFailed());
}

struct LowerToGpuPass : cuda::impl::LowerToGpuBase<LowerToGpuPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto b = OpBuilder::atBlockEnd(module.getBody());
    auto device = gpu::GPUModuleOp::create(b, module.getLoc(), "kernels");
    SymbolTable(module).insert(device); // Renames on collision.
    Tables tables(device);
    bool isWhole = true; // All that is missing is said at once.
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(htk::HTKDialect::kKernelAttr))
        isWhole &= succeeded(lowerKernel(function, device, tables));
    if (!isWhole)
      signalPassFailure();
  }
};

} // namespace
