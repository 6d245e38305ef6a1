//===- TileProducts.cpp - sums of a linear in AMX tiles ---------------------===//
//
// A tile of the nest is up to 32 rows by a panel, in two halves of 32 columns: four
// accumulators, two tiles of x and two of w, so four loads serve four products. A step
// along k is 64 bytes, or 32 where scales change so often. What is packed as bytes or pairs
// of bf16 is multiplied where it lies (a panel's rows are 256 bytes apart); narrower codes
// are unpacked once for a panel into a buffer that stays in L2, tile by tile, and so is a
// panel whose k ends inside a step, with zeros behind it, as x then is. Each step asks for
// a part of the next panel, which comes from memory meanwhile.
//
// Tiles have the rows at hand, so that nothing is read or written past them. Registers are
// named (0 to 3 sums, 4 and 5 x, 6 and 7 w), and configured when the rows at hand change:
// where LLVM allocates tiles it configures them before each loop, which takes as long as
// six steps. Sums go to a scratch. With one piece they are scaled when they are read; with
// several, after each piece. What is unpacked becomes signed, its zero subtracted, and
// multiplied by a block's integer where terms are in two levels and a byte holds that: one
// piece then.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Instructions.h"
#include "passes/CPU/LinearProducts.h"

#include "dialects/HTQ/Terms.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kRows = kTileRows / 2, kHalf = 32, kTileBytes = 64, kLineBytes = 64, kGroupBytes = 4,
                  kPanel = htk::Packing::kPanel;
/// Tiles, and where a configuration has the bytes of their rows (two bytes each), and their rows.
constexpr int64_t kTiles = 8, kColumnsAt = 16, kRowsAt = 48;
/// Rows of x at such a distance meet in few sets of L1.
constexpr int64_t kAliasBytes = 1024;

/// Bytes of x that a step multiplies where scales change every `piece` columns of `depth`: as many as a
/// tile's rows have, or half of them; 0 where scales change inside that.
int64_t getStepBytes(int64_t piece, int64_t depth, int64_t elementBytes) {
  if (piece >= depth)
    return kTileBytes;
  for (int64_t bytes : {kTileBytes, kTileBytes / 2})
    if (piece * elementBytes % bytes == 0)
      return bytes;
  return 0;
}

class TileProduct : public LinearProduct {
public:
  TileProduct(KernelBuilder &kernel, htk::LinearOp linear, const LinearInput &x,
              const htk::Intrinsic &intrinsic, const htk::Intrinsic &vector)
      : LinearProduct(kernel, linear, x, kernel.b.getF32Type()),
        ofBytes(intrinsic.kind == htk::ProductKind::Bytes), elementBytes(ofBytes ? 1 : 2) {
    Type i8 = k.b.getI8Type(), i32 = k.b.getI32Type();
    if (ofBytes)
      form =
          weight.getBytesForm(htq::isScaledInIntegers(linear.getInputTerm(), linear.getWeightTerm(), depth));
    if (form == PackedWeight::Bytes::Scaled || form == PackedWeight::Bytes::Negated)
      pieceLength = depth;
    stepBytes = getStepBytes(pieceLength, depth, elementBytes);
    stepGroups = stepBytes / kGroupBytes;
    stepColumns = stepBytes / elementBytes;
    bool isWhole = depth % stepColumns == 0;
    steps = (depth + stepColumns - 1) / stepColumns;
    rowStride = steps * stepColumns;
    if (!isWhole || rowStride * elementBytes % kAliasBytes == 0) {
      if (rowStride * elementBytes % kAliasBytes == 0)
        rowStride += stepColumns;
      blockInput = k.scratch(x.getBlockRows(kTileRows) * rowStride, ofBytes ? i8 : Type(k.b.getI16Type()));
    }
    if (!isWhole || weight.getPacking().getSteps() > 1)
      unpacked = k.scratch(steps * stepGroups * kPanel, i32);
    else
      form = PackedWeight::Bytes::None;
    rawType = ofBytes ? i32 : real;
    raw = k.scratch(kTileRows * kPanel, rawType);
    if (getNumPieces() > 1)
      sums = k.scratch(kTileRows * kPanel, real);
    if (ofBytes && form == PackedWeight::Bytes::None)
      inputSums.emplace(k, vector, input, x.getBlockRows(kTileRows), getNumPieces());
    Value none = arith::ConstantOp::create(k.b, k.loc, k.b.getI64IntegerAttr(-1));
    for (Value *state : {&unpackedPanel, &configuredRows}) {
      *state = k.scratch(1, k.b.getI64Type());
      k.store(none, *state, k.constant(0), Lanes());
    }
    configuration = k.scratch(kTileBytes, i8);
    for (int64_t byte = 0; byte < kTileBytes; ++byte)
      setConfiguration(byte, byte == 0); // The palette: tiles of 1 KiB.
    for (int64_t tile = 0; tile < kTiles; ++tile)
      setConfiguration(kColumnsAt + 2 * tile, tile == 4 || tile == 5 ? stepBytes : kTileBytes);
  }

