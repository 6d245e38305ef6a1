//===- CodeBuilder.cpp - what all kernels are written with ------------------===//

#include "passes/Elements/CodeBuilder.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace halftone::elements {

memref::GlobalOp Tables::get(DenseElementsAttr flat, Location loc) {
  memref::GlobalOp &table = tables[flat];
  if (!table) {
    auto b = OpBuilder::atBlockBegin(&symbols.getOp()->getRegion(0).front());
    auto tensor = flat.getType();
    table = memref::GlobalOp::create(b, loc, "table", b.getStringAttr("private"),
                                     MemRefType::get(tensor.getShape(), tensor.getElementType()), flat,
                                     /*constant=*/true, b.getI64IntegerAttr(64));
    symbols.insert(table); // Renames on collision.
  }
  return table;
}

CodeBuilder::CodeBuilder(func::FuncOp source, int64_t lanes, Tables &tables)
    : b(source.getContext()), loc(source.getLoc()), lanes(lanes), source(source), tables(tables),
      numInputs(source.getNumArguments()) {}

void CodeBuilder::begin(Block *block, ValueRange allBuffers, ValueRange symbolValues) {
  entry = block;
  buffers.assign(allBuffers.begin(), allBuffers.end());
  symbols.assign(symbolValues.begin(), symbolValues.end());
  b.setInsertionPoint(entry->getTerminator());
}

func::ReturnOp CodeBuilder::getYield() {
  return cast<func::ReturnOp>(source.getBody().front().getTerminator());
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

static std::optional<int64_t> getConstantIndex(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

Value CodeBuilder::constant(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value CodeBuilder::add(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy)
    return constant(*cx + *cy);
  if (cx == 0)
    return y;
  return cy == 0 ? x : Value(arith::AddIOp::create(b, loc, x, y));
}

Value CodeBuilder::sub(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy)
    return constant(*cx - *cy);
  return cy == 0 ? x : Value(arith::SubIOp::create(b, loc, x, y));
}

Value CodeBuilder::mul(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy)
    return constant(*cx * *cy);
  if (cx == 1)
    return y;
  if (cy == 1)
    return x;
  if (cx == 0 || cy == 0)
    return constant(0);
  return arith::MulIOp::create(b, loc, x, y);
}

Value CodeBuilder::div(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy && *cx >= 0 && *cy > 0)
    return constant(*cx / *cy);
  return cy == 1 ? x : Value(arith::DivUIOp::create(b, loc, x, y));
}

Value CodeBuilder::rem(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy && *cx >= 0 && *cy > 0)
    return constant(*cx % *cy);
  return cy == 1 ? constant(0) : Value(arith::RemUIOp::create(b, loc, x, y));
}

Value CodeBuilder::min(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy)
    return constant(std::min(*cx, *cy));
  return arith::MinSIOp::create(b, loc, x, y);
}

