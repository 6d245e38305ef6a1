//===- QuantizedProduct.cpp - the product of two terms ----------------------===//
//
// Integers are summed exactly between the places where a scale changes; f32 steps
// and their order are part of the operation (`htq.linear`). What is no product of
// integers is a product of values in double, like `ht.linear`.
//
//===----------------------------------------------------------------------===//

#include "compiler/Evaluate/QuantizedProduct.h"

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Contractions.h"
#include "compiler/Evaluate/TermReader.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

using namespace mlir;

namespace halftone::evaluate {

namespace {

/// Rows of the input for each row of the weight, which is the larger operand.
constexpr int64_t kRows = 32;

/// Calls `function(row, column)` for all elements of an m x n result.
template <typename Function>
void visitResult(int64_t m, int64_t n, Function function) {
  for (int64_t begin = 0; begin < m; begin += kRows)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = begin; i < std::min(m, begin + kRows); ++i)
        function(i, j);
}

//===----------------------------------------------------------------------===//
// Of integers
//===----------------------------------------------------------------------===//

/// One side of a product of integers: codes less their zeros, as rows of k.
struct IntegerSide {
  /// What fits every code less any zero of at most 8 bits.
  std::vector<int16_t> codes;
  std::vector<double> scales;
  Shape blocks;
  /// Parameters of one row.
  int64_t perRow;

  float getScale(int64_t row, int64_t k) const {
    return static_cast<float>(scales[row / blocks.front() * perRow + k / blocks.back()]);
  }
};

class IntegerProduct {
public:
  IntegerProduct(Operation *op, Attribute inputTerm, Attribute weightTerm, int64_t k)
      : op(op), inputTerm(inputTerm), weightTerm(weightTerm), k(k) {}

  llvm::Expected<Tensor> evaluate(ArrayRef<Tensor> input, ArrayRef<Tensor> weight, ArrayRef<int64_t> shape) {
    auto x = read(cast<htq::AffineAttr>(inputTerm), input);
    if (!x)
      return x.takeError();
    auto affine = cast<htq::AffineAttr>(weightTerm);
    auto w = read(affine, weight);
    if (!w)
      return w.takeError();
    Tensor result = Tensor::allocate(ElementKind::F32, shape);
    int64_t n = shape.back(), m = n == 0 ? 0 : result.getNumElements() / n;
    auto *y = result.getMutable<float>();
    if (htq::isScaledInIntegers(inputTerm, weightTerm, k)) {
      auto inner = cast<htq::AffineAttr>(affine.getScale());
      // What scales codes are scaled by themselves: an input to a product, with blocks for k.
      auto scale = read(inner, weight.drop_front());
      if (!scale)
        return scale.takeError();
      visitResult(m, n, [&](int64_t i, int64_t j) {
        int64_t sum = 0, row = j / w->blocks.front();
        visitPieces(*x, *w, [&](int64_t begin, int64_t end) {
          sum += int64_t(scale->codes[row * w->perRow + begin / w->blocks.back()]) *
                 dot(*x, *w, i, j, begin, end);
        });
        y[i * n + j] = static_cast<float>(sum) * scale->getScale(row, 0) * x->getScale(i, 0);
      });
      return result;
    }
    bool blocked = htq::getInnerBlock(inputTerm) != htq::AffineAttr::kWhole;
    visitResult(m, n, [&](int64_t i, int64_t j) {
      float sum = 0;
      visitPieces(*x, *w, [&](int64_t begin, int64_t end) {
        auto piece = static_cast<float>(dot(*x, *w, i, j, begin, end));
        float byWeight = w->getScale(j, begin);
        sum =
            blocked ? std::fma(piece * byWeight, x->getScale(i, begin), sum) : std::fma(piece, byWeight, sum);
      });
      y[i * n + j] = blocked ? sum : sum * x->getScale(i, 0);
    });
    return result;
  }

private:
  /// Calls `function` with the parts of k that share all scales.
  template <typename Function>
  void visitPieces(const IntegerSide &x, const IntegerSide &w, Function function) const {
    for (int64_t begin = 0, end; begin < k; begin = end) {
      end = k;
      for (const IntegerSide *side : {&x, &w})
        end = std::min(end, (begin / side->blocks.back() + 1) * side->blocks.back());
      function(begin, end);
    }
  }

