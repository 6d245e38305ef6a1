//===- ElementEmitter.cpp - single elements of a kernel's values ------------===//

#include "passes/Elements/ElementEmitter.h"
#include "passes/Elements/Conversions.h"
#include "passes/Elements/IndexRange.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace halftone::elements {

using ht::Dims;

//===----------------------------------------------------------------------===//
// Which values vectorize
//===----------------------------------------------------------------------===//

/// The axis of `operand` that lanes along `lane` of a broadcast result run on.
static int64_t mapLane(Value operand, int64_t resultRank, int64_t lane) {
  Dims dims = ht::getDims(operand);
  int64_t axis = lane - (resultRank - static_cast<int64_t>(dims.size()));
  return lane < 0 || axis < 0 || ht::getConstant(dims[axis]) == 1 ? -1 : axis;
}

static int64_t getRank(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// Whether elements along `axis` are neighbours in memory.
static bool isContiguous(Value value, int64_t axis) {
  Dims dims = ht::getDims(value);
  return llvm::all_of(ArrayRef<ht::Dim>(dims).drop_front(axis + 1),
                      [](ht::Dim dim) { return ht::getConstant(dim) == 1; });
}

/// Whether `value` reads a rotation in its kernel: vectors of that begin at multiples of
/// the vector, so that none lies in both halves.
static bool rotates(Value value) {
  SmallVector<Value> open{value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (isa<ht::RopeOp>(op))
      return true;
    llvm::append_range(open, op->getOperands());
  }
  return false;
}

/// The axis of a window's input that `lane` walks, and in which steps.
static std::pair<int64_t, int64_t> getWindowStep(ht::WindowOp window, int64_t lane) {
  int64_t inputRank = getRank(window.getInput());
  if (lane >= inputRank)
    return {window.getAxes()[lane - inputRank], window.getDilations()[lane - inputRank]};
  auto found = llvm::find(window.getAxes(), lane);
  bool isWindowed = found != window.getAxes().end();
  return {lane, isWindowed ? window.getStrides()[found - window.getAxes().begin()] : 1};
}

/// Beyond that, loading each lane by itself is as fast.
static constexpr int64_t kMaxStride = 4;

bool ElementEmitter::takesStride(Value input, int64_t axis, int64_t stride) {
  return stride > 1 && stride <= kMaxStride && isa<BlockArgument>(input) && !bound.contains(input) &&
         isContiguous(input, axis);
}

Value ElementEmitter::emitStrided(Value input, ArrayRef<Index> indices, Lanes lanes, int64_t stride) {
  Index position = k.linearize(k.getDims(input), indices);
  return k.loadStrided(k.getBuffer(cast<BlockArgument>(input)), position.base,
                       getElementTypeOrSelf(input.getType()), lanes, stride);
}

std::optional<ElementEmitter::LaneOperands> ElementEmitter::getLaneOperands(Value value, int64_t lane) {
  using Result = std::optional<LaneOperands>;
  auto onlyIf = [](bool condition, LaneOperands operands = {}) {
    return condition ? Result(operands) : Result();
  };
  if (bound.contains(value)) {
    auto limit = limits.find(value);
    return onlyIf(limit == limits.end() || limit->second(lane));
  }
  Operation *op = value.getDefiningOp();
  if (!op)
    return onlyIf(isContiguous(value, lane));
  int64_t rank = getRank(value);
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](ht::ConstantOp constant) {
        auto elements = cast<DenseElementsAttr>(constant.getValue());
        return onlyIf(elements.isSplat() || isContiguous(value, lane));
      })
      .Case<ht::IotaOp, ht::DimOp>([&](auto) { return LaneOperands(); })
      .Case([&](ht::TransposeOp transpose) {
        return LaneOperands{{transpose.getInput(), transpose.getPermutation()[lane]}};
      })
      .Case([&](ht::SliceOp slice) {
        if (takesStride(slice.getInput(), lane, slice.getStrides()[lane]))
          return Result(LaneOperands());
        auto start = ht::getConstant(slice.getStarts().getExprs()[lane]);
        bool isAligned = start && *start % k.lanes == 0;
        return onlyIf(slice.getStrides()[lane] == 1 && (isAligned || !rotates(slice.getInput())),
                      {{slice.getInput(), lane}});
      })
      .Case([&](ht::WindowOp window) {
        auto [axis, stride] = getWindowStep(window, lane);
        if (takesStride(window.getInput(), axis, stride))
          return Result(LaneOperands());
        bool isWindowed = llvm::is_contained(window.getAxes(), axis);
        return onlyIf(stride == 1 && (!isWindowed || !rotates(window.getInput())),
                      {{window.getInput(), axis}});
      })
      .Case([&](ht::ConcatOp concat) {
        LaneOperands operands;
        for (Value input : concat.getInputs())
          operands.push_back({input, lane});
        return onlyIf(static_cast<int64_t>(concat.getAxis()) != lane, operands);
      })
      .Case([&](ht::GatherOp gather) {
        int64_t axis = gather.getAxis(), indexRank = getRank(gather.getIndices());
        return onlyIf(lane < axis || lane >= axis + indexRank,
                      {{gather.getInput(), lane < axis ? lane : lane - indexRank + 1}});
      })
      .Case([&](ht::EmbeddingOp embedding) {
        return onlyIf(lane == rank - 1, {{embedding.getTable(), 1}});
      })
      .Case([&](ht::GatherNDOp gather) {
        int64_t tuples = getRank(gather.getIndices()) - 1;
        int64_t depth = cast<RankedTensorType>(gather.getIndices().getType()).getShape().back();
        return onlyIf(lane >= tuples, {{gather.getInput(), lane - tuples + depth}});
      })
      .Case([&](ht::RopeOp rope) {
        int64_t pairs = cast<RankedTensorType>(rope.getCos().getType()).getShape().back();
        auto type = cast<RankedTensorType>(rope.getInput().getType());
        return onlyIf(lane == 3 && !rope.getInterleaved() && pairs % k.lanes == 0 &&
                          type.getShape().back() == 2 * pairs && canVectorize(rope.getInput(), 3),
                      {{rope.getInput(), 3}});
      })
      .Case([&](htq::DequantizeOp dequantize) { return getTermOperands(dequantize, lane); })
      .Case([&](htq::QuantizeOp quantize) { return getQuantizeOperands(quantize, lane); })
      .Case([&](htq::RequantizeOp requantize) { return getRequantizeOperands(requantize, lane); })
      .Default([&](Operation *elementwise) {
        LaneOperands operands;
        for (Value operand : elementwise->getOperands())
          operands.push_back({operand, mapLane(operand, rank, lane)});
        return Result(operands);
      });
}

