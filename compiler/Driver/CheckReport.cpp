//===- CheckReport.cpp - what halftone check says about a model -------------===//
//
// Names come from a file that nobody has vouched for: all are escaped in text, and
// made valid UTF-8 in JSON, which escapes control characters by itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CheckReport.h"

#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/Survey.h"
#include "compiler/Import/ONNX/TensorData.h"
#include "dialects/HT/HTOps.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace llvm;
using halftone::escape;

namespace halftone::driver {

/// Nodes of an operator, and warnings, that the text shows.
static constexpr size_t kShown = 3;

//===----------------------------------------------------------------------===//
// Finding out
//===----------------------------------------------------------------------===//

static std::vector<NamedType> describeValues(ArrayRef<onnx::ValueInfo> values, MLIRContext *context) {
  std::vector<NamedType> list;
  for (const onnx::ValueInfo &value : values) {
    NamedType &entry = list.emplace_back();
    entry.name = value.name.str();
    entry.type = value.isTensor ? onnx::toString(value.type) : "no tensor";
    entry.supported = value.isTensor && onnx::getElementType(value.type, context);
    for (const onnx::Dimension &dim : value.dims)
      entry.dims.push_back(dim.value ? std::to_string(*dim.value) : dim.parameter.str());
    if (value.isTensor && !value.hasShape)
      entry.dims.push_back("…");
  }
  return list;
}

/// What a model says a tensor takes; a claim that nothing has checked.
static uint64_t countBytes(const onnx::Tensor &tensor) {
  return tensor.storage == onnx::Storage::External ? tensor.length.value_or(0) : tensor.data.size();
}

void CheckReport::describe(const onnx::Model &model, const ImportReport &found, ModuleOp module) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<ht::HTDialect>();
  irVersion = model.irVersion;
  producer = (model.producer + (model.producerVersion.empty() ? "" : " ") + model.producerVersion).str();
  for (const onnx::OperatorSet &set : model.operatorSets)
    opsets.push_back({set.domain.empty() ? "ai.onnx" : set.domain.str(), set.version});
  // Of the inputs that were asked for, those that a refusal names: some nodes do without.
  for (const std::string &name : found.constants)
    if (llvm::any_of(problems, [&](const Problem &problem) {
          return llvm::any_of(problem.remedies, [&](StringRef remedy) {
            return remedy.contains("--constant " + escape(name) + "=");
          });
        }))
      constants.push_back(name);

  llvm::StringSet<> initialized;
  for (const onnx::Tensor &tensor : model.graph->initializers) {
    initialized.insert(tensor.name);
    ElementType &type = elementTypes[onnx::toString(tensor.type)];
    type.supported = bool(onnx::getElementType(tensor.type, &context));
    ++type.tensors;
    type.bytes += countBytes(tensor);
    if (tensor.storage == onnx::Storage::External)
      externalFiles[tensor.location.str()] += countBytes(tensor);
  }
  std::vector<onnx::ValueInfo> given;
  llvm::copy_if(model.graph->inputs, std::back_inserter(given),
                [&](const onnx::ValueInfo &input) { return !initialized.contains(input.name); });
  inputs = describeValues(given, &context);
  outputs = describeValues(model.graph->outputs, &context);

  if (module) {
    for (ht::SymbolAttr symbol : ht::getSymbols(module.lookupSymbol<func::FuncOp>("main")))
      dimensions.push_back({symbol.getName().str(), std::pair(symbol.getMin(), symbol.getMax())});
  } else {
    llvm::StringSet<> seen;
    for (const onnx::ValueInfo &input : given)
      for (const onnx::Dimension &dim : input.dims)
        if (!dim.value && !dim.parameter.empty() && seen.insert(dim.parameter).second)
          dimensions.push_back({dim.parameter.str(), std::nullopt});
  }

