//===- Session.cpp - a graph step by step -----------------------------------===//

#include "compiler/Evaluate/Session.h"

#include "compiler/Evaluate/Attributes.h"

using namespace mlir;

namespace halftone::evaluate {

Session::Session(func::FuncOp graph, WeightSource &weights)
    : graph(graph), weights(weights), states(htk::getStates(graph)) {
  for (const htk::State &state : states) {
    auto type = cast<RankedTensorType>(graph.getArgumentTypes()[state.argument]);
    values.push_back(Tensor::allocate(*getElementKind(type.getElementType()), type.getShape()));
  }
}

llvm::Expected<std::vector<Tensor>> Session::run(ArrayRef<Tensor> inputs, const InterpretOptions &options) {
  std::vector<Tensor> arguments(inputs.begin(), inputs.end());
  for (auto [state, value] : llvm::zip_equal(states, values))
    arguments.insert(arguments.begin() + std::min<size_t>(state.argument, arguments.size()), value);
  auto results = interpret(graph, arguments, weights, options);
  if (!results)
    return results;
  llvm::SmallDenseSet<unsigned> kept;
  for (auto [state, value] : llvm::zip_equal(states, values)) {
    value = (*results)[state.result];
    kept.insert(state.result);
  }
  std::vector<Tensor> outputs;
  for (auto [i, result] : llvm::enumerate(*results))
    if (!kept.contains(i))
      outputs.push_back(std::move(result));
  return outputs;
}

} // namespace halftone::evaluate
