//===- Reader.cpp - ONNX's protobuf encoding, over a mapped file ------------===//
//
// The only file of the importer that knows protobuf, and the only one compiled
// with exceptions: protozero reports damage by throwing. Everything thrown is
// caught in `parseModel`, and its own checks throw as well, so that parsing code
// reads straight. Every field is read by a function of Fields.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Reader.h"

#include "compiler/Import/ONNX/Fields.h"
#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/NodeOrder.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <set>
#include <utility>

using llvm::StringRef;

namespace halftone::onnx {

namespace {

// Limits on what a file may hold; each has its own message.
constexpr unsigned kMaxGraphDepth = 64;
constexpr size_t kMaxNodes = size_t(1) << 20;
constexpr size_t kMaxFunctions = size_t(1) << 16;
constexpr size_t kMaxTensors = size_t(1) << 20;
constexpr size_t kMaxRank = 64;
constexpr size_t kMaxListLength = size_t(1) << 24;
constexpr size_t kMaxOperands = size_t(1) << 14; ///< inputs or outputs of a node
constexpr size_t kMaxAttributes = 128;           ///< of a node
constexpr size_t kMaxGraphValues = size_t(1) << 16; ///< inputs (old files list the initializers too) or outputs
/// What a graph may take in memory: some fifty times what the largest models need.
constexpr size_t kMaxGraphBytes = size_t(1) << 28;
/// protozero's lengths have 32 bits (protobuf's own writers stop at 2 GiB).
constexpr uint64_t kMaxModelBytes = (uint64_t(1) << 32) - 1;

/// A pair of strings (StringStringEntryProto).
std::pair<StringRef, StringRef> parseEntry(Reader reader) {
  std::pair<StringRef, StringRef> entry;
  while (reader.next()) {
    if (reader.tag() == 1)
      entry.first = getName(reader, "key and its value");
    else if (reader.tag() == 2)
      entry.second = getName(reader, "key and its value");
    else
      reader.skip();
  }
  return entry;
}

StringRef parseMetadata(StringRef node, StringRef key) {
  Reader reader(node.data(), node.size());
  while (reader.next()) {
    if (reader.tag() != 9) {
      reader.skip();
      continue;
    }
    auto [name, value] = parseEntry(getMessage(reader, "node"));
    if (name == key)
      return value;
  }
  return {};
}

class Parser {
public:
  std::unique_ptr<Model> parse(StringRef bytes);
  std::vector<ValueInfo> parseDeclarations(StringRef graph);

private:
  Tensor parseTensor(Reader reader);
  ValueInfo parseValueInfo(Reader reader);
  void parseTensorType(Reader reader, ValueInfo &info);
  void parseType(Reader reader, ValueInfo &info);
  Attribute parseAttribute(Reader reader, unsigned depth);
  Node parseNode(Reader reader, unsigned depth);
  std::unique_ptr<Graph> parseGraph(Reader reader, unsigned depth);
  Function parseFunction(Reader reader);
  OperatorSet parseOperatorSet(Reader reader);
  void addNode(std::vector<Node> &nodes, Reader reader, unsigned depth);
  void addAttribute(std::vector<Attribute> &list, Reader reader, unsigned depth);

  /// Adds to a list of at most `limit`. A few bytes of a file can ask for many of
  /// memory, so that all lists together have a limit too.
  template <typename T, typename Value>
  void append(std::vector<T> &list, Value value, size_t limit, const char *what) {
    if (list.size() >= limit)
      fail("more than " + std::to_string(limit) + " " + what);
    graphBytes += sizeof(T);
    if (graphBytes > kMaxGraphBytes)
      fail("its graph takes more than " + std::to_string(kMaxGraphBytes >> 20) + " MiB without the weights");
    list.push_back(std::move(value));
  }
  /// Repeated numbers, packed (newer writers) or one by one.
  void appendInts(Reader &reader, std::vector<int64_t> &list, size_t limit, const char *what);
  void appendFloats(Reader &reader, std::vector<float> &list, const char *what);

