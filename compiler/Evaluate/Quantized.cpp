//===- Quantized.cpp - the value of a term, and codes under one -------------===//
//
// A term is evaluated by chunks, from the leaves on, so that what a large weight
// takes beside its codes and its result does not grow with it. Only parameters
// are held whole.
//
//===----------------------------------------------------------------------===//

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Codec.h"
#include "compiler/Evaluate/Handlers.h"
#include "dialects/HTQ/HTQOps.h"

using namespace mlir;

namespace halftone::evaluate {

namespace {

constexpr int64_t kChunk = 4096;

/// Where an affine finds the parameter of each of its codes.
class BlockIndex {
public:
  BlockIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> blocks) : shape(shape), parameters(shape.size(), 1) {
    for (auto [i, block] : llvm::enumerate(blocks))
      if (block != htq::AffineAttr::kWhole)
        parameters[i] = llvm::divideCeil(shape[i], block);
    Shape strides = getStrides(parameters);
    offsets.resize(shape.size());
    for (auto [i, block] : llvm::enumerate(blocks))
      for (int64_t k = 0; k < shape[i]; ++k)
        offsets[i].push_back(block == htq::AffineAttr::kWhole ? 0 : k / block * strides[i]);
  }

  /// Calls `function(i, parameter)` for the codes at begin + i, i < count.
  template <typename Function>
  void visit(int64_t begin, int64_t count, Function function) const {
    Shape index(shape.size(), 0);
    for (size_t axis = shape.size(); axis-- > 0; begin /= shape[axis])
      index[axis] = begin % shape[axis];
    for (int64_t i = 0; i < count; ++i) {
      int64_t parameter = 0;
      for (size_t axis = 0; axis < shape.size(); ++axis)
        parameter += offsets[axis][index[axis]];
      function(i, parameter);
      for (size_t axis = shape.size(); axis-- > 0 && ++index[axis] == shape[axis];)
        index[axis] = 0;
    }
  }

private:
  Shape shape, parameters;
  SmallVector<std::vector<int64_t>> offsets;
};

/// A term whose leaves are at hand.
struct Reader {
  Shape shape;
  /// Whether its arithmetic is in double, not in float.
  bool wide = false;
  /// Values [begin, begin + to.size()).
  std::function<llvm::Error(int64_t begin, MutableArrayRef<double> to)> read;

  double round(double value) const { return wide ? value : static_cast<double>(static_cast<float>(value)); }
};

llvm::Expected<std::vector<double>> readAll(const Reader &reader) {
  std::vector<double> values(getNumElements(reader.shape));
  if (llvm::Error error = reader.read(0, values))
    return std::move(error);
  return values;
}

/// Makes readers of a term by one recursion over its constructors.
class ReaderBuilder {
public:
  ReaderBuilder(htq::DequantizeOp op, Frame &frame) : op(op), frame(frame) {}

  llvm::Expected<Reader> build(Attribute term) {
    if (isa<TypeAttr>(term))
      return buildLeaf();
    if (auto affine = dyn_cast<htq::AffineAttr>(term))
      return buildAffine(affine);
    if (auto lookup = dyn_cast<htq::LookupAttr>(term))
      return buildLookup(lookup);
    return buildSum(cast<htq::SumAttr>(term));
  }

private:
  llvm::Expected<Reader> buildLeaf() {
    Tensor tensor = frame.get(op.getLeaves()[next++]);
    return Reader{Shape(tensor.getShape()), tensor.getKind() == ElementKind::F64,
                  [tensor](int64_t begin, MutableArrayRef<double> to) -> llvm::Error {
                    tensor.read(begin, to);
                    return llvm::Error::success();
                  }};
  }

  llvm::Expected<Reader> buildAffine(htq::AffineAttr affine) {
    auto codes = build(affine.getCodes());
    auto scale = codes ? build(affine.getScale()) : codes.takeError();
    if (!scale)
      return scale;
    auto scales = readAll(*scale);
    if (!scales)
      return scales.takeError();
    std::vector<double> zeros(scales->size(), 0.0);
    if (affine.getZero()) {
      auto zero = build(affine.getZero());
      if (!zero)
        return zero;
      auto values = readAll(*zero);
      if (!values)
        return values.takeError();
      zeros = std::move(*values);
    }
    Reader reader{codes->shape, scale->wide, nullptr};
    reader.read = [wide = reader, codes = *codes, scales = *scales, zeros,
                   index = BlockIndex(codes->shape, affine.getBlocks())](
                      int64_t begin, MutableArrayRef<double> to) -> llvm::Error {
      if (llvm::Error error = codes.read(begin, to))
        return error;
      index.visit(begin, to.size(), [&](int64_t i, int64_t parameter) {
        to[i] = wide.round(wide.round(to[i] - zeros[parameter]) * wide.round(scales[parameter]));
      });
      return llvm::Error::success();
    };
    return reader;
  }

