//===- OperatorsSequence.cpp - sequences and optionals ----------------------===//
//
// Lists that exist at import alone: their lengths are known there, and so is
// whether an optional holds something. A program sees only their elements.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Parts that one tensor is split into.
constexpr int64_t kMaxParts = 4096;

const char *const kPosition = "sequences exist when the model is compiled alone: export it with a constant position";

void setNumber(NodeImporter &node, int64_t value, unsigned width) {
  node.setResult(0, SymbolicTensor{IntegerType::get(node.getContext(), width),
                                   {},
                                   {Element{node.symbols().constant(value)}}});
}

void emitSequenceConstruct(NodeImporter &node) {
  std::vector<Binding> elements;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    node.type(i); // tensors only
    elements.push_back(node.share(i));
  }
  node.setSequence(0, std::move(elements));
}

void emitSequenceEmpty(NodeImporter &node) { node.setSequence(0, {}); }

void emitSequenceLength(NodeImporter &node) { setNumber(node, node.sequence(0).size(), 64); }

/// The position that input `index` says; `last` is the greatest.
std::optional<int64_t> getPosition(NodeImporter &node, unsigned index, int64_t size, int64_t last) {
  const SymbolicTensor *known = node.known(index);
  auto given = known ? known->asIntegers() : std::nullopt;
  if (node.failed())
    return std::nullopt;
  if (!given || given->size() != 1) {
    std::string remedy = node.constantRemedy(index);
    node.error("its position must be one constant number", remedy.empty() ? kPosition : remedy);
    return std::nullopt;
  }
  int64_t position = given->front() < 0 ? given->front() + size : given->front();
  if (position >= 0 && position <= last)
    return position;
  node.error("position " + Twine(given->front()) + " is outside the sequence of " + Twine(size));
  return std::nullopt;
}

void emitSequenceAt(NodeImporter &node) {
  ArrayRef<Binding> elements = node.sequence(0);
  if (auto position = getPosition(node, 1, elements.size(), elements.size() - 1))
    node.setResult(0, elements[*position]);
}

void emitSequenceInsert(NodeImporter &node) {
  std::vector<Binding> elements = node.sequence(0).vec();
  node.type(1);
  Binding element = node.share(1);
  std::optional<int64_t> position = elements.size();
  if (node.hasInput(2))
    position = getPosition(node, 2, elements.size(), elements.size());
  if (!position || node.failed())
    return;
  elements.insert(elements.begin() + *position, std::move(element));
  node.setSequence(0, std::move(elements));
}

void emitSequenceErase(NodeImporter &node) {
  std::vector<Binding> elements = node.sequence(0).vec();
  std::optional<int64_t> position = static_cast<int64_t>(elements.size()) - 1;
  if (node.hasInput(1))
    position = getPosition(node, 1, elements.size(), elements.size() - 1);
  if (!position || node.failed())
    return;
  if (elements.empty())
    return node.error("there is nothing to erase: the sequence is empty");
  elements.erase(elements.begin() + *position);
  node.setSequence(0, std::move(elements));
}

/// Parts of the given sizes, of one size, or of one element each.
void emitSplitToSequence(NodeImporter &node) {
  Symbols &symbols = node.symbols();
  Dims from = node.dims(0);
  int64_t axis = node.axis(node.integer("axis", 0), from.size());
  if (node.failed())
    return;
  auto extent = ht::getConstant(from[axis]);
  bool squeeze = !node.hasInput(1) && node.integer("keepdims", 1) == 0;
  Dims sizes;
  if (node.hasInput(1) && node.rank(1) == 1) {
    auto given = node.expressions(1, "split");
    if (!given)
      return;
    sizes = *given;
  } else {
    int64_t step = 1;
    if (node.hasInput(1)) {
      auto given = node.integers(1, "split");
      if (!given)
        return;
      if (given->size() != 1 || given->front() < 1)
        return node.error("its split must be positive");
      step = std::min(given->front(), extent.value_or(1) + 1); // one part in any case
    }
    if (!extent || (*extent + step - 1) / step > kMaxParts)
      return node.error("it splits " + symbols.toString(from[axis]) + " elements: the number of parts must be known, "
                        "and at most " + Twine(kMaxParts),
                        "export the model with a static size of this dimension");
    for (int64_t rest = *extent; rest > 0; rest -= step)
      sizes.push_back(symbols.constant(std::min(step, rest)));
  }
  if (!node.spend(sizes.size()))
    return;

  Dims starts(from.size(), symbols.constant(0));
  SmallVector<int64_t> strides(from.size(), 1);
  Value input = node.input(0);
  std::vector<Binding> parts;
  for (Dim size : sizes) {
    Dims to = from;
    to[axis] = size;
    auto next = symbols.add(starts[axis], size);
    if (!next || symbols.bounds(size).low < 0)
      return node.error("a part of size " + symbols.toString(size) + " is not valid");
    Value part = node.slice(input, starts, strides, to);
    if (squeeze) {
      to.erase(to.begin() + axis);
      part = node.reshape(part, to);
    }
    parts.push_back(node.bind(part));
    starts[axis] = *next;
  }
  if (starts[axis] != from[axis])
    return node.error("its parts have " + symbols.toString(starts[axis]) + " elements, but the dimension has " +
                      symbols.toString(from[axis]));
  node.setSequence(0, std::move(parts));
}

