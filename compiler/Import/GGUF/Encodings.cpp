//===- Encodings.cpp - quantized tensors of GGUF files ----------------------===//
//
// A row is blocks of 32 or 256 elements, each a record of scales and packed codes. The parts of
// all records are loaded where they lie; what numbers they are is said in htq's terms.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGUF/Encodings.h"

#include "dialects/HT/HTOps.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using halftone::transformer::StoredTensor;

namespace halftone::gguf {

namespace {

/// Writes the recipe of some rows of a matrix.
class Recipe {
public:
  Recipe(OpBuilder &b, Location loc, const StoredTensor &tensor, int64_t first, int64_t rows,
         const TensorType &type)
      : b(b), loc(loc), tensor(tensor), rows(rows), columns(tensor.type.getShape().back()),
        blocks(columns / type.elements), blockBytes(type.bytes),
        offset(tensor.offset + static_cast<uint64_t>(first) * blocks * type.bytes) {}

  Type codes(unsigned bits) { return IntegerType::get(b.getContext(), bits); }
  Type unsignedCodes(unsigned bits) { return IntegerType::get(b.getContext(), bits, IntegerType::Unsigned); }

  /// `count` bytes of each block from byte `from` on, as elements: [rows, blocks, …].
  Value part(int64_t from, int64_t count, Type element) {
    unsigned bits = element.getIntOrFloatBitWidth();
    Value whole = ht::LoadOp::create(b, loc, typeOf({rows, blocks, blockBytes * 8 / bits}, element),
                                     tensor.file, offset);
    SmallVector<AffineExpr> starts = {b.getAffineConstantExpr(0), b.getAffineConstantExpr(0),
                                      b.getAffineConstantExpr(from * 8 / bits)};
    return ht::SliceOp::create(b, loc, typeOf({rows, blocks, count * 8 / bits}, element), whole,
                               ht::DimsAttr::get(b.getContext(), starts), ArrayRef<int64_t>{1, 1, 1});
  }

  /// One f16 of each block: [rows, blocks].
  Value scale(int64_t from) { return reshape(part(from, 2, b.getF16Type()), {rows, blocks}); }

  /// What is stored in the order `inner` of the elements of a block, in its own order: element i is
  /// at `permutation` of these axes. [rows, columns], of i8.
  Value codesOf(Value stored, ArrayRef<int64_t> inner, ArrayRef<int64_t> permutation) {
    SmallVector<int64_t> shape = {rows, blocks}, axes = {0, 1};
    llvm::append_range(shape, inner);
    for (int64_t axis : permutation)
      axes.push_back(axis + 2);
    Value turned = ht::TransposeOp::create(b, loc, reshape(stored, shape), axes);
    return cast(reshape(turned, {rows, columns}), codes(8));
  }

  /// Nibbles of 16 bytes: the low ones are the first half of a block of 32.
  Value nibbles(int64_t from) { return codesOf(part(from, 16, unsignedCodes(4)), {16, 2}, {1, 0}); }

  /// The bits of 4 bytes, one for each element.
  Value fifthBits(int64_t from) {
    Value bytes = reshape(part(from, 4, unsignedCodes(8)), {rows, blocks, 4, 1});
    auto eight = typeOf({8}, unsignedCodes(8));
    Value shifts = ht::IotaOp::create(b, loc, eight, 0, 1);
    Value bits = ht::ShiftRightOp::create(b, loc, bytes, shifts);
    bits = ht::AndOp::create(b, loc, bits, constant(unsignedCodes(8), 1));
    return cast(reshape(bits, {rows, columns}), codes(8));
  }

  /// low + high * 2^bits, of i8.
  Value join(Value low, Value high, int64_t bits) {
    return ht::AddOp::create(b, loc, low, ht::MulOp::create(b, loc, high, constant(codes(8), 1 << bits)));
  }

  /// Codes around 0 of a type of so many bits.
  Value center(Value value, unsigned bits) {
    value = ht::SubOp::create(b, loc, value, constant(codes(8), 1 << (bits - 1)));
    return cast(value, codes(bits));
  }

  Value dequantize(Attribute term, ValueRange leaves) {
    return htq::DequantizeOp::create(b, loc, typeOf({rows, columns}, b.getF32Type()), term, leaves);
  }

  /// codes * scale + least, with an f16 of each block.
  Value scaleAndAdd(Value value, Value scale, Value least) {
    auto perBlock = [&](Value parameter) {
      return reshape(cast(parameter, b.getF32Type()), {rows, blocks, 1});
    };
    value = cast(reshape(value, {rows, blocks, columns / blocks}), b.getF32Type());
    value = ht::MulOp::create(b, loc, value, perBlock(scale));
    return reshape(ht::AddOp::create(b, loc, value, perBlock(least)), {rows, columns});
  }

  Value reshape(Value value, ArrayRef<int64_t> shape) {
    return ht::ReshapeOp::create(b, loc, typeOf(shape, getElementTypeOrSelf(value)), value);
  }
  Value cast(Value value, Type element) {
    auto type = withElement(value, element);
    return value.getType() == type ? value : ht::CastOp::create(b, loc, type, value, UnitAttr()).getResult();
  }

