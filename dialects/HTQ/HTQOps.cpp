//===- HTQOps.cpp - verification of operations that apply a term ------------===//

#include "dialects/HTQ/HTQOps.h"

#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::htq;

#define GET_OP_CLASSES
#include "dialects/HTQ/HTQOps.cpp.inc"

namespace {

/// Checks the shapes of a term's leaves, from left to right.
class TermVerifier {
public:
  TermVerifier(Operation *op, ValueRange leaves) : op(op), leaves(leaves) {}

  /// The shape of `term`; nullopt after an error.
  std::optional<ht::Dims> visit(Attribute term) {
    if (isa<TypeAttr>(term))
      return ht::getDims(leaves[next++]);
    if (auto affine = dyn_cast<AffineAttr>(term))
      return visitAffine(affine);
    if (auto lookup = dyn_cast<LookupAttr>(term))
      return visitLookup(lookup);
    auto sum = cast<SumAttr>(term);
    auto lhs = visit(sum.getLhs()), rhs = lhs ? visit(sum.getRhs()) : std::nullopt;
    if (lhs && rhs && *lhs != *rhs) {
      op->emitOpError() << "adds terms of shapes " << ht::toString(*lhs) << " and " << ht::toString(*rhs);
      return std::nullopt;
    }
    return rhs;
  }

private:
  std::optional<ht::Dims> visitAffine(AffineAttr affine) {
    auto codes = visit(affine.getCodes());
    if (!codes)
      return std::nullopt;
    if (codes->size() != affine.getBlocks().size()) {
      op->emitOpError() << "has " << affine.getBlocks().size() << " blocks for codes of shape "
                        << ht::toString(*codes);
      return std::nullopt;
    }
    ht::Dims expected = getParameterDims(affine, *codes);
    for (Attribute part : {affine.getScale(), affine.getZero()}) {
      if (!part)
        continue;
      auto dims = visit(part);
      if (!dims)
        return std::nullopt;
      if (*dims != expected) {
        op->emitOpError() << "expected parameters of shape " << ht::toString(expected) << ", got "
                          << ht::toString(*dims);
        return std::nullopt;
      }
    }
    return codes;
  }

  std::optional<ht::Dims> visitLookup(LookupAttr lookup) {
    auto leaf = dyn_cast<TypeAttr>(lookup.getCodes());
    if (!leaf || !leaf.getValue().isUnsignedInteger()) {
      op->emitOpError() << "chooses from a codebook by what are no unsigned integers";
      return std::nullopt;
    }
    auto codes = visit(lookup.getCodes()), codebook = visit(lookup.getCodebook());
    if (codebook && codebook->size() != 1) {
      op->emitOpError() << "expected a codebook of one dimension, got " << ht::toString(*codebook);
      return std::nullopt;
    }
    return codebook ? codes : std::nullopt;
  }

  Operation *op;
  ValueRange leaves;
  unsigned next = 0;
};

/// The shape of `term`, whose leaves are `leaves`; nullopt after an error.
std::optional<ht::Dims> verifyTerm(Operation *op, Attribute term, ValueRange leaves) {
  SmallVector<Type> expected;
  htq::getLeaves(term, expected);
  if (expected.size() != leaves.size()) {
    op->emitOpError() << "has " << leaves.size() << " tensors for the " << expected.size()
                      << " leaves of its term";
    return std::nullopt;
  }
  for (auto [i, type] : llvm::enumerate(expected))
    if (getElementTypeOrSelf(leaves[i]) != type) {
      op->emitOpError() << "leaf " << i << " has elements of type " << getElementTypeOrSelf(leaves[i])
                        << ", its term says " << type;
      return std::nullopt;
    }
  return TermVerifier(op, leaves).visit(term);
}

} // namespace

