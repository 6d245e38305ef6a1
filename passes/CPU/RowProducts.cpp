//===- RowProducts.cpp - what attention of few queries multiplies -----------===//

#include "passes/CPU/RowProducts.h"

using namespace mlir;

namespace halftone::cpu {

RowProducts::RowProducts(KernelBuilder &kernel, ht::AttentionOp root)
    : k(kernel), root(root), shape(kernel, root), emitter(kernel),
      real(kernel.getComputeType(getElementTypeOrSelf(root.getType()))), sharing(shape.heads / shape.kvHeads),
      keyWidth(llvm::alignTo(shape.keyWidth, kernel.lanes)),
      valueWidth(llvm::alignTo(shape.valueWidth, kernel.lanes)),
      queries(kernel.scratch(sharing * keyWidth, real)), scores(kernel.scratch(sharing * kKeys, real)),
      sums(kernel.scratch(sharing * valueWidth, real)), factors(kernel.scratch(sharing, real)) {}

Lanes RowProducts::getLanes(int64_t width, int64_t count) {
  if (count >= width)
    return {width, {}};
  auto type = VectorType::get({width}, k.b.getI1Type());
  return {width, vector::CreateMaskOp::create(k.b, k.loc, type, ValueRange{k.constant(count)}),
          k.constant(count)};
}

SmallVector<KeyRow> RowProducts::getRows(const RowBlock &block, Value first, Lanes width) {
  SmallVector<KeyRow> rows;
  for (int64_t r = 0; r < k.lanes; ++r) {
    // In whole groups these are a constant distance apart.
    Value token = width.mask ? shape.clamp(k.add(first, r), block.end) : first;
    KeyRow row = shape.getKeyRow(block.sequence, token, block.head, shape.keyWidth);
    rows.push_back(width.mask ? row : shape.advance(row, r, shape.keyWidth));
  }
  return rows;
}

} // namespace halftone::cpu
