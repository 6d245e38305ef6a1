//===- Operators.cpp - the table of ONNX operators --------------------------===//

#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;

namespace halftone::onnx {

SmallVector<ArrayRef<Operator>> operatorTable() {
  return {sourceOperators(),   elementwiseOperators(), shapeOperators(),
          indexingOperators(), contractionOperators(), normalizationOperators()};
}

const Operator *findOperator(StringRef domain, StringRef name, int64_t opset) {
  static const llvm::StringMap<SmallVector<const Operator *, 1>> byName = [] {
    llvm::StringMap<SmallVector<const Operator *, 1>> map;
    for (ArrayRef<Operator> group : operatorTable())
      for (const Operator &entry : group)
        map[entry.name].push_back(&entry);
    return map;
  }();
  auto it = byName.find(name);
  if (it == byName.end())
    return nullptr;
  for (const Operator *entry : it->second)
    if (domain == entry->domain && entry->since <= opset && opset <= entry->until)
      return entry;
  return nullptr;
}

} // namespace halftone::onnx