bool ElementEmitter::canVectorize(Value value, int64_t lane) {
  if (lane < 0)
    return true;
  std::optional<LaneOperands> operands = getLaneOperands(value, lane);
  return operands &&
         llvm::all_of(*operands, [&](auto &operand) { return canVectorize(operand.first, operand.second); });
}

/// Whether `op` moves elements, or makes them from nothing: no arithmetic that lanes would speed up.
static bool onlyMoves(Operation *op) {
  return isa<ht::ConstantOp, ht::IotaOp, ht::DimOp, ht::TransposeOp, ht::BroadcastOp, ht::SliceOp,
             ht::WindowOp, ht::ConcatOp, ht::GatherOp, ht::GatherNDOp, ht::EmbeddingOp, func::ReturnOp>(op) ||
         movesBits(op);
}

int64_t ElementEmitter::getWidth(Value output, int64_t lane) {
  if (lane < 0)
    return 1;
  bool computes = !llvm::all_of(*k.getYield()->getBlock(), [](Operation &op) { return onlyMoves(&op); });
  return computes || canVectorize(output, lane) ? k.lanes : 1;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Indices ElementEmitter::mapBroadcast(Value operand, ArrayRef<Index> indices) {
  Dims dims = ht::getDims(operand);
  Indices mapped;
  for (auto [dim, index] : llvm::zip(dims, indices.take_back(dims.size())))
    mapped.push_back(ht::getConstant(dim) == 1 ? Index{k.constant(0), false} : index);
  return mapped;
}

Value ElementEmitter::emitEachLane(Value value, ArrayRef<Index> indices, Lanes lanes) {
  Type element = getElementTypeOrSelf(value.getType());
  Value scratch = k.scratch(lanes.width, htk::getStorageType(element));
  k.loop(k.constant(0), k.constant(lanes.width), 1, [&](Value i) {
    // Lanes past the end repeat the last element that there is.
    Value offset = lanes.count ? k.min(i, k.sub(lanes.count, k.constant(1))) : i;
    Indices at(indices);
    for (Index &index : at)
      if (index.lane)
        index = {k.add(index.base, offset), false};
    k.store(get(value, at, Lanes()), scratch, i, Lanes());
  });
  return k.load(scratch, k.constant(0), element, {lanes.width, {}, {}});
}

Value ElementEmitter::get(Value value, ArrayRef<Index> indices, Lanes lanes) {
  auto lane = llvm::find_if(indices, [](const Index &index) { return index.lane; });
  int64_t laneAxis = lane - indices.begin();
  if (lane == indices.end())
    lanes = Lanes();
  else if (!getLaneOperands(value, laneAxis))
    return emitEachLane(value, indices, lanes);
  if (auto it = bound.find(value); it != bound.end())
    return it->second(indices, lanes);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Index position = k.linearize(k.getDims(value), indices);
    return k.load(k.getBuffer(argument), position.base, getElementTypeOrSelf(value.getType()), lanes);
  }

  Operation *op = value.getDefiningOp();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](ht::ConstantOp constant) { return emitConstant(constant, indices, lanes); })
      .Case([&](ht::DimOp dim) -> Value {
        return arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(),
                                          k.getDim(dim.getExpr().getExprs().front()));
      })
      .Case([&](ht::IotaOp iota) { return emitIota(iota, indices, lanes); })
      .Case([&](ht::TransposeOp transpose) {
        Indices mapped(indices.size());
        for (auto [i, axis] : llvm::enumerate(transpose.getPermutation()))
          mapped[axis] = indices[i];
        return get(transpose.getInput(), mapped, lanes);
      })
      .Case([&](ht::BroadcastOp broadcast) {
        return get(broadcast.getInput(), mapBroadcast(broadcast.getInput(), indices), lanes);
      })
      .Case([&](ht::SliceOp slice) {
        Indices mapped;
        for (auto [index, start, stride] :
             llvm::zip(indices, slice.getStarts().getExprs(), slice.getStrides()))
          mapped.push_back({k.add(k.getDim(start), k.mul(index.base, stride)), index.lane});
        if (int64_t stride = lanes.width > 1 ? slice.getStrides()[laneAxis] : 1; stride != 1)
          return emitStrided(slice.getInput(), mapped, lanes, stride);
        return get(slice.getInput(), mapped, lanes);
      })
      .Case([&](ht::WindowOp window) {
        Indices mapped(indices.drop_back(window.getAxes().size()));
        for (auto [j, axis] : llvm::enumerate(window.getAxes())) {
          Index &whole = mapped[axis], within = indices[indices.size() - window.getAxes().size() + j];
          whole.base =
              k.add(k.mul(whole.base, window.getStrides()[j]), k.mul(within.base, window.getDilations()[j]));
          whole.lane |= within.lane;
        }
        if (int64_t stride = lanes.width > 1 ? getWindowStep(window, laneAxis).second : 1; stride != 1)
          return emitStrided(window.getInput(), mapped, lanes, stride);
        return get(window.getInput(), mapped, lanes);
      })
      .Case([&](ht::ConcatOp concat) { return emitConcat(concat, indices, lanes); })
      .Case([&](ht::GatherOp gather) {
        size_t axis = gather.getAxis(), count = getRank(gather.getIndices());
        Value extent = k.getDims(gather.getInput())[axis];
        Value position = getPosition(gather.getIndices(), indices.slice(axis, count), extent, op->getLoc());
        return emitGather(op, gather.getInput(), position, indices.take_front(axis),
                          indices.drop_front(axis + count), lanes);
      })
      .Case([&](ht::EmbeddingOp embedding) {
        Value extent = k.getDims(embedding.getTable())[0];
        Value position = getPosition(embedding.getIds(), indices.drop_back(), extent, op->getLoc());
        Value element = emitGather(op, embedding.getTable(), position, {}, indices.take_back(), lanes);
        return k.convertFloat(element, getElementTypeOrSelf(value.getType()));
      })
      .Case([&](ht::GatherNDOp gather) {
        size_t tuples = getRank(gather.getIndices()) - 1;
        int64_t depth = cast<RankedTensorType>(gather.getIndices().getType()).getShape().back();
        SmallVector<Value> extents = k.getDims(gather.getInput()), positions;
        for (int64_t i = 0; i < depth; ++i) {
          Indices at(indices.take_front(tuples));
          at.push_back({k.constant(i), false});
          positions.push_back(getPosition(gather.getIndices(), at, extents[i], op->getLoc()));
        }
        return emitGather(op, gather.getInput(), positions, {}, indices.drop_front(tuples), lanes);
      })
      .Case([&](ht::RopeOp rope) { return emitRope(rope, indices, lanes); })
      .Case([&](htq::DequantizeOp dequantize) { return emitDequantize(dequantize, indices, lanes); })
      .Case([&](htq::QuantizeOp quantize) { return emitQuantize(quantize, indices, lanes); })
      .Case([&](htq::RequantizeOp requantize) { return emitRequantize(requantize, indices, lanes); })
      .Case([&](htq::ObserveOp observe) { return get(observe.getInput(), indices, lanes); })
      .Default([&](Operation *) { return emitElementwise(op, indices, lanes); });
}

