//===- OperatorsContraction.cpp - products and reductions -------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/ShapeRules.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

void emitMatMul(NodeImporter &node) { node.setResult(0, node.matmul(node.input(0), node.input(1))); }

/// alpha A B + beta C with A and B transposed where asked.
void emitGemm(NodeImporter &node) {
  if (node.rank(0) != 2 || node.rank(1) != 2)
    return node.error("its operands must have rank 2");
  Value a = node.input(0), b = node.input(1);
  if (node.integer("transA", 0))
    a = node.transpose(a, {1, 0});
  if (node.integer("transB", 0))
    b = node.transpose(b, {1, 0});
  Value product = node.matmul(a, b);
  double alpha = node.real("alpha", 1), beta = node.real("beta", 1);
  if (alpha != 1)
    product = node.mul(product, node.scalarLike(alpha, product));
  if (Value c = node.optionalInput(2)) {
    if (beta != 1)
      c = node.mul(c, node.scalarLike(beta, c));
    if (beta != 0)
      product = node.add(product, c);
  }
  node.setResult(0, product);
}

/// The reduced value, without the reduced axes where keepdims is 0.
void finishReduction(NodeImporter &node, Value reduced, ArrayRef<int64_t> axes) {
  if (!reduced)
    return;
  if (!node.integer("keepdims", 1)) {
    Dims dims;
    for (auto [i, dim] : llvm::enumerate(node.dimsOf(reduced)))
      if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
        dims.push_back(dim);
    reduced = node.reshape(reduced, dims);
  }
  node.setResult(0, reduced);
}

template <ht::ReduceKind kind>
void emitReduce(NodeImporter &node) {
  auto axes = getReductionAxes(node);
  if (!axes)
    return;
  if (axes->empty())
    return node.forward(0, 0);
  // Max and Min of bool are any and all.
  Value x = node.input(0);
  bool isBool = x && node.elementType(0).isInteger(1);
  if (isBool)
    x = node.cast(x, IntegerType::get(node.getContext(), 8));
  Value reduced = node.reduce(kind, x, *axes);
  // Over no elements, the extreme of the integer type is neither 0 nor 1.
  if (isBool && reduced)
    reduced = node.compare(ht::ComparePredicate::GT, reduced, node.scalarLike(0, reduced));
  finishReduction(node, reduced, *axes);
}

/// before -> sum over axes -> after.
template <Value (*before)(NodeImporter &, Value), Value (*after)(NodeImporter &, Value)>
void emitReduceSumOf(NodeImporter &node) {
  auto axes = getReductionAxes(node);
  if (!axes)
    return;
  Value x = node.input(0);
  if (x)
    x = before(node, x);
  Value sum = node.reduce(ht::ReduceKind::Sum, x, *axes);
  finishReduction(node, sum ? after(node, sum) : sum, *axes);
}

Value same(NodeImporter &, Value x) { return x; }
Value square(NodeImporter &node, Value x) { return node.mul(x, x); }
Value absolute(NodeImporter &node, Value x) { return node.unary<ht::AbsOp>(x); }
Value root(NodeImporter &node, Value x) { return node.unary<ht::SqrtOp>(x); }
Value logarithm(NodeImporter &node, Value x) { return node.unary<ht::LogOp>(x); }

/// max + log(sum(e^(x - max))): no overflow.
void emitReduceLogSumExp(NodeImporter &node) {
  auto axes = getReductionAxes(node);
  if (!axes)
    return;
  Value x = node.input(0);
  Value largest = node.reduce(ht::ReduceKind::Max, x, *axes);
  Value sum = node.reduce(ht::ReduceKind::Sum, node.unary<ht::ExpOp>(node.sub(x, largest)), *axes);
  finishReduction(node, node.add(node.unary<ht::LogOp>(sum), largest), *axes);
}

const Operator kOperators[] = {
    {"", "Gemm", 1, kNewest, emitGemm},
    {"", "MatMul", 1, kNewest, emitMatMul},
    {"", "ReduceL1", 1, kNewest, emitReduceSumOf<absolute, same>},
    {"", "ReduceL2", 1, kNewest, emitReduceSumOf<square, root>},
    {"", "ReduceLogSum", 1, kNewest, emitReduceSumOf<same, logarithm>},
    {"", "ReduceLogSumExp", 1, kNewest, emitReduceLogSumExp},
    {"", "ReduceMax", 1, kNewest, emitReduce<ht::ReduceKind::Max>, evaluateReduceMax},
    {"", "ReduceMean", 1, kNewest, emitReduce<ht::ReduceKind::Mean>},
    {"", "ReduceMin", 1, kNewest, emitReduce<ht::ReduceKind::Min>, evaluateReduceMin},
    {"", "ReduceProd", 1, kNewest, emitReduce<ht::ReduceKind::Prod>, evaluateReduceProd},
    {"", "ReduceSum", 1, kNewest, emitReduce<ht::ReduceKind::Sum>, evaluateReduceSum},
    {"", "ReduceSumSquare", 1, kNewest, emitReduceSumOf<square, same>},
};

} // namespace

ArrayRef<Operator> contractionOperators() { return kOperators; }

} // namespace halftone::onnx