  void endBlocks() override { call("llvm.x86.tilerelease", {}); }

  void beginBlock(Value row, Value count) override {
    blockStart = row;
    if (inputSums)
      emitInputSums(*inputSums, row, count);
    if (blockInput)
      copyRows(row, count);
    // Panels follow each other in memory: this spreads the next one over the steps of this one.
    Value turns = k.mul(k.ceilDiv(count, kTileRows), 2 * steps);
    Value lines = k.constant(llvm::divideCeil(weight.getPanelBytes(), kLineBytes));
    linesAtOnce = k.div(k.add(lines, k.sub(turns, k.constant(1))), turns);
  }

  void emitTile(Value row, Value count, Value panel) override {
    weight.setPanel(panel);
    tileStart = row;
    if (unpacked)
      unpack(panel);
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
    Value scale = weight.hasScale() ? weight.getRowScale(form, column, lanes.width) : Value();
    return getValue(position, r, column, piece, lanes.width, scale);
  }

private:
  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  void call(StringRef name, ValueRange operands) {
    LLVM::CallIntrinsicOp::create(k.b, k.loc, k.b.getStringAttr(name), operands);
  }
  Value i8(int64_t value) { return arith::ConstantOp::create(k.b, k.loc, k.b.getI8IntegerAttr(value)); }
  Value i64(Value index) { return arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), index); }
  Value i32(int64_t value) { return arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(value)); }

  /// The address of element `position` of a buffer.
  Value getAddress(Value buffer, Value position) {
    Value base = memref::ExtractAlignedPointerAsIndexOp::create(k.b, k.loc, buffer);
    int64_t bytes = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth() / 8;
    return LLVM::IntToPtrOp::create(k.b, k.loc, LLVM::LLVMPointerType::get(k.b.getContext()),
                                    i64(k.add(base, k.mul(position, bytes))));
  }

  void setConfiguration(int64_t byte, int64_t value) {
    k.store(i8(static_cast<int8_t>(value)), configuration, k.constant(byte), Lanes());
  }

  /// Gives the tiles of x and of sums the rows at hand.
  void configure(Value count) {
    Value before = k.load(configuredRows, k.constant(0), k.b.getI64Type(), Lanes()), wanted = i64(count);
    k.branch(arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ne, wanted, before), [&] {
      k.store(wanted, configuredRows, k.constant(0), Lanes());
      auto toByte = [&](Value rows) {
        return arith::TruncIOp::create(k.b, k.loc, k.b.getI8Type(), i64(rows));
      };
      Value full = k.constant(kRows), upper = toByte(k.min(count, full));
      Value lower = toByte(k.max(k.sub(count, full), k.constant(1))); // A tile has a row, used or not.
      Value rows[] = {upper, upper, lower, lower, upper, lower, i8(stepGroups), i8(stepGroups)};
      for (auto [tile, value] : llvm::enumerate(rows))
        k.store(value, configuration, k.constant(kRowsAt + tile), Lanes());
      call("llvm.x86.ldtilecfg", {getAddress(configuration, k.constant(0))});
    });
  }

  void load(int64_t tile, Value buffer, Value position, int64_t stride) {
    call("llvm.x86.tileloadd64", {i8(tile), getAddress(buffer, position), i64(k.constant(stride))});
  }

  void multiply(int64_t sum, int64_t x, int64_t w) {
    StringRef name = !ofBytes                            ? "llvm.x86.tdpbf16ps"
                     : form == PackedWeight::Bytes::None ? "llvm.x86.tdpbsud"
                                                         : "llvm.x86.tdpbssd";
    call(name, {i8(sum), i8(x), i8(w)});
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
            Value group = k.add(k.mul(period, perPeriod), step);
            // A period's end can be past the last whole step.
            k.branch(k.less(group, k.constant(steps * stepGroups)), [&] {
              k.store(getGroups(period, step, k.constant(at)), unpacked, getUnpackedPosition(group, at),
                      {k.lanes, {}});
            });
          }
      });
      k.loop(k.constant(periods * perPeriod), k.constant(steps * stepGroups), 1, [&](Value group) {
        for (int64_t at = 0; at < kPanel; at += k.lanes)
          k.store(k.getZero(k.b.getI32Type(), k.lanes), unpacked, getUnpackedPosition(group, at),
                  {k.lanes, {}});
      });
    });
  }

  /// Where row `at` of a group is in the unpacked panel: what a tile loads there is contiguous.
  Value getUnpackedPosition(Value group, int64_t at) {
    Value groups = k.constant(stepGroups), step = k.div(group, groups);
    return k.add(k.add(k.mul(step, stepGroups * kPanel), at / kRows * stepGroups * kRows),
                 k.add(k.mul(k.rem(group, groups), kRows), at % kRows));
  }

  Value getGroups(Value period, int64_t step, Value at) {
    if (form == PackedWeight::Bytes::None)
      return weight.getGroups(period, step, at);
    int64_t length = htq::getInnerBlock(linear.getWeightTerm());
    Value first = k.mul(period, weight.getPacking().getPeriod());
    Value block = length == htq::AffineAttr::kWhole ? k.constant(0) : k.div(first, k.constant(length));
    return weight.getSignedGroups(form, period, step, block, at);
  }

  /// Copies rows of x, with zeros behind them up to a whole step.
  void copyRows(Value row, Value count) {
    Type element = cast<MemRefType>(blockInput.getType()).getElementType();
    k.loop(k.constant(0), count, 1, [&](Value r) {
      Value from = k.mul(k.add(row, r), depth), to = k.mul(r, rowStride);
      k.vectorLoop(k.constant(depth), stepColumns, [&](Index i, Lanes at) {
        Value x = k.load(input, k.add(from, i.base), element, at);
        if (at.mask)
          x = k.select(at.mask, x, k.getZero(element, at.width));
        k.store(x, blockInput, k.add(to, i.base), {at.width, {}});
      });
    });
  }

  /// Asks for a part of the panel behind this one, in turn `turn` of those that this one takes.
  void prefetchNextPanel(Value panel, Value turn) {
    Value codes = weight.getCodes();
    int64_t bytes = cast<MemRefType>(codes.getType()).getElementTypeBitWidth() / 8, line = kLineBytes / bytes;
    Value next = k.mul(k.add(panel, 1), weight.getPanelBytes() / bytes);
    Value first = k.add(next, k.mul(k.mul(turn, linesAtOnce), line));
    k.loop(k.constant(0), linesAtOnce, 1, [&](Value i) {
      memref::PrefetchOp::create(k.b, k.loc, codes, k.add(first, k.mul(i, line)), /*isWrite=*/false,
                                 /*localityHint=*/2, /*isDataCache=*/true);
    });
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  void emitSums(Value row, Value count, Value panel) {
    configure(count);
    Value hasTwo = k.less(k.constant(kRows), count);
    forEachPiece([&](const Piece &piece) {
      k.branch(
          hasTwo, [&] { emitPiece(piece, row, panel, 2); }, [&] { emitPiece(piece, row, panel, 1); });
      if (getNumPieces() > 1)
        accumulate(row, count, piece);
    });
  }

  /// The sums of one or two tiles of rows.
  void emitPiece(const Piece &piece, Value row, Value panel, int64_t height) {
    int64_t pieceSteps = (piece.length + stepColumns - 1) / stepColumns;
    Value first = k.div(piece.begin, k.constant(stepColumns));
    Value x = blockInput ? blockInput : input, turn = k.div(k.sub(row, blockStart), k.constant(kTileRows));
    int64_t width = blockInput ? rowStride : depth;
    Value start = k.mul(blockInput ? k.sub(row, blockStart) : row, width);
    for (int64_t column : {int64_t(0), kHalf}) {
      for (int64_t sum = 0; sum < 2 * height; ++sum)
        call("llvm.x86.tilezero", {i8(sum)});
      k.loop(k.constant(0), k.constant(pieceSteps), 1, [&](Value i) {
        Value step = k.add(first, i);
        prefetchNextPanel(panel, k.add(k.mul(k.add(k.mul(turn, 2), column / kHalf), steps), step));
        loadWeights(6, panel, step, column);
        loadWeights(7, panel, step, column + kRows);
        for (int64_t r = 0; r < height; ++r) {
          Value position = k.add(k.add(start, r * kRows * width), k.mul(step, stepColumns));
          load(4 + r, x, position, width * elementBytes);
          multiply(2 * r, 4 + r, 6);
          multiply(2 * r + 1, 4 + r, 7);
        }
      });
      for (int64_t sum = 0; sum < 2 * height; ++sum)
        call("llvm.x86.tilestored64",
             {i8(sum), getAddress(raw, k.constant(sum / 2 * kRows * kPanel + column + sum % 2 * kRows)),
              i64(k.constant(4 * kPanel))});
    }
  }

  /// A step's groups of 16 rows of w: those of step `step` from column `column` of the panel on.
  void loadWeights(int64_t tile, Value panel, Value step, int64_t column) {
    if (unpacked)
      return load(tile, unpacked, k.add(k.mul(step, stepGroups * kPanel), column * stepGroups), 4 * kRows);
    int64_t group = kGroupBytes / elementBytes, periods = depth / group;
    Value period = k.add(k.mul(panel, periods), k.mul(step, stepGroups));
    load(tile, weight.getCodes(), k.add(k.mul(period, kPanel * group), column * group), 4 * kPanel);
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
    if (inputSums) {
      Value sum = inputSums->load(k.add(tileStart, r), piece.index), part;
      if (weight.hasZero())
        part = arith::MulIOp::create(k.b, k.loc, weight.getZero(piece.weightBlock, column, width),
                                     k.splat(sum, width));
      else
        part = k.splat(arith::MulIOp::create(k.b, k.loc, sum, i32(weight.getPacking().getBias())), width);
      value = arith::SubIOp::create(k.b, k.loc, value, part);
    }
    if (ofBytes)
      value = arith::SIToFPOp::create(k.b, k.loc, k.getType(real, width), value);
    return scale ? Value(arith::MulFOp::create(k.b, k.loc, value, scale)) : value;
  }

  bool ofBytes;
  int64_t elementBytes;
  int64_t stepBytes, stepGroups, stepColumns; ///< what a step takes of a row of x
  int64_t steps;
  int64_t rowStride; ///< of `blockInput`, in elements
  Type rawType;
  Value raw;  ///< of tiles: i32 or f32
  Value sums; ///< scaled, where there are several pieces
  Value unpacked;
  Value blockInput;  ///< the block's rows of x where they cannot be multiplied where they are
  Value linesAtOnce; ///< of the next panel, in a step
  Value unpackedPanel;                 ///< its number
  Value configuration, configuredRows; ///< of tiles
  Value blockStart, tileStart; ///< rows of x
  /// What the unpacked panel's bytes are; None where it is not unpacked, or they have no sign.
  PackedWeight::Bytes form = PackedWeight::Bytes::None;
  std::optional<InputSums> inputSums; ///< where bytes have no sign
};

} // namespace

const char *whyNotTiles(htk::LinearOp linear, const htk::Intrinsic &intrinsic) {
  int64_t depth = cast<RankedTensorType>(linear.getInput().front().getType()).getShape().back();
  if (depth == 0)
    return "there is nothing to sum";
  int64_t piece = htq::getPieceLength(linear.getInputTerm(), linear.getWeightTerm(), depth);
  if (getStepBytes(piece, depth, intrinsic.kind == htk::ProductKind::Bytes ? 1 : 2) == 0)
    return "scales change inside a tile's step along k";
  // The unpacked panel is on the stack, and to stay in L2.
  if (depth > 1 << 15)
    return "a panel does not fit in L2";
  return nullptr;
}

std::unique_ptr<LinearProduct> makeTileProduct(KernelBuilder &kernel, htk::LinearOp linear,
                                               const LinearInput &x, const htk::Intrinsic &intrinsic,
                                               const htk::Intrinsic &vector) {
  return std::make_unique<TileProduct>(kernel, linear, x, intrinsic, vector);
}

} // namespace halftone::cpu
