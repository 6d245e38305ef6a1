//===- States.cpp - where a session keeps a graph's states ------------------===//

#include "dialects/HTK/States.h"

#include "dialects/HTK/HTKDialect.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace halftone::htk {

SmallVector<State> getStates(func::FuncOp graph) {
  SmallVector<State> states;
  int64_t offset = 0;
  for (auto [argument, type] : llvm::enumerate(graph.getArgumentTypes())) {
    if (!ht::isState(graph, argument))
      continue;
    auto tensor = cast<RankedTensorType>(type);
    int64_t bytes = getStorageBytes(tensor.getElementType());
    for (int64_t size : tensor.getShape())
      if (llvm::MulOverflow(bytes, size, bytes) || bytes > kMaxBytes)
        bytes = kMaxBytes + 1;
    states.push_back({static_cast<unsigned>(argument), *ht::getStateResult(graph, argument), offset, bytes});
    offset = llvm::alignTo(offset + bytes, kAlignment);
  }
  return states;
}

} // namespace halftone::htk
