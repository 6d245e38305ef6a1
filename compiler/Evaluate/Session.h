//===- Session.h - a graph step by step -------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_SESSION_H
#define HALFTONE_COMPILER_EVALUATE_SESSION_H

#include "compiler/Evaluate/Interpreter.h"
#include "dialects/HTK/States.h"

namespace halftone::evaluate {

/// Interprets a graph function and keeps its states from step to step, zeros at first,
/// as a session of a compiled program does.
class Session {
public:
  Session(mlir::func::FuncOp graph, WeightSource &weights);

  /// One step: `inputs` and the outputs without the states, each in order. Where it fails,
  /// the states are as before.
  llvm::Expected<std::vector<Tensor>> run(llvm::ArrayRef<Tensor> inputs, const InterpretOptions &options = {});

private:
  mlir::func::FuncOp graph;
  WeightSource &weights;
  llvm::SmallVector<htk::State> states;
  std::vector<Tensor> values; ///< of the states
};

} // namespace halftone::evaluate

#endif
