//===- TileProducts.cpp - sums of a linear in AMX tiles ---------------------===//
//
// A tile of the nest is up to 32 rows by a panel, in two halves of 32 columns: four
// accumulators, two tiles of x and two of w, so four loads serve four products. A step
// along k is 64 bytes. What is packed as bytes or pairs of bf16 is multiplied where it
// lies (a panel's rows are 256 bytes apart); narrower codes are unpacked once for a
// panel into a buffer that stays in L2, and so is a panel whose k ends inside a step,
// with zeros behind it, as x then is.
//
// Tiles have the rows at hand, so that nothing is read or written past them; LLVM
// configures and allocates them (values of x86_amx, with their shape at each use: rows,
// and bytes of a row). Sums go to a scratch. With one piece they are scaled when they
// are read; with several, after each piece.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Instructions.h"
#include "passes/CPU/LinearProducts.h"

#include "dialects/HTQ/Terms.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kRows = 16, kTileRows = 2 * kRows, kHalf = 32, kStepBytes = 64,
                  kPanel = htk::Packing::kPanel;

class TileProduct : public LinearProduct {
public:
  TileProduct(KernelBuilder &kernel, htk::LinearOp linear, const htk::Intrinsic &intrinsic,
              const htk::Intrinsic &vector)
      : LinearProduct(kernel, linear, kernel.b.getF32Type()),
        ofBytes(intrinsic.kind == htk::ProductKind::Bytes), elementBytes(ofBytes ? 1 : 2),
        stepColumns(kStepBytes / elementBytes) {
    Type i8 = k.b.getI8Type(), i32 = k.b.getI32Type();
    rawType = ofBytes ? i32 : real;
    raw = k.scratch(kTileRows * kPanel, rawType);
    if (getNumPieces() > 1)
      sums = k.scratch(kTileRows * kPanel, real);
    if (ofBytes)
      inputSums.emplace(k, vector, input, kTileRows, getNumPieces());
    bool isWhole = depth % stepColumns == 0;
    steps = (depth + stepColumns - 1) / stepColumns;
    if (!isWhole)
      paddedInput =
          k.scratch(kTileRows * steps * kStepBytes / elementBytes, ofBytes ? i8 : Type(k.b.getI16Type()));
    if (!isWhole || weight.getPacking().getSteps() > 1)
      unpacked = k.scratch(steps * kRows * kPanel, i32);
    unpackedPanel = k.scratch(1, k.b.getI64Type());
    k.store(arith::ConstantOp::create(k.b, k.loc, k.b.getI64IntegerAttr(-1)), unpackedPanel, k.constant(0),
            Lanes());
  }

  int64_t getTileRows() const override { return kTileRows; }

  void emitTile(Value row, Value count, Value panel) override {
    weight.setPanel(panel);
    if (unpacked)
      unpack(panel);
    beginRows(row, count);
    if (getNumPieces() > 1)
      k.loop(k.constant(0), k.constant(kTileRows * kPanel), k.lanes, [&](Value i) {
        k.store(k.getZero(real, k.lanes), sums, i, {k.lanes, {}});
      });
    emitSums(row, count, panel);
  }

