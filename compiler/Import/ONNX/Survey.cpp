//===- Survey.cpp - which operators a model uses ----------------------------===//

#include "compiler/Import/ONNX/Survey.h"

#include "compiler/Import/ONNX/Operators.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace halftone::onnx {

/// All names that a branch may take from the graph around it.
static void collectCaptures(const Graph &graph, StringSet<> &names) {
  for (const ValueInfo &output : graph.outputs)
    names.insert(output.name);
  for (const Node &node : graph.nodes) {
    names.insert_range(node.inputs);
    for (const Attribute &attribute : node.attributes)
      if (attribute.graph)
        collectCaptures(*attribute.graph, names);
  }
}

bool isLive(const Node &node, const StringSet<> &live) {
  return any_of(node.outputs, [&](StringRef name) { return !name.empty() && live.contains(name); });
}

void markLive(ArrayRef<Node> nodes, ArrayRef<StringRef> outputs, StringSet<> &live) {
  live.insert_range(outputs);
  for (const Node &node : reverse(nodes)) {
    if (!isLive(node, live))
      continue;
    live.insert_range(node.inputs);
    for (const Attribute &attribute : node.attributes)
      if (attribute.graph)
        collectCaptures(*attribute.graph, live);
  }
}

int64_t getVersion(ArrayRef<OperatorSet> sets, StringRef domain) {
  for (const OperatorSet &set : sets)
    if (set.domain == domain)
      return set.version;
  return 1; // other domains are often left undeclared
}

Functions::Functions(const Model &model) {
  for (const Function &function : model.functions)
    functions.try_emplace({{function.domain, function.name}, function.overload}, &function);
}

const Function *Functions::find(const Node &node) const {
  return functions.lookup({{node.domain, node.opType}, node.overload});
}

namespace {

class Surveyor {
public:
  explicit Surveyor(const Functions &functions) : functions(functions) {}

  void visit(const Graph &graph, ArrayRef<OperatorSet> sets, bool certain) {
    SmallVector<StringRef> outputs;
    for (const ValueInfo &output : graph.outputs)
      outputs.push_back(output.name);
    visit(graph.nodes, outputs, sets, certain);
  }

  /// Visits the functions that were called so far and those that these call:
  /// one after the other, since calls may be nested deeper than the stack.
  void visitFunctions() {
    for (bool certain : {true, false})
      while (!called[certain].empty()) {
        const Function *function = called[certain].pop_back_val();
        if (visited.insert(function).second)
          visit(function->nodes, function->outputs, function->operatorSets, certain);
      }
  }

  MapVector<std::pair<std::pair<StringRef, StringRef>, int64_t>, OperatorUse> uses;

private:
  void visit(ArrayRef<Node> nodes, ArrayRef<StringRef> outputs, ArrayRef<OperatorSet> sets, bool certain) {
    StringSet<> live;
    markLive(nodes, outputs, live);
    for (const Node &node : nodes)
      if (isLive(node, live))
        visit(node, sets, certain);
  }

  void visit(const Node &node, ArrayRef<OperatorSet> sets, bool certain) {
    int64_t opset = getVersion(sets, node.domain);
    bool known = findOperator(node.domain, node.opType, opset);
    const Function *function = known ? nullptr : functions.find(node);
    OperatorUse &use = uses[{{node.domain, node.opType}, opset}];
    use.domain = node.domain;
    use.name = node.opType;
    use.opset = opset;
    use.isFunction |= function != nullptr;
    use.supported = known || use.isFunction;
    (certain ? use.certain : use.possible).push_back(&node);
    if (function)
      called[certain].push_back(function);
    for (const Attribute &attribute : node.attributes)
      if (attribute.graph)
        visit(*attribute.graph, sets, certain && known && node.opType != "If");
  }

  const Functions &functions;
  DenseSet<const Function *> visited;
  SmallVector<const Function *> called[2]; ///< by whether the call is certain
};

} // namespace

std::vector<OperatorUse> findOperatorUses(const Model &model, const Functions &functions) {
  Surveyor surveyor(functions);
  surveyor.visit(*model.graph, model.operatorSets, /*certain=*/true);
  surveyor.visitFunctions();
  std::vector<OperatorUse> uses;
  for (auto &entry : surveyor.uses)
    uses.push_back(std::move(entry.second));
  return uses;
}

} // namespace halftone::onnx
