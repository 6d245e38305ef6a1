//===- Shapes.cpp - symbolic dimensions of tensor types ---------------------===//

#include "dialects/HT/Shapes.h"

#include "dialects/HT/HTDialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <limits>
#include <map>

using namespace mlir;

namespace halftone::ht {

Dims getDims(RankedTensorType type) {
  Dims dims;
  auto encoding = dyn_cast_if_present<DimsAttr>(type.getEncoding());
  unsigned next = 0;
  for (int64_t size : type.getShape()) {
    if (!ShapedType::isDynamic(size))
      dims.push_back(getAffineConstantExpr(size, type.getContext()));
    else if (encoding && next < encoding.getExprs().size())
      dims.push_back(encoding.getExprs()[next++]);
    else
      dims.push_back(Dim());
  }
  return dims;
}

Dims getDims(Value value) { return getDims(cast<RankedTensorType>(value.getType())); }

RankedTensorType getTensorType(ArrayRef<Dim> dims, Type elementType) {
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> dynamic;
  for (Dim dim : dims) {
    if (auto constant = getConstant(dim)) {
      shape.push_back(*constant);
    } else {
      shape.push_back(ShapedType::kDynamic);
      dynamic.push_back(dim);
    }
  }
  Attribute encoding;
  if (!dynamic.empty())
    encoding = DimsAttr::get(elementType.getContext(), dynamic);
  return RankedTensorType::get(shape, elementType, encoding);
}

RankedTensorType withElementType(RankedTensorType type, Type elementType) {
  return RankedTensorType::get(type.getShape(), elementType, type.getEncoding());
}

namespace {

/// A product of atoms (symbols, divisions) as sorted printed keys; a polynomial
/// maps each product to its coefficient.
struct Polynomial {
  using Monomial = std::vector<Dim>;
  struct Less {
    static bool atomLess(Dim a, Dim b) {
      if (a == b)
        return false;
      if (a.getKind() != b.getKind())
        return a.getKind() < b.getKind();
      if (auto sa = dyn_cast<AffineSymbolExpr>(a))
        return sa.getPosition() < cast<AffineSymbolExpr>(b).getPosition();
      return toString(a) < toString(b);
    }
    bool operator()(const Monomial &a, const Monomial &b) const {
      // Longer products first, so that constants come last.
      if (a.size() != b.size())
        return a.size() > b.size();
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), atomLess);
    }
  };
  std::map<Monomial, int64_t, Less> terms;

  void add(Monomial monomial, int64_t coefficient) {
    llvm::sort(monomial, Less::atomLess);
    int64_t &slot = terms[std::move(monomial)];
    slot += coefficient;
  }
};

Dim fromPolynomial(const Polynomial &polynomial, MLIRContext *context);

/// (e + x floordiv a) floordiv b is (a e + x) floordiv (a b), for any integer e: strides of one
/// convolution behind another. Null where `quotient` is nothing like it.
Dim mergeDivisions(AffineBinaryOpExpr quotient);

Polynomial toPolynomial(Dim expr) {
  Polynomial result;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    result.add({}, constant.getValue());
    return result;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (binary && expr.getKind() == AffineExprKind::Add) {
    result = toPolynomial(binary.getLHS());
    for (auto &[monomial, coefficient] : toPolynomial(binary.getRHS()).terms)
      result.add(monomial, coefficient);
    return result;
  }
  if (binary && expr.getKind() == AffineExprKind::Mul) {
    Polynomial lhs = toPolynomial(binary.getLHS()), rhs = toPolynomial(binary.getRHS());
    for (auto &[a, ca] : lhs.terms)
      for (auto &[b, cb] : rhs.terms) {
        Polynomial::Monomial product = a;
        product.insert(product.end(), b.begin(), b.end());
        result.add(std::move(product), ca * cb);
      }
    return result;
  }
  if (binary)
    expr = getAffineBinaryOpExpr(expr.getKind(), normalize(binary.getLHS()), normalize(binary.getRHS()));
  if (expr.getKind() == AffineExprKind::FloorDiv)
    if (Dim merged = mergeDivisions(cast<AffineBinaryOpExpr>(expr)))
      return toPolynomial(merged);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    result.add({}, constant.getValue());
    return result;
  }
  result.add({expr}, 1);
  return result;
}

