//===- RegisterProducts.cpp - sums of a linear in vector registers ----------===//
//
// A tile is up to 6 rows by a panel, which is walked in parts of as many vectors as
// registers hold. A part's sums stay in registers as long as no scale changes. With
// several pieces each is scaled and added to the scratch, which is in L1.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Instructions.h"
#include "passes/CPU/LinearProducts.h"
#include "passes/CPU/RegisterTile.h"

#include "dialects/HTQ/Terms.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

class RegisterProduct : public LinearProduct {
public:
  RegisterProduct(KernelBuilder &kernel, htk::LinearOp linear, const LinearInput &x, Type real,
                  int64_t partVectors)
      : LinearProduct(kernel, linear, x, real), partVectors(partVectors),
        sums(kernel.scratch(kRegisterRows * htk::Packing::kPanel, real)) {}

  /// By code specialised on the number of rows.
  void emitTile(Value row, Value count, Value panel) override {
    weight.setPanel(panel);
    auto cases = llvm::to_vector(llvm::seq<int64_t>(1, kRegisterRows));
    auto choice = scf::IndexSwitchOp::create(k.b, k.loc, TypeRange(), count, cases, cases.size());
    OpBuilder::InsertionGuard guard(k.b);
    auto fill = [&](Region &region, int64_t height) {
      k.b.setInsertionPointToEnd(&region.emplaceBlock());
      int64_t part = partVectors * k.lanes;
      if (part == htk::Packing::kPanel)
        emitPart(row, height, k.constant(0));
      else
        k.loop(k.constant(0), k.constant(htk::Packing::kPanel), part,
               [&](Value first) { emitPart(row, height, first); });
      scf::YieldOp::create(k.b, k.loc);
    };
    fill(choice.getDefaultRegion(), kRegisterRows);
    for (auto [i, height] : llvm::enumerate(cases))
      fill(choice.getCaseRegions()[i], height);
  }

  Value loadSums(Value r, Value column, Lanes lanes) override {
    return k.load(sums, k.add(k.mul(r, htk::Packing::kPanel), column), real, lanes);
  }

protected:
  /// The sums of a part, from row `first` of the panel on, for `height` rows of x.
  virtual void emitPart(Value row, int64_t height, Value first) = 0;

  /// Before a part whose pieces `accumulate`.
  void clear(int64_t height, Value first);
  /// The sums from row `at` on are `value * factor` (1 where null); with several pieces,
  /// that is added to them by FMA.
  void accumulate(int64_t r, Value at, Value value, Value factor);

  /// Carries the sums of a part from row `first` on through a piece. `body(period, columns, sums)` is
  /// for whole periods, several at once where they are short, then for what is left.
  using Steps = function_ref<SmallVector<Value>(Value period, int64_t columns, ValueRange sums)>;
  SmallVector<Value> forEachPeriod(const Piece &piece, Value first, ValueRange initial, Steps body);

  /// Where vector `v` of a part begins in the panel.
  Value getRow(Value first, int64_t v) { return k.add(first, v * k.lanes); }

  int64_t partVectors; ///< that a part is wide
  Value sums;
};

SmallVector<Value> RegisterProduct::forEachPeriod(const Piece &piece, Value first, ValueRange initial,
                                                  Steps body) {
  constexpr int64_t kLeastColumns = 4; // Enough work for one turn of the loop.
  int64_t period = weight.getPacking().getPeriod();
  int64_t whole = piece.length / period, unroll = std::max<int64_t>(1, kLeastColumns / period);
  int64_t unrolled = whole / unroll * unroll;
  SmallVector<Value> values(initial);
  auto at = [&](int64_t i) { return k.add(piece.period, i); };
  if (unrolled)
    values = k.loop(k.constant(0), k.constant(unrolled), unroll, values, [&](Value i, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t u = 0; u < unroll; ++u) {
        Value at = k.add(piece.period, k.add(i, u));
        weight.prefetch(at, first, partVectors * k.lanes);
        next = body(at, period, next);
      }
      return next;
    });
  for (int64_t i = unrolled; i < whole; ++i)
    values = body(at(i), period, values);
  if (int64_t rest = piece.length % period)
    values = body(at(whole), rest, values);
  return values;
}

void RegisterProduct::clear(int64_t height, Value first) {
  if (getNumPieces() == 1)
    return;
  for (int64_t r = 0; r < height; ++r)
    for (int64_t v = 0; v < partVectors; ++v)
      k.store(k.getZero(real, k.lanes), sums, k.add(getRow(first, v), r * htk::Packing::kPanel),
              {k.lanes, {}});
}