Value CodeBuilder::max(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy)
    return constant(std::max(*cx, *cy));
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value CodeBuilder::less(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

Value CodeBuilder::select(Value condition, Value x, Value y) {
  if (getElementTypeOrSelf(x.getType()).isBF16()) {
    Type bits = getType(b.getI16Type(), getWidth(x));
    Value choice = select(condition, arith::BitcastOp::create(b, loc, bits, x),
                          arith::BitcastOp::create(b, loc, bits, y));
    return arith::BitcastOp::create(b, loc, x.getType(), choice);
  }
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Value CodeBuilder::getDim(ht::Dim dim) {
  if (auto value = ht::getConstant(dim))
    return constant(*value);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(dim);
  Value lhs = getDim(binary.getLHS()), rhs = getDim(binary.getRHS());
  switch (dim.getKind()) {
  case AffineExprKind::Add:
    return add(lhs, rhs);
  case AffineExprKind::Mul:
    return mul(lhs, rhs);
  case AffineExprKind::FloorDiv:
    return arith::FloorDivSIOp::create(b, loc, lhs, rhs);
  case AffineExprKind::CeilDiv:
    return arith::CeilDivSIOp::create(b, loc, lhs, rhs);
  default:
    return arith::RemUIOp::create(b, loc, lhs, rhs);
  }
}

SmallVector<Value> CodeBuilder::getDims(Value tensor) {
  SmallVector<Value> values;
  for (ht::Dim dim : ht::getDims(tensor))
    values.push_back(getDim(dim));
  return values;
}

Value CodeBuilder::getProduct(ArrayRef<Value> dims) {
  Value product = constant(1);
  for (Value dim : dims)
    product = mul(product, dim);
  return product;
}

Index CodeBuilder::linearize(ArrayRef<Value> dims, ArrayRef<Index> indices) {
  Value position = constant(0);
  bool lane = false;
  for (auto [dim, index] : llvm::zip(dims, indices)) {
    position = add(mul(position, dim), index.base);
    lane |= index.lane;
  }
  return {position, lane};
}

SmallVector<Value> CodeBuilder::delinearize(Value position, ArrayRef<Value> dims) {
  SmallVector<Value> indices(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    indices[i] = i == 0 ? position : rem(position, dims[i]);
    if (i > 0)
      position = div(position, dims[i]);
  }
  return indices;
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

SmallVector<Value> CodeBuilder::loop(Value begin, Value end, int64_t stride, ValueRange carried,
                                       Body body) {
  auto op = scf::ForOp::create(b, loc, begin, end, constant(stride), carried);
  OpBuilder::InsertionGuard guard(b);
  if (!op.getBody()->empty() && carried.empty())
    b.setInsertionPoint(op.getBody()->getTerminator());
  else
    b.setInsertionPointToEnd(op.getBody());
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>(op.getResults());
}

void CodeBuilder::loop(Value begin, Value end, int64_t stride, function_ref<void(Value)> body) {
  loop(begin, end, stride, ValueRange(), [&](Value i, ValueRange) -> SmallVector<Value> {
    body(i);
    return {};
  });
}

/// vectorLoop, with values carried from block to block.
static SmallVector<Value> foldBlocks(CodeBuilder &k, Value size, int64_t width, ValueRange carried,
                                     function_ref<SmallVector<Value>(Index, Lanes, ValueRange)> body) {
  if (width == 1)
    return k.loop(k.constant(0), size, 1, carried, [&](Value i, ValueRange before) {
      return body({i, false}, {1, {}}, before);
    });
  auto known = getConstantIndex(size);
  Value full = known ? k.constant(*known / width * width) : k.mul(k.div(size, k.constant(width)), width);
  SmallVector<Value> values(carried);
  if (!known || *known >= width)
    values = k.loop(k.constant(0), full, width, values, [&](Value i, ValueRange before) {
      return body({i, true}, {width, {}}, before);
    });
  if (known && *known % width == 0)
    return values;
  auto tail = [&] {
    auto maskType = VectorType::get({width}, k.b.getI1Type());
    Value count = known ? k.constant(*known % width) : k.sub(size, full);
    Value mask = vector::CreateMaskOp::create(k.b, k.loc, maskType, ValueRange{count});
    return body({full, true}, {width, mask, count}, values);
  };
  if (known)
    return tail();
  auto rest = scf::IfOp::create(k.b, k.loc, ValueRange(values).getTypes(), k.less(full, size),
                                /*withElseRegion=*/!values.empty());
  OpBuilder::InsertionGuard guard(k.b);
  auto fill = [&](Block *block, function_ref<SmallVector<Value>()> results) {
    // Without results the block has its terminator already.
    if (values.empty())
      k.b.setInsertionPointToStart(block);
    else
      k.b.setInsertionPointToEnd(block);
    SmallVector<Value> yielded = results();
    if (!values.empty())
      scf::YieldOp::create(k.b, k.loc, yielded);
  };
  fill(rest.thenBlock(), tail);
  if (!values.empty())
    fill(rest.elseBlock(), [&] { return values; });
  return SmallVector<Value>(rest.getResults());
}

void CodeBuilder::vectorLoop(Value size, int64_t width, function_ref<void(Index, Lanes)> body) {
  foldBlocks(*this, size, width, {}, [&](Index i, Lanes lanes, ValueRange) -> SmallVector<Value> {
    body(i, lanes);
    return {};
  });
}

Value CodeBuilder::vectorFold(Value size, int64_t width, Value initial,
                                function_ref<Value(Index, Lanes, Value)> body) {
  return foldBlocks(*this, size, width, initial,
                    [&](Index i, Lanes lanes, ValueRange before) -> SmallVector<Value> {
                      return {body(i, lanes, before[0])};
                    })[0];
}

void CodeBuilder::branch(Value condition, function_ref<void()> then, function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  if (otherwise) {
    b.setInsertionPointToStart(op.elseBlock());
    otherwise();
  }
}

//===----------------------------------------------------------------------===//
// Memory and values
//===----------------------------------------------------------------------===//

Type CodeBuilder::getType(Type element, int64_t width) {
  bool asIs = element.isInteger(1) || element.isBF16();
  Type type = asIs ? element : htk::getStorageType(element);
  return width == 1 ? type : Type(VectorType::get({width}, type));
}

Value CodeBuilder::getTable(DenseElementsAttr elements) {
  SmallVector<Attribute> literals;
  Type element = elements.getElementType(), stored = htk::getStorageType(element);
  for (Attribute value : elements.getValues<Attribute>()) {
    TypedAttr literal = getLiteral(value, element);
    if (literal.getType() == stored)
      literals.push_back(literal);
    else if (auto bits = dyn_cast<FloatAttr>(literal))
      literals.push_back(b.getIntegerAttr(stored, bits.getValue().bitcastToAPInt()));
    else
      literals.push_back(b.getIntegerAttr(stored, cast<IntegerAttr>(literal).getValue().zext(8)));
  }
  auto type = RankedTensorType::get({static_cast<int64_t>(literals.size())}, stored);
  memref::GlobalOp table = tables.get(DenseElementsAttr::get(type, literals), loc);
  return memref::GetGlobalOp::create(b, loc, table.getType(), table.getSymName());
}

TypedAttr CodeBuilder::getLiteral(Attribute value, Type element) {
  Type type = getType(element, 1);
  if (isa<FloatType>(type))
    return cast<FloatAttr>(value);
  APInt bits = isa<FloatAttr>(value) ? cast<FloatAttr>(value).getValue().bitcastToAPInt()
                                     : cast<IntegerAttr>(value).getValue();
  unsigned width = type.getIntOrFloatBitWidth();
  return b.getIntegerAttr(type, element.isSignlessInteger() ? bits.sext(width) : bits.zext(width));
}

Value CodeBuilder::getZero(Type element, int64_t width) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(getType(element, width)));
}

Type CodeBuilder::getComputeType(Type element) { return element.isF64() ? element : Type(b.getF32Type()); }

int64_t CodeBuilder::getWidth(Value value) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? vector.getDimSize(0) : 1;
}