Value ElementEmitter::emitElementwise(Operation *op, ArrayRef<Index> indices, Lanes lanes) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value x = getVector(operand, mapBroadcast(operand, indices), lanes);
    operands.push_back(movesBits(op) ? x : k.widen(x));
  }
  Value result = emitScalarFunction(k, op, operands);
  if (!result) {
    op->emitOpError() << "has no scalar form in this kernel";
    k.setFailed();
    result = k.getZero(getElementTypeOrSelf(op->getResult(0)), lanes.width);
  }
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  return isa<Float16Type, BFloat16Type>(element) ? k.convertFloat(result, element) : result;
}

Value ElementEmitter::emitConcat(ht::ConcatOp op, ArrayRef<Index> indices, Lanes lanes) {
  // Every part is read at a clamped index, and the right one chosen.
  size_t axis = op.getAxis();
  Value offset = k.constant(0), result;
  for (Value input : op.getInputs()) {
    Value extent = k.getDims(input)[axis];
    Value local = k.sub(indices[axis].base, offset);
    Value zero = k.constant(0);
    Value clamped = arith::MaxSIOp::create(k.b, k.loc, zero, k.min(local, k.sub(extent, k.constant(1))));
    Indices mapped(indices);
    mapped[axis] = {clamped, false};
    Value element = getVector(input, mapped, lanes);
    result = result ? k.select(k.less(local, zero), result, element) : element;
    offset = k.add(offset, extent);
  }
  return result;
}

