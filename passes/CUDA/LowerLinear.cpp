//===- LowerLinear.cpp - y = x Wᵀ, a block for each tile ---------------------===//
//
// A block makes 16 rows of x by one panel of 64 outputs: 64 threads side by side have
// an output each, 4 of these lines 4 rows each. A step of the packed layout is 64 words
// of 32 bits, so neighbouring threads read neighbouring words, and a word is what dp4a
// multiplies: the layout that CPUs read is coalesced as it is. Codes become numbers in
// registers. x is the same for a line: one load, broadcast.
//
// Sums stay in registers: in i32 (or in values by FMA) while no scale changes, then
// scaled and added up in f32.
//
// Rows past the last compute on the last one, and are not stored.
//
//===----------------------------------------------------------------------===//

#include "passes/CUDA/KernelBuilder.h"
#include "passes/Elements/ElementEmitter.h"
#include "passes/Elements/PackedWeight.h"

#include "dialects/HTK/Intrinsics.h"
#include "dialects/HTQ/Terms.h"

using namespace mlir;

namespace halftone::cuda {

namespace {

/// Rows of x that a thread has.
constexpr int64_t kRows = 4;
constexpr int64_t kTileRows = kRows * kLinearHeight;
static_assert(kLinearWidth == htk::Packing::kPanel);

class LinearEmitter {
public:
  LinearEmitter(KernelBuilder &kernel, htk::LinearOp root)
      : k(kernel), emitter(kernel), root(root),
        real(kernel.getComputeType(getElementTypeOrSelf(root.getType()))), weight(kernel, root, real),
        ofBytes(htk::getProductKind(root.getInputTerm(), root.getWeightTerm()) == htk::ProductKind::Bytes) {
    Value x = root.getInput().front();
    auto type = cast<RankedTensorType>(x.getType());
    input = k.getBuffer(cast<BlockArgument>(x));
    inputElement = type.getElementType();
    depth = type.getShape().back();
    pieceLength = std::max<int64_t>(1, htq::getPieceLength(root.getInputTerm(), root.getWeightTerm(), depth));
    outer = k.getDims(x);
    outer.pop_back();
    rows = k.getProduct(outer);
    columns = cast<RankedTensorType>(root.getType()).getShape().back();
  }

  void emit() {
    Value tiles = k.ceilDiv(rows, kTileRows);
    k.forEachItem(k.mul(tiles, llvm::divideCeil(columns, htk::Packing::kPanel)), [&](Value item) {
      // Neighbouring blocks share a panel.
      Value panel = k.div(item, tiles), column = k.add(k.mul(panel, htk::Packing::kPanel), k.x);
      Value first = k.add(k.mul(k.rem(item, tiles), kTileRows), k.mul(k.y, kRows));
      weight.setPanel(panel);
      SmallVector<Value> at;
      for (int64_t r = 0; r < kRows; ++r)
        at.push_back(k.min(k.add(first, r), k.sub(rows, k.constant(1))));
      SmallVector<Value> sums = emitSums(at);
      Value isColumn = k.less(column, k.constant(columns));
      for (int64_t r = 0; r < kRows; ++r) {
        Value row = k.add(first, r);
        Value exists = arith::AndIOp::create(k.b, k.loc, isColumn, k.less(row, rows));
        k.branch(exists, [&] { emitResult(row, column, sums[r]); });
      }
    });
  }

private:
  /// A stretch of k in which no scale changes: where it begins, as a column and in periods of the packed
  /// weight, and in which blocks it lies.
  struct Piece {
    Value begin, period, inputBlock, weightBlock;
    int64_t length;
  };

  Piece getPiece(Value index, int64_t length) {
    Value begin = k.mul(index, pieceLength);
    auto block = [&](Attribute term) {
      int64_t size = htq::getInnerBlock(term);
      return size == htq::AffineAttr::kWhole || size >= depth ? k.constant(0)
                                                              : k.div(begin, k.constant(size));
    };
    return {begin, k.div(begin, k.constant(weight.getPacking().getPeriod())), block(root.getInputTerm()),
            block(root.getWeightTerm()), length};
  }

