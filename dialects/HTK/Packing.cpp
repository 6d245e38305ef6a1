//===- Packing.cpp - how htk.pack lays weights out --------------------------===//

#include "dialects/HTK/Packing.h"

#include "dialects/HTQ/Terms.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace halftone::htk {

static bool isCode(Type element) { return element.isInteger() && element.getIntOrFloatBitWidth() <= 8; }

Packing::Packing(Type element, int64_t group) : element(element), group(group), periodSize(kPanel * group) {
  if (group != 4 || !isCode(element))
    return;
  int64_t bits = element.getIntOrFloatBitWidth();
  bias = element.isUnsignedInteger() ? 0 : int64_t(1) << (bits - 1);
  for (int64_t width : {8, 4, 2, 1})
    if (bits & width)
      planes.push_back(width);
  steps = 8 / planes.back();
  periodSize = kPanel * group * steps * bits / 8;
}

int64_t Packing::getGroup(Type element) { return isCode(element) ? 4 : element.isBF16() ? 2 : 1; }

RankedTensorType Packing::getPackedType(RankedTensorType rows) const {
  Type stored = isBits() ? IntegerType::get(element.getContext(), 8, IntegerType::Unsigned) : element;
  return RankedTensorType::get({static_cast<int64_t>(llvm::divideCeil(rows.getDimSize(0), kPanel)),
                                static_cast<int64_t>(llvm::divideCeil(rows.getDimSize(1), getPeriod())),
                                periodSize},
                               stored);
}

RankedTensorType PackedLeaf::getPackedType() const {
  return isCodebook ? rows : Packing(rows.getElementType(), group).getPackedType(rows);
}

namespace {

/// Collects leaves by one recursion over the term; false where one cannot be packed.
class LeafCollector {
public:
  explicit LeafCollector(SmallVectorImpl<PackedLeaf> &leaves) : leaves(leaves) {}

  bool visit(Attribute term, int64_t n, int64_t k, bool areCodes) {
    if (auto leaf = dyn_cast<TypeAttr>(term)) {
      Type element = leaf.getValue();
      leaves.push_back(
          {RankedTensorType::get({n, k}, element), areCodes ? Packing::getGroup(element) : 1, false});
      return true;
    }
    if (auto lookup = dyn_cast<htq::LookupAttr>(term))
      return visitLookup(lookup, n, k, areCodes);
    auto affine = dyn_cast<htq::AffineAttr>(term);
    if (!affine || affine.getBlocks().size() != 2 || isa<htq::AffineAttr>(affine.getCodes()))
      return false;
    int64_t rowBlock = affine.getBlocks()[0];
    if (rowBlock != 1 && rowBlock != htq::AffineAttr::kWhole)
      return false;
    auto count = [](int64_t size, int64_t block) -> int64_t {
      return block == htq::AffineAttr::kWhole ? 1 : llvm::divideCeil(size, block);
    };
    int64_t rows = count(n, rowBlock), blocks = count(k, affine.getBlocks()[1]);
    return visit(affine.getCodes(), n, k, areCodes) && visit(affine.getScale(), rows, blocks, false) &&
           (!affine.getZero() || visit(affine.getZero(), rows, blocks, false));
  }

private:
  bool visitLookup(htq::LookupAttr lookup, int64_t n, int64_t k, bool areCodes) {
    auto codebook = dyn_cast<TypeAttr>(lookup.getCodebook()), codes = dyn_cast<TypeAttr>(lookup.getCodes());
    if (!codebook || !codes || !isCode(codes.getValue()) || !visit(codes, n, k, areCodes))
      return false;
    // One entry for each code there can be, so that no code reads past the last.
    int64_t entries = int64_t(1) << codes.getValue().getIntOrFloatBitWidth();
    leaves.push_back({RankedTensorType::get({entries}, codebook.getValue()), 1, true});
    return true;
  }

  SmallVectorImpl<PackedLeaf> &leaves;
};

} // namespace

SmallVector<PackedLeaf> getPackedLeaves(Attribute term, int64_t n, int64_t k) {
  SmallVector<PackedLeaf> leaves;
  if (!LeafCollector(leaves).visit(term, n, k, /*areCodes=*/true))
    leaves.clear();
  return leaves;
}

const char *whyNotPacked(Attribute inputTerm, Attribute weightTerm, int64_t n, int64_t k) {
  if (getPackedLeaves(weightTerm, n, k).empty())
    return "its term has no packed layout";
  SmallVector<Type> leaves;
  htq::getLeaves(weightTerm, leaves);
  if (auto affine = dyn_cast<htq::AffineAttr>(inputTerm)) {
    auto codes = dyn_cast<TypeAttr>(affine.getCodes());
    if (!htq::isIntegerProduct(inputTerm, weightTerm))
      return "the activations are codes, and the weights are no integers";
    if (codes.getValue().isUnsignedInteger() || codes.getValue().getIntOrFloatBitWidth() > 8 ||
        affine.getZero())
      return "the activations' codes are no signed bytes around 0";
    if (!isa<TypeAttr>(affine.getScale()))
      return "the activations' scale is a term";
    if (leaves.front().getIntOrFloatBitWidth() > 8)
      return "its codes have more than 8 bits";
  } else if (!isa<TypeAttr>(inputTerm)) {
    return "the activations are no plain codes";
  }
  if (isa<FloatType>(leaves.front()) && leaves.front().getIntOrFloatBitWidth() < 16)
    return "its codes are floats of 8 bits or less";
  // Scales change between periods only, and so that one term's block holds whole blocks of the other's.
  Packing packing(leaves.front(), Packing::getGroup(leaves.front()));
  int64_t piece = htq::getPieceLength(inputTerm, weightTerm, k);
  for (Attribute term : {inputTerm, weightTerm}) {
    int64_t block = htq::getInnerBlock(term);
    if (block == htq::AffineAttr::kWhole || block >= k)
      continue;
    if (block % packing.getPeriod() != 0)
      return "its blocks end inside a period of the packed layout";
    if (block % piece != 0)
      return "the blocks of activations and weights overlap";
  }
  return nullptr;
}

} // namespace halftone::htk
