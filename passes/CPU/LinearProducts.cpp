//===- LinearProducts.cpp - the sums of a tile of a linear ------------------===//
//
// A part's sums stay in registers as long as no scale changes. With several pieces
// each is scaled and added to the scratch, which is in L1.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LinearProducts.h"

#include "dialects/HTQ/Terms.h"
#include "passes/CPU/Instructions.h"
#include "passes/CPU/RegisterTile.h"

using namespace mlir;

namespace halftone::cpu {

LinearProduct::LinearProduct(KernelBuilder &kernel, htk::LinearOp op, Type real, int64_t partVectors)
    : k(kernel), linear(op), real(real), weight(kernel, op, real), partVectors(partVectors) {
  Value x = linear.getInput().front();
  auto type = cast<RankedTensorType>(x.getType());
  input = k.getBuffer(cast<BlockArgument>(x));
  inputElement = type.getElementType();
  depth = type.getShape().back();
  pieceLength = std::max<int64_t>(1, htq::getPieceLength(linear.getInputTerm(), linear.getWeightTerm(), depth));
  sums = k.scratch(kTileRows * htk::Packing::kPanel, real);
}

void LinearProduct::forEachPiece(function_ref<void(const Piece &)> emit) {
  int64_t whole = depth / pieceLength, period = weight.getPacking().getPeriod();
  auto block = [&](Attribute term, Value begin) {
    int64_t length = htq::getInnerBlock(term);
    return length == htq::AffineAttr::kWhole || length >= depth ? k.constant(0) : k.div(begin, k.constant(length));
  };
  auto emitAt = [&](Value index, int64_t length) {
    Value begin = k.mul(index, pieceLength);
    emit({index, begin, k.div(begin, k.constant(period)), block(linear.getInputTerm(), begin),
          block(linear.getWeightTerm(), begin), length});
  };
  if (whole == 1)
    emitAt(k.constant(0), pieceLength);
  else
    k.loop(k.constant(0), k.constant(whole), 1, [&](Value index) { emitAt(index, pieceLength); });
  if (depth % pieceLength)
    emitAt(k.constant(whole), depth % pieceLength);
}

SmallVector<Value> LinearProduct::forEachPeriod(const Piece &piece, ValueRange initial, Steps body) {
  constexpr int64_t kLeastColumns = 4; // Enough work for one turn of the loop.
  int64_t period = weight.getPacking().getPeriod();
  int64_t whole = piece.length / period, unroll = std::max<int64_t>(1, kLeastColumns / period);
  int64_t unrolled = whole / unroll * unroll;
  SmallVector<Value> values(initial);
  auto at = [&](int64_t i) { return k.add(piece.period, i); };
  if (unrolled)
    values = k.loop(k.constant(0), k.constant(unrolled), unroll, values, [&](Value i, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t u = 0; u < unroll; ++u)
        next = body(k.add(piece.period, k.add(i, u)), period, next);
      return next;
    });
  for (int64_t i = unrolled; i < whole; ++i)
    values = body(at(i), period, values);
  if (int64_t rest = piece.length % period)
    values = body(at(whole), rest, values);
  return values;
}

void LinearProduct::clear(int64_t height, int64_t first) {
  if (getNumPieces() == 1)
    return;
  for (int64_t r = 0; r < height; ++r)
    for (int64_t v = 0; v < partVectors; ++v)
      k.store(k.getZero(real, k.lanes), sums, k.constant(r * htk::Packing::kPanel + (first + v) * k.lanes),
              {k.lanes, {}});
}

