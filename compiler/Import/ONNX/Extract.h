//===- Extract.h - one node of a model as a model of its own ----------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_EXTRACT_H
#define HALFTONE_COMPILER_IMPORT_ONNX_EXTRACT_H

#include "compiler/Import/ONNX/Importer.h"
#include "compiler/Import/ONNX/Model.h"

#include "llvm/Support/Error.h"

namespace halftone::onnx {

/// An ONNX file that holds one node of another.
struct NodeModel {
  std::string bytes;
  /// What was not in the file and had to be supposed, as sentences.
  std::vector<std::string> remarks;
};

/// The model of the node called `name` (or whose first output is), wherever
/// among the graphs of `model` it is. Small initializers and constants that it
/// reads are inside; other values that it reads become inputs, with the types
/// that the file declares or that `report` says. Its branches and the functions
/// that it calls are copied as they are. `folder` is where external data lie.
llvm::Expected<NodeModel> extractNode(const Model &model, llvm::StringRef folder, llvm::StringRef name,
                                      const ImportReport &report);

} // namespace halftone::onnx

#endif
