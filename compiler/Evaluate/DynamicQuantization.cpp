//===- DynamicQuantization.cpp - parameters and codes from data -------------===//
//
// Two passes over the data by chunks: what each block holds, then its codes. The
// f32 steps and their order are part of the operation (`htq.dynamic_quantize`).
//
//===----------------------------------------------------------------------===//

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Handlers.h"
#include "compiler/Evaluate/TermReader.h"
#include "dialects/HTQ/HTQOps.h"

using namespace mlir;

namespace halftone::evaluate {

namespace {

/// The entries of a codebook in ascending order, with the codes that choose them.
class Codebook {
public:
  /// Of what codes of `kind` can choose.
  Codebook(const Tensor &tensor, ElementKind kind) {
    std::vector<double> values = tensor.toVector<double>();
    values.resize(std::min(values.size(), static_cast<size_t>(getRange(kind).second) + 1));
    for (auto [code, value] : llvm::enumerate(values))
      if (std::isfinite(value))
        entries.push_back({value, static_cast<double>(code)});
    llvm::stable_sort(entries, [](const Entry &x, const Entry &y) { return x.value < y.value; });
    // Of equal entries the first.
    entries.erase(llvm::unique(entries, [](const Entry &x, const Entry &y) { return x.value == y.value; }),
                  entries.end());
  }

  bool empty() const { return entries.empty(); }
  double getMagnitude() const {
    return std::max(std::fabs(entries.front().value), std::fabs(entries.back().value));
  }

  /// The code of the nearest entry, the lower code of two as near.
  double getCode(double value) const {
    const Entry *above =
        llvm::lower_bound(entries, value, [](const Entry &e, double v) { return e.value < v; });
    if (above == entries.begin())
      return above->code;
    const Entry *below = above - 1;
    if (above == entries.end())
      return below->code;
    double down = value - below->value, up = above->value - value;
    if (down == up)
      return std::min(below->code, above->code);
    return down < up ? below->code : above->code;
  }

private:
  struct Entry {
    double value, code;
  };
  SmallVector<Entry> entries;
};

/// What a block of data holds, without NaN.
struct BlockStatistics {
  float least = 0, greatest = 0; // of the data and 0

  void add(ArrayRef<float> values) {
    // Several at once, as compilers do not reorder floats themselves. NaN compares false.
    constexpr size_t n = 8;
    float low[n], high[n];
    std::fill_n(low, n, least);
    std::fill_n(high, n, greatest);
    for (; values.size() >= n; values = values.drop_front(n))
      for (size_t i = 0; i < n; ++i) {
        low[i] = values[i] < low[i] ? values[i] : low[i];
        high[i] = values[i] > high[i] ? values[i] : high[i];
      }
    for (auto [i, x] : llvm::enumerate(values)) {
      low[i] = x < low[i] ? x : low[i];
      high[i] = x > high[i] ? x : high[i];
    }
    least = *std::min_element(low, low + n);
    greatest = *std::max_element(high, high + n);
  }

  /// What has the greatest magnitude, the positive of two.
  float getExtreme() const { return -least > greatest ? least : greatest; }
};

/// codes[i] = clamp(round(x[i] * reciprocal) + zero, least, greatest), NaN as 0, for integers of up to
/// 17 bits between the bounds.
void quantizeRun(ArrayRef<float> x, float *codes, float reciprocal, float zero, float least, float greatest) {
  // The bounds are integers: it is the same to clamp before, and what is left has a sum with this that
  // keeps no fraction.
  constexpr float roundsHalfToEven = 0x1.8p23f;
  float low = least - zero, high = greatest - zero;
  for (size_t i = 0; i < x.size(); ++i) {
    float value = x[i] * reciprocal;
    value = value != value ? 0.0f : value;
    value = value < low ? low : value;
    value = value > high ? high : value;
    codes[i] = (value + roundsHalfToEven) - roundsHalfToEven + zero;
  }
}

class Quantizer {
public:
  Quantizer(Operation *op, const Tensor *codebook) : op(op), codebook(codebook) {}

