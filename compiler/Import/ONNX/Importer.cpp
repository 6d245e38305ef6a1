//===- Importer.cpp - an ONNX file as a graph of the ht dialect -------------===//
//
// The outer part of an import: versions, inputs and their symbols, outputs, the
// end checks. GraphImporter.cpp has the inner part, values and nodes.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Importer.h"

#include "compiler/Import/ONNX/GraphImporter.h"
#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/NodeImporter.h"
#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Reader.h"
#include "halftone/halftone.h"

#include "dialects/HTQ/HTQDialect.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

/// As many as the dialect's textual form has names for.
static constexpr size_t kMaxSymbols = 32;
/// Inputs or outputs of a program.
static constexpr size_t kMaxInterface = 4096;

GraphImporter::GraphImporter(const Model &model, StringRef path, MLIRContext &context,
                             const ImportOptions &options)
    : model(model), path(path.str()), context(context), options(options),
      fileLoc(FileLineColLoc::get(&context, path, 0, 0)), builder(&context), symbols(&context),
      constants(context), files(llvm::sys::path::parent_path(path)),
      tensors(model, llvm::sys::path::filename(path), files), functions(model) {}

InFlightDiagnostic GraphImporter::error(Cause cause) {
  note(ImportFailure::Unsupported);
  InFlightDiagnostic diagnostic = emitError(fileLoc);
  if (StringRef remedy = getRemedy(cause); !remedy.empty())
    diagnostic.attachNote() << remedy;
  return diagnostic;
}

void GraphImporter::note(ImportFailure kind) {
  // What Halftone lacks counts more than a file that is damaged: no other copy
  // of it will do.
  if (cause == ImportFailure::None || (kind == ImportFailure::Unsupported && cause != ImportFailure::Options))
    cause = kind;
}

bool GraphImporter::goOnAfter(LogicalResult result) {
  if (succeeded(result))
    return true;
  if (cause == ImportFailure::None)
    note(ImportFailure::Unreadable);
  return options.keepGoing && !atLimit && cause != ImportFailure::Options;
}

LogicalResult GraphImporter::checkVersions() {
  if (model.irVersion > kNewestIRVersion)
    emitWarning(fileLoc) << "IR version " << model.irVersion << " is newer than " << kNewestIRVersion
                         << ", the newest known here: fields that it added are ignored";
  std::optional<int64_t> version;
  for (const OperatorSet &set : model.operatorSets)
    if (set.domain.empty())
      version = set.version;
  if (!version)
    return success(); // only operators of other domains
  if (*version < 1)
    return error() << "opset " << *version << " does not exist";
  if (*version > kNewestOpset)
    return error(Cause::NewOpset) << "opset " << *version << " is newer than " << kNewestOpset
                                  << ", the newest supported";
  return success();
}

//===----------------------------------------------------------------------===//
// Symbols and inputs
//===----------------------------------------------------------------------===//

namespace {

/// Parses "past + 2*seq" over symbols that exist.
class DimensionParser {
public:
  DimensionParser(StringRef text, Symbols &symbols) : rest(text), symbols(symbols) {}

  std::optional<Dim> parse() {
    auto value = sum(0);
    rest = rest.ltrim();
    return rest.empty() ? value : std::nullopt;
  }

private:
  bool accept(char c) {
    rest = rest.ltrim();
    return rest.consume_front(StringRef(&c, 1));
  }
  std::optional<Dim> sum(unsigned depth) {
    auto value = product(depth);
    while (value) {
      if (accept('+')) {
        auto next = product(depth);
        value = next ? symbols.add(*value, *next) : std::nullopt;
      } else if (accept('-')) {
        auto next = product(depth);
        value = next ? symbols.sub(*value, *next) : std::nullopt;
      } else {
        break;
      }
    }
    return value;
  }
  std::optional<Dim> product(unsigned depth) {
    auto value = atom(depth);
    while (value && accept('*')) {
      auto next = atom(depth);
      value = next ? symbols.mul(*value, *next) : std::nullopt;
    }
    return value;
  }
  std::optional<Dim> atom(unsigned depth) {
    if (depth > 32)
      return std::nullopt;
    if (accept('(')) {
      auto value = sum(depth + 1);
      return value && accept(')') ? value : std::nullopt;
    }
    StringRef word = rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
    rest = rest.drop_front(word.size());
    int64_t number = 0;
    if (!word.empty() && llvm::isDigit(word.front()))
      return word.getAsInteger(10, number) ? std::nullopt : std::optional<Dim>(symbols.constant(number));
    return symbols.contains(word) ? std::optional<Dim>(symbols.get(word)) : std::nullopt;
  }