void RegisterProduct::accumulate(int64_t r, Value at, Value value, Value factor) {
  Value position = k.add(at, r * htk::Packing::kPanel);
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

class ValueProduct : public RegisterProduct {
public:
  ValueProduct(KernelBuilder &kernel, htk::LinearOp linear, const LinearInput &x, Type real)
      : RegisterProduct(kernel, linear, x, real,
                        std::min(htk::Packing::kPanel / kernel.lanes, getTileVectors(kernel, real))) {}

  void emitPart(Value row, int64_t height, Value first) override {
    clear(height, first);
    int64_t period = weight.getPacking().getPeriod();
    forEachPiece([&](const Piece &piece) {
      weight.prefetchParameters(piece.weightBlock, first, partVectors * k.lanes);
      SmallVector<Value> initial(height * partVectors, k.getZero(real, k.lanes));
      SmallVector<Value> tile =
          forEachPeriod(piece, first, initial, [&](Value at, int64_t columns, ValueRange carried) {
            SmallVector<Value> next(carried);
            for (int64_t column = 0; column < columns; ++column)
              step(row, height, first, k.add(k.mul(at, period), column), at, column, piece.weightBlock, next);
            return next;
          });
      for (int64_t v = 0; v < partVectors; ++v) {
        Value scale =
            weight.hasScale() ? weight.getScale(piece.weightBlock, getRow(first, v), k.lanes) : Value();
        for (int64_t r = 0; r < height; ++r)
          accumulate(r, getRow(first, v), tile[r * partVectors + v], scale);
      }
    });
  }

private:
  void step(Value row, int64_t height, Value first, Value column, Value period, int64_t inPeriod, Value block,
            MutableArrayRef<Value> tile) {
    SmallVector<Value> w;
    for (int64_t v = 0; v < partVectors; ++v)
      w.push_back(weight.getValues(period, inPeriod, block, getRow(first, v)));
    for (int64_t r = 0; r < height; ++r) {
      Value position = k.add(k.mul(k.add(row, r), depth), column);
      Value x = k.splat(k.convertFloat(k.load(input, position, source.getElementType(), Lanes()), real), k.lanes);
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
/// sums of x are made once for a block.
class DotProduct : public RegisterProduct {
public:
  DotProduct(KernelBuilder &kernel, htk::LinearOp linear, const LinearInput &x, const htk::Intrinsic &intrinsic)
      : RegisterProduct(kernel, linear, x, kernel.b.getF32Type(), getDotVectors(kernel, intrinsic)),
        intrinsic(intrinsic), ofBytes(intrinsic.kind == htk::ProductKind::Bytes) {
    if (ofBytes)
      inputSums.emplace(k, intrinsic, input, x.getBlockRows(kRegisterRows), getNumPieces());
  }

  void beginBlock(Value row, Value count) override {
    if (ofBytes)
      emitInputSums(*inputSums, row, count);
  }

  void emitPart(Value row, int64_t height, Value first) override {
    clear(height, first);
    int64_t group = weight.getPacking().getGroup(), period = weight.getPacking().getPeriod();
    Type sumType = ofBytes ? Type(k.b.getI32Type()) : Type(k.b.getF32Type());
    forEachPiece([&](const Piece &piece) {
      weight.prefetchParameters(piece.weightBlock, first, partVectors * k.lanes);
      SmallVector<Value> initial;
      for (int64_t r = 0; r < height; ++r)
        initial.append(partVectors, ofBytes && !weight.hasZero() ? getCorrection(k.add(row, r), piece)
                                                                 : k.getZero(sumType, k.lanes));
      SmallVector<Value> tile =
          forEachPeriod(piece, first, initial, [&](Value at, int64_t columns, ValueRange carried) {
            SmallVector<Value> next(carried);
            for (int64_t column = 0; column < columns; column += group)
              step(row, height, first, k.add(k.mul(at, period), column), at, column / group,
                   std::min(group, columns - column), next);
            return next;
          });
      scale(row, height, first, piece, tile);
    });
  }

private:
  /// - bias * (sum of x): what the sums begin with where all zeros are the bias.
  Value getCorrection(Value row, const Piece &piece) {
    Value bias = arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(-weight.getPacking().getBias()));
    return k.splat(arith::MulIOp::create(k.b, k.loc, inputSums->load(row, piece.index), bias), k.lanes);
  }

  void step(Value row, int64_t height, Value first, Value column, Value period, int64_t inPeriod,
            int64_t columns, MutableArrayRef<Value> tile) {
    SmallVector<Value> w;
    for (int64_t v = 0; v < partVectors; ++v)
      w.push_back(weight.getGroups(period, inPeriod, getRow(first, v)));
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

  void scale(Value row, int64_t height, Value first, const Piece &piece, ArrayRef<Value> tile) {
    auto f32 = VectorType::get({k.lanes}, k.b.getF32Type());
    for (int64_t v = 0; v < partVectors; ++v) {
      Value scale =
          weight.hasScale() ? weight.getScale(piece.weightBlock, getRow(first, v), k.lanes) : Value();
      Value zero = weight.hasZero() ? weight.getZero(piece.weightBlock, getRow(first, v), k.lanes) : Value();
      for (int64_t r = 0; r < height; ++r) {
        Value value = tile[r * partVectors + v];
        if (zero) {
          Value sum = k.splat(inputSums->load(k.add(row, r), piece.index), k.lanes);
          value = arith::SubIOp::create(k.b, k.loc, value, arith::MulIOp::create(k.b, k.loc, zero, sum));
        }
        if (ofBytes)
          value = arith::SIToFPOp::create(k.b, k.loc, f32, value);
        Value factor = scale;
        if (Value blockScale = getInputScale(k.add(row, r), piece)) {
          value = arith::MulFOp::create(k.b, k.loc, value, scale);
          factor = k.splat(blockScale, k.lanes);
        }
        accumulate(r, getRow(first, v), value, factor);
      }
    }
  }

  const htk::Intrinsic &intrinsic;
  bool ofBytes;
  std::optional<InputSums> inputSums;
};

} // namespace

std::unique_ptr<LinearProduct> makeValueProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                                const LinearInput &x, Type real) {
  return std::make_unique<ValueProduct>(kernel, linear, x, real);
}

std::unique_ptr<LinearProduct> makeDotProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                              const LinearInput &x, const htk::Intrinsic &intrinsic) {
  return std::make_unique<DotProduct>(kernel, linear, x, intrinsic);
}

} // namespace halftone::cpu
