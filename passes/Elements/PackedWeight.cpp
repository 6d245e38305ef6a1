//===- PackedWeight.cpp - reading weights that htk.pack laid out ------------===//
//
// Codes of less than a byte cost a shift and a mask for each plane. Where a register is
// a table of 16 entries, a codebook of as many is looked up by one permutation, which
// reads the low bits of its indices only; so codes of 4 bits and less become values by
// one as well: the table of code minus bias.
//
//===----------------------------------------------------------------------===//

#include "passes/Elements/PackedWeight.h"

#include "dialects/HTQ/Terms.h"
#include "passes/Elements/Conversions.h"

using namespace mlir;

namespace halftone::elements {

static Type getCodeType(Attribute term) {
  SmallVector<Type> types;
  htq::getLeaves(term, types);
  return types.front();
}

PackedWeight::PackedWeight(CodeBuilder &kernel, htk::LinearOp linear, Type real, Permutation permute)
    : k(kernel), permute(std::move(permute)), term(linear.getWeightTerm()),
      affine(dyn_cast<htq::AffineAttr>(term)),
      leaves(llvm::map_to_vector(linear.getWeight(), [&](Value leaf) { return leaf; })),
      element(getCodeType(term)), real(real), packing(element, htk::Packing::getGroup(element)) {
  codes = k.getBuffer(cast<BlockArgument>(leaves.front()));
  periods = cast<RankedTensorType>(leaves.front().getType()).getDimSize(1);
  if (isa<htq::LookupAttr>(affine ? affine.getCodes() : term))
    codebook = leaves[1];
}

int64_t PackedWeight::getPanelBytes() const {
  return periods * packing.getPeriodSize() * cast<MemRefType>(codes.getType()).getElementTypeBitWidth() / 8;
}

Value PackedWeight::i32(int64_t value, int64_t width) {
  auto scalar = arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(static_cast<int32_t>(value)));
  return k.splat(scalar, width);
}

/// Memory answers in about 2 KiB of reading at its speed; pages end after 4 KiB, where hardware stops to ask.
static constexpr int64_t kDistance = 6144, kLine = 64;

void PackedWeight::prefetch(Value period, Value at, int64_t count) {
  constexpr int64_t kSlab = 256, kRow = 4;
  int64_t bytes = cast<MemRefType>(codes.getType()).getElementTypeBitWidth() / 8;
  Value start = k.mul(k.add(k.mul(panel, periods), period), packing.getPeriodSize());
  start = k.add(k.add(start, k.mul(at, std::max<int64_t>(1, kRow / bytes))), kDistance / bytes);
  for (int64_t slab = 0; slab < packing.getPeriodSize() * bytes; slab += kSlab)
    for (int64_t line = 0; line < count * kRow; line += kLine)
      prefetchLine(codes, k.add(start, (slab + line) / bytes));
}

void PackedWeight::prefetchParameters(Value block, Value at, int64_t count) {
  if (!affine || affine.getBlocks()[1] == htq::AffineAttr::kWhole)
    return;
  for (Value leaf : ValueRange(leaves).drop_front(codebook ? 2 : 1)) {
    auto type = cast<RankedTensorType>(leaf.getType());
    int64_t blocks = type.getDimSize(1), columns = periods * packing.getPeriod();
    // Parameters of scales are for more than a block.
    if (blocks < columns / affine.getBlocks()[1])
      continue;
    Value buffer = k.getBuffer(cast<BlockArgument>(leaf));
    int64_t bytes = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth() / 8;
    Value ahead = k.add(block, llvm::divideCeil(kDistance * blocks, getPanelBytes()));
    Value start = k.add(k.mul(k.add(k.mul(panel, blocks), ahead), htk::Packing::kPanel), at);
    for (int64_t line = 0; line < count * bytes; line += kLine)
      prefetchLine(buffer, k.add(start, line / bytes));
  }
}

void PackedWeight::prefetchLine(Value buffer, Value position) {
  memref::PrefetchOp::create(k.b, k.loc, buffer, position, /*isWrite=*/false, /*localityHint=*/3,
                             /*isDataCache=*/true);
}

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