  llvm::StringMap<std::vector<std::string>> refused;
  for (const Problem &problem : problems)
    if (!problem.op.empty())
      refused[problem.op].push_back(problem.node);
  for (const onnx::OperatorUse &use : onnx::findOperatorUses(model, onnx::Functions(model))) {
    Operator &entry = operators.emplace_back();
    entry.name = onnx::getOperatorName(use.certain.empty() ? *use.possible.front() : *use.certain.front());
    entry.opset = use.opset;
    entry.isFunction = use.isFunction;
    entry.nodes = use.certain.size() + use.possible.size();
    entry.refused = refused.lookup(entry.name);
    // Of an operator that is missing the import names one node.
    if (!use.supported && !use.certain.empty()) {
      entry.refused.clear();
      for (const onnx::Node *node : use.certain)
        entry.refused.push_back(onnx::getNodeName(*node).str());
    }
  }
  // What is missing comes first.
  std::vector<Operator> sorted;
  for (bool supported : {false, true})
    llvm::copy_if(operators, std::back_inserter(sorted),
                  [&](const Operator &entry) { return entry.refused.empty() == supported; });
  operators = std::move(sorted);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string formatBytes(uint64_t bytes) {
  return bytes < 10000 ? std::to_string(bytes) + " bytes" : formatv("{0:F1} MB", bytes / 1e6).str();
}

static std::string describeType(const NamedType &value) {
  std::string text = value.type + " [";
  ListSeparator comma;
  for (const std::string &dim : value.dims)
    text += (StringRef(comma) + (dim.empty() ? "?" : dim == "…" ? dim : escape(dim))).str();
  return text + "]" + (value.supported ? "" : "  not supported");
}

void CheckReport::printText(raw_ostream &os) const {
  os << escape(file) << "\n";
  os << "  IR version " << irVersion << ", opset";
  ListSeparator opset(",");
  for (auto &[domain, version] : opsets)
    os << opset << " " << escape(domain) << " " << version;
  os << (producer.empty() ? "" : ", made by ") << escape(producer) << "\n";
  for (const NamedType &input : inputs)
    os << formatv("  input    {0,-24} {1}\n", escape(input.name), describeType(input));
  for (const NamedType &output : outputs)
    os << formatv("  output   {0,-24} {1}\n", escape(output.name), describeType(output));
  for (const Dimension &dim : dimensions)
    os << formatv("  dynamic  {0,-24} {1}\n", escape(dim.name),
                  dim.range ? formatv("{0} to {1}", dim.range->first, dim.range->second).str() : "");
  for (auto &[name, type] : elementTypes)
    os << formatv("  weights  {0,-24} {1} tensors, {2}{3}\n", name, type.tensors, formatBytes(type.bytes),
                  type.supported ? "" : "  not supported");
  for (auto &[name, bytes] : externalFiles)
    os << formatv("  file     {0,-24} {1}\n", escape(name), formatBytes(bytes));

  os << "\noperators\n";
  for (const Operator &entry : operators) {
    StringRef status = !entry.refused.empty() ? "no" : entry.isFunction ? "function" : "yes";
    os << formatv("  {0,-8} {1,-24} opset {2,-4} {3,5} {4}", status, entry.name, entry.opset, entry.nodes,
                  entry.nodes == 1 ? "node" : "nodes");
    if (!entry.refused.empty())
      os << ", refused: ";
    ListSeparator comma;
    for (const std::string &node : ArrayRef(entry.refused).take_front(kShown))
      os << comma << escape(node);
    if (entry.refused.size() > kShown)
      os << " and " << entry.refused.size() - kShown << " more";
    os << "\n";
  }
  if (!problems.empty())
    os << "\nproblems\n";
  for (const Problem &problem : problems) {
    os << "  " << (problem.op.empty() ? problem.place : "node '" + escape(problem.node) + "' (" + problem.op + ")")
       << ": " << problem.cause << "\n";
    for (const std::string &remedy : problem.remedies)
      os << "    remedy: " << remedy << "\n";
  }
  for (const std::string &warning : ArrayRef(warnings).take_front(kShown))
    os << "\nwarning: " << warning << "\n";
  if (!constants.empty()) {
    os << "\ninputs that would have to be constant:";
    for (const std::string &name : constants)
      os << " --constant " << escape(name) << "=VALUE";
    os << "\n";
  }
  size_t missing = llvm::count_if(operators, [](const Operator &entry) { return !entry.refused.empty(); });
  os << "\n" << (supported ? "supported" : "not supported") << ": " << operators.size() - missing << " of "
     << operators.size() << " operators, " << problems.size() << (problems.size() == 1 ? " problem" : " problems") << "\n";
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json::Value toJson(StringRef text) { return json::fixUTF8(text); }

static json::Value toJson(ArrayRef<std::string> list) {
  json::Array array;
  for (const std::string &text : list)
    array.push_back(toJson(StringRef(text)));
  return array;
}

static json::Value toJson(ArrayRef<NamedType> list) {
  json::Array array;
  for (const NamedType &value : list)
    array.push_back(json::Object{{"name", toJson(StringRef(value.name))},
                                 {"type", value.type},
                                 {"shape", toJson(ArrayRef(value.dims))},
                                 {"supported", value.supported}});
  return array;
}

void CheckReport::printJson(raw_ostream &os) const {
  json::Object sets, types, files;
  for (auto &[domain, version] : opsets)
    sets[json::fixUTF8(domain)] = version;
  for (auto &[name, type] : elementTypes)
    types[name] = json::Object{{"tensors", type.tensors}, {"bytes", type.bytes}, {"supported", type.supported}};
  for (auto &[name, bytes] : externalFiles)
    files[json::fixUTF8(name)] = bytes;
  json::Array dims, ops, causes;
  for (const Dimension &dim : dimensions) {
    json::Object entry{{"name", toJson(StringRef(dim.name))}};
    if (dim.range) {
      entry["min"] = dim.range->first;
      entry["max"] = dim.range->second;
    }
    dims.push_back(std::move(entry));
  }
  for (const Operator &entry : operators)
    ops.push_back(json::Object{{"name", entry.name},
                               {"opset", entry.opset},
                               {"supported", entry.refused.empty()},
                               {"function", entry.isFunction},
                               {"nodes", static_cast<int64_t>(entry.nodes)},
                               {"refused", toJson(ArrayRef(entry.refused))}});
  for (const Problem &problem : problems) {
    json::Object entry{{"cause", toJson(StringRef(problem.cause))}, {"remedies", toJson(ArrayRef(problem.remedies))}};
    if (problem.op.empty()) {
      entry["place"] = toJson(StringRef(problem.place));
    } else {
      entry["node"] = toJson(StringRef(problem.node));
      entry["operator"] = problem.op;
    }
    causes.push_back(std::move(entry));
  }
  json::Object report{{"schema_version", 1},
                      {"file", toJson(StringRef(file))},
                      {"supported", supported},
                      {"ir_version", irVersion},
                      {"producer", toJson(StringRef(producer))},
                      {"opsets", std::move(sets)},
                      {"inputs", toJson(ArrayRef(inputs))},
                      {"outputs", toJson(ArrayRef(outputs))},
                      {"dynamic_dimensions", std::move(dims)},
                      {"weights", std::move(types)},
                      {"external_files", std::move(files)},
                      {"operators", std::move(ops)},
                      {"constants", toJson(ArrayRef(constants))},
                      {"problems", std::move(causes)},
                      {"warnings", toJson(ArrayRef(warnings))}};
  os << formatv("{0:2}\n", json::Value(std::move(report)));
}

} // namespace halftone::driver
