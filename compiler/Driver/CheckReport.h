//===- CheckReport.h - what halftone check says about a model ---------------===//

#ifndef HALFTONE_COMPILER_DRIVER_CHECKREPORT_H
#define HALFTONE_COMPILER_DRIVER_CHECKREPORT_H

#include "compiler/Import/ONNX/Importer.h"
#include "compiler/Import/ONNX/Model.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

namespace halftone::driver {

/// Something that stands in the way of compiling a model.
struct Problem {
  std::string node, op; ///< The node; empty where the problem is not one node's.
  std::string place;    ///< Else: the file, the initializer.
  std::string cause;
  std::vector<std::string> remedies;
};

/// An input, output or dynamic dimension.
struct NamedType {
  std::string name, type;
  std::vector<std::string> dims;
  bool supported = true;
};

struct CheckReport {
  struct Operator {
    std::string name; ///< "MatMul" or "com.microsoft.MatMulNBits"
    int64_t opset = 0;
    bool isFunction = false;
    size_t nodes = 0;                 ///< How many an output needs,
    std::vector<std::string> refused; ///< and which of them cannot be compiled.
  };
  struct ElementType {
    int64_t tensors = 0;
    uint64_t bytes = 0;
    bool supported = true;
  };
  struct Dimension {
    std::string name;
    std::optional<std::pair<int64_t, int64_t>> range; ///< Where the import found one.
  };

  std::string file;
  bool supported = false;
  int64_t irVersion = 0;
  std::string producer;
  std::vector<std::pair<std::string, int64_t>> opsets;
  std::vector<NamedType> inputs, outputs;
  std::vector<Dimension> dimensions;
  std::map<std::string, ElementType> elementTypes; ///< Of the initializers.
  std::map<std::string, uint64_t> externalFiles;   ///< With the bytes that the model takes from each.
  std::vector<Operator> operators;
  std::vector<std::string> constants; ///< Inputs to be given with --constant.
  std::vector<Problem> problems;
  std::vector<std::string> warnings;

  /// Enters what is in `model`. `module` is what it was imported as, or null;
  /// `problems` must be complete as far as the import goes.
  void describe(const onnx::Model &model, const ImportReport &found, mlir::ModuleOp module);

  void printText(llvm::raw_ostream &os) const;
  void printJson(llvm::raw_ostream &os) const;
};

} // namespace halftone::driver

#endif
