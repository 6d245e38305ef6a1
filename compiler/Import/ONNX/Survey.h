//===- Survey.h - which operators a model uses ------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_SURVEY_H
#define HALFTONE_COMPILER_IMPORT_ONNX_SURVEY_H

#include "compiler/Import/ONNX/Model.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSet.h"

namespace halftone::onnx {

/// Adds to `live` what `outputs` need of `nodes`, by name.
void markLive(llvm::ArrayRef<Node> nodes, llvm::ArrayRef<llvm::StringRef> outputs, llvm::StringSet<> &live);

/// Whether one of the node's outputs is needed.
bool isLive(const Node &node, const llvm::StringSet<> &live);

/// The version of `domain`; 1 where the file does not say.
int64_t getVersion(llvm::ArrayRef<OperatorSet> sets, llvm::StringRef domain);

/// The functions of a model by what calls them.
class Functions {
public:
  explicit Functions(const Model &model);
  /// The function that `node` calls, or null.
  const Function *find(const Node &node) const;

private:
  using Key = std::pair<std::pair<llvm::StringRef, llvm::StringRef>, llvm::StringRef>;
  llvm::DenseMap<Key, const Function *> functions;
};

/// An operator that nodes of a model use.
struct OperatorUse {
  llvm::StringRef domain, name;
  int64_t opset = 0;
  bool supported = false; ///< In the table, or a function of the model.
  bool isFunction = false;
  std::vector<const Node *> certain;  ///< Nodes that an output needs,
  std::vector<const Node *> possible; ///< and those in a branch that may not be taken.
};

/// The operators of all nodes that the model's outputs need, in the order of
/// their first nodes; those in the bodies of functions count once.
std::vector<OperatorUse> findOperatorUses(const Model &model, const Functions &functions);

} // namespace halftone::onnx

#endif