Value CodeBuilder::splat(Value scalar, int64_t width) {
  if (width == 1 || isa<VectorType>(scalar.getType()))
    return scalar;
  return vector::BroadcastOp::create(b, loc, VectorType::get({width}, scalar.getType()), scalar);
}

Value CodeBuilder::floatConstant(double value, Type element, int64_t width) {
  APFloat constant(value);
  bool loses;
  constant.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &loses);
  TypedAttr attribute = b.getFloatAttr(element, constant);
  if (width != 1)
    attribute = DenseElementsAttr::get(VectorType::get({width}, element), ArrayRef<Attribute>(attribute));
  return arith::ConstantOp::create(b, loc, attribute);
}

Value CodeBuilder::load(Value buffer, Value position, Type element, Lanes at) {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  Value value;
  if (at.width == 1) {
    value = memref::LoadOp::create(b, loc, buffer, ValueRange{position});
  } else {
    auto type = VectorType::get({at.width}, stored);
    if (at.mask) {
      Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
      value = vector::MaskedLoadOp::create(b, loc, type, buffer, ValueRange{position}, at.mask, zero);
    } else {
      value = vector::LoadOp::create(b, loc, type, buffer, ValueRange{position});
    }
  }
  if (element.isInteger(1) && !stored.isInteger(1)) {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(value.getType()));
    value = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value, zero);
  }
  if (element.isBF16())
    value = arith::BitcastOp::create(b, loc, getType(element, at.width), value);
  return value;
}

Value CodeBuilder::loadStrided(Value buffer, Value position, Type element, Lanes at, int64_t stride) {
  // No element behind the last is read: it may be that of the buffer.
  Value count = at.count ? at.count : constant(at.width);
  Value extent = add(mul(sub(count, constant(1)), stride), 1);
  Value picked;
  for (int64_t v = 0; v < stride; ++v) {
    Lanes part{at.width};
    if (at.mask || v == stride - 1)
      part.mask = vector::CreateMaskOp::create(b, loc, VectorType::get({at.width}, b.getI1Type()),
                                               ValueRange{sub(extent, constant(v * at.width))});
    Value neighbours = load(buffer, add(position, v * at.width), element, part);
    // Lanes whose element is among these; `picked` has those before.
    SmallVector<int64_t> lanesOf;
    for (int64_t lane = 0; lane < at.width; ++lane) {
      int64_t from = lane * stride - v * at.width;
      lanesOf.push_back(from >= 0 && from < at.width ? at.width + from : picked ? lane : at.width);
    }
    picked = vector::ShuffleOp::create(b, loc, picked ? picked : neighbours, neighbours, lanesOf);
  }
  return picked;
}

