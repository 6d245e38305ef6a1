//===- TermReader.cpp - the values of a term --------------------------------===//

#include "compiler/Evaluate/TermReader.h"

#include "compiler/Evaluate/Interpreter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace halftone::evaluate {

BlockIndex::BlockIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> termBlocks)
    : shape(shape), parameters(shape.size(), 1) {
  for (auto [i, block] : llvm::enumerate(termBlocks)) {
    bool whole = block == htq::AffineAttr::kWhole;
    blocks.push_back(whole ? std::max<int64_t>(shape[i], 1) : block);
    if (!whole)
      parameters[i] = llvm::divideCeil(shape[i], block);
  }
  strides = getStrides(parameters);
}

llvm::Expected<std::vector<double>> TermReader::readAll() const {
  std::vector<double> values(getNumElements(shape));
  if (llvm::Error error = read(0, values))
    return std::move(error);
  return values;
}

namespace {

/// Makes readers of a term by one recursion over its constructors.
class Builder {
public:
  Builder(Operation *op, ArrayRef<Tensor> leaves) : op(op), leaves(leaves) {}

  llvm::Expected<TermReader> build(Attribute term) {
    if (isa<TypeAttr>(term))
      return buildLeaf();
    if (auto affine = dyn_cast<htq::AffineAttr>(term))
      return buildAffine(affine);
    if (auto lookup = dyn_cast<htq::LookupAttr>(term))
      return buildLookup(lookup);
    return buildSum(cast<htq::SumAttr>(term));
  }

private:
  llvm::Expected<TermReader> buildLeaf() {
    Tensor tensor = leaves[next++];
    return TermReader{Shape(tensor.getShape()), tensor.getKind() == ElementKind::F64,
                      [tensor](int64_t begin, MutableArrayRef<double> to) -> llvm::Error {
                        tensor.read(begin, to);
                        return llvm::Error::success();
                      }};
  }

  llvm::Expected<TermReader> buildAffine(htq::AffineAttr affine) {
    auto codes = build(affine.getCodes());
    auto scale = codes ? build(affine.getScale()) : codes.takeError();
    if (!scale)
      return scale;
    auto scales = scale->readAll();
    if (!scales)
      return scales.takeError();
    std::vector<double> zeros(scales->size(), 0.0);
    if (affine.getZero()) {
      auto zero = build(affine.getZero());
      if (!zero)
        return zero;
      auto values = zero->readAll();
      if (!values)
        return values.takeError();
      zeros = std::move(*values);
    }
    TermReader reader{codes->shape, scale->wide, nullptr};
    reader.read = [wide = reader, codes = *codes, scales = *scales, zeros,
                   index = BlockIndex(codes->shape, affine.getBlocks())](
                      int64_t begin, MutableArrayRef<double> to) -> llvm::Error {
      if (llvm::Error error = codes.read(begin, to))
        return error;
      index.visit(begin, to.size(), [&](int64_t i, int64_t end, int64_t parameter) {
        double zero = zeros[parameter], scale = wide.round(scales[parameter]);
        for (; i < end; ++i)
          to[i] = wide.round(wide.round(to[i] - zero) * scale);
      });
      return llvm::Error::success();
    };
    return reader;
  }

  llvm::Expected<TermReader> buildLookup(htq::LookupAttr lookup) {
    auto codes = build(lookup.getCodes());
    auto codebook = codes ? build(lookup.getCodebook()) : codes.takeError();
    if (!codebook)
      return codebook;
    auto entries = codebook->readAll();
    if (!entries)
      return entries.takeError();
    return TermReader{codes->shape, codebook->wide,
                      [op = op, codes = *codes,
                       entries = *entries](int64_t begin, MutableArrayRef<double> to) -> llvm::Error {
                        if (llvm::Error error = codes.read(begin, to))
                          return error;
                        for (double &value : to) {
                          if (!(value < static_cast<double>(entries.size())))
                            return makeError(op, "code " + Twine(static_cast<uint64_t>(value)) +
                                                     " is outside a codebook of " + Twine(entries.size()) +
                                                     " entries");
                          value = entries[static_cast<size_t>(value)];
                        }
                        return llvm::Error::success();
                      }};
  }

  llvm::Expected<TermReader> buildSum(htq::SumAttr sum) {
    auto lhs = build(sum.getLhs());
    auto rhs = lhs ? build(sum.getRhs()) : lhs.takeError();
    if (!rhs)
      return rhs;
    TermReader reader{lhs->shape, lhs->wide || rhs->wide, nullptr};
    reader.read = [wide = reader, lhs = *lhs, rhs = *rhs](int64_t begin,
                                                          MutableArrayRef<double> to) -> llvm::Error {
      std::vector<double> added(to.size());
      if (llvm::Error error = lhs.read(begin, to))
        return error;
      if (llvm::Error error = rhs.read(begin, added))
        return error;
      for (auto [x, y] : llvm::zip_equal(to, added))
        x = wide.round(x + y);
      return llvm::Error::success();
    };
    return reader;
  }

  Operation *op;
  ArrayRef<Tensor> leaves;
  unsigned next = 0;
};

} // namespace

llvm::Expected<TermReader> makeTermReader(Operation *op, Attribute term, ArrayRef<Tensor> leaves) {
  return Builder(op, leaves).build(term);
}

} // namespace halftone::evaluate