  /// The kernel's result at a row and column of y, whose sum is `sum`.
  void emitResult(Value row, Value column, Value sum) {
    if (getInputBlocks() == 1)
      sum = arith::MulFOp::create(k.b, k.loc, sum, getInputScale(row, k.constant(0)));
    emitter.bind(root.getResult(), [&](ArrayRef<Index>, Lanes) {
      return k.convertFloat(sum, getElementTypeOrSelf(root.getType()));
    });
    Indices indices;
    for (Value index : k.delinearize(row, outer))
      indices.push_back({index, false});
    indices.push_back({column, false});
    Value result = emitter.get(k.getYield().getOperand(0), indices, Lanes());
    k.store(result, k.getOutput(0), k.add(k.mul(row, columns), column), Lanes());
  }

  /// Scales of x along k: none, 1 for all of it, or one for each block.
  int64_t getInputBlocks() {
    if (root.getInput().size() < 2)
      return 0;
    return cast<RankedTensorType>(root.getInput()[1].getType()).getShape().back();
  }

  Value getInputScale(Value row, Value block) {
    Value scales = root.getInput()[1];
    Value position = k.add(k.mul(row, getInputBlocks()), block);
    Value scale = k.load(k.getBuffer(cast<BlockArgument>(scales)), position,
                         getElementTypeOrSelf(scales.getType()), Lanes());
    return k.convertFloat(scale, real);
  }

  /// The sums of these rows by the thread's output, but for a scale of x for all of k.
  SmallVector<Value> emitSums(ArrayRef<Value> at) {
    SmallVector<Value> sums(kRows, k.getZero(real, 1));
    int64_t whole = depth / pieceLength;
    sums = k.loop(k.constant(0), k.constant(whole), 1, sums, [&](Value index, ValueRange carried) {
      return addPiece(at, getPiece(index, pieceLength), carried);
    });
    if (int64_t rest = depth % pieceLength)
      sums = addPiece(at, getPiece(k.constant(whole), rest), sums);
    return sums;
  }

  SmallVector<Value> addPiece(ArrayRef<Value> at, const Piece &piece, ValueRange before) {
    SmallVector<Value> sums = ofBytes ? sumBytes(at, piece) : sumValues(at, piece);
    Value scale = weight.hasScale() ? weight.getScale(piece.weightBlock, k.x, 1) : Value();
    for (int64_t r = 0; r < kRows; ++r) {
      Value value = sums[r], factor = scale;
      if (getInputBlocks() > 1) {
        value = arith::MulFOp::create(k.b, k.loc, value, scale);
        factor = getInputScale(at[r], piece.inputBlock);
      }
      sums[r] = factor ? Value(math::FmaOp::create(k.b, k.loc, value, factor, before[r]))
                       : Value(arith::AddFOp::create(k.b, k.loc, before[r], value));
    }
    return sums;
  }

  /// Carries `sums` through a piece: whole periods, then what is left of one.
  using Steps = function_ref<void(Value period, int64_t columns, MutableArrayRef<Value> sums)>;
  SmallVector<Value> forEachPeriod(const Piece &piece, ValueRange initial, Steps body) {
    int64_t period = weight.getPacking().getPeriod(), whole = piece.length / period;
    SmallVector<Value> sums =
        k.loop(k.constant(0), k.constant(whole), 1, initial, [&](Value i, ValueRange carried) {
          SmallVector<Value> next(carried);
          body(k.add(piece.period, i), period, next);
          return next;
        });
    if (int64_t rest = piece.length % period)
      body(k.add(piece.period, whole), rest, sums);
    return sums;
  }

  SmallVector<Value> sumValues(ArrayRef<Value> at, const Piece &piece) {
    SmallVector<Value> zeros(kRows, k.getZero(real, 1));
    int64_t length = weight.getPacking().getPeriod();
    return forEachPeriod(piece, zeros, [&](Value period, int64_t count, MutableArrayRef<Value> sums) {
      for (int64_t column = 0; column < count; ++column) {
        Value w = weight.getValues(period, column, piece.weightBlock, k.x);
        for (int64_t r = 0; r < kRows; ++r) {
          Value position = k.add(k.mul(at[r], depth), k.add(k.mul(period, length), column));
          Value x = k.convertFloat(k.load(input, position, inputElement, Lanes()), real);
          sums[r] = math::FmaOp::create(k.b, k.loc, x, w, sums[r]);
        }
      }
    });
  }