  StringRef rest;
  Symbols &symbols;
};

/// Whether a dim_param is one name rather than arithmetic over names.
bool isPlainName(StringRef text) {
  return text.find_first_of("+*()") == StringRef::npos && !text.contains(" - ");
}

} // namespace

std::optional<Dim> GraphImporter::parseDimension(StringRef text) {
  return DimensionParser(text, symbols).parse();
}

LogicalResult GraphImporter::applyMaxima() {
  if (symbols.list().size() > kMaxSymbols)
    return error() << "the inputs have " << symbols.list().size() << " different dynamic dimensions, at most "
                   << kMaxSymbols << " are supported";
  bool hasBatch = false;
  for (unsigned i = 0; i < symbols.list().size(); ++i) {
    bool isBatch = !hasBatch && StringRef(symbols[i].name).contains_insensitive("batch");
    hasBatch |= isBatch;
    symbols[i].max = isBatch ? options.defaultBatch : options.defaultMax;
    // A cache is empty before the first step.
    symbols[i].min = StringRef(symbols[i].name).contains_insensitive("past") ? 0 : 1;
  }
  // A user who bounds the past says what the context is.
  bool isPastGiven = false;
  std::optional<int64_t> context;
  for (auto &[key, max] : options.maxima) {
    if (past && key == PastDimensions::kContext && !symbols.contains(key)) {
      context = max;
      continue;
    }
    SmallVector<unsigned> matches;
    for (auto [i, symbol] : llvm::enumerate(symbols.list())) {
      if (symbol.name == key) {
        matches.assign(1, i);
        break;
      }
      if (StringRef(symbol.name).starts_with(key))
        matches.push_back(i);
    }
    if (matches.size() != 1) {
      cause = ImportFailure::Options;
      InFlightDiagnostic diagnostic = error();
      diagnostic << "--max: " << quote(key) << (matches.empty() ? " names no" : " names more than one")
                 << " dynamic dimension; the model has ";
      if (symbols.list().empty())
        diagnostic << "none";
      llvm::interleaveComma(symbols.list(), diagnostic,
                            [&](auto &symbol) { diagnostic << quote(symbol.name); });
      if (past)
        diagnostic << ", and " << quote(PastDimensions::kContext);
      return diagnostic;
    }
    if (max < 1) {
      cause = ImportFailure::Options;
      return error() << "--max: " << quote(key) << " must be at least 1, got " << max;
    }
    symbols[matches.front()].max = max;
    isPastGiven |= past && symbols[matches.front()].name == past->past;
  }
  if (context && isPastGiven) {
    cause = ImportFailure::Options;
    return error() << "--max: " << quote(PastDimensions::kContext) << " and " << quote(past->past)
                   << " bound the same: the context is as many tokens as the past and the new ones";
  }
  if (past)
    past->bound(symbols, isPastGiven ? std::nullopt : std::optional(context.value_or(PastDimensions::kDefaultContext)));
  return success();
}

LogicalResult GraphImporter::bindConstants(SmallVectorImpl<const ValueInfo *> &inputs, Scope &scope) {
  ImportFailure before = std::exchange(cause, ImportFailure::Options);
  for (auto &[name, text] : options.constants) {
    auto it = llvm::find_if(inputs, [&](const ValueInfo *input) { return input->name == name; });
    if (it == inputs.end()) {
      InFlightDiagnostic diagnostic = error();
      diagnostic << "--constant: the model has no input " << quote(name) << "; its inputs are ";
      llvm::interleaveComma(inputs, diagnostic, [&](const ValueInfo *input) { diagnostic << quote(input->name); });
      return diagnostic;
    }
    const ValueInfo &input = **it;
    std::string reason, what = "--constant " + quote(name);
    const Tensor *tensor = constants.add(input, text, reason);
    if (!tensor)
      return error() << what << ": " << reason;
    // A dimension that has the same name elsewhere is as large there.
    for (auto [dim, extent] : llvm::zip(input.dims, tensor->dims))
      if (!dim.value && isPlainName(dim.parameter) && !dim.parameter.empty() && !symbols.fix(dim.parameter, extent))
        return error() << what << ": dimension " << quote(dim.parameter) << " is " << extent
                       << " here and something else in another constant";
    Binding binding;
    if (failed(bindTensor(binding, *tensor, NameLoc::get(builder.getStringAttr(name), fileLoc), what)))
      return failure();
    scope.values.try_emplace(name, std::move(binding));
    inputs.erase(it);
  }
  cause = before;
  return success();
}