/// Lanes of 32 bits of a slab of 256 bytes, one a row.
Value PackedWeight::loadSlab(Value period, int64_t slab, Value at) {
  int64_t bytes = element.getIntOrFloatBitWidth() >= 8 ? element.getIntOrFloatBitWidth() / 8 : 1;
  int64_t perRow = 4 / bytes;
  Value start = k.mul(k.add(k.mul(panel, periods), period), packing.getPeriodSize());
  return k.loadWords(codes, k.add(k.add(start, slab * 256 / bytes), k.mul(at, perRow)));
}

/// All planes of the codes of `step`, each byte's (or lane's) bits shifted down by `shift` and masked.
Value PackedWeight::getBits(Value period, int64_t step, Value at, int64_t shift, int64_t mask) {
  Value bits;
  int64_t slab = 0, low = 0;
  for (int64_t width : packing.getPlanes()) {
    int64_t perSlab = 8 / width;
    Value plane = loadSlab(period, slab + step / perSlab, at);
    if (int64_t down = step % perSlab * width + shift)
      plane = arith::ShRUIOp::create(k.b, k.loc, plane, i32(down, k.lanes));
    if (int64_t ones = ((int64_t(1) << width) - 1) * mask; ones != 0xffffffff)
      plane = arith::AndIOp::create(k.b, k.loc, plane, i32(ones, k.lanes));
    if (low)
      plane = arith::ShLIOp::create(k.b, k.loc, plane, i32(low, k.lanes));
    bits = bits ? Value(arith::OrIOp::create(k.b, k.loc, bits, plane)) : plane;
    slab += packing.getSteps() / perSlab;
    low += width;
  }
  return bits;
}

Value PackedWeight::getGroups(Value period, int64_t step, Value at) {
  if (!packing.isBits())
    return loadSlab(period, 0, at);
  return getBits(period, step, at, 0, 0x01010101);
}

//===----------------------------------------------------------------------===//
// Signed bytes
//===----------------------------------------------------------------------===//

static bool isByte(int64_t least, int64_t greatest) { return least >= -128 && greatest <= 127; }

PackedWeight::Bytes PackedWeight::getBytesForm(bool mayScale) const {
  if (!affine || codebook || !packing.isBits())
    return Bytes::None;
  // Without a zero the range of a code is that of its type; with one it is as wide on both sides.
  int64_t most = htq::getMagnitude(affine), least = -most, greatest = hasZero() ? most : most - 1;
  if (packing.getBias() == 0 && !hasZero())
    least = 0, greatest = most;
  auto scale = dyn_cast<htq::AffineAttr>(affine.getScale());
  if (mayScale && scale) {
    int64_t factor = htq::getMagnitude(scale);
    auto products = {least * -factor, least * (factor - 1), greatest * -factor, greatest * (factor - 1)};
    bool isSigned = !scale.getZero() && !getCodeType(scale).isUnsignedInteger();
    int64_t low = isSigned ? std::min(products) : -most * factor;
    int64_t high = isSigned ? std::max(products) : most * factor;
    if (isByte(low, high))
      return Bytes::Scaled;
    if (isByte(-high, -low))
      return Bytes::Negated;
  }
  return isByte(least, greatest) ? Bytes::Codes : Bytes::None;
}

Value PackedWeight::getBlockFactor(Value block, Value at) {
  auto scale = cast<htq::AffineAttr>(affine.getScale());
  ValueRange rest = ValueRange(leaves).drop_front(1);
  rowsShareParameters = affine.getBlocks()[0] == htq::AffineAttr::kWhole;
  Value value = getParameter(scale.getCodes(), rest, block, at, k.lanes);
  if (scale.getZero()) {
    rest = rest.drop_front(1);
    value = arith::SubFOp::create(k.b, k.loc, value, getParameter(scale.getZero(), rest, block, at, k.lanes));
  }
  return arith::FPToSIOp::create(k.b, k.loc, k.getType(k.b.getI32Type(), k.lanes), value);
}