  size_t nodes = 0;
  size_t tensors = 0;
  size_t graphBytes = 0;
};

void Parser::appendInts(Reader &reader, std::vector<int64_t> &list, size_t limit, const char *what) {
  if (!reader.has_wire_type(protozero::pbf_wire_type::length_delimited))
    return append(list, getInt(reader, what), limit, what);
  for (int64_t value : reader.get_packed_int64())
    append(list, value, limit, what);
}

void Parser::appendFloats(Reader &reader, std::vector<float> &list, const char *what) {
  if (!reader.has_wire_type(protozero::pbf_wire_type::length_delimited))
    return append(list, getFloat(reader, what), kMaxListLength, what);
  for (float value : reader.get_packed_float())
    append(list, value, kMaxListLength, what);
}

Tensor Parser::parseTensor(Reader reader) {
  if (++tensors > kMaxTensors)
    fail("more than " + std::to_string(kMaxTensors) + " tensors");
  Tensor tensor;
  tensor.bytes = getRest(reader);
  bool external = false;
  std::vector<std::pair<StringRef, StringRef>> entries;
  auto store = [&](Storage storage, StringRef data) {
    // An empty field is what some writers leave beside the one they use.
    if (data.empty() && tensor.storage != Storage::None)
      return;
    if (tensor.storage != Storage::None && !tensor.data.empty())
      fail("tensor " + quote(tensor.name) + " holds its elements twice");
    tensor.storage = storage;
    tensor.data = data;
  };
  while (reader.next()) {
    switch (reader.tag()) {
    case 1:
      appendInts(reader, tensor.dims, kMaxRank, "dimensions of a tensor");
      break;
    case 2:
      tensor.type = static_cast<DataType>(getEnum(reader, "tensor"));
      break;
    case 3:
      fail("a tensor is stored in segments");
    case 4:
      store(Storage::Floats, getBytes(reader, "tensor (elements must be packed)"));
      break;
    case 5:
      store(Storage::Int32s, getBytes(reader, "tensor (elements must be packed)"));
      break;
    case 6:
      append(tensor.strings, getBytes(reader, "tensor"), kMaxListLength, "strings in a tensor");
      break;
    case 7:
      store(Storage::Int64s, getBytes(reader, "tensor (elements must be packed)"));
      break;
    case 8:
      tensor.name = getName(reader, "tensor");
      break;
    case 9:
      store(Storage::Raw, getBytes(reader, "tensor"));
      break;
    case 10:
      store(Storage::Doubles, getBytes(reader, "tensor (elements must be packed)"));
      break;
    case 11:
      store(Storage::UInt64s, getBytes(reader, "tensor (elements must be packed)"));
      break;
    case 13: {
      append(entries, parseEntry(getMessage(reader, "tensor")), 16, "entries of external data");
      break;
    }
    case 14:
      external = getEnum(reader, "tensor") == 1;
      break;
    default:
      reader.skip();
    }
  }
  if (!external)
    return tensor;

  if (!tensor.data.empty())
    fail("tensor " + quote(tensor.name) + " is external and holds its elements as well");
  tensor.storage = Storage::External;
  llvm::StringSet<> seen;
  for (auto [key, value] : entries) {
    if (!seen.insert(key).second)
      fail("external data of tensor " + quote(tensor.name) + " has " + quote(key) + " twice");
    // Keys beyond these (checksum, basepath, …) are never acted on.
    if (key == "location")
      tensor.location = value;
    if (key != "offset" && key != "length")
      continue;
    uint64_t number = 0;
    if (value.getAsInteger(10, number))
      fail("external data of tensor " + quote(tensor.name) + " has " + key.str() + " " + quote(value));
    if (key == "offset")
      tensor.offset = number;
    else
      tensor.length = number;
  }
  return tensor;
}

void Parser::parseTensorType(Reader reader, ValueInfo &info) {
  info.isTensor = true;
  while (reader.next()) {
    if (reader.tag() == 1) {
      info.type = static_cast<DataType>(getEnum(reader, "tensor type"));
    } else if (reader.tag() == 2) {
      info.hasShape = true;
      Reader shape = getMessage(reader, "tensor type");
      while (shape.next()) {
        if (shape.tag() != 1) {
          shape.skip();
          continue;
        }
        Dimension dimension;
        Reader dim = getMessage(shape, "shape");
        while (dim.next()) {
          if (dim.tag() == 1)
            dimension.value = getInt(dim, "dimension");
          else if (dim.tag() == 2)
            dimension.parameter = getName(dim, "dimension");
          else
            dim.skip();
        }
        append(info.dims, dimension, kMaxRank, "dimensions of a value");
      }
    } else {
      reader.skip();
    }
  }
}

/// Optionals may hold sequences, and these tensors; any other nesting is a type
/// that nothing here has a use for.
void Parser::parseType(Reader reader, ValueInfo &info) {
  while (reader.next()) {
    bool isOptional = reader.tag() == 9 && !info.isOptional && !info.isSequence;
    bool isSequence = reader.tag() == 4 && !info.isSequence;
    if (reader.tag() == 1) {
      parseTensorType(getMessage(reader, "type"), info);
    } else if (isOptional || isSequence) {
      (isOptional ? info.isOptional : info.isSequence) = true;
      Reader inner = getMessage(reader, "type");
      while (inner.next()) {
        if (inner.tag() == 1)
          parseType(getMessage(inner, "type"), info);
        else
          inner.skip();
      }
    } else {
      reader.skip();
    }
  }
}

ValueInfo Parser::parseValueInfo(Reader reader) {
  ValueInfo info;
  info.bytes = getRest(reader);
  while (reader.next()) {
    if (reader.tag() == 1)
      info.name = getName(reader, "value");
    else if (reader.tag() == 2)
      parseType(getMessage(reader, "value"), info);
    else
      reader.skip();
  }
  // A type of lists whose elements are no tensors.
  bool ofTensors = std::exchange(info.isTensor, info.isTensor && !info.isSequence && !info.isOptional);
  info.isSequence &= ofTensors;
  info.isOptional &= ofTensors;
  return info;
}

Attribute Parser::parseAttribute(Reader reader, unsigned depth) {
  Attribute attribute;
  attribute.bytes = getRest(reader);
  while (reader.next()) {
    switch (reader.tag()) {
    case 1:
      attribute.name = getName(reader, "attribute");
      break;
    case 2:
      attribute.f = getFloat(reader, "attribute");
      break;
    case 3:
      attribute.i = getInt(reader, "attribute");
      break;
    case 4:
      attribute.s = getBytes(reader, "attribute");
      break;
    case 5:
      attribute.tensor = std::make_unique<Tensor>(parseTensor(getMessage(reader, "attribute")));
      break;
    case 6:
      attribute.graph = parseGraph(getMessage(reader, "attribute"), depth + 1);
      break;
    case 7:
      appendFloats(reader, attribute.floats, "numbers in an attribute");
      break;
    case 8:
      appendInts(reader, attribute.ints, kMaxListLength, "numbers in an attribute");
      break;
    case 9:
      append(attribute.strings, getBytes(reader, "attribute"), kMaxListLength, "strings in an attribute");
      break;
    case 20:
      attribute.type = static_cast<AttributeType>(getEnum(reader, "attribute"));
      break;
    case 21:
      attribute.reference = getName(reader, "attribute");
      break;
    default:
      reader.skip();
    }
  }
  if (attribute.name.empty())
    fail("an attribute has no name");
  return attribute;
}

Node Parser::parseNode(Reader reader, unsigned depth) {
  Node node;
  node.bytes = getRest(reader);
  while (reader.next()) {
    switch (reader.tag()) {
    case 1:
      append(node.inputs, getName(reader, "node"), kMaxOperands, "inputs of a node");
      break;
    case 2:
      append(node.outputs, getName(reader, "node"), kMaxOperands, "outputs of a node");
      break;
    case 3:
      node.name = getName(reader, "node");
      break;
    case 4:
      node.opType = getName(reader, "node");
      break;
    case 5:
      addAttribute(node.attributes, getMessage(reader, "node"), depth);
      break;
    case 7:
      node.domain = getName(reader, "node");
      break;
    case 8:
      node.overload = getName(reader, "node");
      break;
    default:
      reader.skip();
    }
  }
  if (node.opType.empty())
    fail("node " + quote(node.name) + " has no operator");
  if (node.domain == "ai.onnx")
    node.domain = "";
  return node;
}

void Parser::addNode(std::vector<Node> &list, Reader reader, unsigned depth) {
  if (++nodes > kMaxNodes)
    fail("more than " + std::to_string(kMaxNodes) + " nodes");
  append(list, parseNode(reader, depth), kMaxNodes, "nodes");
}

void Parser::addAttribute(std::vector<Attribute> &list, Reader reader, unsigned depth) {
  Attribute attribute = parseAttribute(reader, depth);
  for (const Attribute &other : list)
    if (other.name == attribute.name)
      fail("an attribute " + quote(attribute.name) + " is there twice");
  append(list, std::move(attribute), kMaxAttributes, "attributes of a node");
}

std::unique_ptr<Graph> Parser::parseGraph(Reader reader, unsigned depth) {
  if (depth > kMaxGraphDepth)
    fail("graphs are nested more than " + std::to_string(kMaxGraphDepth) + " deep");
  auto graph = std::make_unique<Graph>();
  graph->bytes = getRest(reader);
  while (reader.next()) {
    switch (reader.tag()) {
    case 1:
      addNode(graph->nodes, getMessage(reader, "graph"), depth);
      break;
    case 2:
      graph->name = getName(reader, "graph");
      break;
    case 5:
      append(graph->initializers, parseTensor(getMessage(reader, "graph")), kMaxTensors, "initializers");
      break;
    case 11:
      append(graph->inputs, parseValueInfo(getMessage(reader, "graph")), kMaxGraphValues, "graph inputs");
      break;
    case 12:
      append(graph->outputs, parseValueInfo(getMessage(reader, "graph")), kMaxGraphValues, "graph outputs");
      break;
    case 15:
      graph->hasSparseInitializers = true;
      reader.skip();
      break;
    default:
      reader.skip();
    }
  }
  return graph;
}

OperatorSet Parser::parseOperatorSet(Reader reader) {
  OperatorSet set;
  while (reader.next()) {
    if (reader.tag() == 1)
      set.domain = getName(reader, "operator set");
    else if (reader.tag() == 2)
      set.version = getInt(reader, "operator set");
    else
      reader.skip();
  }
  if (set.domain == "ai.onnx")
    set.domain = "";
  return set;
}

Function Parser::parseFunction(Reader reader) {
  Function function;
  function.bytes = getRest(reader);
  while (reader.next()) {
    switch (reader.tag()) {
    case 1:
      function.name = getName(reader, "function");
      break;
    case 4:
      append(function.inputs, getName(reader, "function"), kMaxOperands, "inputs of a function");
      break;
    case 5:
      append(function.outputs, getName(reader, "function"), kMaxOperands, "outputs of a function");
      break;
    case 7:
      addNode(function.nodes, getMessage(reader, "function"), 1);
      break;
    case 9:
      append(function.operatorSets, parseOperatorSet(getMessage(reader, "function")), 1024, "operator sets");
      break;
    case 10:
      function.domain = getName(reader, "function");
      break;
    case 11:
      addAttribute(function.defaults, getMessage(reader, "function"), 1);
      break;
    case 13:
      function.overload = getName(reader, "function");
      break;
    default:
      reader.skip();
    }
  }
  if (function.domain == "ai.onnx")
    function.domain = "";
  return function;
}

std::unique_ptr<Model> Parser::parse(StringRef bytes) {
  auto model = std::make_unique<Model>();
  std::set<std::pair<std::pair<StringRef, StringRef>, StringRef>> functions;
  Reader reader(bytes.data(), bytes.size());
  while (reader.next()) {
    switch (reader.tag()) {
    case 1:
      model->irVersion = getInt(reader, "model");
      break;
    case 2:
      model->producer = getName(reader, "model");
      break;
    case 3:
      model->producerVersion = getName(reader, "model");
      break;
    case 7:
      if (model->graph)
        fail("the file holds two graphs");
      model->graph = parseGraph(getMessage(reader, "model"), 0);
      break;
    case 8:
      append(model->operatorSets, parseOperatorSet(getMessage(reader, "model")), 1024, "operator sets");
      break;
    case 25:
      append(model->functions, parseFunction(getMessage(reader, "model")), kMaxFunctions, "functions");
      if (const Function &function = model->functions.back();
          !functions.insert({{function.domain, function.name}, function.overload}).second)
        fail("the function " + quote(function.name) + " of domain " + quote(function.domain) + " is there twice");
      break;
    default:
      reader.skip();
    }
  }
  return model;
}

std::vector<ValueInfo> Parser::parseDeclarations(StringRef graph) {
  std::vector<ValueInfo> infos;
  Reader reader(graph.data(), graph.size());
  while (reader.next()) {
    if (reader.tag() != 12 && reader.tag() != 13) {
      reader.skip();
      continue;
    }
    append(infos, parseValueInfo(getMessage(reader, "graph")), kMaxTensors, "declared values");
  }
  return infos;
}

} // namespace

std::vector<ValueInfo> readDeclarations(const Graph &graph) {
  try {
    return Parser().parseDeclarations(graph.bytes);
  } catch (const std::exception &) {
    return {}; // they only tell what the graph says by itself
  }
}

StringRef readMetadata(const Node &node, StringRef key) {
  try {
    return parseMetadata(node.bytes, key);
  } catch (const std::exception &) {
    return {}; // it says nothing that the import needs
  }
}

std::unique_ptr<Model> parseModel(StringRef bytes, std::string &error) {
  if (bytes.empty()) {
    error = "the file is empty";
    return nullptr;
  }
  if (bytes.size() > kMaxModelBytes) {
    error = "the file has " + std::to_string(bytes.size()) +
            " bytes: a model over 4 GiB needs its weights as external data";
    return nullptr;
  }
  const char *notONNX = "this is not an ONNX model, or it is damaged: ";
  std::unique_ptr<Model> model;
  try {
    model = Parser().parse(bytes);
  } catch (const protozero::end_of_buffer_exception &) {
    error = "the file is truncated, or not an ONNX model: a field goes beyond the end of the file";
  } catch (const protozero::exception &damage) {
    error = std::string(notONNX) + damage.what();
  } catch (const ReadError &damage) {
    error = std::string(notONNX) + damage.what();
  } catch (const std::bad_alloc &) {
    error = "there is not enough memory to read the file";
  }
  if (!model)
    return nullptr;
  if (!model->graph || model->operatorSets.empty()) {
    error = std::string("the file is truncated, or not an ONNX model: it has no ") +
            (model->graph ? "operator set" : "graph");
    return nullptr;
  }
  orderNodes(*model);
  return model;
}

std::unique_ptr<Model> readModel(StringRef path, std::string &error) {
  std::unique_ptr<MappedFile> file = MappedFile::open(path, error);
  if (!file) {
    error = "cannot read the file: " + error;
    return nullptr;
  }
  std::unique_ptr<Model> model = parseModel(file->bytes(), error);
  if (model)
    model->file = std::move(file);
  return model;
}

} // namespace halftone::onnx