Value ElementEmitter::getPosition(Value indexTensor, ArrayRef<Index> at, Value bound, Location site) {
  Value value = get(indexTensor, at, Lanes());
  Type element = getElementTypeOrSelf(indexTensor.getType());
  value = emitCast(k, value, element, k.b.getI64Type());
  // From 2^63 on an unsigned index is as far outside as the largest signed one.
  if (element.isUnsignedInteger(64)) {
    Value most =
        arith::ConstantOp::create(k.b, k.loc, k.b.getI64IntegerAttr(std::numeric_limits<int64_t>::max()));
    value = arith::MinUIOp::create(k.b, k.loc, value, most);
  }
  Value index = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), value);
  // What is known when the model is compiled needs no check when it runs.
  std::optional<int64_t> extent = getConstantIntValue(bound);
  std::optional<IndexRange> range = extent ? getIndexRange(indexTensor) : std::nullopt;
  if (range && range->least >= 0 && range->greatest < *extent)
    return index;
  if (range && range->least >= -*extent && range->greatest < *extent)
    return k.select(k.less(index, k.constant(0)), k.add(index, bound), index);
  return k.checkIndex(index, bound, site);
}

Value ElementEmitter::emitGather(Operation *op, Value input, ArrayRef<Value> positions,
                                 ArrayRef<Index> before, ArrayRef<Index> after, Lanes lanes) {
  Indices mapped(before);
  for (Value position : positions)
    mapped.push_back({position, false});
  mapped.append(after.begin(), after.end());
  return get(input, mapped, lanes);
}

