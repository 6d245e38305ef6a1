//===- TermReader.h - the values of a term ----------------------------------===//
//
// A term is read by chunks, from the leaves on, so that what a large weight takes
// beside its codes and its result does not grow with it. Only parameters are held
// whole.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_TERMREADER_H
#define HALFTONE_COMPILER_EVALUATE_TERMREADER_H

#include "compiler/Evaluate/Tensor.h"
#include "dialects/HTQ/HTQDialect.h"

#include "llvm/Support/Error.h"

#include <functional>

namespace halftone::evaluate {

/// Elements that are read or written at once.
constexpr int64_t kTermChunk = 4096;

/// Where an affine finds the parameter of each of its codes.
class BlockIndex {
public:
  BlockIndex(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> blocks);

  /// The shape of parameters.
  llvm::ArrayRef<int64_t> getParameters() const { return parameters; }

  /// Calls `function(i, end, parameter)` for runs of codes at begin + i … begin + end, end <= count,
  /// that share a parameter, in order.
  template <typename Function>
  void visit(int64_t begin, int64_t count, Function function) const {
    if (count == 0)
      return;
    if (shape.empty())
      return function(0, count, 0);
    Shape index(shape.size(), 0);
    for (size_t axis = shape.size(); axis-- > 0; begin /= shape[axis])
      index[axis] = begin % shape[axis];
    for (int64_t i = 0; i < count;) {
      int64_t parameter = 0;
      for (size_t axis = 0; axis < shape.size(); ++axis)
        parameter += index[axis] / blocks[axis] * strides[axis];
      int64_t &last = index.back();
      int64_t left = std::min(shape.back() - last, blocks.back() - last % blocks.back());
      int64_t end = std::min(count, i + left);
      function(i, end, parameter);
      last += end - i;
      i = end;
      for (size_t axis = shape.size(); axis-- > 0 && index[axis] == shape[axis];) {
        index[axis] = 0;
        if (axis > 0)
          ++index[axis - 1];
      }
    }
  }

private:
  Shape shape, blocks, parameters, strides;
};

/// A term whose leaves are at hand.
struct TermReader {
  Shape shape;
  /// Whether its arithmetic is in double, not in float.
  bool wide = false;
  /// Values [begin, begin + to.size()).
  std::function<llvm::Error(int64_t begin, llvm::MutableArrayRef<double> to)> read;

  double round(double value) const { return wide ? value : static_cast<double>(static_cast<float>(value)); }
  llvm::Expected<std::vector<double>> readAll() const;
};

/// A reader of `term`, an attribute of `op`, whose leaves hold `leaves`.
llvm::Expected<TermReader> makeTermReader(mlir::Operation *op, mlir::Attribute term,
                                          llvm::ArrayRef<Tensor> leaves);

} // namespace halftone::evaluate

#endif
