//===- IndexRange.cpp - what integers of a kernel are known to be -----------===//

#include "passes/Elements/IndexRange.h"

#include "dialects/HT/HTOps.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace halftone::elements {

using Result = std::optional<IndexRange>;

static Result getConstantRange(ht::ConstantOp op) {
  auto elements = dyn_cast<DenseIntElementsAttr>(op.getValue());
  if (!elements || elements.empty())
    return std::nullopt;
  bool isUnsigned = elements.getElementType().isUnsignedInteger();
  IndexRange range{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
  for (const APInt &element : elements.getValues<APInt>()) {
    if (isUnsigned && !element.isIntN(63))
      return std::nullopt;
    int64_t value = isUnsigned ? static_cast<int64_t>(element.getZExtValue()) : element.getSExtValue();
    range = {std::min(range.least, value), std::max(range.greatest, value)};
  }
  return range;
}

static Result getIotaRange(ht::IotaOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  int64_t distance, last;
  if (!type.getElementType().isInteger(64) || type.isDynamicDim(0) || type.getDimSize(0) == 0 ||
      llvm::MulOverflow(type.getDimSize(0) - 1, static_cast<int64_t>(op.getStep()), distance) ||
      llvm::AddOverflow(static_cast<int64_t>(op.getStart()), distance, last))
    return std::nullopt;
  auto first = static_cast<int64_t>(op.getStart());
  return IndexRange{std::min(first, last), std::max(first, last)};
}

/// The sum of two i64, where no pair of them overflows.
static Result add(Result x, Result y, Type type) {
  IndexRange sum;
  if (!x || !y || !getElementTypeOrSelf(type).isSignlessInteger(64) ||
      llvm::AddOverflow(x->least, y->least, sum.least) ||
      llvm::AddOverflow(x->greatest, y->greatest, sum.greatest))
    return std::nullopt;
  return sum;
}

static Result unite(Result x, Result y) {
  if (!x || !y)
    return std::nullopt;
  return IndexRange{std::min(x->least, y->least), std::max(x->greatest, y->greatest)};
}

/// Looks through `depth` operations: sums of sums of one value take twice as long at each.
static Result getRange(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return std::nullopt;
  auto of = [&](Value operand) { return getRange(operand, depth - 1); };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case(getConstantRange)
      .Case(getIotaRange)
      .Case<ht::TransposeOp, ht::BroadcastOp, ht::ReshapeOp, ht::SliceOp, ht::WindowOp>(
          [&](auto moved) { return of(moved.getInput()); })
      .Case([&](ht::AddOp sum) { return add(of(sum.getLhs()), of(sum.getRhs()), sum.getType()); })
      .Case([&](ht::WhereOp where) { return unite(of(where.getLhs()), of(where.getRhs())); })
      .Default([](Operation *) { return std::nullopt; });
}

Result getIndexRange(Value value) { return getRange(value, /*depth=*/8); }

} // namespace halftone::elements
