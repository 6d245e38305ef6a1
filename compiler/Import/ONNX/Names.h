//===- Names.h - names from files in messages -------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_NAMES_H
#define HALFTONE_COMPILER_IMPORT_ONNX_NAMES_H

#include "compiler/Import/ONNX/Model.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone::onnx {

/// The name, shortened, with control characters (which a terminal
/// would obey) and anything beyond ASCII escaped.
inline std::string escape(llvm::StringRef name) {
  constexpr size_t kLongest = 200;
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::printEscapedString(name.take_front(kLongest), os);
  return name.size() > kLongest ? text + "..." : text;
}

/// The same in quotes.
inline std::string quote(llvm::StringRef name) { return "'" + escape(name) + "'"; }

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
