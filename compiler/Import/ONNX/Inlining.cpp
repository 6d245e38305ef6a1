//===- Inlining.cpp - functions and the graphs inside of nodes --------------===//
//
// Both are imported in place, once for each time that they run: calls, branches,
// and each iteration of a loop.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/GraphImporter.h"
#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace halftone::onnx {

LogicalResult GraphImporter::inlineFunction(const Function &function, const Node &node, Scope &scope) {
  NodeImporter importer(*this, node, scope, 0);
  if (node.inputs.size() > function.inputs.size() || node.outputs.size() > function.outputs.size()) {
    importer.error("the function has " + Twine(function.inputs.size()) + " inputs and " +
                   Twine(function.outputs.size()) + " outputs");
    return failure();
  }
  Scope body;
  body.call = &node;
  body.caller = &scope;
  body.function = &function;
  body.operatorSets = function.operatorSets;
  body.depth = scope.depth + 1;
  for (auto [formal, actual] : llvm::zip(function.inputs, node.inputs)) {
    if (actual.empty() || scope.isAbsent(actual)) {
      body.absent.insert(formal);
      continue;
    }
    Binding *binding = scope.lookup(actual);
    if (!binding) {
      importer.error("input " + quote(actual) + " is not produced by any node before it");
      return failure();
    }
    body.values[formal] = share(*binding, importer.getLoc());
  }
  for (StringRef formal : ArrayRef(function.inputs).drop_front(node.inputs.size()))
    body.absent.insert(formal);
  markLive(function.nodes, ArrayRef(function.outputs).take_front(node.outputs.size()), body.live);
  if (failed(importNodes(function.nodes, body)))
    return failure();
  for (auto [formal, actual] : llvm::zip(function.outputs, node.outputs))
    if (Binding *binding = actual.empty() ? nullptr : body.lookup(formal))
      if (!scope.values.try_emplace(actual, *binding).second)
        importer.error("output " + quote(actual) + " is produced twice");
  return failure(importer.failed());
}

LogicalResult GraphImporter::importBody(const Graph &body, const Node &node, ArrayRef<Binding> inputs,
                                        Scope &scope, std::vector<Binding> &outputs) {
  NodeImporter importer(*this, node, scope, 0);
  if (inputs.size() != body.inputs.size()) {
    importer.error("the graph in it has " + Twine(body.inputs.size()) + " inputs, expected " +
                   Twine(inputs.size()));
    return failure();
  }
  Scope inner;
  inner.parent = &scope;
  inner.operatorSets = scope.operatorSets;
  inner.depth = scope.depth + 1;
  for (auto [input, binding] : llvm::zip(body.inputs, inputs))
    inner.values[input.name] = binding;
  SmallVector<StringRef> names;
  for (const ValueInfo &output : body.outputs)
    names.push_back(output.name);
  markLive(body.nodes, names, inner.live);
  if (!spend(1) || failed(bindInitializers(body, inner)) || failed(importNodes(body.nodes, inner)))
    return failure();
  for (StringRef name : names) {
    Binding *binding = inner.lookup(name);
    if (!binding) {
      importer.error("output " + quote(name) + " of the graph in it is not produced");
      return failure();
    }
    if (binding->failed)
      return failure();
    outputs.push_back(share(*binding, importer.getLoc()));
  }
  return success();
}

} // namespace halftone::onnx