SmallVector<DictionaryAttr> GraphImporter::getNameAttributes(ArrayRef<mlir::Attribute> names) {
  return llvm::map_to_vector(names, [&](mlir::Attribute name) {
    return builder.getDictionaryAttr(builder.getNamedAttr(ht::HTDialect::kNameAttr, name));
  });
}

LogicalResult GraphImporter::bindInputs(const Graph &graph, Scope &scope) {
  llvm::StringSet<> initialized;
  for (const Tensor &tensor : graph.initializers)
    initialized.insert(tensor.name);
  SmallVector<const ValueInfo *> inputs;
  for (const ValueInfo &input : graph.inputs)
    if (!initialized.contains(input.name)) // a default value is a constant here
      inputs.push_back(&input);
  if (failed(bindConstants(inputs, scope)) || failed(readElements(inputs)))
    return failure();

  past = PastDimensions::find(inputs);
  // Plain names first, so that "past + seq" can refer to names that come later.
  for (const ValueInfo *input : inputs)
    for (const Dimension &dim : input->isTensor ? ArrayRef(input->dims) : ArrayRef<Dimension>())
      if (!dim.value && !dim.parameter.empty() && isPlainName(dim.parameter) && !(past && dim.parameter == past->total))
        symbols.get(dim.parameter);
  if (past)
    past->relate(symbols);
  SmallVector<Dims> shapes;
  for (const ValueInfo *input : inputs) {
    auto &dims = shapes.emplace_back();
    if (!input->isTensor)
      continue;
    for (auto [i, dim] : llvm::enumerate(input->dims)) {
      if (dim.value && *dim.value >= 0) {
        dims.push_back(symbols.constant(*dim.value));
      } else if (!dim.parameter.empty()) {
        auto expression = isPlainName(dim.parameter) ? std::nullopt : parseDimension(dim.parameter);
        dims.push_back(expression ? *expression : symbols.get(dim.parameter));
      } else {
        dims.push_back(symbols.get((input->name + "_dim" + Twine(i)).str()));
      }
    }
  }
  if (failed(applyMaxima()))
    return failure();

  bool complete = true;
  for (auto [input, dims] : llvm::zip(inputs, shapes)) {
    if (succeeded(bindInput(*input, dims, scope)))
      continue;
    complete = false;
    if (!options.keepGoing)
      return failure();
    scope.values[input->name].failed = true;
  }
  main.setFunctionType(builder.getFunctionType(main.getBody().front().getArgumentTypes(), {}));
  main.setAllArgAttrs(getNameAttributes(argumentNames));
  return success(complete);
}

LogicalResult GraphImporter::bindInput(const ValueInfo &input, ArrayRef<Dim> dims, Scope &scope) {
  auto refuse = [&](const Twine &reason, Cause why = Cause::Other) {
    return error(why) << "input " << quote(input.name) << ": " << reason;
  };
  if (input.isSequence || input.isOptional)
    return bindElements(input, scope);
  if (!input.isTensor)
    return refuse("only tensors are supported", Cause::NotTensor);
  Type element = getElementType(input.type, &context);
  if (!element)
    return refuse("element type " + toString(input.type) + " is not supported", Cause::ElementType);
  if (!input.hasShape)
    return refuse("it has no declared rank", Cause::NoRank);
  if (!symbols.canExist(dims))
    return refuse("shape " + symbols.toString(dims) + " has too many elements; if it is large because "
                  "its dimensions may be, bound them with --max");
  if (dims.size() > HALFTONE_MAX_RANK)
    return refuse("it has " + Twine(dims.size()) + " dimensions, at most " + Twine(HALFTONE_MAX_RANK) +
                  " are supported");
  Binding binding = addArgument(input.name, ht::getTensorType(dims, element));
  if (!scope.values.try_emplace(input.name, std::move(binding)).second)
    return refuse("the name is used twice");
  return success();
}