Value PackedWeight::getRowScale(Bytes form, Value at, int64_t width) {
  if (form != Bytes::Scaled && form != Bytes::Negated)
    return getScale(k.constant(0), at, width);
  auto scale = cast<htq::AffineAttr>(affine.getScale());
  ValueRange rest = ValueRange(leaves).drop_front(2);
  rowsShareParameters = affine.getBlocks()[0] == htq::AffineAttr::kWhole ||
                        scale.getBlocks()[0] == htq::AffineAttr::kWhole;
  Value value = getParameter(scale.getScale(), rest, k.constant(0), at, width);
  return form == Bytes::Negated ? Value(arith::NegFOp::create(k.b, k.loc, value)) : value;
}

Value PackedWeight::getSignedGroups(Bytes form, Value period, int64_t step, Value block, Value at) {
  auto as = [&](Value value, unsigned bits) -> Value {
    auto type = VectorType::get({k.lanes * 32 / bits}, k.b.getIntegerType(bits));
    return vector::BitCastOp::create(k.b, k.loc, type, value);
  };
  auto splat16 = [&](int64_t value) { return as(i32(value * 0x10001, k.lanes), 16); };
  Value zero = hasZero() ? getZero(block, at, k.lanes) : i32(packing.getBias(), k.lanes);
  zero = arith::MulIOp::create(k.b, k.loc, zero, i32(0x01010101, k.lanes));
  Value bytes = arith::SubIOp::create(k.b, k.loc, as(getGroups(period, step, at), 8), as(zero, 8));
  if (form == Bytes::Codes)
    return as(bytes, 32);
  Value factor = getBlockFactor(block, at);
  if (form == Bytes::Negated)
    factor = arith::SubIOp::create(k.b, k.loc, i32(0, k.lanes), factor);
  factor = arith::AndIOp::create(k.b, k.loc, factor, i32(0xffff, k.lanes));
  factor = as(arith::MulIOp::create(k.b, k.loc, factor, i32(0x10001, k.lanes)), 16);
  // The low bytes of products of odd bytes (which the words' high ones are) and of even ones.
  Value words = as(bytes, 16), eight = splat16(8);
  Value odd = arith::MulIOp::create(k.b, k.loc, arith::ShRSIOp::create(k.b, k.loc, words, eight), factor);
  Value even = arith::MulIOp::create(k.b, k.loc, words, factor);
  odd = arith::ShLIOp::create(k.b, k.loc, odd, eight);
  even = arith::AndIOp::create(k.b, k.loc, even, splat16(0xff));
  return as(arith::OrIOp::create(k.b, k.loc, odd, even), 32);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The codebook's entries for each lane.
Value PackedWeight::lookUp(Value indices) {
  Type entry = getElementTypeOrSelf(codebook.getType());
  Value buffer = k.getBuffer(cast<BlockArgument>(codebook));
  int64_t entries = cast<RankedTensorType>(codebook.getType()).getNumElements();
  if (permute && entries == 16) {
    Value table = k.convertFloat(k.load(buffer, k.constant(0), entry, {16, {}}), k.b.getF32Type());
    return permute(table, indices);
  }
  auto getEntry = [&](Value index) {
    Value position = arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), index);
    return k.convertFloat(k.load(buffer, position, entry, Lanes()), k.b.getF32Type());
  };
  if (k.lanes == 1)
    return getEntry(indices);
  Value result = k.getZero(k.b.getF32Type(), k.lanes);
  for (int64_t lane = 0; lane < k.lanes; ++lane) {
    Value index = vector::ExtractOp::create(k.b, k.loc, indices, lane);
    result = vector::InsertOp::create(k.b, k.loc, getEntry(index), result, lane);
  }
  return result;
}

