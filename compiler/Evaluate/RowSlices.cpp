//===- RowSlices.cpp - a part of a weight is a weight -----------------------===//

#include "compiler/Evaluate/RowSlices.h"

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Tensor.h"
#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTK/Packing.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace halftone::evaluate {

namespace {

RankedTensorType getType(Value value) { return cast<RankedTensorType>(value.getType()); }
int64_t getSize(Value value, int64_t axis) { return getType(value).getDimSize(axis); }

/// Whether each row has parameters of its own in every affine of `term`.
bool isByRow(Attribute term) {
  bool byRow = true;
  htq::mapBlocks(term, [&](ArrayRef<int64_t> blocks) {
    byRow &= !blocks.empty() && blocks.front() == 1;
    return SmallVector<int64_t>(blocks);
  });
  return byRow;
}

/// Builds slices of values from the result towards the loads.
class Slicer {
public:
  explicit Slicer(Block *block) : builder(OpBuilder::atBlockEnd(block)) {}

  /// [begin, end) of `value` along `axis`, or null.
  Value slice(Value value, int64_t axis, int64_t begin, int64_t end) {
    if (begin == 0 && end == getSize(value, axis))
      return copy(value);
    auto key = std::make_tuple(value, axis, begin, end);
    if (Value known = slices.lookup(key))
      return known;
    Operation *op = value.getDefiningOp();
    Window window{axis, begin, end};
    Operation *made =
        llvm::TypeSwitch<Operation *, Operation *>(op)
            .Case<ht::LoadOp>([&](auto load) { return sliceLoad(load, window); })
            .Case<ht::ReshapeOp>([&](auto reshape) -> Operation * {
              // The first axis stays what it is if it is as long as before.
              bool keeps = axis == 0 && getType(reshape.getInput()).getRank() > 0 &&
                           getSize(reshape.getInput(), 0) == getSize(value, 0);
              return keeps ? rebuild(op, window, {slice(reshape.getInput(), 0, begin, end)}) : nullptr;
            })
            .Case<ht::TransposeOp>([&](auto transpose) {
              return rebuild(op, window,
                             {slice(transpose.getInput(), transpose.getPermutation()[axis], begin, end)});
            })
            .Case<ht::SliceOp>([&](auto inner) { return sliceSlice(inner, window); })
            .Case<htk::PackOp>([&](auto pack) -> Operation * {
              constexpr int64_t panel = htk::Packing::kPanel;
              int64_t last = std::min(end * panel, getSize(pack.getInput(), 0));
              return axis == 0 ? rebuild(op, window, {slice(pack.getInput(), 0, begin * panel, last)})
                               : nullptr;
            })
            .Case<htq::HadamardOp>([&](auto) {
              return axis + 1 < getType(value).getRank() ? sliceOperands(op, window) : nullptr;
            })
            .Case<htq::DequantizeOp, htq::QuantizeOp, htq::DynamicQuantizeOp>([&](auto quantized) {
              return axis == 0 && isByRow(quantized.getTerm()) ? sliceOperands(op, window) : nullptr;
            })
            .Case<htq::RequantizeOp>([&](auto requantize) {
              return axis == 0 && isByRow(requantize.getFrom()) && isByRow(requantize.getTo())
                         ? sliceOperands(op, window)
                         : nullptr;
            })
            .Default(
                [&](Operation *) { return ht::isElementwise(op) ? sliceOperands(op, window) : nullptr; });
    if (!made)
      return {};
    for (auto [from, to] : llvm::zip_equal(op->getResults(), made->getResults()))
      slices[{from, axis, begin, end}] = to;
    return slices[key];
  }

private:
  struct Window {
    int64_t axis, begin, end;
  };

  static RankedTensorType narrow(RankedTensorType type, Window window) {
    SmallVector<int64_t> shape(type.getShape());
    shape[window.axis] = window.end - window.begin;
    return RankedTensorType::get(shape, type.getElementType());
  }

  /// `value` whole.
  Value copy(Value value) {
    Operation *op = value.getDefiningOp();
    if (!wholes.contains(value)) {
      for (Value operand : op->getOperands())
        copy(operand);
      builder.clone(*op, wholes);
    }
    return wholes.lookup(value);
  }

  /// `op` on `operands` with results as narrow as the window; null if one of the operands is.
  Operation *rebuild(Operation *op, Window window, ArrayRef<Value> operands) {
    if (!llvm::all_of(operands, [](Value operand) { return bool(operand); }))
      return nullptr;
    // Never a use of the weight's own values, whose lists of uses other threads would change as well.
    IRMapping mapping;
    mapping.map(op->getOperands(), operands);
    Operation *made = builder.clone(*op, mapping);
    for (Value result : made->getResults())
      result.setType(narrow(getType(result), window));
    return made;
  }

