//===- Constants.h - inputs that the user made constants --------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_CONSTANTS_H
#define HALFTONE_COMPILER_IMPORT_ONNX_CONSTANTS_H

#include "compiler/Import/ONNX/Model.h"

#include "mlir/IR/MLIRContext.h"

#include <deque>

namespace halftone::onnx {

/// Tensors of `--constant`, with the bytes that they are views of.
class Constants {
public:
  explicit Constants(mlir::MLIRContext &context) : context(context) {}

  /// The value of `input` that `text` says: numbers separated by commas, or the
  /// name of a .npy file. Null with `error` set where it does not fit what the
  /// model declares.
  const Tensor *add(const ValueInfo &input, llvm::StringRef text, std::string &error);

private:
  bool parseNumbers(const ValueInfo &input, llvm::StringRef text, std::vector<char> &bytes, Tensor &tensor,
                    std::string &error);
  bool readFile(const ValueInfo &input, llvm::StringRef path, std::vector<char> &bytes, Tensor &tensor,
                std::string &error);

  mlir::MLIRContext &context;
  std::deque<std::pair<Tensor, std::vector<char>>> tensors;
};

} // namespace halftone::onnx

#endif
