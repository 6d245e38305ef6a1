//===- HTQOps.cpp - verification of operations that apply a term ------------===//

#include "dialects/HTQ/HTQOps.h"

#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace halftone;
using namespace halftone::htq;

#define GET_OP_CLASSES
#include "dialects/HTQ/HTQOps.cpp.inc"

namespace {

/// Checks the shapes of a term's leaves, from left to right.
class TermVerifier {
public:
  TermVerifier(DequantizeOp op) : op(op), leaves(op.getLeaves()) {}

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
      op.emitOpError() << "adds terms of shapes " << ht::toString(*lhs) << " and " << ht::toString(*rhs);
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
      op.emitOpError() << "has " << affine.getBlocks().size() << " blocks for codes of shape "
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
        op.emitOpError() << "expected parameters of shape " << ht::toString(expected) << ", got "
                         << ht::toString(*dims);
        return std::nullopt;
      }
    }
    return codes;
  }

  std::optional<ht::Dims> visitLookup(LookupAttr lookup) {
    auto leaf = dyn_cast<TypeAttr>(lookup.getCodes());
    if (!leaf || !leaf.getValue().isUnsignedInteger()) {
      op.emitOpError() << "chooses from a codebook by what are no unsigned integers";
      return std::nullopt;
    }
    auto codes = visit(lookup.getCodes()), codebook = visit(lookup.getCodebook());
    if (codebook && codebook->size() != 1) {
      op.emitOpError() << "expected a codebook of one dimension, got " << ht::toString(*codebook);
      return std::nullopt;
    }
    return codebook ? codes : std::nullopt;
  }

  DequantizeOp op;
  ValueRange leaves;
  unsigned next = 0;
};

} // namespace

LogicalResult DequantizeOp::verify() {
  if (!isTerm(getTerm()) || isa<TypeAttr>(getTerm()))
    return emitOpError() << "expected an affine, lookup or sum term, got " << getTerm();
  SmallVector<Type> expected;
  htq::getLeaves(getTerm(), expected);
  if (expected.size() != getLeaves().size())
    return emitOpError() << "has " << getLeaves().size() << " operands for the " << expected.size()
                         << " leaves of its term";
  for (auto [i, type] : llvm::enumerate(expected))
    if (getElementTypeOrSelf(getLeaves()[i]) != type)
      return emitOpError() << "operand " << i << " has elements of type " << getElementTypeOrSelf(getLeaves()[i])
                           << ", its term says " << type;
  auto dims = TermVerifier(*this).visit(getTerm());
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
    return emitOpError() << "expected a result of shape " << ht::toString(dims) << " and elements " << leaves[0];
  return success();
}