  int64_t getRows() const { return rows; }
  int64_t getColumns() const { return columns; }
  Type getF16() { return b.getF16Type(); }

private:
  RankedTensorType typeOf(ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  }
  RankedTensorType withElement(Value value, Type element) {
    return typeOf(mlir::cast<RankedTensorType>(value.getType()).getShape(), element);
  }
  Value constant(Type element, int64_t value) {
    auto type = typeOf({}, element);
    return ht::ConstantOp::create(b, loc,
                                  DenseElementsAttr::get(type, b.getIntegerAttr(element, value).getValue()));
  }

  OpBuilder &b;
  Location loc;
  const StoredTensor &tensor;
  int64_t rows, columns, blocks, blockBytes;
  uint64_t offset;
};

/// An f16 and codes of so many bits, for 32 elements.
Value loadQ8_0(Recipe &r) {
  Value codes = r.reshape(r.part(2, 32, r.codes(8)), {r.getRows(), r.getColumns()});
  return r.dequantize(htq::getAffine(r.codes(8), {1, 32}, r.getF16()), {codes, r.scale(0)});
}

Value loadQ4_0(Recipe &r) {
  return r.dequantize(htq::getAffine(r.codes(4), {1, 32}, r.getF16()),
                      {r.center(r.nibbles(2), 4), r.scale(0)});
}

Value loadQ5_0(Recipe &r) {
  Value codes = r.center(r.join(r.nibbles(6), r.fifthBits(2), 4), 5);
  return r.dequantize(htq::getAffine(r.codes(5), {1, 32}, r.getF16()), {codes, r.scale(0)});
}

/// The same of numbers from a least one on: no product of a difference.
Value loadQ4_1(Recipe &r) { return r.scaleAndAdd(r.nibbles(4), r.scale(0), r.scale(2)); }

Value loadQ5_1(Recipe &r) {
  return r.scaleAndAdd(r.join(r.nibbles(8), r.fifthBits(4), 4), r.scale(0), r.scale(2));
}

/// 256 elements: 4 low bits of each, 2 high ones, an i8 for 16 of them, an f16. Of each half, byte i
/// of the low bits has elements i and 64 + i, of the high ones i, 32 + i, 64 + i and 96 + i.
Value loadQ6_K(Recipe &r) {
  Value low = r.codesOf(r.part(0, 128, r.unsignedCodes(4)), {2, 64, 2}, {0, 2, 1});
  Value high = r.codesOf(r.part(128, 64, r.unsignedCodes(2)), {2, 32, 4}, {0, 2, 1});
  Value scales = r.reshape(r.part(192, 16, r.codes(8)), {r.getRows(), r.getColumns() / 16});
  htq::AffineAttr inner = htq::getAffine(r.codes(8), {1, 16}, r.getF16());
  auto term = htq::AffineAttr::get(inner.getContext(), TypeAttr::get(r.codes(6)), ArrayRef<int64_t>{1, 16},
                                   inner, Attribute());
  return r.dequantize(term, {r.center(r.join(low, high, 4), 6), scales, r.scale(208)});
}

struct Known {
  StringRef name;
  Value (*load)(Recipe &);
  bool isTerm;
};

constexpr Known kKnown[] = {
    {"Q4_0", loadQ4_0, true},  {"Q4_1", loadQ4_1, false}, {"Q5_0", loadQ5_0, true},
    {"Q5_1", loadQ5_1, false}, {"Q6_K", loadQ6_K, true},  {"Q8_0", loadQ8_0, true},
};

const Known *find(const TensorType &type) {
  auto found = llvm::find_if(kKnown, [&](const Known &known) { return known.name == type.name; });
  return found == std::end(kKnown) ? nullptr : found;
}

class BlockEncoding : public transformer::Encoding {
public:
  BlockEncoding(const TensorType &type, const Known &known) : type(type), known(known) {}

  StringRef getName() const override { return known.name; }
  Value load(OpBuilder &builder, Location loc, const StoredTensor &tensor, int64_t first,
             int64_t count) const override {
    Recipe recipe(builder, loc, tensor, first, count, type);
    return known.load(recipe);
  }

private:
  const TensorType &type;
  const Known &known;
};

} // namespace

std::shared_ptr<const transformer::Encoding> getEncoding(const TensorType &type) {
  const Known *known = find(type);
  return known ? std::make_shared<BlockEncoding>(type, *known) : nullptr;
}

bool isTerm(const TensorType &type) {
  const Known *known = find(type);
  return known && known->isTerm;
}

Type getElementType(const TensorType &type, MLIRContext &context) {
  Builder b(&context);
  return type.name == "F32"    ? Type(b.getF32Type())
         : type.name == "F16"  ? Type(b.getF16Type())
         : type.name == "BF16" ? Type(b.getBF16Type())
                               : Type();
}

StringRef getSupportedTypes() { return "F32, F16, BF16, Q8_0, Q6_K, Q5_1, Q5_0, Q4_1 and Q4_0"; }

} // namespace halftone::gguf
