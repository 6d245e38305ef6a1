//===- KernelBuilder.cpp - what GPU kernels are written with ----------------===//

#include "passes/CUDA/KernelBuilder.h"

using namespace mlir;

namespace halftone::cuda {

InFlightDiagnostic emitRefusal(Location loc, StringRef name) {
  return emitError(loc) << "kernel '" << name << "' has no GPU form: ";
}

KernelBuilder::KernelBuilder(func::FuncOp source, gpu::GPUModuleOp module, int64_t width, int64_t height,
                             Tables &tables)
    : CodeBuilder(source, /*lanes=*/1, tables), name(source.getSymName()) {
  SmallVector<Type> types;
  for (Type type : source.getArgumentTypes())
    types.push_back(htk::getBufferType(type));
  for (Type type : source.getResultTypes())
    types.push_back(htk::getBufferType(type));
  size_t numBuffers = types.size();
  types.append(ht::getSymbols(source).size(), b.getIndexType());

  b.setInsertionPointToEnd(module.getBody());
  auto kernel = gpu::GPUFuncOp::create(b, loc, name, b.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSize(ArrayRef<int32_t>{static_cast<int32_t>(width), static_cast<int32_t>(height), 1});
  Block *entry = &kernel.getBody().front();
  b.setInsertionPointToEnd(entry);
  gpu::ReturnOp::create(b, loc);
  ValueRange arguments = entry->getArguments();
  begin(entry, arguments.take_front(numBuffers), arguments.drop_front(numBuffers));
  x = gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x);
  y = height > 1 ? Value(gpu::ThreadIdOp::create(b, loc, gpu::Dimension::y)) : constant(0);
}

void KernelBuilder::forEachItem(Value total, function_ref<void(Value)> body) {
  Value first = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  Value blocks = gpu::GridDimOp::create(b, loc, gpu::Dimension::x);
  auto loop = scf::ForOp::create(b, loc, first, total, blocks);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVar());
}

Value KernelBuilder::checkIndex(Value index, Value, Location site) {
  emitRefusal(site, name) << "an index from data may be out of range, which it cannot report";
  setFailed();
  return index;
}

} // namespace halftone::cuda
