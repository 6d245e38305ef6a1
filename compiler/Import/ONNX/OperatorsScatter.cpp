//===- OperatorsScatter.cpp - elements replaced by index --------------------===//

#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Attribute `reduction`; an error where it is none of ONNX's.
ht::ScatterReduction getReduction(NodeImporter &node) {
  StringRef name = node.string("reduction", "none");
  auto reduction = ht::symbolizeScatterReduction(name);
  if (!reduction)
    node.error("reduction must be none, add, mul, max or min, got '" + name + "'");
  return reduction.value_or(ht::ScatterReduction::None);
}

void emitScatterOf(NodeImporter &node, Value data, Value indices, Value updates) {
  ht::ScatterReduction reduction = getReduction(node);
  if (!node.failed())
    node.setResult(0, ht::ScatterNDOp::create(node.getBuilder(), node.getLoc(), data.getType(), data, indices,
                                              updates, reduction)
                          .getResult());
}

void emitScatterND(NodeImporter &node) { emitScatterOf(node, node.input(0), node.input(1), node.input(2)); }

/// y[i, index[i, j, k], k] = updates[i, j, k] for axis 1.
void emitScatterElements(NodeImporter &node) {
  int64_t axis = node.axis(node.integer("axis", 0), node.rank(0));
  if (node.failed())
    return;
  if (node.rank(1) != node.rank(0))
    return node.error("its operands differ in rank");
  Value tuples = node.indexTuples(node.input(1), axis);
  emitScatterOf(node, node.input(0), tuples, node.input(2));
}

const Operator kOperators[] = {
    {"", "Scatter", 9, 10, emitScatterElements},
    {"", "ScatterElements", 11, kNewest, emitScatterElements},
    {"", "ScatterND", 11, kNewest, emitScatterND},
};

} // namespace

ArrayRef<Operator> scatterOperators() { return kOperators; }

} // namespace halftone::onnx
