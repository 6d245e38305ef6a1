//===- LowerAttention.cpp - attention, by rows, vectors or tiles ------------===//
//
// bf16 operands are multiplied in tiles where the processor has them and there are queries enough for a tile;
// all else in the vectors' nest, or, where few queries would leave most of its lanes empty, row by row.
//
//===----------------------------------------------------------------------===//

#include "dialects/HTK/Intrinsics.h"
#include "passes/CPU/Attention.h"
#include "passes/CPU/LoopNests.h"
#include "passes/CPU/RowProducts.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace halftone::cpu {

/// Vectors of queries in a block.
static constexpr int64_t kVectors = 2;
/// Queries from which on these are worth their empty lanes.
static constexpr int64_t kManyQueries = 16;

static int64_t getSize(Value tensor, unsigned axis) {
  return cast<RankedTensorType>(tensor.getType()).getDimSize(axis);
}

AttentionShape::AttentionShape(KernelBuilder &kernel, ht::AttentionOp root)
    : heads(getSize(root.getQuery(), 2)), kvHeads(getSize(root.getKey(), 2)),
      keyWidth(getSize(root.getQuery(), 3)), valueWidth(getSize(root.getValue(), 3)), k(kernel), root(root) {
  SmallVector<Value> q = k.getDims(root.getQuery()), keys = k.getDims(root.getKey());
  batch = q[0];
  queries = q[1];
  sequences = keys[0];
  keyCount = keys[1];
}

Value AttentionShape::getQueryRow(Value row, Value token, Value head, int64_t width) {
  return k.mul(k.add(k.mul(k.add(k.mul(row, queries), token), heads), head), width);
}

KeyRow AttentionShape::getKeyRow(Value sequence, Value token, Value head, int64_t width) {
  Value start = k.mul(k.add(k.mul(k.add(k.mul(sequence, keyCount), token), kvHeads), head), width);
  return {sequence, token, head, start};
}

KeyRow AttentionShape::advance(const KeyRow &row, int64_t count, int64_t width) {
  return {row.sequence, k.add(row.token, count), row.head, k.add(row.start, count * kvHeads * width)};
}

Value AttentionShape::loadKey(ElementEmitter &emitter, Value operand, const KeyRow &row, Value channel,
                              Lanes lanes) {
  if (auto argument = dyn_cast<BlockArgument>(operand))
    return k.load(k.getBuffer(argument), k.add(row.start, channel), getElementTypeOrSelf(operand.getType()), lanes);
  return emitter.getVector(
      operand, {{row.sequence, false}, {row.token, false}, {row.head, false}, {channel, lanes.width > 1}}, lanes);
}

Value AttentionShape::getSequence(ElementEmitter &emitter, Value row) {
  return root.getSequences()
             ? emitter.getPosition(root.getSequences(), Index{row, false}, sequences, root.getLoc())
             : row;
}

Value AttentionShape::getStart(ElementEmitter &emitter, Value row) {
  if (!root.getStart())
    return k.sub(keyCount, queries);
  Value start = emitter.get(root.getStart(), Index{row, false}, Lanes());
  return arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), start);
}

Value AttentionShape::getElement(ElementEmitter &emitter, Value tensor, Value row, Value head, Value query,
                                 Index key, Lanes lanes) {
  Indices indices{{row, false}, {head, false}, {query, false}, key};
  for (auto [dim, index] : llvm::zip_equal(ht::getDims(tensor), indices))
    if (ht::getConstant(dim) == 1)
      index = {k.constant(0), false};
  return emitter.getVector(tensor, indices, lanes);
}

Value AttentionShape::clamp(Value index, Value count) { return k.min(index, k.sub(count, k.constant(1))); }

/// Whether k or v are widened where they are read (htk::isWidenedState).
static bool isComputedFromMemory(Value operand) {
  Operation *op = operand.getDefiningOp();
  return isa<htq::DequantizeOp, ht::CastOp>(op) && llvm::all_of(op->getOperands(), llvm::IsaPred<BlockArgument>);
}

/// How few queries multiply keys and values that are computed of what is kept.
static void remarkCodes(const KernelBuilder &kernel, ht::AttentionOp root) {
  if (isa<BlockArgument>(root.getKey()) || root.getUniform())
    return;
  auto options = remark::RemarkOpts::name("kept codes").category("htk-lower-kernels");
  if (const char *reason = whyNotCodes(kernel, root))
    remark::missed(root.getLoc(), options)
        << std::string("keys and values are widened for few queries: ") + reason;
  else
    remark::passed(root.getLoc(), options) << "few queries multiply the codes of keys and values";
}

LogicalResult lowerAttention(KernelBuilder &kernel, ht::AttentionOp root) {
  for (Value operand : {root.getQuery(), root.getKey(), root.getValue()}) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (type.isDynamicDim(2) || type.isDynamicDim(3))
      return root.emitOpError() << "needs constant numbers of heads and channels";
    if (!isa<BlockArgument>(operand) && !(operand != root.getQuery() && isComputedFromMemory(operand)))
      return root.emitOpError() << "expects its operands in memory, or keys and values kept there";
  }
  remarkCodes(kernel, root);
  Value queries = kernel.getDims(root.getQuery())[1];
  auto emitMany = [&] { VectorAttention(kernel, root, kVectors).emit(); };
  // A uniform row may weigh keys out of its reach.
  auto emitFew = [&] { root.getUniform() ? emitMany() : emitRowAttention(kernel, root); };
  auto emitVectors = [&] {
    if (root.getUniform())
      return emitMany();
    kernel.branch(kernel.less(queries, kernel.constant(kManyQueries)), emitFew, emitMany);
  };
  if (!getElementTypeOrSelf(root.getQuery()).isBF16()) {
    emitVectors();
    return success();
  }
  const htk::Intrinsic &fastest = *htk::selectIntrinsics(kernel.cpu, htk::ProductKind::BF16).front();
  const char *reason = fastest.isTile() ? whyNotTiles(root) : "the processor has none of bf16";
  if (reason) {
    remark::missed(root.getLoc(), remark::RemarkOpts::name("no tiles").category("htk-lower-kernels"))
        << std::string("attention in f32 vectors: ") + reason;
    emitVectors();
    return success();
  }
  Value isShort = kernel.less(queries, kernel.constant(fastest.leastRows));
  kernel.branch(isShort, emitFew, [&] { emitTiledAttention(kernel, root); });
  return success();
}

} // namespace halftone::cpu