Binding GraphImporter::addArgument(StringRef name, RankedTensorType type) {
  Location loc = NameLoc::get(builder.getStringAttr(name), fileLoc);
  argumentNames.push_back(builder.getStringAttr(name));
  return NodeImporter::bind(main.getBody().front().addArgument(type, loc));
}

Binding GraphImporter::getPlaceholder(StringRef name, const Scope &scope) {
  Binding binding;
  binding.failed = true;
  if (scope.parent || scope.function)
    return binding;
  if (!declarations) {
    declarations.emplace();
    declared = readDeclarations(*model.graph);
    for (const ValueInfo &info : declared)
      declarations->try_emplace(info.name, &info);
  }
  const ValueInfo *info = declarations->lookup(name);
  Type element = info && info->isTensor && info->hasShape ? getElementType(info->type, &context) : Type();
  if (!element)
    return binding;
  Dims dims;
  bool isStatic = true;
  for (const Dimension &dim : info->dims) {
    isStatic &= dim.value.has_value();
    auto expression = dim.value ? std::optional<Dim>(symbols.constant(*dim.value)) : parseDimension(dim.parameter);
    if (!expression || (dim.value && *dim.value < 0))
      return binding;
    dims.push_back(*expression);
  }
  auto count = symbols.product(dims);
  // A small tensor of integers may be a shape, of which the type says too little.
  if (!count || (isStatic && !isa<FloatType>(element) && dims.size() < 2))
    return binding;
  binding.failed = false;
  binding.type = ht::getTensorType(dims, element);
  binding.value =
      main.getBody().front().addArgument(binding.type, NameLoc::get(builder.getStringAttr(name), fileLoc));
  return binding;
}

LogicalResult GraphImporter::bindInitializers(const Graph &graph, Scope &scope) {
  bool complete = true;
  for (const Tensor &tensor : graph.initializers) {
    if (!scope.live.contains(tensor.name))
      continue;
    Location loc = NameLoc::get(builder.getStringAttr(tensor.name), fileLoc);
    Binding binding;
    bool bound = succeeded(bindTensor(binding, tensor, loc, "initializer " + quote(tensor.name)));
    if (bound && scope.values.contains(tensor.name)) {
      error() << "initializer " << quote(tensor.name) << ": the name is used twice";
      bound = false;
    }
    if (!bound) {
      complete = false;
      if (!options.keepGoing)
        return failure();
      // Of a large one the type is enough to look at the nodes that use it.
      binding.failed = !binding.type || !binding.initializer;
      if (!binding.failed)
        binding.value = main.getBody().front().addArgument(binding.type, loc);
      binding.initializer = nullptr;
    }
    scope.values[tensor.name] = std::move(binding);
  }
  return success(complete);
}

//===----------------------------------------------------------------------===//
// The end of an import
//===----------------------------------------------------------------------===//

void GraphImporter::removeDeadCode() {
  Block &body = main.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  llvm::StringSet<> used;
  main.walk([&](ht::GetWeightOp get) { used.insert(get.getName()); });
  for (ht::WeightOp weight : llvm::make_early_inc_range(module.getOps<ht::WeightOp>()))
    if (!used.contains(weight.getSymName()))
      weight.erase();
}

LogicalResult GraphImporter::addResults(const ValueInfo &output, const Twine &name, Binding &binding,
                                        SmallVectorImpl<Value> &results,
                                        SmallVectorImpl<mlir::Attribute> &names) {
  // The elements of a sequence are outputs by themselves, what an optional holds
  // goes by its name.
  if (binding.kind != Binding::Kind::Tensor) {
    for (auto [i, element] : llvm::enumerate(binding.elements)) {
      std::string part = binding.kind == Binding::Kind::Optional ? name.str() : (name + "." + Twine(i)).str();
      if (failed(addResults(output, part, element, results, names)))
        return failure();
    }
    return success();
  }
  Value value = materialize(binding, fileLoc);
  if (!value)
    return failure();
  if (Type declared = getElementType(output.type, &context);
      declared && declared != binding.type.getElementType())
    return error() << "output " << quote(output.name) << " is declared " << toString(output.type)
                   << " but has type " << toString(binding.type.getElementType());
  if (binding.type.getRank() > HALFTONE_MAX_RANK)
    return error() << "output " << quote(output.name) << " has " << binding.type.getRank()
                   << " dimensions, at most " << HALFTONE_MAX_RANK << " are supported";
  StringAttr attribute = builder.getStringAttr(name);
  if (!resultNames.insert(attribute).second)
    return error() << "output " << quote(attribute) << ": the name is used twice";
  results.push_back(value);
  names.push_back(attribute);
  return success();
}

