//===- Instructions.cpp - x86 instructions that MLIR has no operation for ---===//

#include "passes/CPU/Instructions.h"

using namespace mlir;

namespace halftone::cpu {

static Value call(KernelBuilder &k, StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(k.b, k.loc, result, k.b.getStringAttr(name), operands).getResult(0);
}

static Value bitcast(KernelBuilder &k, Value value, Type element) {
  auto from = cast<VectorType>(value.getType());
  int64_t bits = from.getDimSize(0) * from.getElementTypeBitWidth();
  auto to = VectorType::get({bits / static_cast<int64_t>(element.getIntOrFloatBitWidth())}, element);
  return from == to ? value : Value(vector::BitCastOp::create(k.b, k.loc, to, value));
}

/// Without VNNI: even and odd bytes as 16-bit numbers, multiplied and added in pairs.
static Value emitMadd(KernelBuilder &k, Value sums, Value w, Value x) {
  Type i16 = k.b.getI16Type();
  Value w16 = bitcast(k, w, i16), x16 = bitcast(k, x, i16);
  auto splat = [&](int64_t value) {
    Value scalar = arith::ConstantOp::create(k.b, k.loc, k.b.getI16IntegerAttr(value));
    return k.splat(scalar, 2 * k.lanes);
  };
  Value eight = splat(8);
  Value evenX = arith::ShRSIOp::create(k.b, k.loc, arith::ShLIOp::create(k.b, k.loc, x16, eight), eight);
  Value oddX = arith::ShRSIOp::create(k.b, k.loc, x16, eight);
  Value evenW = arith::AndIOp::create(k.b, k.loc, w16, splat(0xff));
  Value oddW = arith::ShRUIOp::create(k.b, k.loc, w16, eight);
  StringRef name = k.lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
  Value even = call(k, name, sums.getType(), {evenW, evenX}),
        odd = call(k, name, sums.getType(), {oddW, oddX});
  return arith::AddIOp::create(k.b, k.loc, sums, arith::AddIOp::create(k.b, k.loc, even, odd));
}

Value emitDot(KernelBuilder &k, const htk::Intrinsic &intrinsic, Value sums, Value w, Value x) {
  if (intrinsic.kind == htk::ProductKind::BF16) {
    Type bf16 = k.b.getBF16Type();
    return call(k, "llvm.x86.avx512bf16.dpbf16ps.512", sums.getType(),
                {sums, bitcast(k, w, bf16), bitcast(k, x, bf16)});
  }
  if (intrinsic.name == "avx512_madd" || intrinsic.name == "avx2_madd")
    return emitMadd(k, sums, w, x);
  Type i8 = k.b.getI8Type();
  StringRef name = k.lanes == 16 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256";
  return call(k, name, sums.getType(), {sums, bitcast(k, w, i8), bitcast(k, x, i8)});
}

Value emitByteSum(KernelBuilder &k, const htk::Intrinsic &intrinsic, Value sums, Value x) {
  Value ones = arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(0x01010101));
  return emitDot(k, intrinsic, sums, k.splat(ones, k.lanes), x);
}

Value emitPermutation(KernelBuilder &k, Value table, Value indices) {
  return call(k, "llvm.x86.avx512.permvar.sf.512", table.getType(), {table, indices});
}

} // namespace halftone::cpu
