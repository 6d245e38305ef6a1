//===- RaiseActivation.cpp - gelu, silu and gated linear units --------------===//

#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

#include <array>

namespace halftone::graph {
#define GEN_PASS_DEF_RAISEACTIVATION
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

constexpr llvm::StringLiteral kPass = "ht-raise-activation";

//===----------------------------------------------------------------------===//
// Polynomials in one tensor
//===----------------------------------------------------------------------===//

/// Coefficients of x^0 … x^3: enough for every argument of erf and tanh, in
/// whatever way the exporter factored it.
using Cubic = std::array<double, 4>;

std::optional<Cubic> toCubic(Value value, Value x, int depth = 0) {
  if (value == x)
    return Cubic{0, 1, 0, 0};
  if (auto number = getSplat(value))
    return Cubic{*number, 0, 0, 0};
  Operation *op = value.getDefiningOp();
  if (!op || depth > 8 || value.getType() != x.getType())
    return std::nullopt;
  auto operand = [&](unsigned index) { return toCubic(op->getOperand(index), x, depth + 1); };
  auto multiply = [](const Cubic &a, const Cubic &b) -> std::optional<Cubic> {
    Cubic product{};
    for (size_t i = 0; i < a.size(); ++i)
      for (size_t j = 0; j < b.size(); ++j) {
        if (a[i] == 0 || b[j] == 0)
          continue;
        if (i + j >= product.size())
          return std::nullopt;
        product[i + j] += a[i] * b[j];
      }
    return product;
  };
  if (auto pow = dyn_cast<PowOp>(op)) {
    auto base = operand(0);
    auto exponent = getSplat(pow.getRhs());
    if (!base || (exponent != 2.0 && exponent != 3.0))
      return std::nullopt;
    auto square = multiply(*base, *base);
    return exponent == 2.0 || !square ? square : multiply(*square, *base);
  }
  if (!isa<AddOp, SubOp, MulOp, DivOp>(op))
    return std::nullopt;
  auto lhs = operand(0), rhs = operand(1);
  if (!lhs || !rhs)
    return std::nullopt;
  if (isa<MulOp>(op))
    return multiply(*lhs, *rhs);
  if (isa<DivOp>(op)) {
    if ((*rhs)[1] != 0 || (*rhs)[2] != 0 || (*rhs)[3] != 0 || (*rhs)[0] == 0)
      return std::nullopt;
    return multiply(*lhs, Cubic{1 / (*rhs)[0], 0, 0, 0});
  }
  for (size_t i = 0; i < lhs->size(); ++i)
    (*lhs)[i] += isa<AddOp>(op) ? (*rhs)[i] : -(*rhs)[i];
  return lhs;
}

bool isClose(const Cubic &found, const Cubic &expected) {
  for (size_t i = 0; i < found.size(); ++i)
    if (std::abs(found[i] - expected[i]) > 1e-4 * std::max(1.0, std::abs(expected[i])))
      return false;
  return true;
}

/// The tensor of which `argument` is the polynomial `expected`, among the values it is made of.
Value findVariable(Value argument, const Cubic &expected) {
  SmallVector<Value> worklist{argument};
  for (size_t next = 0; next < worklist.size() && worklist.size() < 32; ++next) {
    Value candidate = worklist[next];
    if (getSplat(candidate))
      continue;
    if (auto cubic = toCubic(argument, candidate); cubic && isClose(*cubic, expected))
      return candidate;
    if (Operation *op = candidate.getDefiningOp(); op && isa<AddOp, SubOp, MulOp, DivOp, PowOp>(op))
      for (Value operand : op->getOperands())
        if (!llvm::is_contained(worklist, operand))
          worklist.push_back(operand);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// A product of tensors times a number.
struct Product {
  SmallVector<Value> factors;
  double scale = 1;
};

/// Splits `value` at multiplications and divisions by numbers, down to `atoms`.
void flatten(Value value, ArrayRef<Value> atoms, Product &product) {
  Operation *op = value.getDefiningOp();
  if (!llvm::is_contained(atoms, value)) {
    if (auto number = getSplat(value)) {
      product.scale *= *number;
      return;
    }
    if (op && isa<MulOp>(op)) {
      flatten(op->getOperand(0), atoms, product);
      flatten(op->getOperand(1), atoms, product);
      return;
    }
    auto divisor = op && isa<DivOp>(op) ? getSplat(op->getOperand(1)) : std::nullopt;
    if (divisor && *divisor != 0) {
      flatten(op->getOperand(0), atoms, product);
      product.scale /= *divisor;
      return;
    }
  }
  product.factors.push_back(value);
}

//===----------------------------------------------------------------------===//
// gelu
//===----------------------------------------------------------------------===//

struct GeluMatch {
  Value input, result;
  GeluApproximation form;

  StringRef raised() const { return "ht.gelu"; }
};

/// 0.5 x (1 + f(p(x))) from f = erf or tanh, in any order of the three factors.
std::optional<GeluMatch> analyseGelu(Operation *function, const Cubic &expected, GeluApproximation form,
                                     StringRef formula, Blocker &blocker) {
  Value x = findVariable(function->getOperand(0), expected);
  if (!x)
    return blocker.at(function->getOperand(0).getDefiningOp() ? function->getOperand(0).getDefiningOp()
                                                              : function,
                      "the argument of gelu must be " + formula);
  Operation *user = getOnlyUser(function->getResult(0));
  auto add = dyn_cast_or_null<AddOp>(user);
  if (!add || !getOther(add, function->getResult(0)) || !isSplat(getOther(add, function->getResult(0)), 1))
    return blocker.at(user ? user : function,
                      "gelu must add 1 to the " + Twine(function->getName().getStringRef()));
  // Climb the product until it holds all three factors.
  Value sum = add, top = sum;
  for (int level = 0; level < 3; ++level) {
    Operation *next = getOnlyUser(top);
    if (!next || !isa<MulOp, DivOp>(next) || next->getResult(0).getType() != x.getType())
      break;
    top = next->getResult(0);
    Product product;
    flatten(top, {sum, x}, product);
    if (product.factors.size() == 2 && llvm::is_contained(product.factors, sum) &&
        llvm::is_contained(product.factors, x) && std::abs(product.scale - 0.5) < 1e-4)
      return GeluMatch{x, top, form};
  }
  return blocker.at(top.getDefiningOp(), "gelu must be the product of 0.5, x and 1 + f(x)");
}

std::optional<GeluMatch> analyseErf(ErfOp erf, Blocker &blocker) {
  return analyseGelu(erf, Cubic{0, 0.70710678, 0, 0}, GeluApproximation::None, "x / sqrt(2)", blocker);
}

std::optional<GeluMatch> analyseTanh(TanhOp tanh, Blocker &blocker) {
  Blocker inner;
  auto match = analyseGelu(tanh, Cubic{0, 0.79788456, 0, 0.79788456 * 0.044715}, GeluApproximation::Tanh,
                           "sqrt(2/pi) (x + 0.044715 x^3)", inner);
  // A tanh is an activation of its own; it is a near miss only if 1 is added to it.
  auto add = dyn_cast_or_null<AddOp>(getOnlyUser(tanh));
  if (!match && add && getOther(add, tanh) && isSplat(getOther(add, tanh), 1))
    blocker = inner;
  return match;
}

void rewriteGelu(IRRewriter &rewriter, GeluMatch &match) {
  Operation *root = match.result.getDefiningOp();
  rewriter.setInsertionPoint(root);
  rewriter.replaceOpWithNewOp<GeluOp>(root, match.result.getType(), match.input,
                                      GeluApproximationAttr::get(rewriter.getContext(), match.form));
}

//===----------------------------------------------------------------------===//
// silu
//===----------------------------------------------------------------------===//

struct SiluMatch {
  Value input;
  MulOp root;

  StringRef raised() const { return "ht.silu"; }
};

/// x sigmoid(x).
std::optional<SiluMatch> analyseSilu(SigmoidOp sigmoid, Blocker &blocker) {
  for (Operation *user : sigmoid->getUsers()) {
    auto mul = dyn_cast<MulOp>(user);
    if (mul && mul.getType() == sigmoid.getType() && getOther(mul, sigmoid) == sigmoid.getInput())
      return SiluMatch{sigmoid.getInput(), mul};
    // sigmoid(1.702 x) x is "quick gelu", which has no operation.
    auto scaled = matchScaled(sigmoid.getInput());
    if (mul && scaled && getOther(mul, sigmoid) == scaled->base)
      return blocker.at(scaled->base.getDefiningOp() ? sigmoid.getInput().getDefiningOp() : sigmoid,
                        "silu takes the sigmoid of x itself, not of a multiple");
  }
  return std::nullopt;
}

void rewriteSilu(IRRewriter &rewriter, SiluMatch &match) {
  rewriter.setInsertionPoint(match.root);
  rewriter.replaceOpWithNewOp<SiluOp>(match.root, match.root.getType(), match.input);
}

//===----------------------------------------------------------------------===//
// Gated linear units
//===----------------------------------------------------------------------===//

struct GluMatch {
  GluActivation activation;
  Value gate, up;
  MulOp root;

  StringRef raised() const { return "ht.glu"; }
};

std::optional<GluActivation> getGluActivation(Operation *op) {
  if (isa_and_nonnull<SiluOp>(op))
    return GluActivation::Silu;
  if (auto gelu = dyn_cast_or_null<GeluOp>(op))
    return gelu.getApproximate() == GeluApproximation::Tanh ? GluActivation::GeluTanh : GluActivation::Gelu;
  if (isa_and_nonnull<ReluOp>(op))
    return GluActivation::Relu;
  if (isa_and_nonnull<SigmoidOp>(op))
    return GluActivation::Sigmoid;
  return std::nullopt;
}

/// f(gate) up, of equal shapes, where f(gate) has no other user.
std::optional<GluMatch> analyseGlu(MulOp mul, Blocker &) {
  if (mul.getLhs().getType() != mul.getRhs().getType() || mul.getLhs() == mul.getRhs())
    return std::nullopt;
  for (unsigned side : {0u, 1u}) {
    Value activated = mul->getOperand(side), up = mul->getOperand(1 - side);
    auto activation = getGluActivation(activated.getDefiningOp());
    // Scaling by a constant or a weight is no gate.
    if (activation && activated.hasOneUse() && up.getDefiningOp() &&
        !isa<ConstantOp, GetWeightOp>(up.getDefiningOp()))
      return GluMatch{*activation, activated.getDefiningOp()->getOperand(0), up, mul};
  }
  return std::nullopt;
}

void rewriteGlu(IRRewriter &rewriter, GluMatch &match) {
  rewriter.setInsertionPoint(match.root);
  rewriter.replaceOpWithNewOp<GluOp>(match.root, match.root.getType(),
                                     GluActivationAttr::get(rewriter.getContext(), match.activation),
                                     match.gate, match.up);
}

struct RaiseActivation : graph::impl::RaiseActivationBase<RaiseActivation> {
  void runOnOperation() override {
    raiseEach<ErfOp>(getOperation(), kPass, analyseErf, rewriteGelu);
    raiseEach<TanhOp>(getOperation(), kPass, analyseTanh, rewriteGelu);
    raiseEach<SigmoidOp>(getOperation(), kPass, analyseSilu, rewriteSilu);
    // Gates last: they take the activations that the lines above made.
    raiseEach<MulOp>(getOperation(), kPass, analyseGlu, rewriteGlu);
  }
};

} // namespace
