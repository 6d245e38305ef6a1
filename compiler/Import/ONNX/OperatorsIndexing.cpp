//===- OperatorsIndexing.cpp - gathers, running sums and the like -----------===//

#include "compiler/Import/ONNX/Operators.h"

#include <cmath>

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

/// The axis of CumSum and CumProd, an input; nullopt after an error.
std::optional<int64_t> getRunningAxis(NodeImporter &node) {
  auto given = node.integers(1, "axis");
  if (given && given->size() != 1)
    node.error("its axis must be one number");
  if (!given || node.failed())
    return std::nullopt;
  int64_t axis = node.axis(given->front(), node.rank(0));
  return node.failed() ? std::nullopt : std::optional(axis);
}

void emitCumSum(NodeImporter &node) {
  auto axis = getRunningAxis(node);
  Value x = node.input(0);
  bool exclusive = node.integer("exclusive", 0) != 0, reverse = node.integer("reverse", 0) != 0;
  if (axis && !node.failed())
    node.setResult(
        0, ht::CumSumOp::create(node.getBuilder(), node.getLoc(), x.getType(), x, *axis, exclusive, reverse)
               .getResult());
}

/// Products of 2, 4, 8, … neighbours, each of two that are there.
void emitCumProd(NodeImporter &node) {
  auto axis = getRunningAxis(node);
  Value x = node.input(0);
  if (!axis || !x)
    return;
  Symbols &symbols = node.symbols();
  Dims dims = node.dims(0);
  auto extent = ht::getConstant(dims[*axis]);
  if (!extent)
    return node.error("the dimension that it multiplies along, " + symbols.toString(dims[*axis]) +
                          ", must be static",
                      "export the model with a static size of this dimension");
  bool reverse = node.integer("reverse", 0) != 0;
  // `count` ones instead of elements that have no neighbour so far away.
  auto shifted = [&](Value value, int64_t count) {
    Dims starts(dims.size(), symbols.constant(0)), sizes = dims, pad = dims;
    sizes[*axis] = symbols.constant(*extent - count);
    pad[*axis] = symbols.constant(count);
    if (reverse)
      starts[*axis] = symbols.constant(count);
    Value rest = node.slice(value, starts, SmallVector<int64_t>(dims.size(), 1), sizes);
    Value ones = node.broadcastTo(node.scalarLike(1, value), pad);
    return reverse ? node.concat({rest, ones}, *axis) : node.concat({ones, rest}, *axis);
  };
  for (int64_t count = 1; count < *extent; count *= 2)
    x = node.mul(x, shifted(x, count));
  node.setResult(0, node.integer("exclusive", 0) && *extent ? shifted(x, 1) : x);
}

/// The first elements of each batch, in turn: position t is len - 1 - t where
/// t < len, else t.
void emitReverseSequence(NodeImporter &node) {
  Value x = node.input(0), lengths = node.input(1);
  int64_t batchAxis = node.integer("batch_axis", 1), timeAxis = node.integer("time_axis", 0);
  if (node.failed())
    return;
  bool swapped = batchAxis == 0 && timeAxis == 1;
  if (node.rank(0) < 2 || node.rank(1) != 1 || !(swapped || (batchAxis == 1 && timeAxis == 0)))
    return node.error("its batch and its time must be the first two axes");
  Dims dims = node.dims(0);
  Dims front = {dims[0], dims[1]}, row = {node.symbols().constant(1), node.symbols().constant(1)}, column = row;
  row[timeAxis] = dims[timeAxis];
  column[batchAxis] = dims[batchAxis];
  Type type = node.elementType(1);
  Value time = node.reshape(node.iota(dims[timeAxis], 0, 1, type), row);
  Value length = node.reshape(lengths, column);
  Value turned = node.sub(node.sub(length, node.scalar(1, type)), time);
  Value position = node.where(node.compare(ht::ComparePredicate::LT, time, length), turned, time);
  Value tuples = node.indexTuples(node.broadcastTo(position, front), timeAxis);
  node.setResult(0, node.infer<ht::GatherNDOp>({x, tuples}));
}

/// depth rows of "index == i", then a choice of the two values.
void emitOneHot(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  // The depth may be a float, and so may the indices.
  const SymbolicTensor *given = node.known(1);
  std::optional<Dims> depth;
  if (given && given->isFloat() && given->elements.size() == 1 && std::abs(given->elements[0].number) < 1e9)
    depth = Dims{symbols.constant(static_cast<int64_t>(given->elements[0].number))};
  else
    depth = node.expressions(1, "depth");
  Type type = IntegerType::get(node.getContext(), 64);
  Value indices = node.cast(node.input(0), type), values = node.input(2);
  if (!depth || !indices || !values)
    return;
  if (depth->size() != 1 || symbols.bounds(depth->front()).low < 0 || node.rank(2) != 1)
    return node.error("depth must be one number and values two");
  int64_t rank = node.rank(0), axis = node.axis(node.integer("axis", -1), rank + 1);
  Dims expanded = node.dims(0), along(rank + 1 - axis, symbols.constant(1));
  if (node.failed())
    return;
  expanded.insert(expanded.begin() + axis, symbols.constant(1));
  along.front() = depth->front();
  // A negative index counts from the end.
  Value count = node.dim(depth->front());
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
    {"", "CumProd", 26, kNewest, emitCumProd, nullptr, "the dimension that it multiplies along must be static"},
    {"", "CumSum", 11, kNewest, emitCumSum},
    {"", "EyeLike", 9, kNewest, emitEyeLike},
    {"", "Gather", 1, kNewest, emitGather, evaluateGather},
    {"", "GatherElements", 11, kNewest, emitGatherElements},
    {"", "GatherND", 11, kNewest, emitGatherND},
    {"", "OneHot", 9, kNewest, emitOneHot, evaluateOneHot},
    {"", "ReverseSequence", 10, kNewest, emitReverseSequence},
};

} // namespace

ArrayRef<Operator> indexingOperators() { return kOperators; }

} // namespace halftone::onnx
