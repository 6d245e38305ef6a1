//===- ShapeRules.h - result shapes shared by evaluation and emission -------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_SHAPERULES_H
#define HALFTONE_COMPILER_IMPORT_ONNX_SHAPERULES_H

#include "compiler/Import/ONNX/NodeImporter.h"

namespace halftone::onnx {

// Each returns nullopt after reporting an error.

/// Reshape: 0 copies (unless allowzero), -1 takes the rest.
std::optional<ht::Dims> getReshapeDims(NodeImporter &node);
std::optional<ht::Dims> getSqueezeDims(NodeImporter &node);
std::optional<ht::Dims> getUnsqueezeDims(NodeImporter &node);

/// Slice: one start, stride and size per axis of the input, clamped.
struct SliceWindow {
  ht::Dims starts, sizes;
  llvm::SmallVector<int64_t> strides;
};
std::optional<SliceWindow> getSliceWindow(NodeImporter &node);

/// Transpose: `perm`, or the axes reversed; empty after an error.
llvm::SmallVector<int64_t> getPermutation(NodeImporter &node);

/// The first input's dimensions with the axes from `axis` on as one.
struct FlatDims {
  ht::Dims whole, flat;
  int64_t axis; ///< Counted from the front: the last of `flat`.
  ht::Dim width() const { return flat.back(); }
};
std::optional<FlatDims> flattenFrom(NodeImporter &node, int64_t axis);

/// The axes of a reduction from the attribute or the second input; all where
/// none are given, none where noop_with_empty_axes says so.
std::optional<llvm::SmallVector<int64_t>> getReductionAxes(NodeImporter &node);

/// ConstantOfShape: the one-element tensor to fill with (default f32 0).
std::optional<SymbolicTensor> getFillValue(NodeImporter &node);

/// `count` >= 0 elements from `start` by `step` up to (excluding) `limit`.
std::optional<ht::Dim> getRangeSize(NodeImporter &node, ht::Dim start, ht::Dim limit, int64_t step);

} // namespace halftone::onnx

#endif