Dim mergeDivisions(AffineBinaryOpExpr quotient) {
  Polynomial rest = toPolynomial(quotient.getLHS());
  auto outer = getConstant(quotient.getRHS());
  for (auto &[monomial, coefficient] : rest.terms) {
    Dim atom = monomial.size() == 1 ? monomial.front() : Dim();
    auto inner = dyn_cast_or_null<AffineBinaryOpExpr>(atom);
    if (coefficient != 1 || !inner || inner.getKind() != AffineExprKind::FloorDiv)
      continue;
    auto divisor = getConstant(inner.getRHS());
    int64_t product;
    if (!outer || !divisor || *outer <= 0 || *divisor <= 0 || llvm::MulOverflow(*outer, *divisor, product))
      continue;
    Dim numerator = inner.getLHS();
    rest.terms.erase(rest.terms.find(monomial));
    return (fromPolynomial(rest, quotient.getContext()) * *divisor + numerator).floorDiv(product);
  }
  return {};
}

Dim fromPolynomial(const Polynomial &polynomial, MLIRContext *context) {
  Dim sum;
  for (auto &[monomial, coefficient] : polynomial.terms) {
    if (coefficient == 0)
      continue;
    Dim product;
    for (Dim factor : monomial)
      product = product ? product * factor : factor;
    Dim constant = getAffineConstantExpr(coefficient, context);
    product = product ? product * constant : constant;
    sum = sum ? sum + product : product;
  }
  return sum ? sum : getAffineConstantExpr(0, context);
}

} // namespace

Dim normalize(Dim expr) { return fromPolynomial(toPolynomial(expr), expr.getContext()); }

Dim getProduct(ArrayRef<Dim> dims, MLIRContext *context) {
  Dim product = getAffineConstantExpr(1, context);
  for (Dim dim : dims)
    product = product * dim;
  return normalize(product);
}

std::optional<Dim> divideExactly(Dim numerator, Dim denominator) {
  auto dropZeros = [](Polynomial &polynomial) {
    std::erase_if(polynomial.terms, [](auto &term) { return term.second == 0; });
  };
  Polynomial rest = toPolynomial(numerator), divisor = toPolynomial(denominator), quotient;
  dropZeros(rest);
  dropZeros(divisor);
  if (divisor.terms.empty())
    return std::nullopt;
  // Long division: terms are sorted by degree first, so the first of the divisor divides the first of
  // whatever it divides at all. Shapes have few terms.
  constexpr unsigned kMaxTerms = 64;
  auto &[factors, divisorCoefficient] = *divisor.terms.begin();
  for (unsigned step = 0; !rest.terms.empty(); ++step) {
    auto &[monomial, coefficient] = *rest.terms.begin();
    if (step == kMaxTerms || coefficient == std::numeric_limits<int64_t>::min() ||
        coefficient % divisorCoefficient != 0)
      return std::nullopt;
    Polynomial::Monomial part = monomial;
    for (Dim factor : factors) {
      auto it = llvm::find(part, factor);
      if (it == part.end())
        return std::nullopt;
      part.erase(it);
    }
    int64_t partCoefficient = coefficient / divisorCoefficient;
    for (auto &[other, otherCoefficient] : divisor.terms) {
      Polynomial::Monomial product = part;
      product.insert(product.end(), other.begin(), other.end());
      int64_t scaled;
      if (llvm::MulOverflow(-partCoefficient, otherCoefficient, scaled))
        return std::nullopt;
      rest.add(std::move(product), scaled);
    }
    dropZeros(rest);
    quotient.add(std::move(part), partCoefficient);
  }
  return fromPolynomial(quotient, numerator.getContext());
}

