//===- OperatorsIndexing.cpp - gathers, running sums and the like -----------===//

#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

void emitGather(NodeImporter &node) {
  int64_t axis = node.axis(node.integer("axis", 0), node.rank(0));
  Value data = node.input(0), indices = node.input(1);
  node.setResult(0, node.infer<ht::GatherOp>(
                        {data, indices},
                        node.getBuilder().getNamedAttr("axis", node.getBuilder().getI64IntegerAttr(axis))));
}

/// Batch axes are looked up like others, at their own coordinates.
void emitGatherND(NodeImporter &node) {
  Value data = node.input(0), indices = node.input(1);
  int64_t batch = node.integer("batch_dims", 0);
  Dims shape = node.dims(1);
  if (node.failed())
    return;
  if (batch < 0 || batch >= std::min<int64_t>(node.rank(0), shape.size()))
    return node.error("batch_dims " + Twine(batch) + " does not fit its operands");
  if (batch) {
    SmallVector<Value> columns;
    ArrayRef<Dim> tuples = ArrayRef<Dim>(shape).drop_back();
    for (int64_t axis = 0; axis < batch; ++axis)
      columns.push_back(node.coordinates(tuples, axis, node.elementType(1)));
    columns.push_back(indices);
    indices = node.concat(columns, tuples.size());
  }
  node.setResult(0, node.infer<ht::GatherNDOp>({data, indices}));
}

/// y[i, j, k] = x[i, index[i, j, k], k] for axis 1.
void emitGatherElements(NodeImporter &node) {
  Value data = node.input(0);
  int64_t axis = node.axis(node.integer("axis", 0), node.rank(0));
  if (node.failed())
    return;
  if (node.rank(1) != node.rank(0))
    return node.error("its operands differ in rank");
  node.setResult(0, node.infer<ht::GatherNDOp>({data, node.indexTuples(node.input(1), axis)}));
}

void emitCumSum(NodeImporter &node) {
  auto given = node.integers(1, "axis");
  Value x = node.input(0);
  if (!given || !x)
    return;
  if (given->size() != 1)
    return node.error("its axis must be one number");
  int64_t axis = node.axis(given->front(), node.rank(0));
  bool exclusive = node.integer("exclusive", 0) != 0, reverse = node.integer("reverse", 0) != 0;
  if (!node.failed())
    node.setResult(
        0, ht::CumSumOp::create(node.getBuilder(), node.getLoc(), x.getType(), x, axis, exclusive, reverse)
               .getResult());
}

/// depth rows of "index == i", then a choice of the two values.
void emitOneHot(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  auto depth = node.expressions(1, "depth");
  Value indices = node.input(0), values = node.input(2);
  if (!depth || !indices || !values)
    return;
  if (depth->size() != 1 || node.rank(2) != 1)
    return node.error("depth must be one number and values two");
  Type type = node.elementType(0);
  int64_t rank = node.rank(0), axis = node.axis(node.integer("axis", -1), rank + 1);
  Dims expanded = node.dims(0), along(rank + 1 - axis, symbols.constant(1));
  if (node.failed())
    return;
  expanded.insert(expanded.begin() + axis, symbols.constant(1));
  along.front() = depth->front();
  // A negative index counts from the end.
  Value count = node.cast(node.dim(depth->front()), type);
  Value wrapped = node.where(node.compare(ht::ComparePredicate::LT, indices, node.scalarLike(0, indices)),
                             node.add(indices, count), indices);
  Value position = node.reshape(node.iota(depth->front(), 0, 1, type), along);
  Value hot = node.compare(ht::ComparePredicate::EQ, node.reshape(wrapped, expanded), position);
  auto choice = [&](int64_t index) {
    return node.reshape(node.slice(values, symbols.constant(index), 1, symbols.constant(1)), {});
  };
  node.setResult(0, node.where(hot, choice(1), choice(0)));
}

/// 1 where column - row = k.
void emitEyeLike(NodeImporter &node) {
  Dims dims = node.dims(0);
  if (node.failed())
    return;
  if (dims.size() != 2)
    return node.error("its input has rank " + Twine(dims.size()));
  Type type = node.elementType(0);
  if (node.hasAttribute("dtype"))
    type = getElementType(static_cast<DataType>(node.integer("dtype", 0)), node.getContext());
  if (!type)
    return node.error("its dtype is not supported");
  Type index = IntegerType::get(node.getContext(), 64);
  Value row =
      node.reshape(node.iota(dims[0], node.integer("k", 0), 1, index), {dims[0], node.symbols().constant(1)});
  Value equal = node.compare(ht::ComparePredicate::EQ, node.iota(dims[1], 0, 1, index), row);
  node.setResult(0, node.cast(equal, type));
}

const Operator kOperators[] = {
    {"", "CumSum", 11, kNewest, emitCumSum},
    {"", "EyeLike", 9, kNewest, emitEyeLike},
    {"", "Gather", 1, kNewest, emitGather, evaluateGather},
    {"", "GatherElements", 11, kNewest, emitGatherElements},
    {"", "GatherND", 11, kNewest, emitGatherND},
    {"", "OneHot", 9, kNewest, emitOneHot},
};

} // namespace

ArrayRef<Operator> indexingOperators() { return kOperators; }

} // namespace halftone::onnx
