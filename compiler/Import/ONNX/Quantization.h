//===- Quantization.h - formats of ONNX as terms -----------------------------===//
//
// ONNX says a format with the shapes of scale and zero point, an axis and a block
// size: here it becomes a term of `htq`. Of weights nothing is computed at import;
// the term ends their recipe.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_QUANTIZATION_H
#define HALFTONE_COMPILER_IMPORT_ONNX_QUANTIZATION_H

#include "compiler/Import/ONNX/NodeImporter.h"

namespace halftone::onnx {

/// Which elements share a scale: the axis of a scale of rank 1 or of its blocks,
/// whose size is 0 where there are none.
struct Granularity {
  int64_t axis = 0, block = 0;
};

/// (codes - zero) * scale as `type`; `zero` may be null.
mlir::Value dequantize(NodeImporter &node, mlir::Value codes, mlir::Value scale, mlir::Value zero,
                       Granularity granularity, mlir::Type type);
/// The codes of `x`, of type `code`; `zero` may be null.
mlir::Value quantize(NodeImporter &node, mlir::Value x, mlir::Value scale, mlir::Value zero, Granularity granularity,
                     mlir::Type code, bool saturate = true);

/// The same by scales of whole tensors or of the last axis; `scale` is an input,
/// `zero` an optional one.
mlir::Value dequantizeInput(NodeImporter &node, unsigned codes, unsigned scale, unsigned zero);
void quantizeResult(NodeImporter &node, mlir::Value x, unsigned scale, unsigned zero, mlir::Type code);

/// codes - zero in i32 (f32 where codes are floats), of weights at compile time.
/// A zero of one dimension belongs to the last axis, with `perRow` to the one before.
mlir::Value centre(NodeImporter &node, mlir::Value codes, mlir::Value zero, bool perRow = false);

/// A tensor of one element as a scalar; others as they are.
mlir::Value asScalar(NodeImporter &node, mlir::Value x);

/// A tensor of f32 quantized with its own range, to u8.
struct DynamicCodes {
  mlir::Value codes, scale, zero;
};
DynamicCodes quantizeDynamically(NodeImporter &node, mlir::Value x);

} // namespace halftone::onnx

#endif
