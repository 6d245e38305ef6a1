//===- KernelBuilder.cpp - what all loop nests are written with -------------===//

#include "passes/CPU/KernelBuilder.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace halftone::cpu {

KernelBuilder::KernelBuilder(func::FuncOp source, int64_t lanes)
    : b(source.getContext()), loc(source.getLoc()), lanes(lanes), source(source),
      numInputs(source.getNumArguments()) {
  SmallVector<Type> types{LLVM::LLVMPointerType::get(source.getContext()), b.getIndexType()};
  for (Type type : source.getArgumentTypes())
    types.push_back(htk::getBufferType(type));
  for (Type type : source.getResultTypes())
    types.push_back(htk::getBufferType(type));
  b.setInsertionPoint(source);
  function = func::FuncOp::create(b, loc, source.getSymName(), b.getFunctionType(types, {}));
  function.setPrivate();
  function->setAttr(htk::HTKDialect::kKernelAttr, b.getUnitAttr());
  Block *entry = function.addEntryBlock();
  step = entry->getArgument(0);
  thread = entry->getArgument(1);
  for (BlockArgument argument : entry->getArguments().drop_front(2))
    buffers.push_back(argument);
  b.setInsertionPointToEnd(entry);
  // Symbols are read once, at the entry, where every loop sees them.
  for (unsigned i = 0, e = ht::getSymbols(source).size(); i < e; ++i)
    symbols[i] = htk::SymbolOp::create(b, loc, b.getIndexType(), step, i);
  func::ReturnOp::create(b, loc);
  b.setInsertionPoint(entry->getTerminator());
}

