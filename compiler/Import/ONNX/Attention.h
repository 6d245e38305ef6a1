//===- Attention.h - what the operators of attention share ------------------===//
//
// ONNX has one operator of attention and ONNX Runtime four, which differ in how
// they lay out heads, cache and masks. Each handler brings its inputs into one
// form, which is that of `ht.attention`.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_ATTENTION_H
#define HALFTONE_COMPILER_IMPORT_ONNX_ATTENTION_H

#include "compiler/Import/ONNX/NodeImporter.h"

namespace halftone::onnx {

/// The operands of `ht.attention`.
struct AttentionForm {
  mlir::Value query, key, value; ///< [batch, tokens, heads, d]
  mlir::Value mask;              ///< bool, broadcasts to [batch, heads, s, t]: true may attend. Or null.
  mlir::Value bias;              ///< A number that is added to the scores, of the same shape. Or null.
  mlir::Value sink;              ///< [heads]: the score of a key whose value is zero. Or null.
  double scale = 1, softcap = 0;
  bool causal = false; ///< i may attend j <= i + (t - s),
  mlir::Value start;   ///< or j <= i + start[batch]. Or null.
  int64_t window = 0;  ///< Of these the last; 0: all.
};

/// [batch, s, heads, d], of the query's type.
mlir::Value emitAttention(NodeImporter &node, AttentionForm form);

/// What can be asked of the scores, [batch, heads, s, t].
enum class ScoreStage { Product, Capped, Biased, Probability };
mlir::Value emitScores(NodeImporter &node, const AttentionForm &form, ScoreStage stage);

/// Conjunction; either may be null.
mlir::Value intersect(NodeImporter &node, mlir::Value lhs, mlir::Value rhs);
/// Sum; either may be null.
mlir::Value addBiases(NodeImporter &node, mlir::Value lhs, mlir::Value rhs);
/// 0 where `mask` holds, else `filter`, as `type`.
mlir::Value toBias(NodeImporter &node, mlir::Value mask, double filter, mlir::Type type);

/// Which of the keys a query may attend that stands `offset` positions behind the
/// first key: from `left` before it to `right` behind it, -1 being no limit. The
/// offset is a scalar or [batch, 1, 1, 1], i64. Null where all may be attended.
mlir::Value emitWindow(NodeImporter &node, ht::Dim queries, ht::Dim keys, mlir::Value offset, int64_t left,
                       int64_t right);
/// [batch, 1, 1, keys]: key j of a batch is below `limit`, [batch] of i64.
mlir::Value emitBelow(NodeImporter &node, ht::Dim keys, mlir::Value limit);
/// [n] as [n, 1, 1, 1].
mlir::Value alongBatch(NodeImporter &node, mlir::Value x);

/// [b, h, s, d] to [b, s, h, d] and back.
mlir::Value swapHeads(NodeImporter &node, mlir::Value x);
/// [b, s, h d] to [b, s, h, d]; an error where `heads` does not divide.
mlir::Value splitHeads(NodeImporter &node, mlir::Value x, int64_t heads);
/// [b, s, h, d] to [b, s, h d].
mlir::Value mergeHeads(NodeImporter &node, mlir::Value x);
/// `size` elements of `axis` from `start` on.
mlir::Value sliceAxis(NodeImporter &node, mlir::Value x, int64_t axis, ht::Dim start, ht::Dim size);

/// `x` [b, s, h, d] rotated by the angles of rows of the tables; `positions` is
/// [1 or b, s], or null where the tables have a row for each token.
mlir::Value emitRotation(NodeImporter &node, mlir::Value x, mlir::Value cos, mlir::Value sin,
                         mlir::Value positions, bool interleaved);

} // namespace halftone::onnx

#endif