Value PackedWeight::getValues(Value period, int64_t column, Value block, Value at) {
  Type f32 = k.getType(k.b.getF32Type(), k.lanes);
  if (packing.isBits()) {
    // The column's byte of each group.
    Value bits = getBits(period, column / 4, at, column % 4 * 8, 1);
    if (codebook)
      return lookUp(bits);
    Value values;
    int64_t width = element.getIntOrFloatBitWidth();
    if (permute && width <= 4) {
      SmallVector<float> table;
      for (int64_t code = 0; code < 16; ++code)
        table.push_back(static_cast<float>(code % (1 << width) - packing.getBias()));
      auto elements = DenseElementsAttr::get(cast<VectorType>(f32), ArrayRef<float>(table));
      values = permute(arith::ConstantOp::create(k.b, k.loc, elements), bits);
    } else {
      if (packing.getBias())
        bits = arith::SubIOp::create(k.b, k.loc, bits, i32(packing.getBias(), k.lanes));
      values = arith::SIToFPOp::create(k.b, k.loc, f32, bits);
    }
    if (!hasZero())
      return values;
    Value zero = arith::SIToFPOp::create(k.b, k.loc, f32, getZero(block, at, k.lanes));
    if (packing.getBias())
      zero = arith::SubFOp::create(k.b, k.loc, zero,
                                   k.floatConstant(packing.getBias(), k.b.getF32Type(), k.lanes));
    return arith::SubFOp::create(k.b, k.loc, values, zero);
  }
  if (packing.getGroup() == 2) {
    // Pairs of bf16: the low half is the first.
    Value pair = loadSlab(period, 0, at);
    pair = column == 0 ? Value(arith::ShLIOp::create(k.b, k.loc, pair, i32(16, k.lanes)))
                       : Value(arith::AndIOp::create(k.b, k.loc, pair, i32(0xffff0000, k.lanes)));
    return arith::BitcastOp::create(k.b, k.loc, f32, pair);
  }
  Value start = k.mul(k.add(k.mul(panel, periods), period), packing.getPeriodSize());
  return k.convertFloat(k.load(codes, k.add(start, at), element, {k.lanes, {}}), real);
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// f32 numbers of a parameter that is itself a term, for block `block` along k.
Value PackedWeight::getParameter(Attribute parameter, ValueRange &rest, Value block, Value at,
                                 int64_t width) {
  if (isa<TypeAttr>(parameter)) {
    Value leaf = rest.front();
    rest = rest.drop_front();
    auto type = cast<RankedTensorType>(leaf.getType());
    Type stored = type.getElementType();
    Value buffer = k.getBuffer(cast<BlockArgument>(leaf));
    Value start = k.mul(k.add(k.mul(panel, type.getDimSize(1)), block), htk::Packing::kPanel);
    Value value = rowsShareParameters
                      ? k.splat(k.load(buffer, k.mul(block, htk::Packing::kPanel), stored, Lanes()), width)
                      : k.load(buffer, k.add(start, at), stored, {width, {}});
    return emitCast(k, value, stored, k.b.getF32Type());
  }
  auto inner = cast<htq::AffineAttr>(parameter);
  int64_t length = inner.getBlocks()[1];
  Value innerBlock = length == htq::AffineAttr::kWhole ? k.constant(0) : k.div(block, k.constant(length));
  bool outer = rowsShareParameters;
  Value value = getParameter(inner.getCodes(), rest, block, at, width);
  rowsShareParameters |= inner.getBlocks()[0] == htq::AffineAttr::kWhole;
  Value scale = getParameter(inner.getScale(), rest, innerBlock, at, width);
  if (inner.getZero())
    value =
        arith::SubFOp::create(k.b, k.loc, value, getParameter(inner.getZero(), rest, innerBlock, at, width));
  rowsShareParameters = outer;
  return arith::MulFOp::create(k.b, k.loc, value, scale);
}

Value PackedWeight::getScale(Value block, Value at, int64_t width) {
  ValueRange rest = ValueRange(leaves).drop_front(codebook ? 2 : 1);
  rowsShareParameters = affine.getBlocks()[0] == htq::AffineAttr::kWhole;
  return getParameter(affine.getScale(), rest, block, at, width);
}

Value PackedWeight::getZero(Value block, Value at, int64_t width) {
  ValueRange rest = ValueRange(leaves).take_back(1);
  rowsShareParameters = affine.getBlocks()[0] == htq::AffineAttr::kWhole;
  Value zero = getParameter(affine.getZero(), rest, block, at, width);
  zero = arith::FPToSIOp::create(k.b, k.loc, k.getType(k.b.getI32Type(), width), zero);
  return packing.getBias() ? Value(arith::AddIOp::create(k.b, k.loc, zero, i32(packing.getBias(), width)))
                           : zero;
}

} // namespace halftone::elements
