//===- RegisterTile.cpp - the inner loop of matrix products -----------------===//
//
// With 512-bit vectors 6 rows by 4 vectors are 24 accumulators, beside 4 vectors of
// the right operand and one broadcast element of the left, which keeps both FMA
// ports busy from 11 loads per 24 FMAs. With 256-bit vectors, and for 64-bit
// elements, whose vectors take two registers, the tile is two vectors wide.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/RegisterTile.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace halftone::cpu {

constexpr int64_t kUnroll = 4;

SmallVector<Value> RegisterTile::emit(KernelBuilder &k, Value depth) {
  auto step = [&](Value i, ValueRange carried) {
    SmallVector<Value> sums(carried), w;
    for (int64_t v = 0; v < vectors; ++v)
      w.push_back(right(v, i));
    for (int64_t r = 0; r < rows; ++r) {
      Value x = k.splat(left(r, i), k.lanes);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = sums[r * vectors + v];
        if (isa<FloatType>(element))
          sum = vector::FMAOp::create(k.b, k.loc, x, w[v], sum);
        else
          sum = arith::AddIOp::create(k.b, k.loc, sum, arith::MulIOp::create(k.b, k.loc, x, w[v]));
      }
    }
    return sums;
  };

  SmallVector<Value> sums(rows * vectors, k.getZero(element, k.lanes));
  APInt known;
  bool isKnown = matchPattern(depth, m_ConstantInt(&known));
  Value whole = isKnown ? k.constant(known.getSExtValue() / kUnroll * kUnroll)
                        : k.mul(k.div(depth, k.constant(kUnroll)), kUnroll);
  sums = k.loop(k.constant(0), whole, kUnroll, sums, [&](Value i, ValueRange carried) {
    SmallVector<Value> next(carried);
    for (int64_t u = 0; u < kUnroll; ++u)
      next = step(k.add(i, u), next);
    return next;
  });
  return k.loop(whole, depth, 1, sums, step);
}

int64_t getTileVectors(const KernelBuilder &k, Type element) {
  return k.lanes == 16 && element.getIntOrFloatBitWidth() <= 32 ? 4 : 2;
}

} // namespace halftone::cpu