void emitConcatFromSequence(NodeImporter &node) {
  std::vector<Binding> elements = node.sequence(0).vec();
  if (node.failed())
    return;
  if (elements.empty())
    return node.error("its sequence is empty, and a tensor of no parts has no type");
  bool newAxis = node.integer("new_axis", 0) != 0;
  int64_t rank = elements.front().type.getRank() + newAxis, axis = node.axis(node.requiredInteger("axis"), rank);
  SmallVector<Value> parts;
  for (Binding &element : elements) {
    Value part = node.materialize(element);
    Dims dims = node.dimsOf(part);
    if (newAxis && part && static_cast<int64_t>(dims.size()) == rank - 1) {
      dims.insert(dims.begin() + axis, node.symbols().constant(1));
      part = node.reshape(part, dims);
    }
    parts.push_back(part);
  }
  if (!node.failed())
    node.setResult(0, node.concat(parts, axis));
}

/// The body for each element of the first sequence, with the elements of the
/// others beside it and tensors as they are.
void emitSequenceMap(NodeImporter &node) {
  const Graph *body = node.subgraph("body");
  size_t length = node.sequence(0).size();
  if (!body || node.failed())
    return;
  std::vector<std::vector<Binding>> results(body->outputs.size());
  for (size_t i = 0; i < length; ++i) {
    std::vector<Binding> inputs;
    for (unsigned k = 0; k < node.numInputs(); ++k) {
      Binding input = node.share(k);
      if (input.kind != Binding::Kind::Sequence) {
        inputs.push_back(std::move(input));
      } else if (input.elements.size() == length) {
        inputs.push_back(std::move(input.elements[i]));
      } else {
        return node.error("its sequences have " + Twine(length) + " and " + Twine(input.elements.size()) +
                          " elements");
      }
    }
    auto outputs = node.failed() || !node.spend(length) ? std::nullopt : node.importBody(*body, inputs);
    if (!outputs)
      return;
    for (auto [list, output] : llvm::zip(results, *outputs)) {
      if (output.kind != Binding::Kind::Tensor)
        return node.error("its body gives sequences of sequences");
      list.push_back(std::move(output));
    }
  }
  for (unsigned k = 0; k < node.numOutputs() && k < results.size(); ++k)
    node.setSequence(k, std::move(results[k]));
}

//===----------------------------------------------------------------------===//
// Optionals
//===----------------------------------------------------------------------===//

void emitOptional(NodeImporter &node) {
  Binding result;
  result.kind = Binding::Kind::Optional;
  if (node.hasInput(0))
    result.elements.push_back(node.share(0));
  node.setResult(0, std::move(result));
}

/// Since opset 18 what is no optional counts as one that holds it.
void emitOptionalHasElement(NodeImporter &node) {
  const Binding *input = node.hasInput(0) ? node.anyInput(0) : nullptr;
  setNumber(node, input && (input->kind != Binding::Kind::Optional || !input->elements.empty()), 1);
}

void emitOptionalGetElement(NodeImporter &node) {
  const Binding *input = node.anyInput(0);
  if (!input || input->kind != Binding::Kind::Optional)
    return node.forward(0, 0);
  if (input->elements.empty())
    return node.error("its optional is absent");
  node.setResult(0, input->elements.front());
}

const char *const kNote = "lengths and positions must be known at import";

const Operator kOperators[] = {
    {"", "ConcatFromSequence", 11, kNewest, emitConcatFromSequence, nullptr, kNote},
    {"", "Optional", 15, kNewest, emitOptional, nullptr, "whether it holds something must be known at import"},
    {"", "OptionalGetElement", 15, kNewest, emitOptionalGetElement},
    {"", "OptionalHasElement", 15, kNewest, emitOptionalHasElement},
    {"", "SequenceAt", 11, kNewest, emitSequenceAt, nullptr, kNote},
    {"", "SequenceConstruct", 11, kNewest, emitSequenceConstruct},
    {"", "SequenceEmpty", 11, kNewest, emitSequenceEmpty},
    {"", "SequenceErase", 11, kNewest, emitSequenceErase, nullptr, kNote},
    {"", "SequenceInsert", 11, kNewest, emitSequenceInsert, nullptr, kNote},
    {"", "SequenceLength", 11, kNewest, emitSequenceLength},
    {"", "SequenceMap", 17, kNewest, emitSequenceMap},
    {"", "SplitToSequence", 11, kNewest, emitSplitToSequence, nullptr, kNote},
};

} // namespace

ArrayRef<Operator> sequenceOperators() { return kOperators; }

} // namespace halftone::onnx
