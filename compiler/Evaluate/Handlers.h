//===- Handlers.h - the parts of the standard table -------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_HANDLERS_H
#define HALFTONE_COMPILER_EVALUATE_HANDLERS_H

#include "compiler/Evaluate/Interpreter.h"

namespace halftone::evaluate {

void addElementwise(InterpreterTable &table);
void addStructure(InterpreterTable &table);
void addContractions(InterpreterTable &table);
void addTransformer(InterpreterTable &table);
void addSelection(InterpreterTable &table);
void addQuantized(InterpreterTable &table);
void addDynamicQuantization(InterpreterTable &table);
void addQuantizedProduct(InterpreterTable &table);
void addKernels(InterpreterTable &table);
void addPackedWeights(InterpreterTable &table);

/// f(x) of an activation in double, shared by the elementwise operations and the gated unit.
double computeGelu(double x);
double computeGeluTanh(double x);
double computeSigmoid(double x);
double computeSilu(double x);

/// The larger and the smaller of two numbers: NaN if either is.
template <typename T>
T maximum(T x, T y) {
  if (x != x || y != y)
    return x + y;
  return x > y ? x : y;
}
template <typename T>
T minimum(T x, T y) {
  if (x != x || y != y)
    return x + y;
  return x < y ? x : y;
}

llvm::SmallVector<Tensor> getTensors(Frame &frame, mlir::ValueRange values);

/// The position that a possibly negative index means, or an error.
llvm::Expected<int64_t> resolveIndex(mlir::Operation *op, int64_t index, int64_t size);

/// Indices as signed numbers; an unsigned one that is too large for that stays out of every range.
std::vector<int64_t> readIndices(const Tensor &tensor);

} // namespace halftone::evaluate

#endif