  /// An operation for which an element of the window needs those of its place alone. Operands are
  /// aligned at the last axis; one that has the place once serves all.
  Operation *sliceOperands(Operation *op, Window window) {
    int64_t size = getSize(op->getResult(0), window.axis), rank = getType(op->getResult(0)).getRank();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      int64_t axis = window.axis - (rank - getType(operand).getRank());
      bool shared = axis < 0 || getSize(operand, axis) == 1;
      if (!shared && getSize(operand, axis) != size)
        return nullptr;
      operands.push_back(shared ? copy(operand) : slice(operand, axis, window.begin, window.end));
    }
    return rebuild(op, window, operands);
  }

  Operation *sliceLoad(ht::LoadOp load, Window window) {
    RankedTensorType type = getType(load);
    int64_t storedBits = getStoredBits(*getElementKind(type.getElementType()));
    if (window.axis == 0) {
      int64_t rowBits = getNumElements(type.getShape().drop_front()) * storedBits;
      if (rowBits % 8 != 0)
        return nullptr;
      auto made = cast<ht::LoadOp>(rebuild(load, window, {}));
      made.setOffset(load.getOffset() + window.begin * (rowBits / 8));
      return made;
    }
    // Of bytes all is a view of the file, which takes nothing.
    if (storedBits < 8)
      return nullptr;
    SmallVector<AffineExpr> starts(type.getRank(), builder.getAffineConstantExpr(0));
    starts[window.axis] = builder.getAffineConstantExpr(window.begin);
    return ht::SliceOp::create(builder, load.getLoc(), narrow(type, window), copy(load),
                               ht::DimsAttr::get(builder.getContext(), starts),
                               SmallVector<int64_t>(type.getRank(), 1));
  }

  Operation *sliceSlice(ht::SliceOp op, Window window) {
    SmallVector<AffineExpr> starts(op.getStarts().getExprs());
    auto start = dyn_cast<AffineConstantExpr>(starts[window.axis]);
    int64_t stride = op.getStrides()[window.axis];
    if (!start || stride < 1)
      return nullptr;
    int64_t first = start.getValue() + window.begin * stride,
            last = start.getValue() + (window.end - 1) * stride;
    auto made =
        cast_or_null<ht::SliceOp>(rebuild(op, window, {slice(op.getInput(), window.axis, first, last + 1)}));
    if (!made)
      return nullptr;
    starts[window.axis] = builder.getAffineConstantExpr(0);
    made.setStartsAttr(ht::DimsAttr::get(builder.getContext(), starts));
    return made;
  }

  OpBuilder builder;
  IRMapping wholes;
  DenseMap<std::tuple<Value, int64_t, int64_t, int64_t>, Value> slices;
};

} // namespace

OwningOpRef<ht::WeightOp> sliceRows(ht::WeightOp weight, int64_t begin, int64_t end) {
  RankedTensorType type = weight.getWeightType();
  if (type.getRank() == 0)
    return {};
  OwningOpRef<ht::WeightOp> part = cast<ht::WeightOp>(weight->cloneWithoutRegions());
  Block &block = part->getInitializer().emplaceBlock();
  Value rows = Slicer(&block).slice(weight.getYielded(), 0, begin, end);
  if (!rows)
    return {};
  OpBuilder builder = OpBuilder::atBlockEnd(&block);
  ht::YieldOp::create(builder, weight.getLoc(), rows);
  part->setType(getType(rows));
  return part;
}

uint64_t estimateBytes(ht::WeightOp weight) {
  // What a quantization knows of a block while it looks for its parameters.
  constexpr uint64_t kBlockBytes = 48;
  uint64_t bytes = 0;
  for (Operation &op : weight.getInitializer().front()) {
    for (Value result : op.getResults()) {
      auto kind = *getElementKind(getType(result).getElementType());
      bool isView = isa<ht::ReshapeOp>(op) || (isa<ht::LoadOp>(op) && getStoredBits(kind) >= 8);
      uint64_t count = getNumElements(getType(result).getShape());
      if (!isView)
        bytes += count * getSize(kind);
      if (isa<htq::DynamicQuantizeOp>(op) && result != op.getResult(0))
        bytes += count * kBlockBytes;
    }
    // Requantization and quantization hold numbers as doubles.
    if (isa<htq::RequantizeOp, htq::QuantizeOp>(op))
      bytes += 2 * sizeof(double) * getNumElements(getType(op.getResult(0)).getShape());
  }
  return bytes;
}

} // namespace halftone::evaluate
