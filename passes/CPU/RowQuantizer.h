//===- RowQuantizer.h - codes of rows, by their own range -------------------===//

#ifndef HALFTONE_PASSES_CPU_ROWQUANTIZER_H
#define HALFTONE_PASSES_CPU_ROWQUANTIZER_H

#include "passes/Elements/Arithmetic.h"
#include "passes/CPU/KernelBuilder.h"
#include "passes/Elements/ElementEmitter.h"

namespace halftone::cpu {

/// Whether `op` is of rows, in a form that RowQuantizer takes; if not, an error says why.
mlir::LogicalResult verifyQuantizesRows(htq::DynamicQuantizeOp op);

/// Writes rows of the leaves of a dynamic quantization, from any loop nest that has whole rows of its input.
/// Numbers are those that the operation defines, to the bit.
class RowQuantizer {
public:
  /// Elements of the input come from `emitter`, which is asked twice for each. `leaves` are
  /// buffers of the codes, the scales and, by `minmax`, the zeros.
  RowQuantizer(KernelBuilder &kernel, ElementEmitter &emitter, htq::DynamicQuantizeOp op,
               llvm::ArrayRef<mlir::Value> leaves);

  /// Quantizes the row at `outer`, all indices of the input but the last, into row `row` of the buffers.
  void emit(llvm::ArrayRef<mlir::Value> outer, mlir::Value row);

private:
  /// Columns of the row that share parameters, and where their results belong.
  struct Part {
    mlir::Value first, size, code, parameter;
  };

  void emitPart(const Part &part);
  void emitCareful(const Part &part);
  void emitOrdinary(const Part &part, mlir::Value absmax);
  void emitCodes(const Part &part, mlir::Value inverse, mlir::Value zeroCode, double low);

  mlir::Value load(mlir::Value first, Index i, Lanes at);
  mlir::Value findExtreme(const Part &part, bool isGreatest,
                          llvm::function_ref<mlir::Value(mlir::Value)> get);
  mlir::Value findAbsmaxBits(const Part &part);
  mlir::Value invert(mlir::Value x);
  mlir::Value roundEven(mlir::Value x);
  mlir::Value clamp(mlir::Value x, double low);
  mlir::Value literal(double value) { return k.floatConstant(value, real); }
  mlir::Value integer(int64_t value);

  mlir::Value storeScale(mlir::Value scale, mlir::Value position);
  void storeCode(mlir::Value code, unsigned leaf, mlir::Value position, Lanes at);

  KernelBuilder &k;
  ElementEmitter &emitter;
  htq::DynamicQuantizeOp op;
  llvm::SmallVector<mlir::Value, 3> leaves;
  mlir::Type real;
  Arithmetic arithmetic;
  double least, greatest;
  int64_t block;      ///< columns with one scale; kWhole: all
  int64_t storeWidth; ///< lanes of codes
  Indices outer;
};

} // namespace halftone::cpu

#endif
