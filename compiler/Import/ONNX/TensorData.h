//===- TensorData.h - element types and the bytes of initializers -----------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_TENSORDATA_H
#define HALFTONE_COMPILER_IMPORT_ONNX_TENSORDATA_H

#include "compiler/Import/Support/MappedFile.h"
#include "compiler/Import/ONNX/Model.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace halftone::onnx {

/// "float32", "int64", …, or "99" for one that ONNX does not define.
std::string toString(DataType type);

/// The element type, or null where the graph dialect has none.
mlir::Type getElementType(DataType type, mlir::MLIRContext *context);
/// The other way round; nullopt where files have no such type.
std::optional<DataType> getDataType(mlir::Type elementType);

/// The name for an element type of the dialect.
std::string toString(mlir::Type elementType);

/// Bytes of one element in memory.
int64_t getByteWidth(mlir::Type elementType);

/// Where the little-endian row-major bytes of a tensor lie.
struct TensorBytes {
  std::string file;     ///< Relative to the model's folder.
  uint64_t offset = 0;  ///< In that file.
  llvm::StringRef data; ///< The bytes themselves, mapped.
};

/// Reads tensors of one model.
class TensorReader {
public:
  TensorReader(const Model &model, llvm::StringRef modelFile, ExternalFiles &files)
      : model(model), modelFile(modelFile.str()), files(files) {}

  /// The static type of `tensor`; null with `error` set for a negative or
  /// overflowing shape or an element type that the dialect lacks.
  mlir::RankedTensorType getType(const Tensor &tensor, mlir::MLIRContext *context, std::string &error);

  /// The bytes of `tensor` where the file holds them as they are in memory;
  /// nullopt with `error` empty where they have to be decoded (`decode`), and
  /// with `error` set where the file is wrong.
  std::optional<TensorBytes> locate(const Tensor &tensor, mlir::RankedTensorType type, std::string &error);

  /// The elements as a literal; null with `error` set.
  mlir::DenseElementsAttr decode(const Tensor &tensor, mlir::RankedTensorType type, std::string &error);

private:
  const Model &model;
  std::string modelFile;
  ExternalFiles &files;
};

} // namespace halftone::onnx

#endif
