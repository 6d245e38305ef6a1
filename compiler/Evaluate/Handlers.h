//===- Handlers.h - the parts of the standard table -------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_HANDLERS_H
#define HALFTONE_COMPILER_EVALUATE_HANDLERS_H

#include "compiler/Evaluate/Interpreter.h"

namespace halftone::evaluate {

void addElementwise(InterpreterTable &table);
void addStructure(InterpreterTable &table);
void addContractions(InterpreterTable &table);
void addTransformer(InterpreterTable &table);
void addKernels(InterpreterTable &table);

/// f(x) of an activation in double, shared by the elementwise operations and the gated unit.
double computeGelu(double x);
double computeGeluTanh(double x);
double computeSigmoid(double x);
double computeSilu(double x);

} // namespace halftone::evaluate

#endif
