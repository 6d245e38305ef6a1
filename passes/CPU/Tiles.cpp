//===- Tiles.cpp - AMX tiles as values --------------------------------------===//

#include "passes/CPU/Tiles.h"

using namespace mlir;

namespace halftone::cpu {

Value Tiles::i16(int64_t value) {
  return arith::ConstantOp::create(k.b, k.loc, k.b.getI16IntegerAttr(value));
}
Value Tiles::i64(Value index) { return arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), index); }

Value Tiles::call(StringRef name, ValueRange operands) {
  Type tile = LLVM::LLVMX86AMXType::get(k.b.getContext());
  return LLVM::CallIntrinsicOp::create(k.b, k.loc, tile, k.b.getStringAttr(name), operands).getResult(0);
}

Value Tiles::getAddress(Value buffer, Value position) {
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(k.b, k.loc, buffer);
  int64_t bytes = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth() / 8;
  return LLVM::IntToPtrOp::create(k.b, k.loc, LLVM::LLVMPointerType::get(k.b.getContext()),
                                  i64(k.add(base, k.mul(position, bytes))));
}

Value Tiles::zero() { return call("llvm.x86.tilezero.internal", {i16(kRows), i16(kRowBytes)}); }

Value Tiles::load(Value address, Value stride) {
  return call("llvm.x86.tileloadd64.internal", {i16(kRows), i16(kRowBytes), address, i64(stride)});
}

void Tiles::store(Value tile, Value address, int64_t stride) {
  LLVM::CallIntrinsicOp::create(
      k.b, k.loc, k.b.getStringAttr("llvm.x86.tilestored64.internal"),
      ValueRange{i16(kRows), i16(kRowBytes), address, i64(k.constant(stride)), tile});
}

Value Tiles::multiplyBF16(Value c, Value a, Value b) {
  return call("llvm.x86.tdpbf16ps.internal", {i16(kRows), i16(kRowBytes), i16(kRowBytes), c, a, b});
}

} // namespace halftone::cpu
