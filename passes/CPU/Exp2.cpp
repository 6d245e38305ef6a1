//===- Exp2.cpp - powers of two for weights of bf16 -------------------------===//
//
// 2^x = 2^f 2^n with f = x - n in [0, 1): vreduceps gives f, vscalefps multiplies by 2^floor(x), and both
// know infinities and NaN. Between them is the cubic whose greatest relative error on [0, 1] is least:
// 7.5e-5 = 2^-13.7, and 2^-13 with the roundings of f32. bf16 rounds by up to 2^-9.
//
// Truncation to bf16 rounds to nearest (what is halfway, up) once half of the last place is added. That is
// 2^-8 for every number in [1, 2): a part of the cubic's constant.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Exp2.h"

using namespace mlir;

namespace halftone::cpu {

Value emitExp2(KernelBuilder &k, Value x, Exp2Use use) {
  Type type = x.getType(), i32 = k.b.getI32Type();
  auto lanes = [&](double value) { return k.floatConstant(value, k.b.getF32Type(), k.lanes); };
  auto literal = [&](int64_t value) {
    return arith::ConstantOp::create(k.b, k.loc, k.b.getIntegerAttr(i32, value));
  };
  Value all = arith::ConstantOp::create(k.b, k.loc, k.b.getI16IntegerAttr(-1)), current = literal(4);
  auto call = [&](StringRef name, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(k.b, k.loc, type, k.b.getStringAttr(name), operands).getResult(0);
  };
  auto multiplyAdd = [&](Value p, Value f, double constant) {
    return vector::FMAOp::create(k.b, k.loc, p, f, lanes(constant)).getResult();
  };
  // Rounds down, and raises no exception.
  Value f = call("llvm.x86.avx512.mask.reduce.ps.512", {x, literal(9), lanes(0), all, current});
  Value p = multiplyAdd(lanes(0x1.3f96a2p-4), f, 0x1.cefc58p-3);
  p = multiplyAdd(p, f, 0x1.644448p-1);
  p = multiplyAdd(p, f, 0x1.fff634p-1 + (use == Exp2Use::BF16 ? 0x1p-8 : 0));
  return call("llvm.x86.avx512.mask.scalef.ps.512", {p, x, lanes(0), all, current});
}

} // namespace halftone::cpu
