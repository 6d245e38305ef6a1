//===- Attention.h - what the loop nests of attention share -----------------===//

#ifndef HALFTONE_PASSES_CPU_ATTENTION_H
#define HALFTONE_PASSES_CPU_ATTENTION_H

#include "passes/CPU/KernelBuilder.h"
#include "passes/Elements/ElementEmitter.h"

namespace halftone::cpu {

/// Below every score that matters: a masked one, where rows are uniform. A power of two: its product with
/// any factor is exact.
inline constexpr double kMaskedScore = -0x1p100;

/// A row of k or v. `start` is where it is if the operand is in memory.
struct KeyRow {
  mlir::Value sequence, token, head, start;
};

/// The sizes of an attention, and where the rows of its operands are.
class AttentionShape {
public:
  AttentionShape(KernelBuilder &kernel, ht::AttentionOp root);

  int64_t heads, kvHeads, keyWidth, valueWidth;
  mlir::Value batch, queries, keyCount;

  /// Start of (row of the batch, token, head) in q and in the result, which is `width` wide.
  mlir::Value getQueryRow(mlir::Value row, mlir::Value token, mlir::Value head, int64_t width);
  /// The same in k and v.
  KeyRow getKeyRow(mlir::Value sequence, mlir::Value token, mlir::Value head, int64_t width);
  /// `count` tokens further.
  KeyRow advance(const KeyRow &row, int64_t count, int64_t width);
  /// Elements of k or v, from a channel of a row on, in the operand's type: from memory, or computed of what
  /// is kept there.
  mlir::Value loadKey(ElementEmitter &emitter, mlir::Value operand, const KeyRow &row, mlir::Value channel, Lanes lanes);
  /// The row of k and v that `row` of the batch attends.
  mlir::Value getSequence(ElementEmitter &emitter, mlir::Value row);
  /// The position in its sequence of query 0 of `row`.
  mlir::Value getStart(ElementEmitter &emitter, mlir::Value row);
  /// mask or bias[row, head, query, key], under broadcasting.
  mlir::Value getElement(ElementEmitter &emitter, mlir::Value tensor, mlir::Value row, mlir::Value head,
                         mlir::Value query, Index key, Lanes lanes);
  /// `index`, or the last of `count`: tails compute on real data and drop the result.
  mlir::Value clamp(mlir::Value index, mlir::Value count);

private:
  KernelBuilder &k;
  ht::AttentionOp root;
  mlir::Value sequences; ///< rows of k and v
};

/// Attention in f32 (or f64), queries along the lanes: of any type, on any processor.
class VectorAttention {
public:
  /// Takes `vectors` vectors of queries at a time.
  VectorAttention(KernelBuilder &kernel, ht::AttentionOp root, int64_t vectors);
  ~VectorAttention();

  void emit();
  /// The results of the queries from `firstQuery` on: `count`, or as many as a block holds.
  void emitBlock(mlir::Value row, mlir::Value head, mlir::Value firstQuery, mlir::Value count = {});

private:
  class Emitter;
  std::unique_ptr<Emitter> emitter;
};

/// Attention of few queries, channels along the lanes: as any but a uniform one.
void emitRowAttention(KernelBuilder &kernel, ht::AttentionOp root);

/// Attention of bf16 in tiles of AMX.
void emitTiledAttention(KernelBuilder &kernel, ht::AttentionOp root);
/// Null if tiles can compute `root`, else the reason.
const char *whyNotTiles(ht::AttentionOp root);

} // namespace halftone::cpu

#endif
