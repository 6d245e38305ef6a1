//===- Extract.cpp - one node of a model as a model of its own --------------===//
//
// What is copied is copied as the bytes that the file has, so that nothing which
// might matter is lost on the way: a bug in reading an attribute shows in the
// smaller file as well.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Extract.h"

#include "compiler/Import/Support/MappedFile.h"
#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/Reader.h"
#include "compiler/Import/ONNX/Survey.h"
#include "compiler/Import/ONNX/TensorData.h"
#include "dialects/HT/HTDialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace llvm;

namespace halftone::onnx {

namespace {

/// Initializers of more bytes become inputs.
constexpr uint64_t kMaxInitializerBytes = 1 << 20;
/// What a node may bring with it: attributes, branches, functions.
constexpr uint64_t kMaxNodeBytes = 1 << 26;
/// Values that a node may read.
constexpr size_t kMaxValues = 1024;
/// The IR version that initializers need to stand beside inputs, and functions to exist.
constexpr int64_t kIRVersion = 8;

/// Appends protobuf fields to a string.
class Writer {
public:
  Writer &integer(unsigned field, uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  Writer &bytes(unsigned field, StringRef value) {
    varint(field << 3 | 2);
    varint(value.size());
    text += value;
    return *this;
  }
  Writer &message(unsigned field, const Writer &value) { return bytes(field, value.text); }
  Writer &raw(StringRef fields) {
    text += fields;
    return *this;
  }

  std::string text;

private:
  void varint(uint64_t value) {
    for (; value >= 128; value >>= 7)
      text += static_cast<char>(value | 128);
    text += static_cast<char>(value);
  }
};

/// A node and the graphs around it, the innermost last.
struct Place {
  const Node *node = nullptr;
  std::vector<const Graph *> graphs;
};

bool isCalled(const Node &node, StringRef name) {
  StringRef own = getNodeName(node);
  return own == name || escape(own) == name; // as messages spell it
}

bool find(const Graph &graph, StringRef name, Place &place) {
  place.graphs.push_back(&graph);
  for (const Node &node : graph.nodes) {
    if (isCalled(node, name)) {
      place.node = &node;
      return true;
    }
    for (const Attribute &attribute : node.attributes)
      if (attribute.graph && find(*attribute.graph, name, place))
        return true;
  }
  place.graphs.pop_back();
  return false;
}

/// Adds to `free` the names that `graph` takes from the graphs around it.
void collectFree(const Graph &graph, StringSet<> bound, SmallSetVector<StringRef, 8> &free) {
  for (const Tensor &tensor : graph.initializers)
    bound.insert(tensor.name);
  for (const ValueInfo &input : graph.inputs)
    bound.insert(input.name);
  auto use = [&](StringRef name) {
    if (!name.empty() && !bound.contains(name))
      free.insert(name);
  };
  for (const Node &node : graph.nodes) {
    for (StringRef input : node.inputs)
      use(input);
    for (const Attribute &attribute : node.attributes)
      if (attribute.graph)
        collectFree(*attribute.graph, bound, free);
    bound.insert_range(node.outputs);
  }
  for (const ValueInfo &output : graph.outputs)
    use(output.name);
}

class Extractor {
public:
  Extractor(const Model &model, StringRef folder, const ImportReport &report, Place place)
      : model(model), files(folder), tensors(model, "", files), report(report), place(std::move(place)),
        functions(model), context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<ht::HTDialect>();
  }

  Expected<NodeModel> run();

private:
  Error addValue(StringRef name);
  bool addInitializer(StringRef name, const Tensor &tensor);
  bool addConstant(StringRef name, const Node &node);
  void addOutput(StringRef name);
  void addFunctions(const Node &node);
  std::optional<std::string> findDeclaration(StringRef name);