  /// Unsigned codes u of w by signed codes x: sum (u - zero) x = sum u x - zero sum x.
  SmallVector<Value> sumBytes(ArrayRef<Value> at, const Piece &piece) {
    Type i32 = k.b.getI32Type();
    int64_t length = weight.getPacking().getPeriod(), group = weight.getPacking().getGroup();
    auto integer = [&](int64_t value) {
      return arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(static_cast<int32_t>(value)));
    };
    Value zero;
    if (weight.hasZero())
      zero = weight.getZero(piece.weightBlock, k.x, 1);
    else if (weight.getPacking().getBias())
      zero = integer(weight.getPacking().getBias());
    // The products, and where they are needed the sums of x.
    SmallVector<Value> initial(zero ? 2 * kRows : kRows, k.getZero(i32, 1));
    auto sumSteps = [&](Value period, int64_t count, MutableArrayRef<Value> sums) {
      Value ones = integer(0x01010101);
      for (int64_t column = 0; column < count; column += group) {
        Value w = weight.getGroups(period, column / group, k.x);
        for (int64_t r = 0; r < kRows; ++r) {
          Value position = k.add(k.mul(at[r], depth), k.add(k.mul(period, length), column));
          Value x = loadGroup(position, std::min(group, count - column));
          sums[r] = emitDot(w, x, sums[r]);
          if (zero)
            sums[kRows + r] = emitDot(ones, x, sums[kRows + r]);
        }
      }
    };
    SmallVector<Value> sums = forEachPeriod(piece, initial, sumSteps), values;
    for (int64_t r = 0; r < kRows; ++r) {
      Value sum = sums[r];
      if (zero)
        sum = arith::SubIOp::create(k.b, k.loc, sum,
                                    arith::MulIOp::create(k.b, k.loc, zero, sums[kRows + r]));
      values.push_back(arith::SIToFPOp::create(k.b, k.loc, real, sum));
    }
    return values;
  }

  /// `count` codes of x from `position` on as one word; those that a whole group has more are 0, and not
  /// read.
  Value loadGroup(Value position, int64_t count) {
    constexpr int64_t kGroup = 4;
    if (count == kGroup && depth % kGroup == 0)
      return k.loadWords(input, position);
    Type i32 = k.b.getI32Type();
    Value word;
    for (int64_t i = 0; i < count; ++i) {
      Value code = k.load(input, k.add(position, i), k.b.getI8Type(), Lanes());
      code = arith::ExtUIOp::create(k.b, k.loc, i32, code);
      if (i > 0)
        code = arith::ShLIOp::create(k.b, k.loc, code,
                                     arith::ConstantOp::create(k.b, k.loc, k.b.getI32IntegerAttr(i * 8)));
      word = word ? Value(arith::OrIOp::create(k.b, k.loc, word, code)) : code;
    }
    return word;
  }

  /// dp4a: the products of 4 unsigned bytes and 4 signed ones, added to `sum`.
  Value emitDot(Value unsignedBytes, Value signedBytes, Value sum) {
    auto bytes = VectorType::get({4}, k.b.getI8Type());
    return NVVM::DotAccumulate4WayOp::create(k.b, k.loc, sum.getType(),
                                             LLVM::BitcastOp::create(k.b, k.loc, bytes, unsignedBytes),
                                             NVVM::DotAccumulateType::UNSIGNED,
                                             LLVM::BitcastOp::create(k.b, k.loc, bytes, signedBytes),
                                             NVVM::DotAccumulateType::SIGNED, sum);
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  htk::LinearOp root;
  Type real;
  PackedWeight weight;
  bool ofBytes;
  Value input; ///< the buffer of x, or of its codes
  Type inputElement;
  int64_t depth, pieceLength, columns;
  SmallVector<Value> outer;
  Value rows;
};

} // namespace

LogicalResult lowerLinear(KernelBuilder &kernel, htk::LinearOp root) {
  if (!llvm::all_of(root->getOperands(), llvm::IsaPred<BlockArgument>))
    return root.emitOpError() << "expects its operands in memory";
  LinearEmitter(kernel, root).emit();
  return success();
}

} // namespace halftone::cuda
