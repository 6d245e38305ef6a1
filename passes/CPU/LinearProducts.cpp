//===- LinearProducts.cpp - what all products of a linear share -------------===//

#include "passes/CPU/LinearProducts.h"

#include "dialects/HTQ/Terms.h"
#include "passes/CPU/Instructions.h"

using namespace mlir;

namespace halftone::cpu {

/// A register of f32 as a table, where there are registers of 16.
static PackedWeight::Permutation getPermutation(KernelBuilder &k) {
  if (k.lanes != 16)
    return {};
  return [&k](Value table, Value indices) { return emitPermutation(k, table, indices); };
}

LinearProduct::LinearProduct(KernelBuilder &kernel, htk::LinearOp op, const LinearInput &x, Type real)
    : k(kernel), linear(op), real(real), weight(kernel, op, real, getPermutation(kernel)), source(x),
      input(x.getBuffer()), depth(x.getDepth()) {
  pieceLength =
      std::max<int64_t>(1, htq::getPieceLength(linear.getInputTerm(), linear.getWeightTerm(), depth));
}

LinearProduct::Piece LinearProduct::getPiece(Value index, int64_t length) {
  Value begin = k.mul(index, pieceLength);
  auto block = [&](Attribute term) {
    int64_t size = htq::getInnerBlock(term);
    return size == htq::AffineAttr::kWhole || size >= depth ? k.constant(0) : k.div(begin, k.constant(size));
  };
  return {index,
          begin,
          k.div(begin, k.constant(weight.getPacking().getPeriod())),
          block(linear.getInputTerm()),
          block(linear.getWeightTerm()),
          length};
}

void LinearProduct::forEachPiece(function_ref<void(const Piece &)> emit) {
  int64_t whole = depth / pieceLength;
  if (whole == 1)
    emit(getPiece(k.constant(0), pieceLength));
  else
    k.loop(k.constant(0), k.constant(whole), 1, [&](Value index) { emit(getPiece(index, pieceLength)); });
  if (depth % pieceLength)
    emit(getPiece(k.constant(whole), depth % pieceLength));
}

void LinearProduct::emitInputSums(InputSums &sums, Value row, Value count) {
  sums.setFirstRow(row);
  k.loop(row, k.add(row, count), 1, [&](Value r) {
    Value start = k.mul(r, depth);
    forEachPiece([&](const Piece &piece) {
      sums.emit(r, piece.index, k.add(start, piece.begin), piece.length);
    });
  });
}

Value LinearProduct::getInputScale(Value row, const Piece &piece) {
  return source.getNumScales() > 1 ? source.getScale(row, piece.inputBlock, real) : Value();
}

//===----------------------------------------------------------------------===//
// Sums of x
//===----------------------------------------------------------------------===//

InputSums::InputSums(KernelBuilder &kernel, const htk::Intrinsic &intrinsic, Value input, int64_t rows,
                     int64_t pieces)
    : k(kernel), intrinsic(intrinsic), input(input),
      sums(kernel.scratch(rows * pieces, kernel.b.getI32Type())), pieces(pieces) {}

Value InputSums::getPosition(Value row, Value piece) {
  return k.add(k.mul(k.sub(row, firstRow), pieces), piece);
}

Value InputSums::load(Value row, Value piece) {
  return k.load(sums, getPosition(row, piece), k.b.getI32Type(), Lanes());
}

void InputSums::emit(Value row, Value piece, Value begin, int64_t length) {
  int64_t bytes = k.lanes * 4, whole = length / bytes * bytes;
  Type i32 = k.b.getI32Type();
  auto lanesType = VectorType::get({k.lanes}, i32);
  Value sum = k.getZero(i32, k.lanes);
  if (whole)
    sum = k.loop(
        k.constant(0), k.constant(whole), bytes, sum, [&](Value i, ValueRange carried) -> SmallVector<Value> {
          Value x = k.load(input, k.add(begin, i), k.b.getI8Type(), {bytes, {}});
          return {emitByteSum(k, intrinsic, carried[0], vector::BitCastOp::create(k.b, k.loc, lanesType, x))};
        })[0];
  // Less than that: some lanes at a time, then one byte.
  int64_t rest = whole;
  for (; rest + k.lanes <= length; rest += k.lanes) {
    Value x = k.load(input, k.add(begin, rest), k.b.getI8Type(), {k.lanes, {}});
    sum = arith::AddIOp::create(k.b, k.loc, sum, arith::ExtSIOp::create(k.b, k.loc, lanesType, x));
  }
  Value total = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::ADD, sum);
  for (; rest < length; ++rest) {
    Value x = k.load(input, k.add(begin, rest), k.b.getI8Type(), Lanes());
    total = arith::AddIOp::create(k.b, k.loc, total, arith::ExtSIOp::create(k.b, k.loc, i32, x));
  }
  k.store(total, sums, getPosition(row, piece), Lanes());
}

} // namespace halftone::cpu
