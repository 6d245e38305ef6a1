//===- NodeOrder.cpp - nodes after what they use ----------------------------===//

#include "compiler/Import/ONNX/NodeOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <queue>

using namespace llvm;

namespace halftone::onnx {

/// Calls `use` with each name that `node` or a node in its branches reads.
static void forEachUse(const Node &node, function_ref<void(StringRef)> use) {
  for (StringRef input : node.inputs)
    if (!input.empty())
      use(input);
  for (const Attribute &attribute : node.attributes) {
    if (!attribute.graph)
      continue;
    for (const Node &inner : attribute.graph->nodes)
      forEachUse(inner, use);
    for (const ValueInfo &output : attribute.graph->outputs)
      use(output.name);
  }
}

static void orderNodes(std::vector<Node> &nodes) {
  for (Node &node : nodes)
    for (Attribute &attribute : node.attributes)
      if (attribute.graph)
        orderNodes(attribute.graph->nodes);

  StringMap<size_t> makers;
  for (auto [i, node] : enumerate(nodes))
    for (StringRef output : node.outputs)
      if (!output.empty())
        makers.try_emplace(output, i);
  // For each node how many uses it waits for, and the nodes that wait for it.
  std::vector<size_t> waits(nodes.size(), 0);
  std::vector<SmallVector<size_t, 2>> waiting(nodes.size());
  bool ordered = true;
  for (auto [i, node] : enumerate(nodes))
    forEachUse(node, [&, user = i](StringRef name) {
      auto maker = makers.find(name);
      if (maker == makers.end())
        return;
      ordered &= maker->second < user;
      ++waits[user];
      waiting[maker->second].push_back(user);
    });
  if (ordered)
    return;

  // Of the nodes that wait for nothing, the first in the file is next.
  std::priority_queue<size_t, std::vector<size_t>, std::greater<size_t>> ready;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (waits[i] == 0)
      ready.push(i);
  std::vector<size_t> order;
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (size_t user : waiting[order.back()])
      if (--waits[user] == 0)
        ready.push(user);
  }
  if (order.size() != nodes.size())
    return;
  std::vector<Node> sorted;
  sorted.reserve(nodes.size());
  for (size_t i : order)
    sorted.push_back(std::move(nodes[i]));
  nodes = std::move(sorted);
}

void orderNodes(Model &model) {
  if (model.graph)
    orderNodes(model.graph->nodes);
  for (Function &function : model.functions)
    orderNodes(function.nodes);
}

} // namespace halftone::onnx
