//===- OperatorsControlFlow.cpp - branches and loops ------------------------===//
//
// Programs run straight: a branch is taken and a loop unrolled at import. Where
// data decides, both ways are computed and `ht.where` chooses, which takes
// results of equal types and, for loops, a bound on the iterations.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Iterations that one loop is unrolled to; larger ones are no models.
constexpr int64_t kMaxIterations = 4096;

const char *const kFixedSize = "export the model with a fixed size where it loops (a constant trip count, or a "
                               "static dimension instead of a dynamic one), or without the loop";

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// A condition: known at import, or a scalar of i1 that data decides.
struct Condition {
  std::optional<bool> known;
  Value data;
};

Condition getCondition(NodeImporter &node, Binding &binding) {
  if (binding.known) {
    auto values = binding.known->asIntegers();
    if (values && values->size() == 1)
      return {values->front() != 0, Value()};
  }
  return {std::nullopt, node.reshape(node.materialize(binding), {})};
}

bool isSame(const Binding &a, const Binding &b) {
  if (a.value || b.value)
    return a.value == b.value;
  if (a.initializer || b.initializer)
    return a.initializer == b.initializer;
  if (!a.known || !b.known || a.type != b.type)
    return false;
  return llvm::all_of(llvm::zip(a.known->elements, b.known->elements), [](auto pair) {
    auto &[x, y] = pair;
    return x.expr == y.expr && x.number == y.number;
  });
}

std::string describe(NodeImporter &node, const Binding &binding) {
  if (binding.kind != Binding::Kind::Tensor)
    return std::to_string(binding.elements.size()) +
           (binding.kind == Binding::Kind::Sequence ? " elements" : " values");
  return toString(binding.type.getElementType()) + node.symbols().toString(ht::getDims(binding.type));
}