func::ReturnOp KernelBuilder::getYield() {
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

Value KernelBuilder::constant(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value KernelBuilder::add(Value x, Value y) {
  auto cx = getConstantIndex(x), cy = getConstantIndex(y);
  if (cx && cy)
    return constant(*cx + *cy);
  if (cx == 0)
    return y;
  return cy == 0 ? x : Value(arith::AddIOp::create(b, loc, x, y));
}

Value KernelBuilder::sub(Value x, Value y) {
  return getConstantIndex(y) == 0 ? x : Value(arith::SubIOp::create(b, loc, x, y));
}

Value KernelBuilder::mul(Value x, Value y) {
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

Value KernelBuilder::div(Value x, Value y) {
  if (getConstantIndex(y) == 1)
    return x;
  return arith::DivUIOp::create(b, loc, x, y);
}

Value KernelBuilder::rem(Value x, Value y) {
  if (getConstantIndex(y) == 1)
    return constant(0);
  return arith::RemUIOp::create(b, loc, x, y);
}

Value KernelBuilder::min(Value x, Value y) { return arith::MinSIOp::create(b, loc, x, y); }

Value KernelBuilder::less(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

Value KernelBuilder::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Value KernelBuilder::getDim(ht::Dim dim) {
  if (auto value = ht::getConstant(dim))
    return constant(*value);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim))
    return symbols.lookup(symbol.getPosition());
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

SmallVector<Value> KernelBuilder::getDims(Value tensor) {
  SmallVector<Value> values;
  for (ht::Dim dim : ht::getDims(tensor))
    values.push_back(getDim(dim));
  return values;
}

Index KernelBuilder::linearize(ArrayRef<Value> dims, ArrayRef<Index> indices) {
  Value position = constant(0);
  bool lane = false;
  for (auto [dim, index] : llvm::zip(dims, indices)) {
    position = add(mul(position, dim), index.base);
    lane |= index.lane;
  }
  return {position, lane};
}

SmallVector<Value> KernelBuilder::delinearize(Value position, ArrayRef<Value> dims) {
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

SmallVector<Value> KernelBuilder::loop(Value begin, Value end, int64_t stride, ValueRange carried, Body body) {
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

void KernelBuilder::loop(Value begin, Value end, int64_t stride, function_ref<void(Value)> body) {
  loop(begin, end, stride, ValueRange(), [&](Value i, ValueRange) -> SmallVector<Value> {
    body(i);
    return {};
  });
}

void KernelBuilder::vectorLoop(Value size, int64_t width, function_ref<void(Index, Lanes)> body) {
  if (width == 1) {
    loop(constant(0), size, 1, [&](Value i) { body({i, false}, {1, {}}); });
    return;
  }
  auto known = getConstantIndex(size);
  Value full = known ? constant(*known / width * width) : mul(div(size, constant(width)), width);
  if (!known || *known >= width)
    loop(constant(0), full, width, [&](Value i) { body({i, true}, {width, {}}); });
  if (known && *known % width == 0)
    return;
  auto tail = [&] {
    auto maskType = VectorType::get({width}, b.getI1Type());
    Value mask = vector::CreateMaskOp::create(b, loc, maskType, ValueRange{sub(size, full)});
    body({full, true}, {width, mask});
  };
  if (known)
    tail();
  else
    branch(less(full, size), tail);
}

void KernelBuilder::branch(Value condition, function_ref<void()> then, function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  if (otherwise) {
    b.setInsertionPointToStart(op.elseBlock());
    otherwise();
  }
}

std::pair<Value, Value> KernelBuilder::getShare(Value total) {
  Value threads = htk::NumThreadsOp::create(b, loc, b.getIndexType(), step);
  Value begin = div(mul(total, thread), threads);
  Value end = div(mul(total, add(thread, 1)), threads);
  return {begin, end};
}

//===----------------------------------------------------------------------===//
// Memory and values
//===----------------------------------------------------------------------===//

Type KernelBuilder::getType(Type element, int64_t width) {
  return width == 1 ? element : Type(VectorType::get({width}, element));
}

Value KernelBuilder::splat(Value scalar, int64_t width) {
  if (width == 1 || isa<VectorType>(scalar.getType()))
    return scalar;
  return vector::BroadcastOp::create(b, loc, VectorType::get({width}, scalar.getType()), scalar);
}

Value KernelBuilder::floatConstant(double value, Type element, int64_t width) {
  APFloat constant(value);
  bool loses;
  constant.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &loses);
  TypedAttr attribute = b.getFloatAttr(element, constant);
  if (width != 1)
    attribute = DenseElementsAttr::get(VectorType::get({width}, element), ArrayRef<Attribute>(attribute));
  return arith::ConstantOp::create(b, loc, attribute);
}

Value KernelBuilder::load(Value buffer, Value position, Type element, Lanes at) {
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
  return value;
}

void KernelBuilder::store(Value value, Value buffer, Value position, Lanes at) {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  if (getElementTypeOrSelf(value.getType()).isInteger(1) && !stored.isInteger(1))
    value = arith::ExtUIOp::create(b, loc, getType(stored, at.width), value);
  if (at.width == 1)
    memref::StoreOp::create(b, loc, value, buffer, ValueRange{position});
  else if (at.mask)
    vector::MaskedStoreOp::create(b, loc, buffer, ValueRange{position}, at.mask, value);
  else
    vector::StoreOp::create(b, loc, value, buffer, ValueRange{position});
}

Value KernelBuilder::widen(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  if (isa<Float16Type, BFloat16Type>(element))
    return convertFloat(value, b.getF32Type());
  return value;
}

Value KernelBuilder::convertFloat(Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    to = vector.cloneWith(std::nullopt, element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, loc, to, value);
  if (from.getIntOrFloatBitWidth() > element.getIntOrFloatBitWidth())
    return arith::TruncFOp::create(b, loc, to, value);
  // f16 <-> bf16: through f32.
  return convertFloat(convertFloat(value, b.getF32Type()), element);
}

Value KernelBuilder::scratch(int64_t elements, Type element) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  return memref::AllocaOp::create(b, loc, MemRefType::get({elements}, element), b.getI64IntegerAttr(64));
}

} // namespace halftone::cpu
