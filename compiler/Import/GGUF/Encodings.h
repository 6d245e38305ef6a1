//===- Encodings.h - quantized tensors of GGUF files ------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_GGUF_ENCODINGS_H
#define HALFTONE_COMPILER_IMPORT_GGUF_ENCODINGS_H

#include "compiler/Import/GGUF/Reader.h"
#include "compiler/Import/Transformer/Checkpoint.h"

namespace halftone::gguf {

/// How a type's blocks are numbers: a recipe that ends in `htq.dequantize`, or, for types that are
/// no term, in floats. Null for a type that is not supported.
std::shared_ptr<const transformer::Encoding> getEncoding(const TensorType &type);

/// Whether the recipe ends in a term, whose codes kernels read.
bool isTerm(const TensorType &type);

/// The elements of a type without blocks; null for another, and for what is no float.
mlir::Type getElementType(const TensorType &type, mlir::MLIRContext &context);

/// The types that have an encoding or an element type, for messages.
llvm::StringRef getSupportedTypes();

} // namespace halftone::gguf

#endif
