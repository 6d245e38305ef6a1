//===- OperatorsContribFused.cpp - ONNX Runtime's fused products, activations ===//

#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;
using halftone::ht::ComparePredicate;
using halftone::ht::Dim;
using halftone::ht::Dims;
using halftone::ht::GeluApproximation;

namespace halftone::onnx {

namespace {

Value gelu(NodeImporter &node, Value x, GeluApproximation form) {
  if (node.failed() || !x)
    return {};
  return ht::GeluOp::create(node.getBuilder(), node.getLoc(), x.getType(), x, form).getResult();
}

/// gelu(x + bias).
template <GeluApproximation form>
void emitBiasGelu(NodeImporter &node) {
  Value x = node.input(0);
  if (node.hasInput(1))
    x = node.add(x, node.input(1));
  node.setResult(0, gelu(node, x, form));
}

/// x sigmoid(alpha x).
void emitQuickGelu(NodeImporter &node) {
  Value x = node.input(0);
  Value scaled = node.mul(x, node.scalarLike(node.real("alpha", 1.702f), x));
  node.setResult(0, node.mul(x, node.unary<ht::SigmoidOp>(scaled)));
}

/// silu(scale x).
void emitScaledSiLU(NodeImporter &node) {
  Value x = node.input(0);
  Value scale = node.hasInput(1) ? node.cast(node.reshape(node.input(1), {}), node.elementType(0))
                                 : node.scalarLike(node.real("alpha", 1), x);
  node.setResult(0, node.unary<ht::SiluOp>(node.mul(x, scale)));
}

/// left * gelu(right) of the halves of x + bias.
void emitBiasSplitGelu(NodeImporter &node) {
  Value sum = node.add(node.input(0), node.input(1));
  Dims dims = node.dimsOf(sum);
  if (node.failed())
    return;
  auto half = dims.empty() ? std::nullopt : ht::divideExactly(dims.back(), node.symbols().constant(2));
  if (!half)
    return node.error("its last dimension has no halves");
  Dims starts(dims.size(), node.symbols().constant(0));
  SmallVector<int64_t> strides(dims.size(), 1);
  dims.back() = *half;
  Value left = node.slice(sum, starts, strides, dims);
  starts.back() = *half;
  Value right = node.slice(sum, starts, strides, dims);
  node.setResult(0, node.mul(left, gelu(node, right, GeluApproximation::None)));
}

/// x + bias + skip.
void emitBiasAdd(NodeImporter &node) {
  node.setResult(0, node.add(node.add(node.input(0), node.input(1)), node.input(2)));
}

/// x + y gate.
void emitGatedAdd(NodeImporter &node) {
  node.setResult(0, node.add(node.input(0), node.mul(node.input(1), node.input(2))));
}

/// Dropout at inference: data + bias + residual, and a mask that is all true.
void emitBiasDropout(NodeImporter &node) {
  if (node.hasInput(4)) {
    auto training = node.integers(4, "training_mode");
    if (training && training->size() == 1 && training->front())
      return node.error("training mode is not supported");
  }
  Value sum = node.add(node.input(0), node.input(1));
  if (node.hasInput(2))
    sum = node.add(sum, node.input(2));
  node.setResult(0, sum);
  if (node.wants(1))
    node.setResult(1, node.broadcastTo(node.scalar(1, IntegerType::get(node.getContext(), 1)), node.dims(0)));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// What the attributes named `activation` and `activation_*` say.
Value activate(NodeImporter &node, Value x) {
  StringRef kind = node.string("activation", "");
  if (kind.empty() || !x)
    return x;
  auto constant = [&](StringRef name, double absent) { return node.scalarLike(node.real(name, absent), x); };
  Value zero = node.scalarLike(0, x), one = node.scalarLike(1, x);
  auto positiveOr = [&](Value negative) {
    return node.where(node.compare(ComparePredicate::GT, x, zero), x, negative);
  };
  if (kind == "Relu")
    return node.unary<ht::ReluOp>(x);
  if (kind == "Tanh")
    return node.unary<ht::TanhOp>(x);
  if (kind == "Sigmoid")
    return node.unary<ht::SigmoidOp>(x);
  if (kind == "LeakyRelu")
    return positiveOr(node.mul(x, constant("activation_alpha", 0.01f)));
  if (kind == "Elu")
    return positiveOr(node.mul(node.sub(node.unary<ht::ExpOp>(x), one), constant("activation_alpha", 1)));
  if (kind == "HardSigmoid") {
    Value line = node.add(node.mul(x, constant("activation_alpha", 0.2f)), constant("activation_beta", 0.5f));
    return node.infer<ht::MaxOp>({node.infer<ht::MinOp>({line, one}), zero});
  }
  return node.error("activation '" + kind + "' is not supported"), Value();
}

/// The last two axes exchanged where `trans` says so, after the first moved behind the batch where
/// `transBatch` does.
Value orient(NodeImporter &node, unsigned index, StringRef trans, StringRef transBatch) {
  Value x = node.input(index);
  int64_t rank = node.rank(index);
  if (node.failed() || rank < 2)
    return x;
  SmallVector<int64_t> permutation(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  if (node.integer(transBatch, 0))
    std::rotate(permutation.begin(), permutation.begin() + 1, permutation.end() - 1);
  if (node.integer(trans, 0))
    std::swap(permutation[rank - 2], permutation[rank - 1]);
  return llvm::is_sorted(permutation) ? x : node.transpose(x, permutation);
}

/// activation(alpha A B).
void emitFusedMatMul(NodeImporter &node) {
  Value product = node.matmul(orient(node, 0, "transA", "transBatchA"), orient(node, 1, "transB", "transBatchB"));
  double alpha = node.real("alpha", 1);
  if (alpha != 1)
    product = node.mul(product, node.scalarLike(alpha, product));
  node.setResult(0, activate(node, product));
}

/// activation(alpha A B + beta C).
void emitFusedGemm(NodeImporter &node) {
  if (node.rank(0) != 2 || node.rank(1) != 2)
    return node.error("its operands must have rank 2");
  Value sum = node.matmul(orient(node, 0, "transA", ""), orient(node, 1, "transB", ""));
  double alpha = node.real("alpha", 1), beta = node.real("beta", 1);
  if (alpha != 1)
    sum = node.mul(sum, node.scalarLike(alpha, sum));
  if (node.hasInput(2) && beta != 0) {
    Value c = node.input(2);
    sum = node.add(sum, beta == 1 ? c : node.mul(c, node.scalarLike(beta, c)));
  }
  node.setResult(0, activate(node, sum));
}

void emitGemmFastGelu(NodeImporter &node) {
  Value sum = node.matmul(node.input(0), node.input(1));
  if (node.hasInput(2))
    sum = node.add(sum, node.input(2));
  node.setResult(0, gelu(node, sum, GeluApproximation::Tanh));
}

const Operator kOperators[] = {
    {"com.microsoft", "BiasAdd", 1, kNewest, emitBiasAdd},
    {"com.microsoft", "BiasDropout", 1, kNewest, emitBiasDropout, nullptr, "training"},
    {"com.microsoft", "BiasGelu", 1, kNewest, emitBiasGelu<GeluApproximation::None>},
    {"com.microsoft", "BiasSplitGelu", 1, kNewest, emitBiasSplitGelu},
    {"com.microsoft", "FastGelu", 1, kNewest, emitBiasGelu<GeluApproximation::Tanh>},
    {"com.microsoft", "FusedGemm", 1, kNewest, emitFusedGemm, nullptr,
     "activations but Relu, LeakyRelu, Elu, Tanh, Sigmoid, HardSigmoid"},
    {"com.microsoft", "FusedMatMul", 1, kNewest, emitFusedMatMul},
    {"com.microsoft", "FusedMatMulActivation", 1, kNewest, emitFusedMatMul, nullptr,
     "activations but Relu, LeakyRelu, Elu, Tanh, Sigmoid, HardSigmoid"},
    {"com.microsoft", "GatedAdd", 1, kNewest, emitGatedAdd},
    {"com.microsoft", "Gelu", 1, kNewest, emitBiasGelu<GeluApproximation::None>},
    {"com.microsoft", "GemmFastGelu", 1, kNewest, emitGemmFastGelu},
    {"com.microsoft", "QuickGelu", 1, kNewest, emitQuickGelu},
    {"com.microsoft", "ScaledSiLU", 1, kNewest, emitScaledSiLU},
    {"com.microsoft", "TransposeMatMul", 1, kNewest, emitFusedMatMul},
};

} // namespace

ArrayRef<Operator> contribFusedOperators() { return kOperators; }

} // namespace halftone::onnx