std::optional<Dims> broadcast(ArrayRef<Dim> lhs, ArrayRef<Dim> rhs) {
  if (lhs.size() < rhs.size())
    std::swap(lhs, rhs);
  Dims result(lhs.begin(), lhs.end());
  size_t offset = lhs.size() - rhs.size();
  for (auto [i, dim] : llvm::enumerate(rhs)) {
    Dim &target = result[offset + i];
    if (target == dim || getConstant(dim) == 1)
      continue;
    if (getConstant(target) != 1)
      return std::nullopt;
    target = dim;
  }
  return result;
}

int64_t evaluate(Dim expr, ArrayRef<int64_t> symbols) {
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    return cast<AffineConstantExpr>(expr).getValue();
  case AffineExprKind::SymbolId:
    return symbols[cast<AffineSymbolExpr>(expr).getPosition()];
  case AffineExprKind::DimId:
    llvm_unreachable("ht shapes are written over symbols");
  default:
    break;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t lhs = evaluate(binary.getLHS(), symbols), rhs = evaluate(binary.getRHS(), symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::FloorDiv:
    return rhs ? llvm::divideFloorSigned(lhs, rhs) : 0;
  case AffineExprKind::CeilDiv:
    return rhs ? llvm::divideCeilSigned(lhs, rhs) : 0;
  case AffineExprKind::Mod:
    return rhs > 0 ? llvm::mod(lhs, rhs) : 0;
  default:
    llvm_unreachable("not a binary affine expression");
  }
}

std::optional<int64_t> getConstant(Dim expr) {
  if (auto constant = dyn_cast_if_present<AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

/// `-expr` where `expr` is a negative number or a multiple by one; else null.
static Dim getSubtrahend(Dim expr) {
  auto product = dyn_cast<AffineBinaryOpExpr>(expr);
  bool isProduct = product && product.getKind() == AffineExprKind::Mul;
  auto factor = getConstant(isProduct ? product.getRHS() : expr);
  if (!factor || *factor >= 0 || *factor == std::numeric_limits<int64_t>::min())
    return {};
  Dim positive = getAffineConstantExpr(-*factor, expr.getContext());
  return isProduct ? product.getLHS() * positive : positive;
}

std::string toString(Dim expr, ArrayRef<StringRef> symbolNames) {
  if (!expr)
    return "?";
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr);
      symbol && symbol.getPosition() < symbolNames.size())
    return symbolNames[symbol.getPosition()].str();
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    expr.print(os);
    return text;
  }
  // A sum inside anything else, and what is not an atom on the right of anything
  // but a sum, would read back as another expression.
  auto operand = [&](Dim side, bool isRight) {
    std::string inner = toString(side, symbolNames);
    bool loose = side.getKind() == AffineExprKind::Add || (isRight && isa<AffineBinaryOpExpr>(side));
    return loose && expr.getKind() != AffineExprKind::Add ? "(" + inner + ")" : inner;
  };
  if (expr.getKind() == AffineExprKind::Add)
    if (Dim subtrahend = getSubtrahend(binary.getRHS())) {
      std::string right = toString(subtrahend, symbolNames);
      return operand(binary.getLHS(), false) + " - " +
             (subtrahend.getKind() == AffineExprKind::Add ? "(" + right + ")" : right);
    }
  const char *infix = expr.getKind() == AffineExprKind::Add       ? " + "
                      : expr.getKind() == AffineExprKind::Mul     ? " * "
                      : expr.getKind() == AffineExprKind::Mod     ? " mod "
                      : expr.getKind() == AffineExprKind::CeilDiv ? " ceildiv "
                                                                  : " floordiv ";
  return operand(binary.getLHS(), false) + infix + operand(binary.getRHS(), true);
}

std::string toString(ArrayRef<Dim> dims, ArrayRef<StringRef> symbolNames) {
  std::string text = "[";
  llvm::interleave(
      dims, [&](Dim dim) { text += toString(dim, symbolNames); }, [&] { text += ", "; });
  return text + "]";
}

} // namespace halftone::ht
