//===- Importer.h - an ONNX file as a graph of the ht dialect ---------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_IMPORTER_H
#define HALFTONE_COMPILER_IMPORT_ONNX_IMPORTER_H

#include "compiler/Import/Support/Options.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace halftone {

namespace onnx {
enum class DataType : int32_t;
}

/// What an import finds out beside the module, also where it fails.
struct ImportReport {
  /// A type as files declare it: each dimension is a number or an expression.
  struct Type {
    onnx::DataType element;
    std::vector<std::string> dims;
  };
  std::map<std::string, Type> values; ///< Those of the outermost graph whose type is known.
  std::set<std::string> constants;    ///< Inputs that `constants` has to fix for what was refused.
};

/// Imports the model at `path`. Errors, warnings and remarks go to the context's
/// diagnostic handler, at locations that carry the file and the node's name;
/// null after an error, with its kind in `failure`. The module is verified.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef path, mlir::MLIRContext &context,
                                             const ImportOptions &options = {},
                                             ImportFailure *failure = nullptr);

} // namespace halftone

#endif
