//===- Windows.h - padding and sliding windows ------------------------------===//
//
// What convolutions and poolings share: where windows lie along an axis, as
// `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode` say, and the
// operations that cut them out.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_WINDOWS_H
#define HALFTONE_COMPILER_IMPORT_ONNX_WINDOWS_H

#include "compiler/Import/ONNX/NodeImporter.h"

namespace halftone::onnx {

/// Arithmetic of dimensions without a check at each step: null once one fails.
class DimArithmetic {
public:
  explicit DimArithmetic(Symbols &symbols) : symbols(symbols) {}

  ht::Dim number(int64_t value) { return symbols.constant(value); }
  ht::Dim add(ht::Dim x, ht::Dim y) { return x && y ? symbols.add(x, y).value_or(ht::Dim()) : ht::Dim(); }
  ht::Dim sub(ht::Dim x, ht::Dim y) { return x && y ? symbols.sub(x, y).value_or(ht::Dim()) : ht::Dim(); }
  ht::Dim add(ht::Dim x, int64_t y) { return add(x, number(y)); }
  ht::Dim mul(ht::Dim x, int64_t y) { return x ? symbols.mul(x, number(y)).value_or(ht::Dim()) : ht::Dim(); }
  ht::Dim mod(ht::Dim x, int64_t y) { return x ? symbols.floorMod(x, number(y)).value_or(ht::Dim()) : ht::Dim(); }
  ht::Dim floorDiv(ht::Dim x, int64_t y) { return x ? symbols.floorDiv(x, y).value_or(ht::Dim()) : ht::Dim(); }
  /// In the one form that shape arithmetic of models has: integer division.
  ht::Dim ceilDiv(ht::Dim x, int64_t y) { return floorDiv(add(x, y - 1), y); }
  /// The elements that a window of `size` reaches over.
  ht::Dim span(ht::Dim size, int64_t dilation) { return add(mul(add(size, -1), dilation), 1); }

private:
  Symbols &symbols;
};

/// The windows along one spatial axis: `count` of `size` elements each, over
/// `extent` elements with `before` and `after` padded ones.
struct WindowAxis {
  ht::Dim extent, size;
  int64_t stride = 1, dilation = 1;
  ht::Dim before, after, count;
  /// Of `after`, what the last window needs beyond the pads that the node asks for.
  ht::Dim beyond;

  /// Whether the windows are the single elements.
  bool isTrivial() const;
};

using WindowAxes = llvm::SmallVector<WindowAxis, 3>;

/// A list attribute of one number from [low, 2^31) for each of `count` spatial axes.
std::optional<llvm::SmallVector<int64_t>> spatialIntegers(NodeImporter &node, llvm::StringRef name, size_t count,
                                                          int64_t low, int64_t absent);

/// The windows of `sizes` over `extents` that the node's attributes describe;
/// nullopt after an error.
std::optional<WindowAxes> getWindows(NodeImporter &node, llvm::ArrayRef<ht::Dim> extents,
                                     llvm::ArrayRef<ht::Dim> sizes);

/// `x` with `before` and `after` elements `fill` (a scalar) around `axis`; a
/// negative number of them cuts.
mlir::Value padAxis(NodeImporter &node, mlir::Value x, int64_t axis, ht::Dim before, ht::Dim after,
                    mlir::Value fill);

/// The windows of `x`, padded, along the axes from `first` on: their sizes are
/// the last axes of the result.
mlir::Value cutWindows(NodeImporter &node, mlir::Value x, int64_t first, llvm::ArrayRef<WindowAxis> axes,
                       mlir::Value fill);

/// Conv of these values, of floats or integers, with the node's attributes; `bias` may be null.
mlir::Value emitConvolution(NodeImporter &node, mlir::Value x, mlir::Value weight, mlir::Value bias);

} // namespace halftone::onnx

#endif