LogicalResult DequantizeOp::verify() {
  if (!isTerm(getTerm()) || isa<TypeAttr>(getTerm()))
    return emitOpError() << "expected an affine, lookup or sum term, got " << getTerm();
  auto dims = verifyTerm(*this, getTerm(), getLeaves());
  if (!dims)
    return failure();
  if (*dims != ht::getDims(getResult()))
    return emitOpError() << "has codes of shape " << ht::toString(*dims) << " but a result of "
                         << ht::toString(ht::getDims(getResult()));
  return success();
}

LogicalResult QuantizeOp::verify() {
  AffineAttr affine = getTerm();
  SmallVector<Type> leaves;
  htq::getLeaves(affine, leaves);
  size_t parts = affine.getZero() ? 3 : 2;
  if (leaves.size() != parts || !isa<TypeAttr>(affine.getCodes()) || !isa<TypeAttr>(affine.getScale()))
    return emitOpError() << "expected an affine of element types, got " << affine;
  if (static_cast<bool>(getZero()) != static_cast<bool>(affine.getZero()))
    return emitOpError() << (getZero() ? "has a zero that its term lacks" : "lacks the zero of its term");
  ht::Dims dims = ht::getDims(getInput());
  if (affine.getBlocks().size() != dims.size())
    return emitOpError() << "has " << affine.getBlocks().size() << " blocks for an input of shape "
                         << ht::toString(dims);
  SmallVector<Value> parameters{getScale()};
  if (getZero())
    parameters.push_back(getZero());
  ht::Dims expected = getParameterDims(affine, dims);
  for (auto [i, parameter] : llvm::enumerate(parameters)) {
    if (getElementTypeOrSelf(parameter) != leaves[i + 1])
      return emitOpError() << "has a parameter of elements " << getElementTypeOrSelf(parameter)
                           << ", its term says " << leaves[i + 1];
    if (ht::getDims(parameter) != expected)
      return emitOpError() << "expected parameters of shape " << ht::toString(expected) << ", got "
                           << ht::toString(ht::getDims(parameter));
  }
  if (getZero() && leaves[2] != leaves[0])
    return emitOpError() << "has a zero of " << leaves[2] << " for codes of " << leaves[0];
  if (ht::getDims(getResult()) != dims || getElementTypeOrSelf(getResult()) != leaves[0])
    return emitOpError() << "expected a result of shape " << ht::toString(dims) << " and elements "
                         << leaves[0];
  return success();
}

LogicalResult RequantizeOp::verify() {
  for (AffineAttr affine : {getFrom(), getTo()}) {
    auto isCode = [](Attribute part) {
      auto leaf = dyn_cast<TypeAttr>(part);
      auto type = leaf ? dyn_cast<IntegerType>(leaf.getValue()) : IntegerType();
      return type && type.getWidth() > 1 && type.getWidth() <= 32;
    };
    auto scale = dyn_cast<TypeAttr>(affine.getScale());
    if (!isCode(affine.getCodes()) || (affine.getZero() && !isCode(affine.getZero())) || !scale ||
        !isa<FloatType>(scale.getValue()))
      return emitOpError() << "expected an affine of integers with a scale of floats, got " << affine;
  }
  if (getTo().getZero() && getTo().getZero() != getTo().getCodes())
    return emitOpError() << "has a zero that is not of the codes' type";
  SmallVector<Value> leaves{getResult()};
  llvm::append_range(leaves, getParameters());
  auto from = verifyTerm(*this, getFrom(), getInput());
  auto to = from ? verifyTerm(*this, getTo(), leaves) : std::nullopt;
  if (!to)
    return failure();
  if (*from != *to)
    return emitOpError() << "has codes of shape " << ht::toString(*from) << " but a result of "
                         << ht::toString(*to);
  return success();
}

LogicalResult ObserveOp::verify() {
  ht::Dims dims = ht::getDims(getInput());
  if (dims.empty() || !ht::getConstant(dims.back()))
    return emitOpError() << "expected a static last axis, got " << ht::toString(dims);
  return success();
}