void CodeBuilder::store(Value value, Value buffer, Value position, Lanes at) {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  if (getElementTypeOrSelf(value.getType()).isInteger(1) && !stored.isInteger(1))
    value = arith::ExtUIOp::create(b, loc, getType(stored, at.width), value);
  if (getElementTypeOrSelf(value.getType()).isBF16())
    value = arith::BitcastOp::create(b, loc, getType(stored, at.width), value);
  // LLVM 22 makes a store under a mask of one known lane as wide as what was narrowed for it.
  bool isOneLane = at.mask && getConstantIndex(at.count) == 1;
  if (isOneLane)
    value = vector::ExtractOp::create(b, loc, value, 0);
  if (at.width == 1 || isOneLane)
    memref::StoreOp::create(b, loc, value, buffer, ValueRange{position});
  else if (at.mask)
    vector::MaskedStoreOp::create(b, loc, buffer, ValueRange{position}, at.mask, value);
  else
    vector::StoreOp::create(b, loc, value, buffer, ValueRange{position});
}

Value CodeBuilder::loadWords(Value buffer, Value position) {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  int64_t perWord = 32 / stored.getIntOrFloatBitWidth();
  auto words = VectorType::get({lanes}, b.getI32Type());
  // Its alignment is what a target without unaligned loads needs to know.
  Value loaded = vector::LoadOp::create(b, loc, VectorType::get({lanes * perWord}, stored), buffer,
                                        ValueRange{position}, /*nontemporal=*/false, llvm::MaybeAlign(4));
  loaded = vector::BitCastOp::create(b, loc, words, loaded);
  return lanes == 1 ? vector::ExtractOp::create(b, loc, loaded, 0).getResult() : loaded;
}

Value CodeBuilder::widen(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  if (isa<Float16Type, BFloat16Type>(element))
    return convertFloat(value, b.getF32Type());
  return value;
}

Value CodeBuilder::convertFloat(Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    to = vector.cloneWith(std::nullopt, element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, loc, to, value);
  if (from.isF64() && element.getIntOrFloatBitWidth() == 16)
    return convertFloat(roundToOdd(value), element);
  if (from.isF32() && element.isBF16())
    return roundToBF16(value);
  if (from.getIntOrFloatBitWidth() > element.getIntOrFloatBitWidth())
    return arith::TruncFOp::create(b, loc, to, value);
  // f16 <-> bf16: through f32.
  return convertFloat(convertFloat(value, b.getF32Type()), element);
}

/// On bits: arith.truncf folds into a conversion from integers, for which the CPU has no instruction.
Value CodeBuilder::roundToBF16(Value value) {
  int64_t width = getWidth(value);
  Type i16 = b.getI16Type(), i32 = b.getI32Type();
  auto literal = [&](int64_t bits) {
    return splat(arith::ConstantOp::create(b, loc, b.getIntegerAttr(i32, bits)), width);
  };
  Value bits = arith::BitcastOp::create(b, loc, getType(i32, width), value);
  Value high = arith::ShRUIOp::create(b, loc, bits, literal(16));
  Value last = arith::AndIOp::create(b, loc, high, literal(1));
  Value sum = arith::AddIOp::create(b, loc, arith::AddIOp::create(b, loc, bits, last), literal(0x7fff));
  Value nearest = arith::ShRUIOp::create(b, loc, sum, literal(16));
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, value, value);
  Value quiet = arith::OrIOp::create(b, loc, high, literal(0x40));
  Value result = arith::SelectOp::create(b, loc, isNaN, quiet, nearest);
  return arith::BitcastOp::create(b, loc, getType(b.getBF16Type(), width),
                                  arith::TruncIOp::create(b, loc, getType(i16, width), result));
}

Value CodeBuilder::roundToOdd(Value value) {
  int64_t width = getWidth(value);
  Type i32 = b.getI32Type();
  auto literal = [&](int64_t bits) {
    return splat(arith::ConstantOp::create(b, loc, b.getIntegerAttr(i32, bits)), width);
  };
  Value nearest = arith::TruncFOp::create(b, loc, getType(b.getF32Type(), width), value);
  Value back = arith::ExtFOp::create(b, loc, value.getType(), nearest);
  Value bits = arith::BitcastOp::create(b, loc, getType(i32, width), nearest);
  // An inexact result with an even last bit moves to the neighbour on the other side of the value.
  Value above = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, loc, back),
                                      math::AbsFOp::create(b, loc, value));
  Value step = arith::SelectOp::create(b, loc, above, literal(-1), literal(1));
  Value even = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                     arith::AndIOp::create(b, loc, bits, literal(1)), literal(0));
  Value inexact = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, back, value);
  Value moves = arith::AndIOp::create(b, loc, even, inexact);
  bits = arith::SelectOp::create(b, loc, moves, arith::AddIOp::create(b, loc, bits, step), bits);
  return arith::BitcastOp::create(b, loc, nearest.getType(), bits);
}

Value CodeBuilder::scratch(int64_t elements, Type element) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(entry);
  return memref::AllocaOp::create(b, loc, MemRefType::get({elements}, element), b.getI64IntegerAttr(64));
}

} // namespace halftone::elements
