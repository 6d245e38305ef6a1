//===- ElementEmitter.h - single elements of a kernel's values --------------===//
//
// Writes the code that computes value[indices] inside a kernel, operation by
// operation: elementwise operations apply a function, data movement maps
// indices, arguments load from their buffers. Used for whole pointwise kernels
// and for what follows a root, whose own elements are bound by the root's loop
// nest. One axis may run along vector lanes.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_ELEMENTS_ELEMENTEMITTER_H
#define HALFTONE_PASSES_ELEMENTS_ELEMENTEMITTER_H

#include "dialects/HTQ/HTQOps.h"
#include "passes/Elements/CodeBuilder.h"

namespace halftone::elements {

class ElementEmitter {
public:
  explicit ElementEmitter(CodeBuilder &kernel) : k(kernel) {}

  using Producer = std::function<mlir::Value(llvm::ArrayRef<Index>, Lanes)>;
  /// Elements of `value` come from `producer` until it is bound anew.
  void bind(mlir::Value value, Producer producer) { bound[value] = std::move(producer); }

  /// The bound `value` has lanes along the axes that `takes` says only.
  void limitLanes(mlir::Value value, std::function<bool(int64_t)> takes) { limits[value] = std::move(takes); }

  /// Whether lanes along axis `lane` of `value` (-1: none) load whole vectors all through.
  bool canVectorize(mlir::Value value, int64_t lane);

  /// Lanes to compute the kernel's `output` with, along axis `lane`: 1 where nothing
  /// would be done with whole vectors.
  int64_t getWidth(mlir::Value output, int64_t lane);

  /// The element (or vector of elements) of `value` at `indices`; scalar where
  /// no index has lanes. What has no vector form there is made lane by lane.
  mlir::Value get(mlir::Value value, llvm::ArrayRef<Index> indices, Lanes lanes);

  /// `get`, repeated in all lanes where it is scalar.
  mlir::Value getVector(mlir::Value value, llvm::ArrayRef<Index> indices, Lanes lanes) {
    return k.splat(get(value, indices, lanes), lanes.width);
  }

  /// An integer tensor's element as an index inside [0, bound).
  mlir::Value getPosition(mlir::Value indexTensor, llvm::ArrayRef<Index> at, mlir::Value bound,
                          mlir::Location site);

private:
  /// The operands of `value` that have lanes where it has them along axis `lane`, and
  /// their axes; null where a vector of it cannot be made from vectors of theirs.
  using LaneOperands = llvm::SmallVector<std::pair<mlir::Value, int64_t>>;
  std::optional<LaneOperands> getLaneOperands(mlir::Value value, int64_t lane);
  std::optional<LaneOperands> getTermOperands(htq::DequantizeOp op, int64_t lane);
  std::optional<LaneOperands> getQuantizeOperands(htq::QuantizeOp op, int64_t lane);
  std::optional<LaneOperands> getRequantizeOperands(htq::RequantizeOp op, int64_t lane);
  /// Whether lanes can be every `stride`-th element along `axis` of `input`.
  bool takesStride(mlir::Value input, int64_t axis, int64_t stride);
  mlir::Value emitStrided(mlir::Value input, llvm::ArrayRef<Index> indices, Lanes lanes, int64_t stride);
  mlir::Value emitEachLane(mlir::Value value, llvm::ArrayRef<Index> indices, Lanes lanes);
  /// The operand's indices under numpy broadcasting.
  Indices mapBroadcast(mlir::Value operand, llvm::ArrayRef<Index> indices);
  mlir::Value emitElementwise(mlir::Operation *op, llvm::ArrayRef<Index> indices, Lanes lanes);
  mlir::Value emitConcat(ht::ConcatOp op, llvm::ArrayRef<Index> indices, Lanes lanes);
  mlir::Value emitGather(mlir::Operation *op, mlir::Value input, llvm::ArrayRef<mlir::Value> positions,
                         llvm::ArrayRef<Index> before, llvm::ArrayRef<Index> after, Lanes lanes);
  mlir::Value emitRope(ht::RopeOp op, llvm::ArrayRef<Index> indices, Lanes lanes);
  mlir::Value emitIota(ht::IotaOp op, llvm::ArrayRef<Index> indices, Lanes lanes);
  mlir::Value emitConstant(ht::ConstantOp op, llvm::ArrayRef<Index> indices, Lanes lanes);
  mlir::Value emitDequantize(htq::DequantizeOp op, llvm::ArrayRef<Index> indices, Lanes lanes);
  mlir::Value emitQuantize(htq::QuantizeOp op, llvm::ArrayRef<Index> indices, Lanes lanes);
  mlir::Value emitRequantize(htq::RequantizeOp op, llvm::ArrayRef<Index> indices, Lanes lanes);

  CodeBuilder &k;
  llvm::DenseMap<mlir::Value, Producer> bound;
  llvm::DenseMap<mlir::Value, std::function<bool(int64_t)>> limits;
};

/// The result of elementwise operation `op` on the operands `x` (all scalars or
/// all vectors; f16 and bf16 already widened, but where `movesBits`): one entry of
/// the scalar semantics.
mlir::Value emitScalarFunction(CodeBuilder &kernel, mlir::Operation *op, llvm::ArrayRef<mlir::Value> x);

/// Whether `op` computes nothing: its operands' bits go through it, or are converted by it.
bool movesBits(mlir::Operation *op);

} // namespace halftone::elements

#endif