  Value loadSums(Value r, Value column, Lanes lanes) override {
    Value position = k.add(k.mul(r, kPanel), column);
    if (sums)
      return k.load(sums, position, real, lanes);
    Piece piece = getPiece(k.constant(0), depth);
    Value scale = weight.hasScale() ? weight.getScale(piece.weightBlock, column, lanes.width) : Value();
    return getValue(position, r, column, piece, lanes.width, scale);
  }

private:
  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  Value call(StringRef name, ValueRange operands) {
    Type tile = LLVM::LLVMX86AMXType::get(k.b.getContext());
    return LLVM::CallIntrinsicOp::create(k.b, k.loc, tile, k.b.getStringAttr(name), operands).getResult(0);
  }
  Value i16(int64_t value) { return arith::ConstantOp::create(k.b, k.loc, k.b.getI16IntegerAttr(value)); }
  Value toI16(Value index) { return arith::IndexCastOp::create(k.b, k.loc, k.b.getI16Type(), index); }
  Value i64(Value index) { return arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), index); }
  Value i32(int64_t value) { return arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(value)); }

  /// The address of element `position` of a buffer.
  Value getAddress(Value buffer, Value position) {
    Value base = memref::ExtractAlignedPointerAsIndexOp::create(k.b, k.loc, buffer);
    int64_t bytes = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth() / 8;
    return LLVM::IntToPtrOp::create(k.b, k.loc, LLVM::LLVMPointerType::get(k.b.getContext()),
                                    i64(k.add(base, k.mul(position, bytes))));
  }

  Value load(Value rows, Value buffer, Value position, int64_t stride) {
    return call("llvm.x86.tileloadd64.internal",
                {rows, i16(kStepBytes), getAddress(buffer, position), i64(k.constant(stride))});
  }

  Value multiply(Value rows, Value c, Value a, Value b) {
    return call(ofBytes ? "llvm.x86.tdpbsud.internal" : "llvm.x86.tdpbf16ps.internal",
                {rows, i16(kStepBytes), i16(kStepBytes), c, a, b});
  }

  //===--------------------------------------------------------------------===//
  // Operands
  //===--------------------------------------------------------------------===//

  /// The panel's codes as bytes (or its pairs of bf16) group by group, up to a whole step.
  void unpack(Value panel) {
    const htk::Packing &packing = weight.getPacking();
    Value wanted = i64(panel), before = k.load(unpackedPanel, k.constant(0), k.b.getI64Type(), Lanes());
    k.branch(arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ne, wanted, before), [&] {
      k.store(wanted, unpackedPanel, k.constant(0), Lanes());
      int64_t perPeriod = packing.getSteps(),
              periods = (depth + packing.getPeriod() - 1) / packing.getPeriod();
      k.loop(k.constant(0), k.constant(periods), 1, [&](Value period) {
        for (int64_t step = 0; step < perPeriod; ++step)
          for (int64_t at = 0; at < kPanel; at += k.lanes) {
            Value position = k.add(k.mul(k.add(k.mul(period, perPeriod), step), kPanel), at);
            // A period's end can be past the last whole step.
            Value inside = k.less(position, k.constant(steps * kRows * kPanel));
            k.branch(inside, [&] {
              k.store(weight.getGroups(period, step, k.constant(at)), unpacked, position, {k.lanes, {}});
            });
          }
      });
      k.loop(k.constant(periods * perPeriod * kPanel), k.constant(steps * kRows * kPanel), k.lanes,
             [&](Value i) {
               k.store(k.getZero(k.b.getI32Type(), k.lanes), unpacked, i, {k.lanes, {}});
             });
    });
  }

  /// Sums the rows' codes, and copies x where k ends inside a step.
  void beginRows(Value row, Value count) {
    k.loop(k.constant(0), count, 1, [&](Value r) {
      Value start = k.mul(k.add(row, r), depth);
      if (inputSums)
        forEachPiece([&](const Piece &piece) {
          inputSums->emit(r, piece.index, k.add(start, piece.begin), piece.length);
        });
      if (!paddedInput)
        return;
      int64_t padded = steps * stepColumns;
      Value to = k.mul(r, padded);
      Type element = cast<MemRefType>(paddedInput.getType()).getElementType();
      k.loop(k.constant(0), k.constant(depth), 1, [&](Value i) {
        k.store(k.load(input, k.add(start, i), element, Lanes()), paddedInput, k.add(to, i), Lanes());
      });
      k.loop(k.constant(depth), k.constant(padded), 1,
             [&](Value i) { k.store(k.getZero(element, 1), paddedInput, k.add(to, i), Lanes()); });
    });
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  void emitSums(Value row, Value count, Value panel) {
    // Without a second tile of rows it has the last row once more: one register cannot
    // have two shapes in a function, so there is one variant.
    Value full = k.constant(kRows), one = k.constant(1);
    Value heights[] = {toI16(k.min(count, full)), toI16(k.max(k.sub(count, full), one))};
    Value starts[] = {k.constant(0), k.min(full, k.sub(count, one))};
    auto half = [&](const Piece &piece, int64_t column) {
      SmallVector<Value> zero;
      for (Value height : heights)
        zero.append(2, call("llvm.x86.tilezero.internal", {height, i16(kStepBytes)}));
      int64_t pieceSteps = (piece.length + stepColumns - 1) / stepColumns;
      Value first = k.div(piece.begin, k.constant(stepColumns));
      SmallVector<Value> tiles =
          k.loop(k.constant(0), k.constant(pieceSteps), 1, zero, [&](Value i, ValueRange carried) {
            Value step = k.add(first, i), along = k.mul(step, stepColumns);
            Value x = paddedInput ? paddedInput : input;
            int64_t width = paddedInput ? steps * stepColumns : depth;
            Value start = paddedInput ? along : k.add(k.mul(row, depth), along);
            Value left = loadWeights(panel, step, column), right = loadWeights(panel, step, column + kRows);
            SmallVector<Value> next;
            for (auto [r, height] : llvm::enumerate(heights)) {
              Value a = load(height, x, k.add(start, k.mul(starts[r], width)), width * elementBytes);
              next.push_back(multiply(height, carried[2 * r], a, left));
              next.push_back(multiply(height, carried[2 * r + 1], a, right));
            }
            return next;
          });
      for (auto [i, tile] : llvm::enumerate(tiles)) {
        Value position = k.constant(i / 2 * kRows * kPanel + column + i % 2 * kRows);
        LLVM::CallIntrinsicOp::create(k.b, k.loc, k.b.getStringAttr("llvm.x86.tilestored64.internal"),
                                      ValueRange{heights[i / 2], i16(kStepBytes), getAddress(raw, position),
                                                 i64(k.constant(4 * kPanel)), tile});
      }
    };
    forEachPiece([&](const Piece &piece) {
      half(piece, 0);
      half(piece, kHalf);
      if (getNumPieces() > 1)
        accumulate(row, count, piece);
    });
  }

  /// 16 groups of 16 rows of w: those of step `step` from column `column` of the panel on.
  Value loadWeights(Value panel, Value step, int64_t column) {
    if (unpacked)
      return load(i16(kRows), unpacked, k.add(k.mul(step, kRows * kPanel), column), 4 * kPanel);
    int64_t group = 4 / elementBytes, periods = depth / group;
    Value period = k.add(k.mul(panel, periods), k.mul(step, kRows));
    return load(i16(kRows), weight.getCodes(), k.add(k.mul(period, kPanel * group), column * group),
                4 * kPanel);
  }

  /// Adds a piece, scaled, to the sums.
  void accumulate(Value row, Value count, const Piece &piece) {
    for (int64_t at = 0; at < kPanel; at += k.lanes) {
      Value column = k.constant(at);
      Value scale = weight.hasScale() ? weight.getScale(piece.weightBlock, column, k.lanes) : Value();
      k.loop(k.constant(0), count, 1, [&](Value r) {
        Value position = k.add(k.mul(r, kPanel), column);
        Value blockScale = getInputScale(k.add(row, r), piece);
        Value value = getValue(position, r, column, piece, k.lanes, blockScale ? scale : Value());
        Value factor = blockScale ? k.splat(blockScale, k.lanes) : scale;
        Value before = k.load(sums, position, real, {k.lanes, {}});
        value = factor ? Value(vector::FMAOp::create(k.b, k.loc, value, factor, before))
                       : Value(arith::AddFOp::create(k.b, k.loc, value, before));
        k.store(value, sums, position, {k.lanes, {}});
      });
    }
  }

  /// What tiles left at `position` of the scratch, less the zeros' part, times `scale` where it is given.
  Value getValue(Value position, Value r, Value column, const Piece &piece, int64_t width, Value scale) {
    Value value = k.load(raw, position, rawType, {width, {}});
    if (ofBytes) {
      Value sum = k.splat(inputSums->load(r, piece.index), width);
      Value zero = weight.hasZero() ? weight.getZero(piece.weightBlock, column, width)
                                    : k.splat(i32(weight.getPacking().getBias()), width);
      value = arith::SubIOp::create(k.b, k.loc, value, arith::MulIOp::create(k.b, k.loc, zero, sum));
      value = arith::SIToFPOp::create(k.b, k.loc, k.getType(real, width), value);
    }
    return scale ? Value(arith::MulFOp::create(k.b, k.loc, value, scale)) : value;
  }

  bool ofBytes;
  int64_t elementBytes, stepColumns, steps;
  Type rawType;
  Value raw;  ///< of tiles: i32 or f32
  Value sums; ///< scaled, where there are several pieces
  Value unpacked, paddedInput;
  Value unpackedPanel; ///< its number
  std::optional<InputSums> inputSums;
};

} // namespace

const char *whyNotTiles(htk::LinearOp linear, const htk::Intrinsic &intrinsic) {
  int64_t depth = cast<RankedTensorType>(linear.getInput().front().getType()).getShape().back();
  int64_t step = kStepBytes / (intrinsic.kind == htk::ProductKind::Bytes ? 1 : 2);
  int64_t piece = htq::getPieceLength(linear.getInputTerm(), linear.getWeightTerm(), depth);
  if (depth == 0)
    return "there is nothing to sum";
  if (piece < depth && piece % step != 0)
    return "scales change inside a tile's step along k";
  // The unpacked panel is on the stack, and to stay in L2.
  if (depth > 1 << 15)
    return "a panel does not fit in L2";
  return nullptr;
}

std::unique_ptr<LinearProduct> makeTileProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                               const htk::Intrinsic &intrinsic,
                                               const htk::Intrinsic &vector) {
  return std::make_unique<TileProduct>(kernel, linear, intrinsic, vector);
}

} // namespace halftone::cpu
