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

Value emitRoundEven(KernelBuilder &k, Value x) {
  return call(k, "llvm.lrint", k.getType(k.b.getI32Type(), KernelBuilder::getWidth(x)), x);
}

Value emitPackedBytes(KernelBuilder &k, ArrayRef<Value> quarters) {
  bool isWide = k.lanes == 16;
  auto pack = [&](StringRef wide, StringRef narrow, Type element, int64_t width, Value low, Value high) {
    return call(k, isWide ? wide : narrow, VectorType::get({width}, element), {low, high});
  };
  auto words = [&](Value low, Value high) {
    return pack("llvm.x86.avx512.packssdw.512", "llvm.x86.avx2.packssdw", k.b.getI16Type(), 2 * k.lanes, low,
                high);
  };
  Value bytes = pack("llvm.x86.avx512.packsswb.512", "llvm.x86.avx2.packsswb", k.b.getI8Type(), 4 * k.lanes,
                     words(quarters[0], quarters[1]), words(quarters[2], quarters[3]));
  // They pack within 128 bits: each has 4 bytes of each quarter.
  SmallVector<int64_t> order;
  for (int64_t quarter = 0; quarter < 4; ++quarter)
    for (int64_t part = 0; part < k.lanes / 4; ++part)
      order.push_back(4 * part + quarter);
  Value dwords = bitcast(k, bytes, k.b.getI32Type());
  return bitcast(k, vector::ShuffleOp::create(k.b, k.loc, dwords, dwords, order), k.b.getI8Type());
}

Value emitRoundToBF16(KernelBuilder &k, Value x) {
  return call(k, "llvm.x86.avx512bf16.cvtneps2bf16.512", k.getType(k.b.getBF16Type(), k.lanes), x);
}

Value emitUpperHalves(KernelBuilder &k, Value low, Value high) {
  Type i32 = k.b.getI32Type(), type = VectorType::get({k.lanes}, i32);
  auto literal = [&](int64_t value) {
    return k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getIntegerAttr(i32, value)), k.lanes);
  };
  Value lower = arith::ShRUIOp::create(k.b, k.loc, bitcast(k, low, i32), literal(16));
  // lower | (high & mask): as operations of LLVM 22 it would become vpermt2w, which takes twice as long.
  Value logic = arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(0xf8));
  SmallVector<Value> operands{lower, bitcast(k, high, i32), literal(-0x10000), logic};
  return call(k, "llvm.x86.avx512.pternlog.d.512", type, operands);
}

Value emitPermutation(KernelBuilder &k, Value table, Value indices) {
  return call(k, "llvm.x86.avx512.permvar.sf.512", table.getType(), {table, indices});
}

} // namespace halftone::cpu
