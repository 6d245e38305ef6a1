//===- LowerQuantize.cpp - rows of activations become codes -----------------===//

#include "passes/CPU/LoopNests.h"
#include "passes/CPU/RowQuantizer.h"

using namespace mlir;

namespace halftone::cpu {

LogicalResult lowerQuantize(KernelBuilder &k, htq::DynamicQuantizeOp root) {
  if (failed(verifyQuantizesRows(root)))
    return failure();
  ElementEmitter emitter(k);
  SmallVector<Value> leaves;
  for (OpResult leaf : root.getLeaves())
    leaves.push_back(k.getOutput(leaf.getResultNumber()));
  RowQuantizer quantizer(k, emitter, root, leaves);
  SmallVector<Value> rows = k.getDims(root.getInput());
  rows.pop_back();
  auto [begin, end] = k.getShare(k.getProduct(rows));
  k.loop(begin, end, 1, [&](Value row) { quantizer.emit(k.delinearize(row, rows), row); });
  return success();
}

} // namespace halftone::cpu