Value ElementEmitter::emitRope(ht::RopeOp op, ArrayRef<Index> indices, Lanes lanes) {
  auto cosType = cast<RankedTensorType>(op.getCos().getType());
  int64_t pairs = cosType.getShape().back();
  Value i = indices[3].base;
  Value zero = k.constant(0), r = k.constant(pairs);

  // The pair's number, and whether i is its first element; lanes share both.
  Value first, pair, partner;
  if (op.getInterleaved()) {
    Value odd = k.rem(i, k.constant(2));
    first = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, odd, zero);
    pair = k.div(i, k.constant(2));
    partner = k.select(first, k.add(i, 1), k.sub(i, k.constant(1)));
  } else {
    first = k.less(i, r);
    pair = k.select(first, i, k.sub(i, r));
    partner = k.select(first, k.add(i, r), k.sub(i, r));
  }
  // Elements past the rotated ones pass through; their pair is clamped to stay inside.
  bool partial = cast<RankedTensorType>(op.getInput().getType()).getShape().back() > 2 * pairs;
  Value rotated;
  if (partial) {
    rotated = k.less(i, k.constant(2 * pairs));
    pair = k.select(rotated, pair, zero);
    partner = k.select(rotated, partner, zero);
  }

  Indices other(indices);
  other[3] = {partner, indices[3].lane};
  Indices angle{ht::getConstant(ht::getDims(op.getCos())[0]) == 1 ? Index{zero, false} : indices[0],
                indices[1],
                {pair, indices[3].lane}};
  auto element = [&](Value value, ArrayRef<Index> at) { return k.widen(getVector(value, at, lanes)); };
  Value x = element(op.getInput(), indices), y = element(op.getInput(), other);
  Value c = element(op.getCos(), angle), s = element(op.getSin(), angle);
  Value signedSine = k.select(first, arith::NegFOp::create(k.b, k.loc, s), s);
  Value turned = arith::AddFOp::create(k.b, k.loc, arith::MulFOp::create(k.b, k.loc, x, c),
                                       arith::MulFOp::create(k.b, k.loc, y, signedSine));
  if (partial)
    turned = k.select(rotated, turned, x);
  return k.convertFloat(turned, getElementTypeOrSelf(op.getType()));
}

/// `base` in the first lane, and `stride` more in each further one; i64.
static Value emitPositions(CodeBuilder &k, Value base, int64_t stride, Lanes lanes) {
  auto i64 = k.b.getI64Type();
  Value position = arith::IndexCastOp::create(k.b, k.loc, i64, base);
  if (lanes.width == 1)
    return position;
  SmallVector<int64_t> offsets;
  for (int64_t lane = 0; lane < lanes.width; ++lane)
    offsets.push_back(lane * stride);
  auto type = VectorType::get({lanes.width}, i64);
  Value steps =
      arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, ArrayRef<int64_t>(offsets)));
  return arith::AddIOp::create(k.b, k.loc, k.splat(position, lanes.width), steps);
}

Value ElementEmitter::emitIota(ht::IotaOp op, ArrayRef<Index> indices, Lanes lanes) {
  Value position = emitPositions(k, indices[0].base, 1, lanes);
  auto integer = [&](int64_t value) {
    return k.splat(arith::ConstantOp::create(k.b, k.loc, k.b.getI64IntegerAttr(value)), lanes.width);
  };
  if (op.getStep() != 1)
    position = arith::MulIOp::create(k.b, k.loc, position, integer(op.getStep()));
  if (op.getStart() != 0)
    position = arith::AddIOp::create(k.b, k.loc, position, integer(op.getStart()));
  return emitCast(k, position, k.b.getI64Type(), getElementTypeOrSelf(op.getType()));
}

Value ElementEmitter::emitConstant(ht::ConstantOp op, ArrayRef<Index> indices, Lanes lanes) {
  auto elements = cast<DenseElementsAttr>(op.getValue());
  Type element = elements.getElementType();
  if (elements.isSplat())
    return arith::ConstantOp::create(k.b, k.loc, k.getLiteral(elements.getSplatValue<Attribute>(), element));
  if (elements.empty()) // One part of a concatenation, in code that never runs.
    return k.getZero(element, 1);
  Value position = k.linearize(k.getDims(op.getResult()), indices).base;
  return k.load(k.getTable(elements), position, element, lanes);
}

} // namespace halftone::elements