  /// The leaves of `term` but for its codebook, by `rule` from `input`.
  llvm::Expected<SmallVector<Tensor>> quantize(htq::AffineAttr term, htq::Rule rule, const Tensor &input) {
    auto lookup = dyn_cast<htq::LookupAttr>(term.getCodes());
    ElementKind kind = getKind(lookup ? lookup.getCodes() : term.getCodes());
    std::optional<Codebook> book;
    if (lookup)
      book.emplace(*codebook, kind);
    if (book && book->empty())
      return makeError(op, "its codebook has no finite entry");
    auto [least, greatest] = getRange(kind);
    if (rule == htq::Rule::Absmax && !book)
      least = std::max(least, -greatest);

    BlockIndex index(input.getShape(), term.getBlocks());
    std::vector<BlockStatistics> blocks(getNumElements(index.getParameters()));
    visitChunks(input, [&](int64_t begin, ArrayRef<float> chunk) {
      index.visit(begin, chunk.size(), [&](int64_t i, int64_t end, int64_t parameter) {
        blocks[parameter].add(chunk.slice(i, end - i));
      });
    });

    Tensor ideal = Tensor::allocate(ElementKind::F32, index.getParameters());
    for (auto [i, block] : llvm::enumerate(blocks)) {
      float &scale = ideal.getMutable<float>()[i];
      if (rule == htq::Rule::Minmax)
        scale = (block.greatest - block.least) / static_cast<float>(greatest - least);
      else if (rule == htq::Rule::SignedMax)
        scale = block.getExtreme() / static_cast<float>(least);
      else
        scale = std::fabs(block.getExtreme()) / static_cast<float>(book ? book->getMagnitude() : greatest);
    }
    SmallVector<Tensor> leaves(1);
    auto scales = addScale(term.getScale(), ideal, leaves);
    if (!scales)
      return scales.takeError();
    std::vector<float> reciprocals;
    for (double scale : *scales)
      reciprocals.push_back(scale == 0 ? 0.0f : 1.0f / static_cast<float>(scale));

    std::vector<double> zeros(blocks.size(), 0.0);
    if (rule == htq::Rule::Minmax) {
      for (auto [zero, block, reciprocal] : llvm::zip_equal(zeros, blocks, reciprocals)) {
        float value = static_cast<float>(least) - block.least * reciprocal;
        zero = value != value ? least : std::clamp<double>(std::nearbyint(value), least, greatest);
      }
      leaves.push_back(Tensor::of<double>(kind, index.getParameters(), zeros));
    }

    leaves[0] = Tensor::allocate(kind, input.getShape());
    std::vector<float> codes(kTermChunk);
    visitChunks(input, [&](int64_t begin, ArrayRef<float> chunk) {
      index.visit(begin, chunk.size(), [&](int64_t i, int64_t end, int64_t parameter) {
        float reciprocal = reciprocals[parameter];
        if (!book && !isFloat(kind))
          return quantizeRun(chunk.slice(i, end - i), &codes[i], reciprocal, zeros[parameter], least,
                             greatest);
        for (; i < end; ++i) {
          float value = chunk[i] * reciprocal;
          if (value != value)
            value = 0;
          codes[i] = book ? book->getCode(value) : std::clamp<double>(value, least, greatest);
        }
      });
      writeCodes(leaves[0], begin, ArrayRef<float>(codes).take_front(chunk.size()));
    });
    return leaves;
  }

private:
  static ElementKind getKind(Attribute leaf) { return *getElementKind(cast<TypeAttr>(leaf).getValue()); }

  /// Calls `function` with the data by chunks.
  template <typename Function>
  static void visitChunks(const Tensor &input, Function function) {
    std::vector<float> buffer(kTermChunk);
    for (int64_t begin = 0; begin < input.getNumElements(); begin += kTermChunk) {
      auto chunk =
          MutableArrayRef<float>(buffer).take_front(std::min(kTermChunk, input.getNumElements() - begin));
      input.read(begin, chunk);
      function(begin, ArrayRef<float>(chunk));
    }
  }

  static void writeCodes(Tensor &leaf, int64_t begin, ArrayRef<float> codes) {
    if (isFloat(leaf.getKind()) || leaf.getElementSize() != 1) {
      std::vector<double> wide(codes.begin(), codes.end());
      return leaf.write(begin, ArrayRef<double>(wide));
    }
    // They are in the range of their type.
    auto *to = leaf.getMutable<uint8_t>() + begin;
    for (size_t i = 0; i < codes.size(); ++i)
      to[i] = static_cast<uint8_t>(static_cast<int32_t>(codes[i]));
  }

  /// Adds the leaves of a scale and returns the values that they have.
  llvm::Expected<std::vector<double>> addScale(Attribute term, const Tensor &ideal,
                                               SmallVector<Tensor> &leaves) {
    SmallVector<Tensor> parts;
    if (auto affine = dyn_cast<htq::AffineAttr>(term)) {
      auto quantized = quantize(affine, affine.getZero() ? htq::Rule::Minmax : htq::Rule::Absmax, ideal);
      if (!quantized)
        return quantized.takeError();
      parts = std::move(*quantized);
    } else {
      parts.push_back(ideal.cast(getKind(term), /*saturate=*/true));
    }
    llvm::append_range(leaves, parts);
    auto reader = makeTermReader(op, term, parts);
    return reader ? reader->readAll() : reader.takeError();
  }

  Operation *op;
  const Tensor *codebook;
};

} // namespace

void addDynamicQuantization(InterpreterTable &table) {
  table.add(htq::DynamicQuantizeOp::getOperationName(),
            [](Operation *operation, Frame &frame, SmallVectorImpl<Tensor> &results) -> llvm::Error {
              auto op = cast<htq::DynamicQuantizeOp>(operation);
              const Tensor *codebook = op.getCodebook() ? &frame.get(op.getCodebook()) : nullptr;
              auto leaves =
                  Quantizer(op, codebook).quantize(op.getTerm(), op.getRule(), frame.get(op.getInput()));
              if (!leaves)
                return leaves.takeError();
              llvm::append_range(results, *leaves);
              return llvm::Error::success();
            });
}

} // namespace halftone::evaluate
