//===- LowerQuantize.cpp - rows of activations become codes -----------------===//

#include "passes/CPU/LoopNests.h"
#include "passes/CPU/RowQuantizer.h"
#include "passes/CPU/RowRotation.h"

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
  // A rotation in the kernel leaves its row in L1, where it is read twice.
  std::optional<RowRotation> rotation;
  auto hadamard = root.getInput().getDefiningOp<htq::HadamardOp>();
  if (hadamard)
    rotation.emplace(k, emitter, hadamard);
  SmallVector<Value> rows = k.getDims(root.getInput());
  rows.pop_back();
  auto [begin, end] = k.getShare(k.getProduct(rows));
  k.loop(begin, end, 1, [&](Value row) {
    SmallVector<Value> indices = k.delinearize(row, rows);
    if (rotation)
      emitter.bind(hadamard.getResult(), rotation->emit(indices));
    quantizer.emit(indices, row);
  });
  return success();
}

} // namespace halftone::cpu
