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
    for (int64_t block = 0; block < columns; block += kBlock * group)
      for (int64_t row = first, end = std::min(rows, first + Packing::kPanel); row < end; ++row) {
        int64_t position = first / Packing::kPanel * panelSize + block / group * packing.getPeriodSize() +
                           (row - first) * group;
        for (int64_t column = block, last = std::min(columns, block + kBlock * group); column < last;
             column += group, position += packing.getPeriodSize())
          for (int64_t i = 0, n = std::min(group, last - column); i < n; ++i)
            function(row, column + i, position + i);
      }
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

/// The codes of 4 columns of a step, in the bits that a plane has of them.
uint32_t getPlane(const uint8_t *codes, int64_t low, int64_t width) {
  uint32_t all;
  std::memcpy(&all, codes, 4);
  return all >> low & (0xffu >> (8 - width)) * 0x01010101u;
}

/// `visitBits` the other way round: a store for 4 bytes.
void packBits(const Packing &packing, const uint8_t *source, int64_t rows, int64_t columns, uint8_t *target) {
  constexpr int64_t group = 4;
  int64_t period = packing.getPeriod(),
          panelSize = llvm::divideCeil(columns, period) * packing.getPeriodSize();
  uint8_t codes[8 * group];
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; column += period) {
      // What is past the last column is 0, without the bias.
      int64_t count = std::min(period, columns - column);
      for (int64_t i = 0; i < period; ++i)
        codes[i] = i < count ? source[row * columns + column + i] + packing.getBias() : 0;
      uint8_t *to = target + row / Packing::kPanel * panelSize + column / period * packing.getPeriodSize() +
                    row % Packing::kPanel * group;
      int64_t low = 0;
      for (int64_t width : packing.getPlanes()) {
        int64_t perSlab = 8 / width;
        for (int64_t step = 0; step < packing.getSteps(); step += perSlab, to += Packing::kPanel * group) {
          uint32_t bytes = 0;
          for (int64_t i = 0; i < perSlab; ++i)
            bytes |= getPlane(codes + (step + i) * group, low, width) << i * width;
          std::memcpy(to, &bytes, sizeof(bytes));
        }
        low += width;
      }
    }
}

llvm::Expected<Tensor> pack(htk::PackOp op, Frame &frame) {
  const Tensor &from = frame.get(op.getInput());
  Tensor to = frame.allocate(op.getResult());
  Packing packing(getElementTypeOrSelf(op.getInput()), op.getGroup());
  if (packing.isBits()) {
    packBits(packing, reinterpret_cast<const uint8_t *>(from.data()), from.getDim(0), from.getDim(1),
             to.getMutable<uint8_t>());
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
