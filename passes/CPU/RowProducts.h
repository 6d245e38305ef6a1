//===- RowProducts.h - what attention of few queries multiplies -------------===//

#ifndef HALFTONE_PASSES_CPU_ROWPRODUCTS_H
#define HALFTONE_PASSES_CPU_ROWPRODUCTS_H

#include "passes/CPU/Attention.h"

namespace halftone::cpu {

/// The keys and values at hand, of those up to `end` that a query may attend.
struct RowBlock {
  mlir::Value sequence, head; ///< row and head of k and v
  mlir::Value first, count, end;
};

/// The products of an item of RowAttention: of its queries and keys, and of weights and values.
class RowProducts {
protected:
  KernelBuilder &k;
  ht::AttentionOp root;
  AttentionShape shape;
  ElementEmitter emitter;

public:
  static constexpr int64_t kKeys = 128; ///< in a block

  RowProducts(KernelBuilder &kernel, ht::AttentionOp root);
  virtual ~RowProducts() = default;

  const mlir::Type real;              ///< what scores and sums are computed in
  const int64_t sharing;              ///< heads that share keys
  const int64_t keyWidth, valueWidth; ///< channels, rounded up to vectors
  /// In L1, a row for each head. `scores` are of a block, and become weights.
  const mlir::Value queries, scores, sums;
  const mlir::Value factors; ///< of sums of the blocks before

  /// Once the scaled queries of an item are there.
  virtual void prepareQueries() {}
  /// Gives each head's products with as many keys as there are lanes, from key `first` on.
  using Use = llvm::function_ref<void(mlir::Value head, mlir::Value products)>;
  virtual void emitScores(const RowBlock &block, mlir::Value first, Lanes width, Use use) = 0;
  /// sums[h] = sums[h] * factor + sum over keys of weight * value.
  virtual void accumulateValues(const RowBlock &block) = 0;

  mlir::Value at(mlir::Value head, int64_t width, mlir::Value column) {
    return k.add(k.mul(head, width), column);
  }
  mlir::Value read(mlir::Value scratch, mlir::Value position) {
    return k.load(scratch, position, real, vector());
  }
  void write(mlir::Value value, mlir::Value scratch, mlir::Value position) {
    k.store(value, scratch, position, vector());
  }
  mlir::Value readOne(mlir::Value scratch, mlir::Value position) {
    return k.load(scratch, position, real, Lanes());
  }
  void forEachHead(llvm::function_ref<void(mlir::Value)> body) {
    k.loop(k.constant(0), k.constant(sharing), 1, body);
  }

protected:
  Lanes vector() const { return {k.lanes, {}}; }
  /// The first `count` of `width` lanes.
  Lanes getLanes(int64_t width, int64_t count);
  /// Rows of k from key `first` on, one for each lane; behind the last key it is repeated.
  llvm::SmallVector<KeyRow> getRows(const RowBlock &block, mlir::Value first, Lanes width);
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value sum) {
    return mlir::vector::FMAOp::create(k.b, k.loc, x, y, sum);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return mlir::arith::MulFOp::create(k.b, k.loc, x, y); }
};

/// Products of numbers: of any type, on any processor.
std::unique_ptr<RowProducts> makeFloatRowProducts(KernelBuilder &kernel, ht::AttentionOp root);

/// Products of codes: of keys and values that are kept in bytes.
std::unique_ptr<RowProducts> makeCodeRowProducts(KernelBuilder &kernel, ht::AttentionOp root);
/// Null if `root` has them, else the reason.
const char *whyNotCodes(const KernelBuilder &kernel, ht::AttentionOp root);

} // namespace halftone::cpu

#endif