std::string HadamardOp::whyNot(int64_t order, int64_t stride, Type input) {
  constexpr int64_t kLongestRow = 65536;
  if (order < 2 || !llvm::isPowerOf2_64(order))
    return llvm::formatv("expected an order that is a power of two from 2 on, got {0}", order);
  if (stride < 1)
    return llvm::formatv("expected a stride of at least 1, got {0}", stride);
  ht::Dims dims = ht::getDims(cast<RankedTensorType>(input));
  auto channels = dims.empty() ? std::nullopt : ht::getConstant(dims.back());
  // No product of the two, which could leave 64 bits.
  if (!channels || *channels % order != 0 || *channels / order % stride != 0 || *channels > kLongestRow)
    return llvm::formatv("expected a last axis of at most {0} that is a multiple of {1} times {2}, got {3}",
                         kLongestRow, order, stride, ht::toString(dims));
  return {};
}

LogicalResult HadamardOp::verify() {
  std::string reason = whyNot(getOrder(), getStride(), getInput().getType());
  return reason.empty() ? success() : emitOpError() << reason;
}

OpFoldResult HadamardOp::fold(FoldAdaptor) {
  auto inner = getInput().getDefiningOp<HadamardOp>();
  bool undoes = inner && inner.getOrder() == getOrder() && inner.getStride() == getStride();
  return undoes ? inner.getInput() : OpFoldResult();
}

LogicalResult DynamicQuantizeOp::verify() {
  AffineAttr affine = getTerm();
  auto lookup = dyn_cast<LookupAttr>(affine.getCodes());
  if (static_cast<bool>(lookup) != static_cast<bool>(getCodebook()))
    return emitOpError() << (lookup ? "lacks the codebook of its term"
                                    : "has a codebook that its term lacks");
  if (failed(verifyRule([&] { return emitOpError(); }, affine, getRule())))
    return failure();

  SmallVector<Value> leaves(getLeaves());
  if (lookup && !leaves.empty())
    leaves.insert(leaves.begin() + 1, getCodebook());
  auto dims = verifyTerm(*this, affine, leaves);
  if (!dims)
    return failure();
  if (*dims != ht::getDims(getInput()))
    return emitOpError() << "has codes of shape " << ht::toString(*dims) << " for an input of "
                         << ht::toString(ht::getDims(getInput()));
  return success();
}

LogicalResult htq::LinearOp::verify() {
  if (!isTerm(getInputTerm()) || !isTerm(getWeightTerm()))
    return emitOpError() << "expected two terms";
  auto x = verifyTerm(*this, getInputTerm(), getInput());
  auto w = x ? verifyTerm(*this, getWeightTerm(), getWeight()) : std::nullopt;
  if (!w)
    return failure();
  if (w->size() != 2 || x->empty() || !ht::getConstant((*w)[0]) || !ht::getConstant((*w)[1]) ||
      x->back() != (*w)[1])
    return emitOpError() << "input " << ht::toString(*x) << " does not fit weight " << ht::toString(*w);
  if (auto affine = dyn_cast<AffineAttr>(getInputTerm()))
    if (!llvm::all_of(affine.getBlocks().drop_back(), [](int64_t block) { return block == 1; }))
      return emitOpError() << "has a scale that several rows of its input share";
  ht::Dims expected = *x;
  expected.back() = (*w)[0];
  if (expected != ht::getDims(getResult()))
    return emitOpError() << "expected a result of shape " << ht::toString(expected) << ", got "
                         << ht::toString(ht::getDims(getResult()));
  if (!isIntegerProduct(getInputTerm(), getWeightTerm()))
    return success();
  int64_t longest = getLongestSum(getInputTerm(), getWeightTerm());
  if (getPieceLength(getInputTerm(), getWeightTerm(), *ht::getConstant((*w)[1])) > longest)
    return emitOpError() << "sums more than " << longest << " products of integers in i32";
  return success();
}
