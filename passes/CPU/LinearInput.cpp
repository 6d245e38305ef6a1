//===- LinearInput.cpp - the rows that linears multiply ---------------------===//

#include "passes/CPU/LinearInput.h"

#include "dialects/HTK/Roots.h"
#include "passes/CPU/RowQuantizer.h"
#include "passes/CPU/RowRotation.h"

using namespace mlir;

namespace halftone::cpu {

/// Bytes of x that a block may have: it stays in L2 beside the panel at hand and the next.
static constexpr int64_t kBlockBytes = 1 << 19;
/// Rows of a block at most, for which sums are on the stack, and at least: the largest tile's.
static constexpr int64_t kMaxBlockRows = 512, kMinBlockRows = 32;

FailureOr<LinearInput> LinearInput::create(KernelBuilder &kernel, htk::LinearOp linear) {
  LinearInput input(kernel);
  for (Value leaf : linear.getInput()) {
    input.types.push_back(cast<RankedTensorType>(leaf.getType()));
    if (auto argument = dyn_cast<BlockArgument>(leaf))
      input.leaves.push_back(kernel.getBuffer(argument));
  }
  if (input.leaves.size() == input.types.size())
    return input;
  Operation *prologue = linear.getInput().front().getDefiningOp();
  auto quantize = dyn_cast_or_null<htq::DynamicQuantizeOp>(prologue);
  Value source = prologue ? prologue->getOperand(0) : Value();
  if (auto hadamard = quantize ? source.getDefiningOp<htq::HadamardOp>() : htq::HadamardOp())
    source = hadamard.getInput();
  if (!prologue || !htk::isPrologue(prologue) || !isa<BlockArgument>(source))
    return linear.emitOpError() << "expects its operands in memory, or quantized or cast from there";
  if (quantize && failed(verifyQuantizesRows(quantize)))
    return failure();
  input.prologue = prologue;
  for (RankedTensorType type : input.types)
    input.leaves.push_back(kernel.scratch(input.getBlockRows(1) * type.getShape().back(),
                                          htk::getStorageType(type.getElementType())));
  return input;
}

int64_t LinearInput::getBlockRows(int64_t tileRows) const {
  int64_t rowBytes = std::max<int64_t>(1, getDepth()) * htk::getStorageBytes(getElementType());
  int64_t most = std::clamp(kBlockBytes / rowBytes, kMinBlockRows, kMaxBlockRows);
  return most / tileRows * tileRows;
}

void LinearInput::emitBlock(Value first, Value count) {
  blockStart = first;
  if (!prologue)
    return;
  ElementEmitter emitter(*k);
  SmallVector<Value> dims = k->getDims(prologue->getOperand(0));
  Value columns = dims.pop_back_val();
  auto forEachRow = [&](function_ref<void(ArrayRef<Value>, Value)> body) {
    k->loop(k->constant(0), count, 1,
            [&](Value row) { body(k->delinearize(k->add(first, row), dims), row); });
  };
  if (auto quantize = dyn_cast<htq::DynamicQuantizeOp>(prologue)) {
    RowQuantizer quantizer(*k, emitter, quantize, leaves);
    std::optional<RowRotation> rotation;
    auto hadamard = quantize.getInput().getDefiningOp<htq::HadamardOp>();
    if (hadamard)
      rotation.emplace(*k, emitter, hadamard);
    return forEachRow([&](ArrayRef<Value> outer, Value row) {
      if (rotation)
        emitter.bind(hadamard.getResult(), rotation->emit(outer));
      quantizer.emit(outer, row);
    });
  }
  forEachRow([&](ArrayRef<Value> outer, Value row) {
    k->vectorLoop(columns, k->lanes, [&](Index column, Lanes lanes) {
      Indices indices;
      for (Value index : outer)
        indices.push_back({index, false});
      indices.push_back(column);
      Value value = emitter.getVector(prologue->getResult(0), indices, lanes);
      k->store(value, leaves.front(), k->add(k->mul(row, columns), column.base), lanes);
    });
  });
}

Value LinearInput::getScale(Value position, Value index, Type real) const {
  Value value = k->load(leaves[1], k->add(k->mul(position, getNumScales()), index), types[1].getElementType(),
                        Lanes());
  return k->convertFloat(value, real);
}

} // namespace halftone::cpu