void LinearProduct::accumulate(int64_t r, int64_t vector, Value value, Value factor) {
  Value position = k.constant(r * htk::Packing::kPanel + vector * k.lanes);
  Value before = getNumPieces() > 1 ? k.load(sums, position, real, {k.lanes, {}}) : Value();
  if (before && factor)
    value = vector::FMAOp::create(k.b, k.loc, value, factor, before);
  else if (before)
    value = arith::AddFOp::create(k.b, k.loc, before, value);
  else if (factor)
    value = arith::MulFOp::create(k.b, k.loc, value, factor);
  k.store(value, sums, position, {k.lanes, {}});
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

namespace {

class ValueProduct : public LinearProduct {
public:
  ValueProduct(KernelBuilder &kernel, htk::LinearOp linear, Type real)
      : LinearProduct(kernel, linear, real, std::min(htk::Packing::kPanel / kernel.lanes, getTileVectors(kernel, real))) {}

  void emitPart(Value row, int64_t height, int64_t first) override {
    clear(height, first);
    int64_t period = weight.getPacking().getPeriod();
    forEachPiece([&](const Piece &piece) {
      SmallVector<Value> initial(height * partVectors, k.getZero(real, k.lanes));
      SmallVector<Value> tile = forEachPeriod(piece, initial, [&](Value at, int64_t columns, ValueRange carried) {
        SmallVector<Value> next(carried);
        for (int64_t column = 0; column < columns; ++column)
          step(row, height, first, k.add(k.mul(at, period), column), at, column, piece.weightBlock, next);
        return next;
      });
      for (int64_t v = 0; v < partVectors; ++v) {
        Value scale = weight.hasScale() ? weight.getScale(piece.weightBlock, first + v) : Value();
        for (int64_t r = 0; r < height; ++r) {
          accumulate(r, first + v, tile[r * partVectors + v], scale);
        }
      }
    });
  }

private:
  void step(Value row, int64_t height, int64_t first, Value column, Value period, int64_t inPeriod, Value block,
            MutableArrayRef<Value> tile) {
    SmallVector<Value> w;
    for (int64_t v = 0; v < partVectors; ++v)
      w.push_back(weight.getValues(period, inPeriod, block, first + v));
    for (int64_t r = 0; r < height; ++r) {
      Value position = k.add(k.mul(k.add(row, r), depth), column);
      Value x = k.splat(k.convertFloat(k.load(input, position, inputElement, Lanes()), real), k.lanes);
      for (int64_t v = 0; v < partVectors; ++v) {
        Value &sum = tile[r * partVectors + v];
        sum = vector::FMAOp::create(k.b, k.loc, x, w[v], sum);
      }
    }
  }
};

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// Vectors that leave registers for what the instruction needs beside its sums.
int64_t getDotVectors(KernelBuilder &k, const htk::Intrinsic &intrinsic) {
  bool needsHelp = intrinsic.name == "avx512_madd" || intrinsic.name == "avx2_madd";
  return (k.lanes == 16 ? 4 : 2) / (needsHelp ? 2 : 1);
}

/// Unsigned codes u of w by signed codes x: sum (u - zero) x = sum u x - zero sum x, and the
/// sums of x are made once for a tile.
class DotProduct : public LinearProduct {
public:
  DotProduct(KernelBuilder &kernel, htk::LinearOp linear, const htk::Intrinsic &intrinsic)
      : LinearProduct(kernel, linear, kernel.b.getF32Type(), getDotVectors(kernel, intrinsic)), intrinsic(intrinsic),
        ofBytes(intrinsic.arithmetic == htk::Arithmetic::Bytes) {
    if (ofBytes)
      inputSums = k.scratch(kTileRows * getNumPieces(), k.b.getI32Type());
  }

  void beginTile(Value row, Value count) override {
    if (!ofBytes)
      return;
    k.loop(k.constant(0), count, 1, [&](Value r) {
      Value start = k.mul(k.add(row, r), depth);
      forEachPiece([&](const Piece &piece) {
        Value sum = sumBytes(k.add(start, piece.begin), piece.length);
        k.store(sum, inputSums, k.add(k.mul(r, getNumPieces()), piece.index), Lanes());
      });
    });
  }

  void emitPart(Value row, int64_t height, int64_t first) override {
    clear(height, first);
    int64_t group = weight.getPacking().getGroup(), period = weight.getPacking().getPeriod();
    Type sumType = ofBytes ? Type(k.b.getI32Type()) : Type(k.b.getF32Type());
    forEachPiece([&](const Piece &piece) {
      SmallVector<Value> initial;
      for (int64_t r = 0; r < height; ++r)
        initial.append(partVectors, ofBytes && !weight.hasZero() ? getCorrection(r, piece) : k.getZero(sumType, k.lanes));
      SmallVector<Value> tile = forEachPeriod(piece, initial, [&](Value at, int64_t columns, ValueRange carried) {
        SmallVector<Value> next(carried);
        for (int64_t column = 0; column < columns; column += group)
          step(row, height, first, k.add(k.mul(at, period), column), at, column / group,
               std::min(group, columns - column), next);
        return next;
      });
      finish(row, height, first, piece, tile);
    });
  }

private:
  /// - bias * (sum of x): what the sums begin with where all zeros are the bias.
  Value getCorrection(int64_t r, const Piece &piece) {
    Value bias = arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(-weight.getPacking().getBias()));
    return k.splat(arith::MulIOp::create(k.b, k.loc, getInputSum(r, piece), bias), k.lanes);
  }

  Value getInputSum(int64_t r, const Piece &piece) {
    return k.load(inputSums, k.add(piece.index, r * getNumPieces()), k.b.getI32Type(), Lanes());
  }

  Value sumBytes(Value begin, int64_t length) {
    int64_t bytes = k.lanes * 4, whole = length / bytes * bytes;
    Type i32 = k.b.getI32Type();
    auto lanesType = VectorType::get({k.lanes}, i32);
    Value sum = k.getZero(i32, k.lanes);
    if (whole)
      sum = k.loop(k.constant(0), k.constant(whole), bytes, sum, [&](Value i, ValueRange carried) -> SmallVector<Value> {
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
    return total;
  }

  void step(Value row, int64_t height, int64_t first, Value column, Value period, int64_t inPeriod, int64_t columns,
            MutableArrayRef<Value> tile) {
    SmallVector<Value> w;
    for (int64_t v = 0; v < partVectors; ++v)
      w.push_back(weight.getGroups(period, inPeriod, first + v));
    for (int64_t r = 0; r < height; ++r) {
      Value x = k.splat(loadGroup(k.add(k.mul(k.add(row, r), depth), column), columns), k.lanes);
      for (int64_t v = 0; v < partVectors; ++v) {
        Value &sum = tile[r * partVectors + v];
        sum = emitDot(k, intrinsic, sum, w[v], x);
      }
    }
  }

  /// `columns` of x as one i32; those that a whole group has more are 0, and not read.
  Value loadGroup(Value position, int64_t columns) {
    int64_t group = weight.getPacking().getGroup(), bits = 32 / group;
    Type element = k.b.getIntegerType(bits), i32 = k.b.getI32Type();
    if (columns == group) {
      Value x = k.load(input, position, element, {group, {}});
      x = vector::BitCastOp::create(k.b, k.loc, VectorType::get({1}, i32), x);
      return vector::ExtractOp::create(k.b, k.loc, x, 0);
    }
    Value all;
    for (int64_t i = 0; i < columns; ++i) {
      Value x = arith::ExtUIOp::create(k.b, k.loc, i32, k.load(input, k.add(position, i), element, Lanes()));
      Value shift = arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(i * bits));
      x = arith::ShLIOp::create(k.b, k.loc, x, shift);
      all = all ? Value(arith::OrIOp::create(k.b, k.loc, all, x)) : x;
    }
    return all;
  }

  void finish(Value row, int64_t height, int64_t first, const Piece &piece, ArrayRef<Value> tile) {
    auto f32 = VectorType::get({k.lanes}, k.b.getF32Type());
    for (int64_t v = 0; v < partVectors; ++v) {
      Value scale = weight.hasScale() ? weight.getScale(piece.weightBlock, first + v) : Value();
      Value zero = weight.hasZero() ? weight.getZero(piece.weightBlock, first + v) : Value();
      for (int64_t r = 0; r < height; ++r) {
        Value value = tile[r * partVectors + v];
        if (zero) {
          Value sum = k.splat(getInputSum(r, piece), k.lanes);
          value = arith::SubIOp::create(k.b, k.loc, value, arith::MulIOp::create(k.b, k.loc, zero, sum));
        }
        if (ofBytes)
          value = arith::SIToFPOp::create(k.b, k.loc, f32, value);
        Value factor = scale;
        if (Value blockScale = getInputScale(k.add(row, r), piece)) {
          value = arith::MulFOp::create(k.b, k.loc, value, scale);
          factor = k.splat(blockScale, k.lanes);
        }
        accumulate(r, first + v, value, factor);
      }
    }
  }

  /// The scale of a row's block, where x has several along k.
  Value getInputScale(Value row, const Piece &piece) {
    if (linear.getInput().size() < 2)
      return {};
    auto type = cast<RankedTensorType>(linear.getInput()[1].getType());
    if (type.getShape().back() == 1)
      return {};
    Value buffer = k.getBuffer(cast<BlockArgument>(linear.getInput()[1]));
    Value position = k.add(k.mul(row, type.getShape().back()), piece.inputBlock);
    return k.convertFloat(k.load(buffer, position, type.getElementType(), Lanes()), real);
  }

  const htk::Intrinsic &intrinsic;
  bool ofBytes;
  Value inputSums; ///< of each row of the tile, in each piece
};

} // namespace

std::unique_ptr<LinearProduct> makeValueProduct(KernelBuilder &kernel, htk::LinearOp linear, Type real) {
  return std::make_unique<ValueProduct>(kernel, linear, real);
}

std::unique_ptr<LinearProduct> makeDotProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                              const htk::Intrinsic &intrinsic) {
  return std::make_unique<DotProduct>(kernel, linear, intrinsic);
}

} // namespace halftone::cpu
