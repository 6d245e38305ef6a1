//===- Names.h - nodes in messages -------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_NAMES_H
#define HALFTONE_COMPILER_IMPORT_ONNX_NAMES_H

#include "compiler/Import/ONNX/Model.h"
#include "compiler/Import/Support/Names.h"

namespace halftone::onnx {

/// The node's name, or that of its first output.
inline llvm::StringRef getNodeName(const Node &node) {
  return !node.name.empty() || node.outputs.empty() ? node.name : node.outputs.front();
}

/// "MatMul" or "com.microsoft.MatMulNBits".
inline std::string getOperatorName(const Node &node) {
  return (node.domain.empty() ? "" : escape(node.domain) + ".") + escape(node.opType);
}

/// "node 'x' (MatMul)".
inline std::string describe(const Node &node) {
  return "node " + quote(getNodeName(node)) + " (" + getOperatorName(node) + ")";
}

} // namespace halftone::onnx

#endif