  llvm::Expected<Reader> buildLookup(htq::LookupAttr lookup) {
    auto codes = build(lookup.getCodes());
    auto codebook = codes ? build(lookup.getCodebook()) : codes.takeError();
    if (!codebook)
      return codebook;
    auto entries = readAll(*codebook);
    if (!entries)
      return entries.takeError();
    return Reader{codes->shape, codebook->wide,
                  [op = op, codes = *codes, entries = *entries](int64_t begin,
                                                                MutableArrayRef<double> to) -> llvm::Error {
                    if (llvm::Error error = codes.read(begin, to))
                      return error;
                    for (double &value : to) {
                      if (!(value < static_cast<double>(entries.size())))
                        return makeError(op, "code " + Twine(static_cast<uint64_t>(value)) +
                                                 " is outside a codebook of " + Twine(entries.size()) +
                                                 " entries");
                      value = entries[static_cast<size_t>(value)];
                    }
                    return llvm::Error::success();
                  }};
  }

  llvm::Expected<Reader> buildSum(htq::SumAttr sum) {
    auto lhs = build(sum.getLhs());
    auto rhs = lhs ? build(sum.getRhs()) : lhs.takeError();
    if (!rhs)
      return rhs;
    Reader reader{lhs->shape, lhs->wide || rhs->wide, nullptr};
    reader.read = [wide = reader, lhs = *lhs, rhs = *rhs](int64_t begin,
                                                          MutableArrayRef<double> to) -> llvm::Error {
      std::vector<double> added(to.size());
      if (llvm::Error error = lhs.read(begin, to))
        return error;
      if (llvm::Error error = rhs.read(begin, added))
        return error;
      for (auto [x, y] : llvm::zip_equal(to, added))
        x = wide.round(x + y);
      return llvm::Error::success();
    };
    return reader;
  }

  htq::DequantizeOp op;
  Frame &frame;
  unsigned next = 0;
};

llvm::Expected<Tensor> evaluateDequantize(htq::DequantizeOp op, Frame &frame) {
  auto reader = ReaderBuilder(op, frame).build(op.getTerm());
  if (!reader)
    return reader.takeError();
  Tensor result = frame.allocate(op.getResult());
  std::vector<double> buffer(kChunk);
  for (int64_t begin = 0; begin < result.getNumElements(); begin += kChunk) {
    auto chunk =
        MutableArrayRef<double>(buffer).take_front(std::min(kChunk, result.getNumElements() - begin));
    if (llvm::Error error = reader->read(begin, chunk))
      return std::move(error);
    result.write(begin, ArrayRef<double>(chunk));
  }
  return result;
}

/// The least and the greatest value of an integer kind.
std::pair<double, double> getRange(ElementKind kind) {
  int64_t bits = kind == ElementKind::I1 ? 1 : getStoredBits(kind);
  if (isUnsigned(kind) || kind == ElementKind::I1)
    return {0, std::ldexp(1.0, bits) - 1};
  return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1};
}

llvm::Expected<Tensor> evaluateQuantize(htq::QuantizeOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  Tensor result = frame.allocate(op.getResult());
  ElementKind kind = result.getKind();
  std::vector<double> scales = frame.get(op.getScale()).toVector<double>(), zeros(scales.size(), 0.0);
  if (op.getZero())
    zeros = frame.get(op.getZero()).toVector<double>();
  bool wide = input.getKind() == ElementKind::F64;
  auto divide = [&](double x, double scale) {
    return wide ? x / scale : static_cast<double>(static_cast<float>(x) / static_cast<float>(scale));
  };
  BlockIndex index(input.getShape(), op.getTerm().getBlocks());

  if (isFloat(kind)) {
    Tensor quotients = Tensor::allocate(wide ? ElementKind::F64 : ElementKind::F32, input.getShape());
    index.visit(0, input.getNumElements(), [&](int64_t i, int64_t parameter) {
      quotients.write(i, ArrayRef<double>(divide(input.getDouble(i), scales[parameter])));
    });
    return quotients.cast(kind, /*saturate=*/!op.getUnsaturated());
  }
  auto [least, greatest] = getRange(kind);
  index.visit(0, input.getNumElements(), [&](int64_t i, int64_t parameter) {
    double code = std::nearbyint(divide(input.getDouble(i), scales[parameter])) + zeros[parameter];
    code = code != code ? zeros[parameter] : std::clamp(code, least, greatest);
    result.write(i, ArrayRef<double>(code));
  });
  return result;
}

} // namespace

void addQuantized(InterpreterTable &table) {
  table.add<htq::DequantizeOp>(evaluateDequantize);
  table.add<htq::QuantizeOp>(evaluateQuantize);
}

} // namespace halftone::evaluate
