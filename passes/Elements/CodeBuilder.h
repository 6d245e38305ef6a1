//===- CodeBuilder.h - what all kernels are written with --------------------===//

#ifndef HALFTONE_PASSES_ELEMENTS_CODEBUILDER_H
#define HALFTONE_PASSES_ELEMENTS_CODEBUILDER_H

#include "dialects/HTK/HTKDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"

namespace halftone::elements {

/// The index along one axis: `base`, or `base + lane` for each vector lane.
struct Index {
  mlir::Value base;
  bool lane = false;
};
using Indices = llvm::SmallVector<Index, 6>;

/// How many elements at once, and which of them exist: a null mask means all.
struct Lanes {
  int64_t width = 1; ///< 1 is scalar code
  mlir::Value mask = {};
  mlir::Value count = {}; ///< of a masked block: how many, from the first lane on
};

/// Literals of all kernels of a module (of the host's, or of a device's), as private constants.
class Tables {
public:
  explicit Tables(mlir::Operation *module) : symbols(module) {}
  mlir::memref::GlobalOp get(mlir::DenseElementsAttr flat, mlir::Location loc);

private:
  mlir::SymbolTable symbols;
  llvm::DenseMap<mlir::Attribute, mlir::memref::GlobalOp> tables;
};

/// Emits the code of one kernel from its tensor form, on flat buffers. What a kernel's function is called
/// with, and how its work is split, are the target's own.
class CodeBuilder {
public:
  virtual ~CodeBuilder() = default;

  /// An operation had no form here, and said so: the kernel must not be used.
  void setFailed() { failed = true; }
  bool hasFailed() const { return failed; }
  /// The operation that yields the kernel's results.
  mlir::func::ReturnOp getYield();

  mlir::OpBuilder b;
  mlir::Location loc;
  /// f32 elements in a vector register; 1 where all code is scalar.
  const int64_t lanes;

  /// The buffer of an argument of the tensor form, or of result `index`.
  mlir::Value getBuffer(mlir::BlockArgument argument) { return buffers[argument.getArgNumber()]; }
  mlir::Value getOutput(unsigned index) { return buffers[numInputs + index]; }

  // Index arithmetic; constants fold.
  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, constant(y)); }
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, constant(y)); }
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value rem(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value ceilDiv(mlir::Value x, int64_t y) { return div(add(x, y - 1), constant(y)); }
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);

  /// The value of a dimension.
  mlir::Value getDim(ht::Dim dim);
  llvm::SmallVector<mlir::Value> getDims(mlir::Value tensor);
  mlir::Value getProduct(llvm::ArrayRef<mlir::Value> dims);
  /// Row-major position of `indices` in a tensor of these dimensions.
  Index linearize(llvm::ArrayRef<mlir::Value> dims, llvm::ArrayRef<Index> indices);
  /// The indices of row-major position `position`.
  llvm::SmallVector<mlir::Value> delinearize(mlir::Value position, llvm::ArrayRef<mlir::Value> dims);

  /// `for (i = begin; i < end; i += step) body(i)`, with loop-carried values.
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> loop(mlir::Value begin, mlir::Value end, int64_t step,
                                      mlir::ValueRange carried, Body body);
  void loop(mlir::Value begin, mlir::Value end, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  /// Vector blocks of `[0, size)`: full ones, then one masked block if any is left.
  void vectorLoop(mlir::Value size, int64_t width, llvm::function_ref<void(Index, Lanes)> body);
  /// The same, with one value carried from block to block.
  mlir::Value vectorFold(mlir::Value size, int64_t width, mlir::Value initial,
                         llvm::function_ref<mlir::Value(Index, Lanes, mlir::Value)> body);
  void branch(mlir::Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise = {});

  /// `index`, from the end where it is negative; where that is outside [0, bound), 0 and a fault that
  /// names `site`.
  virtual mlir::Value checkIndex(mlir::Value index, mlir::Value bound, mlir::Location site) = 0;

  /// Elements of `buffer` from `position` as `element` is in a register.
  mlir::Value load(mlir::Value buffer, mlir::Value position, mlir::Type element, Lanes lanes);
  /// Every `stride`-th element from `position` on: vectors of neighbours, whose lanes are picked.
  mlir::Value loadStrided(mlir::Value buffer, mlir::Value position, mlir::Type element, Lanes lanes,
                          int64_t stride);
  void store(mlir::Value value, mlir::Value buffer, mlir::Value position, Lanes lanes);
  /// 32-bit words that begin at `position`, a multiple of 4 bytes, one in each of the kernel's lanes.
  mlir::Value loadWords(mlir::Value buffer, mlir::Value position);

  mlir::Value splat(mlir::Value scalar, int64_t width);
  /// How many lanes a value has; 1 for scalars.
  static int64_t getWidth(mlir::Value value);
  mlir::Value floatConstant(double value, mlir::Type element, int64_t width = 1);
  /// What elements of a graph type are in a register: an i1 one bit, bf16 itself, all
  /// else as in memory. The sign of an integer and the meaning of a code are in the graph's type only.
  mlir::Type getType(mlir::Type element, int64_t width);
  /// The elements of a literal in row-major order.
  mlir::Value getTable(mlir::DenseElementsAttr elements);
  /// A literal of graph type `element` in a register.
  mlir::TypedAttr getLiteral(mlir::Attribute value, mlir::Type element);
  mlir::Value getZero(mlir::Type element, int64_t width);
  /// What floats of this type are computed in: f64, or f32 for all others.
  mlir::Type getComputeType(mlir::Type element);
  /// f16 and bf16 widened to f32; other values as they are.
  mlir::Value widen(mlir::Value value);
  /// `value` converted to float type `element` of 16 bits or more, rounded once.
  mlir::Value convertFloat(mlir::Value value, mlir::Type element);

  /// f64 to f32, but what is inexact to the neighbour with an odd last bit: rounding
  /// that to fewer bits is as if from f64.
  mlir::Value roundToOdd(mlir::Value value);

  /// Uninitialized memory on the thread's stack, 64-byte aligned.
  mlir::Value scratch(int64_t elements, mlir::Type element);

protected:
  CodeBuilder(mlir::func::FuncOp source, int64_t lanes, Tables &tables);
  /// Code goes to the end of `entry`, before its terminator; `buffers` are those of inputs and outputs,
  /// `symbols` the values of the symbolic dimensions.
  void begin(mlir::Block *entry, mlir::ValueRange buffers, mlir::ValueRange symbols);

private:
  mlir::Value roundToBF16(mlir::Value value);

  mlir::func::FuncOp source;
  Tables &tables;
  mlir::Block *entry = nullptr;
  bool failed = false;
  unsigned numInputs;
  llvm::SmallVector<mlir::Value> buffers, symbols;
};

} // namespace halftone::elements

#endif