LogicalResult GraphImporter::finish(const Graph &graph, Scope &scope) {
  if (graph.outputs.empty())
    return error() << "the graph has no outputs";
  if (graph.outputs.size() > kMaxInterface)
    return error() << "the graph has " << graph.outputs.size() << " outputs, at most " << kMaxInterface
                   << " are supported";
  SmallVector<Value> results;
  SmallVector<mlir::Attribute> names;
  for (const ValueInfo &output : graph.outputs) {
    Binding *binding = scope.lookup(output.name);
    if (!binding)
      return error() << "output " << quote(output.name) << " is not produced by any node";
    if (binding->failed || failed(addResults(output, output.name, *binding, results, names)))
      return failure();
  }
  if (results.empty())
    return error() << "the outputs are empty sequences or absent: there is nothing to compute";
  func::ReturnOp::create(builder, fileLoc, results);
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), ValueRange(results).getTypes()));
  main.setAllResultAttrs(getNameAttributes(names));
  SmallVector<mlir::Attribute> attributes;
  for (const Symbols::Symbol &symbol : symbols.list())
    attributes.push_back(ht::SymbolAttr::get(&context, symbol.name, symbol.min, symbol.max));
  main->setAttr(ht::HTDialect::kSymbolsAttr, builder.getArrayAttr(attributes));
  main.setPublic();
  removeDeadCode();
  return success();
}

void GraphImporter::reportValues(const Scope &scope) {
  for (const auto &entry : scope.values) {
    const Binding &binding = entry.second;
    auto element = binding.failed || !binding.type ? std::nullopt : getDataType(binding.type.getElementType());
    if (!element)
      continue;
    ImportReport::Type &type = options.report->values[entry.first().str()];
    type.element = *element;
    for (Dim dim : ht::getDims(binding.type))
      type.dims.push_back(symbols.toString(dim));
  }
}

OwningOpRef<ModuleOp> GraphImporter::run() {
  const Graph &graph = *model.graph;
  if (failed(checkVersions()) || !goOnAfter(checkOperators(graph)))
    return {};
  if (graph.hasSparseInitializers && !goOnAfter(error(Cause::Sparse) << "sparse initializers are not supported"))
    return {};
  OwningOpRef<ModuleOp> owner = ModuleOp::create(fileLoc);
  module = *owner;
  builder.setInsertionPointToStart(module.getBody());
  main = func::FuncOp::create(builder, fileLoc, "main", builder.getFunctionType({}, {}));
  main.setPrivate(); // Until its symbols and their bounds are known, in `finish`.
  builder.setInsertionPointToStart(main.addEntryBlock());
  weightNames.insert("main");

  Scope scope;
  scope.operatorSets = model.operatorSets;
  SmallVector<StringRef> outputs;
  for (const ValueInfo &output : graph.outputs)
    outputs.push_back(output.name);
  markLive(graph.nodes, outputs, scope.live);
  llvm::scope_exit report([&] {
    if (options.report)
      reportValues(scope);
  });
  if (!goOnAfter(bindInputs(graph, scope)) || !goOnAfter(bindInitializers(graph, scope)) ||
      !goOnAfter(importNodes(graph.nodes, scope)) || !goOnAfter(finish(graph, scope)) ||
      cause != ImportFailure::None)
    return {};
  if (failed(verify(module))) {
    note(ImportFailure::Unsupported);
    return {};
  }
  return owner;
}

} // namespace halftone::onnx

OwningOpRef<ModuleOp> halftone::importONNX(StringRef path, MLIRContext &context, const ImportOptions &options,
                                           ImportFailure *failure) {
  context.loadDialect<func::FuncDialect, ht::HTDialect, htq::HTQDialect>();
  std::string error;
  std::unique_ptr<onnx::Model> model = onnx::readModel(path, error);
  if (!model) {
    emitError(FileLineColLoc::get(&context, path, 0, 0)) << error;
    if (failure)
      *failure = ImportFailure::Unreadable;
    return {};
  }
  onnx::GraphImporter importer(*model, path, context, options);
  OwningOpRef<ModuleOp> module = importer.run();
  if (failure && !module)
    *failure = importer.getFailure();
  return module;
}
