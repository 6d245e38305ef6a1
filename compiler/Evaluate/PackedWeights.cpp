//===- PackedWeights.cpp - htk.pack, and products by packed weights ---------===//

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Handlers.h"
#include "compiler/Evaluate/QuantizedProduct.h"
#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTK/Packing.h"

#include <cstring>

using namespace mlir;

namespace halftone::evaluate {

namespace {

using htk::Packing;

/// Calls `function(row, column, position of the stored element)` for all elements of
/// [rows, columns] that are stored whole, in blocks that stay in cache on both sides.
template <typename Function>
void visitWhole(const Packing &packing, int64_t rows, int64_t columns, Function function) {
  constexpr int64_t kBlock = 16;
  int64_t group = packing.getGroup(), panelSize = llvm::divideCeil(columns, group) * packing.getPeriodSize();
  for (int64_t first = 0; first < rows; first += Packing::kPanel)
    for (int64_t block = 0; block < columns; block += kBlock)
      for (int64_t row = first, end = std::min(rows, first + Packing::kPanel); row < end; ++row)
        for (int64_t column = block, last = std::min(columns, block + kBlock); column < last; ++column)
          function(row, column,
                   first / Packing::kPanel * panelSize + column / group * packing.getPeriodSize() +
                       (row - first) * group + column % group);
}

/// The same for codes: `function(row, column, byte, its bit, the code's bit, width)` for each plane.
template <typename Function>
void visitBits(const Packing &packing, int64_t rows, int64_t columns, Function function) {
  int64_t period = packing.getPeriod(), group = packing.getGroup();
  int64_t panelSize = llvm::divideCeil(columns, period) * packing.getPeriodSize();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      int64_t start = row / Packing::kPanel * panelSize + column / period * packing.getPeriodSize() +
                      row % Packing::kPanel * group + column % group;
      int64_t step = column % period / group, low = 0;
      for (int64_t width : packing.getPlanes()) {
        int64_t perSlab = 8 / width;
        function(row, column, start + step / perSlab * Packing::kPanel * group, step % perSlab * width, low,
                 width);
        start += packing.getSteps() / perSlab * Packing::kPanel * group;
        low += width;
      }
    }
}

template <typename T>
void packWhole(const Packing &packing, const Tensor &from, Tensor &to) {
  const T *source = reinterpret_cast<const T *>(from.data());
  T *target = to.getMutable<T>();
  visitWhole(packing, from.getDim(0), from.getDim(1), [&](int64_t row, int64_t column, int64_t position) {
    T value; // A view of a file may start at any byte.
    std::memcpy(&value, source + row * from.getDim(1) + column, sizeof(T));
    target[position] = value;
  });
}

llvm::Expected<Tensor> pack(htk::PackOp op, Frame &frame) {
  const Tensor &from = frame.get(op.getInput());
  Tensor to = frame.allocate(op.getResult());
  Packing packing(getElementTypeOrSelf(op.getInput()), op.getGroup());
  if (packing.isBits()) {
    const auto *source = reinterpret_cast<const uint8_t *>(from.data());
    auto *target = to.getMutable<uint8_t>();
    visitBits(packing, from.getDim(0), from.getDim(1),
              [&](int64_t row, int64_t column, int64_t byte, int64_t bit, int64_t codeBit, int64_t width) {
                unsigned code =
                    source[row * from.getDim(1) + column] + static_cast<unsigned>(packing.getBias());
                target[byte] |= (code >> codeBit & ((1u << width) - 1)) << bit;
              });
    return to;
  }
  switch (from.getElementSize()) {
  case 1:
    packWhole<uint8_t>(packing, from, to);
    return to;
  case 2:
    packWhole<uint16_t>(packing, from, to);
    return to;
  case 4:
    packWhole<uint32_t>(packing, from, to);
    return to;
  case 8:
    packWhole<uint64_t>(packing, from, to);
    return to;
  default:
    return makeError(op, "cannot pack elements of this size");
  }
}

/// The rows that were packed.
Tensor unpack(const Tensor &packed, const htk::PackedLeaf &leaf) {
  Type element = leaf.rows.getElementType();
  Packing packing(element, leaf.group);
  int64_t rows = leaf.rows.getDimSize(0), columns = leaf.rows.getDimSize(1);
  Tensor result = Tensor::allocate(*getElementKind(element), {rows, columns});
  if (packing.isBits()) {
    std::vector<double> codes(rows * columns, -static_cast<double>(packing.getBias()));
    const auto *source = reinterpret_cast<const uint8_t *>(packed.data());
    visitBits(packing, rows, columns,
              [&](int64_t row, int64_t column, int64_t byte, int64_t bit, int64_t codeBit, int64_t width) {
                codes[row * columns + column] += (source[byte] >> bit & ((1u << width) - 1)) << codeBit;
              });
    result.write(0, ArrayRef<double>(codes));
    return result;
  }
  int64_t size = result.getElementSize();
  visitWhole(packing, rows, columns, [&](int64_t row, int64_t column, int64_t position) {
    std::memcpy(result.getMutableData() + (row * columns + column) * size, packed.data() + position * size,
                size);
  });
  return result;
}

llvm::Expected<Tensor> linear(htk::LinearOp op, Frame &frame) {
  SmallVector<Tensor> input = getTensors(frame, op.getInput()), weight = getTensors(frame, op.getWeight());
  Shape shape = frame.getShape(op.getResult());
  int64_t k = input.front().getShape().back();
  for (auto [tensor, leaf] :
       llvm::zip_equal(weight, htk::getPackedLeaves(op.getWeightTerm(), shape.back(), k)))
    if (!leaf.isCodebook)
      tensor = unpack(tensor, leaf);
  auto result = multiplyTerms(op, op.getInputTerm(), input, op.getWeightTerm(), weight, shape);
  if (!result)
    return result;
  return result->cast(*getElementKind(getElementTypeOrSelf(op.getResult())));
}

} // namespace

void addPackedWeights(InterpreterTable &table) {
  table.add<htk::PackOp>(pack);
  table.add<htk::LinearOp>(linear);
}

} // namespace halftone::evaluate
