//===- OperatorsOrder.cpp - the greatest, the least and their positions -----===//

#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Sorted, whether asked for or not: any order will do where it is not.
void emitTopK(NodeImporter &node) {
  auto k = node.integers(1, "k");
  Value x = node.input(0);
  if (!k || !x)
    return;
  int64_t axis = node.axis(node.integer("axis", -1), node.rank(0));
  if (k->size() != 1 || k->front() < 0)
    return node.error("k must be one number that is not negative");
  Builder &b = node.getBuilder();
  SmallVector<NamedAttribute> attributes = {b.getNamedAttr("k", b.getI64IntegerAttr(k->front())),
                                            b.getNamedAttr("axis", b.getI64IntegerAttr(axis))};
  if (!node.integer("largest", 1))
    attributes.push_back(b.getNamedAttr("smallest", b.getUnitAttr()));
  Value values = node.infer<ht::TopKOp>(x, attributes);
  if (!values)
    return;
  node.setResult(0, values);
  Value indices = values.getDefiningOp<ht::TopKOp>().getIndices();
  // Since opset 24 indices may be of 32 bits.
  Type type = getElementType(static_cast<DataType>(node.integer("dtype", 7)), node.getContext());
  if (!type)
    return node.error("its dtype is not supported");
  node.setResult(1, node.cast(indices, type));
}

template <ht::ReduceKind kind>
void emitArgReduce(NodeImporter &node) {
  Value x = node.input(0);
  int64_t axis = node.axis(node.integer("axis", 0), node.rank(0));
  if (node.failed())
    return;
  Builder &b = node.getBuilder();
  SmallVector<NamedAttribute> attributes = {
      b.getNamedAttr("kind", ht::ReduceKindAttr::get(node.getContext(), kind)),
      b.getNamedAttr("axis", b.getI64IntegerAttr(axis))};
  if (node.integer("select_last_index", 0))
    attributes.push_back(b.getNamedAttr("last", b.getUnitAttr()));
  Value position = node.infer<ht::ArgReduceOp>(x, attributes);
  Dims dims = node.dimsOf(position);
  if (position && !node.integer("keepdims", 1))
    dims.erase(dims.begin() + axis);
  node.setResult(0, node.reshape(position, dims));
}

const Operator kOperators[] = {
    {"", "ArgMax", 1, kNewest, emitArgReduce<ht::ReduceKind::Max>},
    {"", "ArgMin", 1, kNewest, emitArgReduce<ht::ReduceKind::Min>},
    {"", "TopK", 10, kNewest, emitTopK, nullptr, "k must be constant"},
};

} // namespace

ArrayRef<Operator> orderOperators() { return kOperators; }

} // namespace halftone::onnx
