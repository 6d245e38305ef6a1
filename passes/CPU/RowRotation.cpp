//===- RowRotation.cpp - rows times Hadamard matrices -----------------------===//
//
// log2(order) steps, each of sums and differences of elements some distance apart. Where
// that is a multiple of a register, they are of registers, of which as many are held as
// there are: eight with 256 bits, sixteen with 512. One pass over the row in L1 makes three
// or four steps so; the first reads the input, and makes the steps within registers as
// well: a shuffle and an FMA with signs.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/RowRotation.h"

#include <cmath>

using namespace mlir;

namespace halftone::cpu {

RowRotation::RowRotation(KernelBuilder &kernel, ElementEmitter &emitter, htq::HadamardOp op)
    : k(kernel), emitter(emitter), op(op), real(kernel.getComputeType(getElementTypeOrSelf(op.getType()))),
      columns(cast<RankedTensorType>(op.getType()).getShape().back()), order(op.getOrder()),
      stride(op.getStride()), scratch(kernel.scratch(columns, real)) {}

ElementEmitter::Producer RowRotation::emit(ArrayRef<Value> outer) {
  // Either distances begin in a register and double into the next, or none is within one.
  bool inRegisters = llvm::isPowerOf2_64(stride) || stride % k.lanes == 0;
  if (inRegisters && columns % k.lanes == 0)
    emitVectors(outer);
  else
    emitScalars(outer);
  Type element = getElementTypeOrSelf(op.getType());
  return [&k = k, scratch = scratch, real = real, element](ArrayRef<Index> at, Lanes lanes) {
    return k.convertFloat(k.load(scratch, at.back().base, real, lanes), element);
  };
}

Value RowRotation::loadInput(ArrayRef<Value> outer, Index column, Lanes at) {
  Indices indices;
  for (Value index : outer)
    indices.push_back({index, false});
  indices.push_back(column);
  return k.convertFloat(emitter.getVector(op.getInput(), indices, at), real);
}

void RowRotation::emitVectors(ArrayRef<Value> outer) {
  int64_t distance = stride, end = order * stride, held = k.lanes == 16 ? 16 : 8;
  SmallVector<int64_t, 4> within;
  for (; distance < std::min(k.lanes, end); distance *= 2)
    within.push_back(distance);
  bool isFirst = true;
  // With none between registers still one pass, of single ones.
  do {
    int64_t count = std::min(held, end / distance), span = distance * count;
    k.loop(k.constant(0), k.constant(columns), std::max(span, k.lanes), [&](Value block) {
      k.loop(k.constant(0), k.constant(std::max(distance, k.lanes)), k.lanes, [&](Value offset) {
        Vectors vectors;
        SmallVector<Value> positions;
        for (int64_t i = 0; i < std::max<int64_t>(count, 1); ++i) {
          Value position = positions.emplace_back(k.add(k.add(block, offset), i * distance));
          Value x = isFirst ? loadInput(outer, {position, true}, {k.lanes})
                            : k.load(scratch, position, real, {k.lanes});
          for (int64_t lanes : isFirst ? ArrayRef<int64_t>(within) : ArrayRef<int64_t>())
            x = combineLanes(x, lanes);
          vectors.push_back(x);
        }
        combineVectors(vectors);
        for (auto [position, x] : llvm::zip_equal(positions, vectors))
          k.store(span >= end ? normalize(x) : x, scratch, position, {k.lanes});
      });
    });
    distance = span;
    isFirst = false;
  } while (distance < end);
}

/// One step of lanes `distance` apart.
Value RowRotation::combineLanes(Value x, int64_t distance) {
  SmallVector<int64_t> other;
  SmallVector<Attribute> signs;
  for (int64_t lane = 0; lane < k.lanes; ++lane) {
    other.push_back(lane ^ distance);
    signs.push_back(k.b.getFloatAttr(real, lane & distance ? -1 : 1));
  }
  auto type = cast<VectorType>(x.getType());
  Value sign = arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, signs));
  Value partner = vector::ShuffleOp::create(k.b, k.loc, x, x, other);
  return vector::FMAOp::create(k.b, k.loc, x, sign, partner);
}

/// All steps between these.
void RowRotation::combineVectors(Vectors &vectors) {
  for (size_t distance = 1; distance < vectors.size(); distance *= 2)
    for (size_t i = 0; i < vectors.size(); ++i)
      if ((i & distance) == 0) {
        Value x = vectors[i], y = vectors[i + distance];
        vectors[i] = arith::AddFOp::create(k.b, k.loc, x, y);
        vectors[i + distance] = arith::SubFOp::create(k.b, k.loc, x, y);
      }
}

Value RowRotation::normalize(Value x) {
  Value norm = k.floatConstant(1 / std::sqrt(static_cast<double>(order)), real, KernelBuilder::getWidth(x));
  return arith::MulFOp::create(k.b, k.loc, x, norm);
}

/// Element by element, where blocks and registers do not share their ends.
void RowRotation::emitScalars(ArrayRef<Value> outer) {
  k.vectorLoop(k.constant(columns), k.lanes, [&](Index i, Lanes at) {
    k.store(loadInput(outer, i, at), scratch, i.base, at);
  });
  for (int64_t distance = stride; distance < order * stride; distance *= 2) {
    bool isLast = 2 * distance == order * stride;
    k.loop(k.constant(0), k.constant(columns), 2 * distance, [&](Value block) {
      k.loop(k.constant(0), k.constant(distance), 1, [&](Value offset) {
        Value i = k.add(block, offset), j = k.add(i, distance);
        Vectors pair{k.load(scratch, i, real, Lanes()), k.load(scratch, j, real, Lanes())};
        combineVectors(pair);
        k.store(isLast ? normalize(pair[0]) : pair[0], scratch, i, Lanes());
        k.store(isLast ? normalize(pair[1]) : pair[1], scratch, j, Lanes());
      });
    });
  }
}

} // namespace halftone::cpu