  const Model &model;
  ExternalFiles files;
  TensorReader tensors;
  const ImportReport &report;
  Place place;
  Functions functions;
  mlir::MLIRContext context;
  Writer graph;
  Writer functionList;
  DenseSet<const Function *> called;
  std::optional<std::string> firstInput; ///< The type of the node's first input.
  NodeModel result;
};

/// A ValueInfoProto's type field, in the type that the import found.
std::string toField(const ImportReport::Type &type) {
  Writer shape;
  for (const std::string &text : type.dims) {
    Writer dim;
    if (int64_t size; !StringRef(text).getAsInteger(10, size))
      dim.integer(1, size);
    else
      dim.bytes(2, text);
    shape.message(1, dim);
  }
  Writer tensor;
  tensor.integer(1, static_cast<uint64_t>(type.element)).message(2, shape);
  return Writer().message(2, Writer().message(1, tensor)).text;
}

std::optional<std::string> Extractor::findDeclaration(StringRef name) {
  if (auto it = report.values.find(name.str()); it != report.values.end())
    return toField(it->second);
  for (const Graph *graph : reverse(place.graphs)) {
    std::vector<ValueInfo> declared = readDeclarations(*graph);
    for (ArrayRef<ValueInfo> list : {ArrayRef(graph->inputs), ArrayRef(declared)})
      for (const ValueInfo &info : list)
        if (info.name == name && (!info.isTensor || info.hasShape))
          return info.bytes.str(); // it has the name as well, which does no harm
  }
  return std::nullopt;
}

bool Extractor::addInitializer(StringRef name, const Tensor &tensor) {
  // Of a field that comes twice, readers take the last.
  Writer message;
  if (tensor.storage != Storage::External) {
    if (tensor.bytes.size() > kMaxInitializerBytes)
      return false;
    graph.message(5, message.raw(tensor.bytes).bytes(8, name));
    return true;
  }
  std::string error;
  mlir::RankedTensorType type = tensors.getType(tensor, &context, error);
  auto bytes = type ? tensors.locate(tensor, type, error) : std::nullopt;
  if (!bytes || bytes->data.size() > kMaxInitializerBytes)
    return false;
  for (int64_t size : tensor.dims)
    message.integer(1, size);
  message.integer(2, static_cast<uint64_t>(tensor.type)).bytes(8, name).bytes(9, bytes->data);
  graph.message(5, message);
  return true;
}

bool Extractor::addConstant(StringRef name, const Node &node) {
  if (node.opType != "Constant" || !node.domain.empty() || node.attributes.size() != 1)
    return false;
  const Attribute &attribute = node.attributes.front();
  if (attribute.name == "value" && attribute.tensor)
    return addInitializer(name, *attribute.tensor);
  // Numbers, or one.
  auto add = [&](DataType type, auto values, bool isList) {
    Writer message;
    if (isList)
      message.integer(1, values.size());
    message.integer(2, static_cast<uint64_t>(type)).bytes(8, name);
    // As they are in memory: hosts are little-endian here.
    StringRef bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(values.front()));
    if (bytes.size() > kMaxInitializerBytes)
      return false;
    graph.message(5, message.bytes(9, bytes));
    return true;
  };
  if (attribute.name == "value_ints")
    return add(DataType::Int64, ArrayRef(attribute.ints), /*isList=*/true);
  if (attribute.name == "value_int")
    return add(DataType::Int64, ArrayRef(attribute.i), /*isList=*/false);
  if (attribute.name == "value_floats")
    return add(DataType::Float, ArrayRef(attribute.floats), /*isList=*/true);
  return attribute.name == "value_float" && add(DataType::Float, ArrayRef(attribute.f), /*isList=*/false);
}

Error Extractor::addValue(StringRef name) {
  std::optional<std::string> type;
  auto remember = [&] {
    if (!firstInput)
      firstInput = type;
    return Error::success();
  };
  for (const Graph *around : reverse(place.graphs)) {
    for (const Tensor &tensor : around->initializers)
      if (tensor.name == name) {
        ImportReport::Type known{tensor.type, {}};
        for (int64_t size : tensor.dims)
          known.dims.push_back(std::to_string(size));
        type = toField(known);
        if (addInitializer(name, tensor))
          return remember();
      }
    for (const Node &node : around->nodes)
      if (is_contained(node.outputs, name) && addConstant(name, node)) {
        type = findDeclaration(name);
        return remember();
      }
  }
  if (!type)
    type = findDeclaration(name);
  if (!type)
    return createStringError("the type of its input %s is not in the file; add it with "
                             "onnx.shape_inference.infer_shapes", quote(name).c_str());
  graph.message(11, Writer().raw(*type).bytes(1, name));
  return remember();
}

void Extractor::addOutput(StringRef name) {
  auto type = findDeclaration(name);
  if (!type) {
    type = firstInput ? *firstInput : toField({DataType::Float, {}});
    result.remarks.push_back("the file does not say the type of output " + quote(name) + ": " +
                             (firstInput ? "that of the first input stands in its place" : "float32 stands in its place"));
  }
  graph.message(12, Writer().raw(*type).bytes(1, name));
}

void Extractor::addFunctions(const Node &node) {
  SmallVector<const Node *> pending{&node};
  auto visit = [&](ArrayRef<Node> nodes) {
    for (const Node &inner : nodes)
      pending.push_back(&inner);
  };
  while (!pending.empty()) {
    const Node *next = pending.pop_back_val();
    for (const Attribute &attribute : next->attributes)
      if (attribute.graph)
        visit(attribute.graph->nodes);
    const Function *function = functions.find(*next);
    if (!function || !called.insert(function).second)
      continue;
    functionList.bytes(25, function->bytes);
    visit(function->nodes);
  }
}

Expected<NodeModel> Extractor::run() {
  const Node &node = *place.node;
  SmallSetVector<StringRef, 8> values;
  for (StringRef input : node.inputs)
    if (!input.empty())
      values.insert(input);
  for (const Attribute &attribute : node.attributes)
    if (attribute.graph)
      collectFree(*attribute.graph, {}, values);
  if (node.bytes.size() > kMaxNodeBytes || values.size() > kMaxValues)
    return createStringError("it has %zu bytes and reads %zu values: too much to be an example",
                             node.bytes.size(), values.size());

  graph.bytes(1, node.bytes).bytes(2, "reproducer");
  for (StringRef value : values)
    if (Error error = addValue(value))
      return error;
  for (StringRef output : node.outputs)
    if (!output.empty())
      addOutput(output);
  addFunctions(node);
  if (functionList.text.size() > kMaxNodeBytes)
    return createStringError("the functions that it calls have %zu bytes", functionList.text.size());

  Writer file;
  file.integer(1, std::max(model.irVersion, kIRVersion)).bytes(2, "halftone check --save-node");
  file.message(7, graph);
  bool hasDomain = false;
  for (const OperatorSet &set : model.operatorSets) {
    hasDomain |= set.domain == node.domain;
    file.message(8, Writer().bytes(1, set.domain).integer(2, set.version));
  }
  if (!hasDomain) // as readers suppose
    file.message(8, Writer().bytes(1, node.domain).integer(2, 1));
  file.raw(functionList.text);
  result.bytes = std::move(file.text);
  return std::move(result);
}

} // namespace

Expected<NodeModel> extractNode(const Model &model, StringRef folder, StringRef name,
                                const ImportReport &report) {
  Place place;
  if (find(*model.graph, name, place))
    return Extractor(model, folder, report, std::move(place)).run();
  for (const Function &function : model.functions)
    for (const Node &node : function.nodes)
      if (isCalled(node, name))
        return createStringError("it is a node of the function %s: name a node that calls it",
                                 quote(function.name).c_str());
  return createStringError("the model has no node of this name");
}

} // namespace halftone::onnx