  int32_t dot(const IntegerSide &x, const IntegerSide &w, int64_t i, int64_t j, int64_t begin,
              int64_t end) const {
    const int16_t *a = x.codes.data() + i * k, *b = w.codes.data() + j * k;
    int32_t sum = 0;
    for (int64_t at = begin; at < end; ++at)
      sum += int32_t(a[at]) * b[at];
    return sum;
  }

  llvm::Expected<IntegerSide> read(htq::AffineAttr term, ArrayRef<Tensor> leaves) {
    const Tensor &codes = leaves.front();
    SmallVector<Type> scaleLeaves;
    htq::getLeaves(term.getScale(), scaleLeaves);
    auto reader = makeTermReader(op, term.getScale(), leaves.slice(1, scaleLeaves.size()));
    auto scales = reader ? reader->readAll() : reader.takeError();
    if (!scales)
      return scales.takeError();

    // Rows are all axes but the last; blocks of an input are 1 there.
    int64_t width = codes.getShape().back(), rows = width == 0 ? 0 : codes.getNumElements() / width;
    IntegerSide side;
    side.scales = std::move(*scales);
    side.blocks = {1, term.getBlocks().back()};
    if (codes.getRank() == 2)
      side.blocks[0] = term.getBlocks()[0];
    side.perRow =
        side.blocks.back() == htq::AffineAttr::kWhole ? 1 : llvm::divideCeil(width, side.blocks.back());
    for (auto [block, size] : llvm::zip_equal(side.blocks, Shape{rows, width}))
      block = block == htq::AffineAttr::kWhole ? std::max<int64_t>(size, 1) : block;
    side.codes.resize(codes.getNumElements());
    std::vector<int64_t> values(codes.toVector<int64_t>()), zeros;
    if (term.getZero())
      zeros = leaves[1 + scaleLeaves.size()].toVector<int64_t>();
    BlockIndex(codes.getShape(), term.getBlocks())
        .visit(0, codes.getNumElements(), [&](int64_t i, int64_t end, int64_t parameter) {
          int64_t zero = zeros.empty() ? 0 : zeros[parameter];
          for (; i < end; ++i)
            side.codes[i] = static_cast<int16_t>(values[i] - zero);
        });
    return side;
  }

  Operation *op;
  Attribute inputTerm, weightTerm;
  int64_t k;
};

//===----------------------------------------------------------------------===//
// Of values
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> multiplyValues(Operation *op, Attribute inputTerm, ArrayRef<Tensor> input,
                                      Attribute weightTerm, ArrayRef<Tensor> weight, ArrayRef<int64_t> shape) {
  auto xReader = makeTermReader(op, inputTerm, input);
  auto x = xReader ? xReader->readAll() : xReader.takeError();
  if (!x)
    return x.takeError();
  auto wReader = makeTermReader(op, weightTerm, weight);
  auto w = wReader ? wReader->readAll() : wReader.takeError();
  if (!w)
    return w.takeError();
  Tensor result = Tensor::allocate(ElementKind::F64, shape);
  int64_t k = wReader->shape.back(), n = shape.back(), m = n == 0 ? 0 : result.getNumElements() / n;
  visitResult(m, n, [&](int64_t i, int64_t j) {
    result.getMutable<double>()[i * n + j] = dot(x->data() + i * k, w->data() + j * k, k);
  });
  return result;
}

llvm::Expected<Tensor> evaluateLinear(htq::LinearOp op, Frame &frame) {
  auto result = multiplyTerms(op, op.getInputTerm(), getTensors(frame, op.getInput()), op.getWeightTerm(),
                              getTensors(frame, op.getWeight()), frame.getShape(op.getResult()));
  if (!result)
    return result;
  return result->cast(*getElementKind(getElementTypeOrSelf(op.getResult())));
}

} // namespace

llvm::Expected<Tensor> multiplyTerms(Operation *op, Attribute inputTerm, ArrayRef<Tensor> input, Attribute weightTerm,
                                     ArrayRef<Tensor> weight, ArrayRef<int64_t> shape) {
  if (htq::isIntegerProduct(inputTerm, weightTerm))
    return IntegerProduct(op, inputTerm, weightTerm, weight.front().getDim(1)).evaluate(input, weight, shape);
  return multiplyValues(op, inputTerm, input, weightTerm, weight, shape);
}

void addQuantizedProduct(InterpreterTable &table) { table.add<htq::LinearOp>(evaluateLinear); }

} // namespace halftone::evaluate