/// `condition` ? `first` : `second`, whose name is `what`; an error, with the
/// remedy, where their types differ.
Binding choose(NodeImporter &node, Value condition, Binding &first, Binding &second, const Twine &what,
               StringRef remedy) {
  if (node.failed())
    return {};
  bool fits = first.kind == second.kind && first.elements.size() == second.elements.size();
  if (!fits || first.type != second.type) {
    node.error(what + " is " + describe(node, first) + " or " + describe(node, second) +
                   ", and data decides which: both must have one type",
               remedy);
    return {};
  }
  Binding result = first;
  if (first.kind == Binding::Kind::Tensor)
    return isSame(first, second)
               ? result
               : node.bind(node.where(condition, node.materialize(first), node.materialize(second)));
  for (auto [i, element] : llvm::enumerate(result.elements))
    element = choose(node, condition, element, second.elements[i], what, remedy);
  return result;
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

void emitIf(NodeImporter &node) {
  Binding *given = node.anyInput(0);
  if (!given)
    return;
  std::string remedy = node.constantRemedy(0);
  Condition condition = getCondition(node, *given);
  auto take = [&](StringRef name) -> std::optional<std::vector<Binding>> {
    const Graph *branch = node.subgraph(name);
    auto outputs = branch ? node.importBody(*branch) : std::nullopt;
    if (!outputs || outputs->size() == node.numOutputs())
      return outputs;
    node.error("its " + name + " has " + Twine(outputs->size()) + " outputs, expected " +
               Twine(node.numOutputs()));
    return std::nullopt;
  };
  if (condition.known) {
    if (auto outputs = take(*condition.known ? "then_branch" : "else_branch"))
      for (auto [i, output] : llvm::enumerate(*outputs))
        node.setResult(i, std::move(output));
    return;
  }
  auto first = take("then_branch"), second = take("else_branch");
  if (!first || !second)
    return;
  for (unsigned i = 0; i < node.numOutputs(); ++i)
    if (node.wants(i))
      node.setResult(i, choose(node, condition.data, (*first)[i], (*second)[i],
                               "output " + quote(node.outputName(i)), remedy));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// `parts`, at least one, one after the other along a new axis.
Binding stack(NodeImporter &node, std::vector<Binding> &parts, int64_t axis) {
  const Binding &first = parts.front();
  Binding result;
  if (llvm::all_of(parts, [](const Binding &part) { return part.known.has_value(); }) && axis == 0 &&
      llvm::all_of(parts, [&](const Binding &part) { return part.type == first.type; })) {
    SymbolicTensor known = *first.known;
    known.shape.insert(known.shape.begin(), parts.size());
    known.elements.clear();
    if (countElements(known.shape, SymbolicTensor::kMaxElements)) {
      for (const Binding &part : parts)
        known.elements.append(part.known->elements);
      return node.bind(std::move(known));
    }
  }
  SmallVector<Value> values;
  for (Binding &part : parts) {
    Value value = node.materialize(part);
    Dims dims = node.dimsOf(value);
    if (value)
      dims.insert(dims.begin() + node.axis(axis, dims.size() + 1), node.symbols().constant(1));
    values.push_back(node.reshape(value, dims));
  }
  if (node.failed())
    return {};
  return node.bind(node.concat(values, node.axis(axis, node.dimsOf(values.front()).size())));
}

/// Without iterations, the declared type says what is stacked.
Binding stackOfNone(NodeImporter &node, const ValueInfo &output, int64_t axis) {
  SymbolicTensor none;
  none.elementType = getElementType(output.type, node.getContext());
  for (const Dimension &dim : output.dims)
    none.shape.push_back(dim.value.value_or(-1));
  none.shape.insert(none.shape.begin() + node.axis(axis, none.shape.size() + 1), 0);
  if (!output.isTensor || !none.elementType || !output.hasShape || !countElements(none.shape, 0)) {
    node.error("it never runs, and its output " + quote(output.name) + " has no static type");
    return {};
  }
  return node.bind(std::move(none));
}

void emitLoop(NodeImporter &node) {
  const Graph *body = node.subgraph("body");
  if (!body || node.numInputs() < 2)
    return node.error("it needs a body, a trip count and a condition");
  size_t numCarried = node.numInputs() - 2;
  if (body->inputs.size() != numCarried + 2 || body->outputs.size() < numCarried + 1 ||
      node.numOutputs() > body->outputs.size() - 1)
    return node.error("its body has " + Twine(body->inputs.size()) + " inputs and " +
                      Twine(body->outputs.size()) + " outputs for " + Twine(numCarried) +
                      " values that it carries");
  size_t numStacked = body->outputs.size() - 1 - numCarried;

  // How often it runs.
  std::optional<int64_t> trips;
  if (node.hasInput(0)) {
    const SymbolicTensor *known = node.known(0);
    auto count = known ? known->asIntegers() : std::nullopt;
    if (node.failed())
      return;
    if (!count) {
      std::string remedy = node.constantRemedy(0);
      bool isShape = known && known->elements.size() == 1;
      return node.error(isShape ? "it runs " + node.symbols().toString(known->elements.front().expr) +
                                      " times: loops are unrolled, which takes a known number"
                                : "its trip count depends on data: loops are unrolled, which takes a known number",
                        remedy.empty() ? kFixedSize : remedy);
    }
    if (count->size() != 1)
      return node.error("its trip count must be one number");
    trips = count->front();
  }
  std::string remedy = node.hasInput(1) ? node.constantRemedy(1) : "";
  Condition condition{true, Value()};
  if (node.hasInput(1)) {
    Binding *given = node.anyInput(1);
    if (!given)
      return;
    condition = getCondition(node, *given);
  }

  std::vector<Binding> carried;
  for (size_t i = 0; i < numCarried; ++i)
    carried.push_back(node.share(i + 2));
  std::vector<std::vector<Binding>> stacked(numStacked);
  // While data decides: whether the loop still runs.
  Value active = condition.data;
  Type i64 = IntegerType::get(node.getContext(), 64), i1 = IntegerType::get(node.getContext(), 1);
  for (int64_t i = 0; !node.failed() && (!trips || i < *trips) && condition.known.value_or(true); ++i) {
    if (active && !trips)
      return node.error("data decides how often it runs: loops are unrolled, which takes a known number",
                        remedy.empty() ? kFixedSize : remedy);
    if (i == kMaxIterations)
      return node.error("it runs more than " + Twine(kMaxIterations) +
                            " times: loops are unrolled, up to this number",
                        kFixedSize);
    std::vector<Binding> inputs;
    inputs.push_back(node.bind(SymbolicTensor{i64, {}, {Element{node.symbols().constant(i)}}}));
    inputs.push_back(node.bind(SymbolicTensor{i1, {}, {Element{node.symbols().constant(1)}}}));
    llvm::append_range(inputs, carried);
    auto outputs = node.importBody(*body, inputs);
    if (!outputs)
      return;
    for (size_t k = 0; k < numCarried; ++k) {
      Binding &next = (*outputs)[k + 1];
      carried[k] = active ? choose(node, active, next, carried[k], "carried value " + Twine(k), remedy)
                          : std::move(next);
    }
    for (size_t k = 0; k < numStacked; ++k)
      stacked[k].push_back(std::move((*outputs)[1 + numCarried + k]));
    condition = getCondition(node, outputs->front());
    if (condition.data)
      active = active ? node.infer<ht::AndOp>({active, condition.data}) : condition.data;
  }

  for (size_t k = 0; k < numCarried; ++k)
    node.setResult(k, std::move(carried[k]));
  for (size_t k = 0; k < numStacked; ++k) {
    unsigned index = numCarried + k;
    if (!node.wants(index))
      continue;
    if (active)
      return node.error("data decides how often it runs, and with it the size of output " +
                            quote(node.outputName(index)),
                        remedy.empty() ? kFixedSize : remedy);
    node.setResult(index, stacked[k].empty() ? stackOfNone(node, body->outputs[1 + index], 0)
                                             : stack(node, stacked[k], 0));
  }
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

/// Element `index` of `value` along `axis`, which goes.
Value elementAlong(NodeImporter &node, Value value, int64_t axis, int64_t index) {
  Dims sizes = node.dimsOf(value), starts(sizes.size(), node.symbols().constant(0));
  if (!value)
    return {};
  starts[axis] = node.symbols().constant(index);
  sizes[axis] = node.symbols().constant(1);
  Value part = node.slice(value, starts, SmallVector<int64_t>(sizes.size(), 1), sizes);
  sizes.erase(sizes.begin() + axis);
  return node.reshape(part, sizes);
}

/// The list attribute `name` with one entry for each of `count`; zeros where it
/// is absent.
SmallVector<int64_t> listOf(NodeImporter &node, StringRef name, size_t count) {
  auto given = node.integers(name);
  SmallVector<int64_t> list = given ? *given : SmallVector<int64_t>(count, 0);
  if (list.size() != count)
    node.error("attribute " + quote(name) + " has " + Twine(list.size()) + " entries, expected " + Twine(count));
  list.resize(count);
  return list;
}

/// One scan over `inputs`: states first, then what is scanned, along `axes`.
/// Appends the final states and, for each other output, the list of its parts.
bool runScan(NodeImporter &node, const Graph &body, ArrayRef<Binding> states, ArrayRef<Value> scanned,
             ArrayRef<int64_t> axes, ArrayRef<int64_t> backwards, std::vector<Binding> &finals,
             std::vector<std::vector<Binding>> &parts) {
  std::optional<Dim> length;
  for (auto [value, axis] : llvm::zip(scanned, axes)) {
    Dims dims = node.dimsOf(value);
    if (axis >= static_cast<int64_t>(dims.size()))
      return node.error("what it scans has no axis " + Twine(axis)), false;
    Dim dim = dims[axis];
    if (length && *length != dim)
      return node.error("what it scans has " + node.symbols().toString(*length) + " and " +
                        node.symbols().toString(dim) + " elements"),
             false;
    length = dim;
  }
  auto trips = ht::getConstant(*length);
  if (!trips || *trips > kMaxIterations)
    return node.error("it runs " + node.symbols().toString(*length) + " times: scans are unrolled, up to " +
                          Twine(kMaxIterations) + " times",
                      kFixedSize),
           false;
  finals.assign(states.begin(), states.end());
  parts.resize(body.outputs.size() - states.size());
  for (int64_t i = 0; i < *trips; ++i) {
    std::vector<Binding> inputs = std::move(finals);
    for (auto [value, axis, reverse] : llvm::zip(scanned, axes, backwards))
      inputs.push_back(node.bind(elementAlong(node, value, axis, reverse ? *trips - 1 - i : i)));
    auto outputs = node.importBody(body, inputs);
    if (!outputs)
      return false;
    for (size_t k = 0; k < parts.size(); ++k)
      parts[k].push_back(std::move((*outputs)[states.size() + k]));
    outputs->resize(states.size());
    finals = std::move(*outputs);
  }
  return true;
}

void emitScan(NodeImporter &node) {
  const Graph *body = node.subgraph("body");
  int64_t numScanned = node.requiredInteger("num_scan_inputs");
  bool batched = node.opset() < 9; // with a batch in front, and the lengths as first input
  unsigned firstInput = batched ? 1 : 0;
  if (node.failed())
    return;
  int64_t numInputs = static_cast<int64_t>(node.numInputs()) - firstInput;
  if (numScanned < 1 || numScanned > numInputs)
    return node.error("num_scan_inputs is " + Twine(numScanned) + ", but it has " + Twine(numInputs) + " inputs");
  int64_t numStates = numInputs - numScanned;
  if (static_cast<int64_t>(body->inputs.size()) != numStates + numScanned ||
      static_cast<int64_t>(body->outputs.size()) < numStates || node.numOutputs() > body->outputs.size())
    return node.error("its body has " + Twine(body->inputs.size()) + " inputs and " +
                      Twine(body->outputs.size()) + " outputs for " + Twine(numStates) + " states and " +
                      Twine(numScanned) + " inputs");
  if (batched && node.hasInput(0))
    return node.error("sequence lengths are not supported", "export the model with opset 9 or later");
  size_t numStacked = body->outputs.size() - numStates;
  SmallVector<int64_t> axes = listOf(node, "scan_input_axes", numScanned),
                       backwards = listOf(node, batched ? "directions" : "scan_input_directions", numScanned),
                       outputAxes = listOf(node, "scan_output_axes", numStacked),
                       outputBackwards = listOf(node, "scan_output_directions", numStacked);
  std::vector<Binding> states;
  SmallVector<Value> scanned;
  for (int64_t i = 0; i < numStates; ++i)
    states.push_back(node.share(firstInput + i));
  for (int64_t i = 0; i < numScanned; ++i) {
    scanned.push_back(node.input(firstInput + numStates + i));
    axes[i] = batched ? 0 : node.axis(axes[i], node.dimsOf(scanned.back()).size());
  }
  if (node.failed())
    return;

  if (!batched) {
    std::vector<Binding> finals;
    std::vector<std::vector<Binding>> parts;
    if (!runScan(node, *body, states, scanned, axes, backwards, finals, parts))
      return;
    for (auto [i, state] : llvm::enumerate(finals))
      node.setResult(i, std::move(state));
    for (size_t k = 0; k < numStacked; ++k) {
      if (!node.wants(numStates + k))
        continue;
      if (outputBackwards[k])
        std::reverse(parts[k].begin(), parts[k].end());
      node.setResult(numStates + k, parts[k].empty() ? stackOfNone(node, body->outputs[numStates + k], outputAxes[k])
                                                     : stack(node, parts[k], outputAxes[k]));
    }
    return;
  }

  // Opset 8: each entry of the batch by itself.
  Dims front = node.dimsOf(scanned.front());
  auto batch = front.empty() ? std::nullopt : ht::getConstant(front.front());
  if (!batch || *batch < 1 || *batch > kMaxIterations)
    return node.error("its batch must have a known size", kFixedSize);
  std::vector<std::vector<Binding>> results(body->outputs.size());
  for (int64_t b = 0; b < *batch; ++b) {
    auto entry = [&](Value value) {
      Dims dims = node.dimsOf(value);
      if (value && (dims.empty() || dims.front() != front.front()))
        node.error("its inputs have different batches");
      return node.failed() ? Value() : elementAlong(node, value, 0, b);
    };
    std::vector<Binding> ownStates, finals;
    SmallVector<Value> ownScanned;
    std::vector<std::vector<Binding>> parts;
    for (Binding &state : states)
      ownStates.push_back(node.bind(entry(node.materialize(state))));
    for (Value value : scanned)
      ownScanned.push_back(entry(value));
    if (node.failed() || !runScan(node, *body, ownStates, ownScanned, axes, backwards, finals, parts))
      return;
    for (int64_t k = 0; k < numStates; ++k)
      results[k].push_back(std::move(finals[k]));
    for (size_t k = 0; k < numStacked; ++k) {
      if (parts[k].empty())
        return node.error("it never runs");
      results[numStates + k].push_back(stack(node, parts[k], 0));
    }
  }
  for (auto [k, entries] : llvm::enumerate(results))
    if (node.wants(k))
      node.setResult(k, stack(node, entries, 0));
}

const Operator kOperators[] = {
    {"", "If", 1, kNewest, emitIf, nullptr,
     "where data decides, both branches are computed: their results must have equal types"},
    {"", "Loop", 1, kNewest, emitLoop, nullptr,
     "unrolled: the trip count must be known at import, and at most 4096; data may end the loop before"},
    {"", "Scan", 8, kNewest, emitScan, nullptr,
     "unrolled: the length must be static, and at most 4096; before opset 9 without sequence lengths"},
};

} // namespace

ArrayRef<Operator> controlFlowOperators() { return kOperators; }

} // namespace halftone::onnx
