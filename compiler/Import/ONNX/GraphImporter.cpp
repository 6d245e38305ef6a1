//===- GraphImporter.cpp - values and nodes of one import -------------------===//

#include "compiler/Import/ONNX/GraphImporter.h"

#include "compiler/Evaluate/FoldOperation.h"
#include "compiler/Import/ONNX/Names.h"
#include "compiler/Import/ONNX/NodeImporter.h"
#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Reader.h"
#include "compiler/Import/ONNX/Remedies.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

/// Nested functions and branches.
static constexpr unsigned kMaxDepth = 64;
/// Nodes after inlining: functions that call each other twice per level, and
/// loops in loops, grow exponentially.
static constexpr size_t kMaxInlinedNodes = size_t(1) << 18;
/// Literals up to these sizes stay in the IR, larger tensors are weights.
static constexpr uint64_t kMaxConstantBytes = 64, kMaxShapeBytes = 1024;
/// Initializers in a field that cannot be mapped become literals inside their
/// weight; beyond this size the file has to be written differently.
static constexpr int64_t kMaxDecodedElements = int64_t(1) << 18;
/// Nodes that one import reports.
static constexpr size_t kMaxRefused = 4096;

Binding *Scope::lookup(StringRef name) {
  for (Scope *scope = this; scope; scope = scope->parent) {
    auto it = scope->values.find(name);
    if (it != scope->values.end())
      return &it->second;
  }
  return nullptr;
}

bool Scope::isAbsent(StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    if (scope->absent.contains(name))
      return true;
  return false;
}

/// The line of Python that made `node`, the innermost of the stack that PyTorch's
/// exporter writes: `File "model.py", line 12, in forward`. Null where there is none.
static LocationAttr getPythonLine(const Node &node, MLIRContext *context) {
  StringRef trace = readMetadata(node, "pkg.torch.onnx.stack_trace"), prefix = "File \"";
  size_t last = trace.rfind(prefix);
  if (last == StringRef::npos)
    return {};
  auto [file, rest] = trace.drop_front(last + prefix.size()).split('"');
  unsigned line;
  if (file.empty() || !rest.consume_front(", line ") || rest.consumeInteger(10, line))
    return {};
  return FileLineColLoc::get(context, file, line, 0);
}

Location GraphImporter::getLocation(const Node &node) {
  auto it = nodeIndex.find(&node);
  Location place =
      it == nodeIndex.end() ? fileLoc : Location(FileLineColLoc::get(&context, path, it->second + 1, 0));
  if (LocationAttr python = getPythonLine(node, &context))
    place = FusedLoc::get(&context, {place, Location(python)});
  return NameLoc::get(builder.getStringAttr(getNodeName(node)), place);
}

const Attribute *GraphImporter::findAttribute(const Node &node, const Scope &scope, StringRef name) const {
  const Node *current = &node;
  const Scope *place = &scope;
  while (current) {
    const Attribute *found = nullptr;
    for (const Attribute &attribute : current->attributes)
      if (attribute.name == name)
        found = &attribute;
    // At a call, the function may have a default.
    if (!found && current != &node) {
      for (const Attribute &attribute : place->function->defaults)
        if (attribute.name == name)
          return &attribute;
    }
    if (!found || found->reference.empty())
      return found;
    name = found->reference;
    if (current != &node)
      place = place->caller;
    while (place && !place->function)
      place = place->parent;
    current = place ? place->call : nullptr;
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value GraphImporter::materialize(const SymbolicTensor &known, Location loc) {
  auto type = RankedTensorType::get(known.shape, known.elementType);
  if (known.isConstant()) {
    SmallVector<mlir::Attribute> values;
    for (const Element &element : known.elements) {
      if (known.isFloat()) {
        values.push_back(FloatAttr::get(known.elementType, element.number));
      } else {
        unsigned width = known.elementType.getIntOrFloatBitWidth();
        APInt bits(64, static_cast<uint64_t>(*ht::getConstant(element.expr)));
        values.push_back(IntegerAttr::get(known.elementType, bits.trunc(width)));
      }
    }
    // All elements equal: a splat, which folders recognise.
    if (values.size() > 1 && llvm::all_equal(values))
      values.resize(1);
    return ht::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, values));
  }

  // Symbolic: one scalar per element, put together.
  auto scalarType = RankedTensorType::get({}, builder.getI64Type());
  auto vectorType = RankedTensorType::get({1}, builder.getI64Type());
  SmallVector<Value> parts;
  for (const Element &element : known.elements) {
    Value part;
    if (auto constant = ht::getConstant(element.expr))
      part = ht::ConstantOp::create(builder, loc, DenseElementsAttr::get(scalarType, *constant));
    else
      part = ht::DimOp::create(builder, loc, scalarType, ht::DimsAttr::get(&context, element.expr));
    if (known.elements.size() > 1)
      part = ht::ReshapeOp::create(builder, loc, vectorType, part);
    parts.push_back(part);
  }
  Value value = parts.front();
  if (parts.size() > 1)
    value = ht::ConcatOp::create(
        builder, loc, RankedTensorType::get({static_cast<int64_t>(parts.size())}, builder.getI64Type()),
        parts, /*axis=*/0);
  auto wide = RankedTensorType::get(known.shape, builder.getI64Type());
  if (value.getType() != wide)
    value = ht::ReshapeOp::create(builder, loc, wide, value);
  if (type != wide)
    value = ht::CastOp::create(builder, loc, type, value);
  return value;
}

ht::WeightOp GraphImporter::createWeight(StringRef name, RankedTensorType type, Location loc) {
  std::string symbol = name.empty() ? "weight" : name.str();
  for (unsigned i = 0; !weightNames.insert(symbol).second; ++i)
    symbol = (name + "_" + Twine(i)).str();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(main);
  auto weight = ht::WeightOp::create(builder, loc, symbol, type, StringAttr());
  builder.createBlock(&weight.getInitializer());
  return weight;
}

LogicalResult GraphImporter::bindTensor(Binding &binding, const Tensor &tensor, Location loc,
                                        StringRef what) {
  if (tensor.type == DataType::String) {
    binding.kind = Binding::Kind::Text;
    binding.text = &tensor;
    return success();
  }
  auto refuse = [&](StringRef reason, Cause why = Cause::Other) {
    note(why == Cause::ElementType ? ImportFailure::Unsupported : ImportFailure::Unreadable);
    InFlightDiagnostic diagnostic = emitError(loc);
    diagnostic << what << ": " << reason;
    if (StringRef remedy = getRemedy(why); !remedy.empty())
      diagnostic.attachNote() << remedy;
    return diagnostic;
  };
  Cause damage = tensor.storage == Storage::External ? Cause::ExternalData : Cause::Other;
  std::string reason;
  binding.type = tensors.getType(tensor, &context, reason);
  if (!binding.type)
    return refuse(reason, getElementType(tensor.type, &context) ? Cause::Other : Cause::ElementType);
  auto count = countElements(binding.type.getShape(), SymbolicTensor::kMaxElements);
  Type element = binding.type.getElementType();
  uint64_t width = getByteWidth(element);
  bool small = count && (*count <= 1 ||
                         *count * width <= (isa<FloatType>(element) ? kMaxConstantBytes : kMaxShapeBytes));
  if (!small) {
    binding.initializer = &tensor;
    binding.name = tensor.name;
    bool located = tensors.locate(tensor, binding.type, reason).has_value();
    if (!reason.empty())
      return refuse(reason, damage);
    if (!located && !countElements(binding.type.getShape(), kMaxDecodedElements))
      return refuse("a tensor of this size must be stored as raw or external data");
    return success();
  }
  DenseElementsAttr values = tensors.decode(tensor, binding.type, reason);
  if (!values)
    return refuse(reason, damage);
  binding.known = readLiteral(values);
  if (!binding.known) {
    binding.initializer = &tensor;
    binding.name = tensor.name;
  }
  return success();
}

std::optional<SymbolicTensor> GraphImporter::readLiteral(DenseElementsAttr values) {
  SymbolicTensor known;
  known.elementType = values.getElementType();
  llvm::append_range(known.shape, values.getType().getShape());
  if (values.empty())
    return known;
  // Expressions are signed: a number beyond them is data.
  if (known.elementType.isUnsignedInteger(64) &&
      llvm::any_of(values.getValues<APInt>(), [](const APInt &value) { return value.isNegative(); }))
    return std::nullopt;
  if (known.isFloat()) {
    for (APFloat value : values.getValues<APFloat>()) {
      bool inexact;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
      known.elements.push_back({Dim(), value.convertToDouble()});
    }
  } else {
    bool isUnsigned = known.elementType.isInteger(1) || known.elementType.isUnsignedInteger();
    for (const APInt &value : values.getValues<APInt>())
      known.elements.push_back({symbols.constant(isUnsigned ? value.getZExtValue() : value.getSExtValue())});
  }
  return known;
}

std::optional<SymbolicTensor> GraphImporter::readInitializer(const Binding &binding) {
  if (!binding.initializer || !countElements(binding.type.getShape(), SymbolicTensor::kMaxElements))
    return std::nullopt;
  std::string reason;
  DenseElementsAttr values = tensors.decode(*binding.initializer, binding.type, reason);
  return values ? readLiteral(values) : std::nullopt;
}

/// Ends `weight`'s initializer with the bytes of `tensor` converted to its type.
static LogicalResult fillWeight(OpBuilder &builder, ht::WeightOp weight, TensorReader &tensors,
                                const Tensor &tensor, RankedTensorType type) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&weight.getInitializer().front());
  Location loc = weight.getLoc();
  std::string reason;
  Value value;
  if (auto bytes = tensors.locate(tensor, type, reason)) {
    value = ht::LoadOp::create(builder, loc, type, bytes->file, bytes->offset);
  } else if (reason.empty()) {
    if (DenseElementsAttr values = tensors.decode(tensor, type, reason))
      value = ht::ConstantOp::create(builder, loc, values);
  }
  if (!value)
    return emitError(loc) << "initializer " << quote(tensor.name) << ": " << reason;
  if (type != weight.getWeightType())
    value = ht::CastOp::create(builder, loc, weight.getWeightType(), value);
  ht::YieldOp::create(builder, loc, value);
  return success();
}

Value GraphImporter::getWeight(const Binding &binding, RankedTensorType type, Location loc) {
  const Tensor &tensor = *binding.initializer;
  // The body of a loop or a function comes here once each time that it is imported.
  ht::WeightOp &weight = weights[{&tensor, type}];
  if (!weight) {
    std::string name = binding.name.str();
    if (type != binding.type)
      name += "." + toString(type.getElementType());
    weight = createWeight(name, type, NameLoc::get(builder.getStringAttr(binding.name), fileLoc));
    if (failed(fillWeight(builder, weight, tensors, tensor, binding.type)))
      return {};
  }
  return ht::GetWeightOp::create(builder, loc, type, weight.getSymName());
}

Value GraphImporter::materialize(Binding &binding, Location loc) {
  if (!binding.value)
    binding.value =
        binding.known ? materialize(*binding.known, loc) : getWeight(binding, binding.type, loc);
  return binding.value;
}

Value GraphImporter::castWeight(Binding &binding, RankedTensorType type, Location loc) {
  return binding.initializer ? getWeight(binding, type, loc) : Value();
}

Value GraphImporter::deriveWeight(ValueRange values, StringRef suffix,
                                  function_ref<Value(ValueRange)> transform) {
  ht::WeightOp named;
  SmallVector<ht::WeightOp> sources;
  for (Value value : values) {
    auto get = value ? value.getDefiningOp<ht::GetWeightOp>() : ht::GetWeightOp();
    sources.push_back(get ? module.lookupSymbol<ht::WeightOp>(get.getName()) : ht::WeightOp());
    if (!sources.back() && !(value && value.getDefiningOp<ht::ConstantOp>()))
      return {};
    if (!named)
      named = sources.back();
  }
  if (!named)
    return {};
  auto weight = createWeight((named.getSymName() + "." + suffix).str(), named.getWeightType(), named.getLoc());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&weight.getInitializer().front());
    SmallVector<Value> copies;
    for (auto [value, source] : llvm::zip(values, sources)) {
      if (!source) {
        copies.push_back(builder.clone(*value.getDefiningOp())->getResult(0));
        continue;
      }
      IRMapping mapping;
      for (Operation &op : source.getInitializer().front().without_terminator())
        builder.clone(op, mapping);
      copies.push_back(mapping.lookup(source.getYielded()));
    }
    Value result = transform(copies);
    if (!result)
      return {};
    ht::YieldOp::create(builder, weight.getLoc(), result);
    weight.setTypeAttr(TypeAttr::get(result.getType()));
  }
  return ht::GetWeightOp::create(builder, named.getLoc(), weight.getWeightType(), weight.getSymName());
}

Binding GraphImporter::share(Binding &binding, Location loc) {
  if (binding.initializer)
    materialize(binding, loc);
  return binding;
}

SmallVector<std::string> GraphImporter::findSources(const Binding &binding) {
  SmallVector<std::string> names;
  SmallVector<Value> pending(1, binding.value);
  DenseSet<Value> seen;
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!value || !seen.insert(value).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getArgNumber() < main.getNumArguments()) // else a placeholder
        names.push_back(ht::getInputName(main, argument.getArgNumber()));
    } else {
      llvm::append_range(pending, value.getDefiningOp()->getOperands());
    }
  }
  llvm::sort(names);
  return names;
}

bool GraphImporter::boundSymbol(Dim expr, int64_t limit, Location loc, StringRef reason) {
  // a * s + b <= limit for one symbol s and constants a > 0, b.
  auto symbol = dyn_cast<AffineSymbolExpr>(expr);
  int64_t factor = 1, offset = 0;
  Dim rest = expr;
  if (auto sum = dyn_cast<AffineBinaryOpExpr>(rest); sum && sum.getKind() == AffineExprKind::Add) {
    if (auto constant = ht::getConstant(sum.getRHS())) {
      offset = *constant;
      rest = sum.getLHS();
    }
  }
  if (auto product = dyn_cast<AffineBinaryOpExpr>(rest);
      product && product.getKind() == AffineExprKind::Mul) {
    if (auto constant = ht::getConstant(product.getRHS())) {
      factor = *constant;
      rest = product.getLHS();
    }
  }
  symbol = dyn_cast<AffineSymbolExpr>(rest);
  if (!symbol || factor <= 0)
    return false;
  Symbols::Symbol &entry = symbols[symbol.getPosition()];
  int64_t max = llvm::divideFloorSigned(limit - offset, factor);
  if (max < entry.min)
    return false;
  if (max < entry.max) {
    emitRemark(loc) << "dimension " << quote(entry.name) << " is at most " << max << " instead of "
                    << entry.max << ": " << reason;
    entry.max = max;
  }
  return true;
}

bool GraphImporter::boundBelow(Dim expr, int64_t limit, Location loc, StringRef reason) {
  if (symbols.bounds(expr).low >= limit)
    return true;
  SmallVector<unsigned> used;
  expr.walk([&](Dim part) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(part); symbol && !llvm::is_contained(used, symbol.getPosition()))
      used.push_back(symbol.getPosition());
  });
  if (used.size() != 1)
    return false;
  Symbols::Symbol &entry = symbols[used.front()];
  // Raising the least value of the one symbol never lowers the least of `expr`.
  int64_t least = entry.min, low = least, high = entry.max;
  while (low < high) {
    entry.min = low + (high - low) / 2;
    if (symbols.bounds(expr).low >= limit)
      high = entry.min;
    else
      low = entry.min + 1;
  }
  entry.min = high;
  if (symbols.bounds(expr).low < limit) {
    entry.min = least;
    return false;
  }
  emitRemark(loc) << "dimension " << quote(entry.name) << " is at least " << entry.min << " instead of " << least
                  << ": " << reason;
  return true;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::checkOperators(const Graph &graph) {
  for (auto [i, node] : llvm::enumerate(graph.nodes))
    nodeIndex[&node] = i;
  bool complete = true;
  for (const OperatorUse &use : findOperatorUses(model, functions)) {
    if (use.supported || use.certain.empty())
      continue;
    complete = false;
    missing.insert({{use.domain, use.name}, use.opset});
    reportUnsupported(*use.certain.front(), use.opset, use.certain.size());
  }
  return success(complete);
}

void GraphImporter::reportUnsupported(const Node &node, int64_t opset, unsigned count) {
  if (node.domain.empty() && opset < kOldestOpset && findOperator("", node.opType, kNewestOpset))
    return refuse(node,
                  "opset " + Twine(opset) + " is older than " + Twine(kOldestOpset) +
                      " and this operator has changed since" +
                      (count > 1 ? " (used by " + Twine(count) + " nodes)" : ""),
                  getRemedy(Cause::OldOpset));
  std::string text = "halftone has no operator " + quote(node.opType) + " of domain " +
                     quote(node.domain.empty() ? "ai.onnx" : node.domain) + ", opset " + std::to_string(opset);
  if (count > 1)
    text += " (used by " + std::to_string(count) + " nodes)";
  std::string versions;
  for (ArrayRef<Operator> group : operatorTable())
    for (const Operator &entry : group)
      if (node.opType == entry.name && node.domain == entry.domain)
        versions += (versions.empty() ? "" : ", ") + std::to_string(entry.since) +
                    (entry.until == kNewest ? " and later" : " to " + std::to_string(entry.until));
  if (!versions.empty())
    text += "; it has the operator of opset " + versions;
  const OperatorRemedy *known = findOperatorRemedy(node.domain, node.opType);
  if (known)
    text += std::string(": ") + known->why;
  refuse(node, text, known ? known->remedy : "");
}

void GraphImporter::refuse(const Node &node, const Twine &cause, StringRef remedy) {
  std::string text = cause.str(), type = getOperatorName(node);
  note(ImportFailure::Unsupported);
  InFlightDiagnostic diagnostic = emitError(getLocation(node));
  diagnostic << describe(node) << ": " << text;
  if (!remedy.empty())
    diagnostic.attachNote() << remedy;
  auto &metadata = diagnostic.getUnderlyingDiagnostic()->getMetadata();
  for (StringRef part : {StringRef(getNodeName(node)), StringRef(type), StringRef(text)})
    metadata.push_back(DiagnosticArgument(part));
}

LogicalResult GraphImporter::importNodes(ArrayRef<Node> nodes, Scope &scope) {
  if (scope.depth > kMaxDepth) {
    atLimit = true;
    return error() << "functions and branches are nested more than " << kMaxDepth << " deep";
  }
  bool complete = true;
  for (const Node &node : nodes) {
    if (!isLive(node, scope.live) || succeeded(importNode(node, scope)))
      continue;
    complete = false;
    if (!options.keepGoing || atLimit || ++refused > kMaxRefused)
      return failure();
    for (StringRef output : node.outputs)
      if (!output.empty())
        scope.values[output] = getPlaceholder(output, scope);
  }
  return success(complete);
}

bool GraphImporter::spend(size_t steps) {
  inlined += steps;
  if (inlined <= kMaxInlinedNodes)
    return true;
  if (!std::exchange(atLimit, true))
    error() << "the model has more than " << kMaxInlinedNodes
            << " nodes once its functions are inlined and its loops unrolled";
  return false;
}

/// Whether all that `node` takes is known; what graphs inside of it take is their
/// nodes' to ask.
static bool hasConstantInputs(const Node &node, Scope &scope) {
  if (llvm::any_of(node.attributes, [](const Attribute &a) { return a.graph != nullptr; }))
    return false;
  return llvm::all_of(node.inputs, [&](StringRef name) {
    Binding *binding = name.empty() || scope.isAbsent(name) ? nullptr : scope.lookup(name);
    return !binding || (binding->known && binding->known->isConstant());
  });
}

void GraphImporter::foldFrom(Operation *op, const Node &node, Scope &scope) {
  DenseMap<Value, ht::ConstantOp> folded;
  for (; op; op = op->getNextNode()) {
    auto literals = evaluate::foldOperation(op, kMaxShapeBytes);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op);
    for (auto [result, literal] : llvm::zip(op->getResults(), literals)) {
      folded[result] = ht::ConstantOp::create(builder, op->getLoc(), literal);
      result.replaceAllUsesWith(folded[result]);
    }
  }
  if (folded.empty())
    return;
  for (StringRef output : node.outputs) {
    auto it = scope.values.find(output);
    ht::ConstantOp literal = it == scope.values.end() ? nullptr : folded.lookup(it->second.value);
    auto values = literal ? dyn_cast<DenseElementsAttr>(literal.getValue()) : DenseElementsAttr();
    if (!values)
      continue;
    it->second.value = literal;
    if (values.getNumElements() <= SymbolicTensor::kMaxElements)
      it->second.known = readLiteral(values);
  }
}

LogicalResult GraphImporter::importNode(const Node &node, Scope &scope) {
  if (!spend(1))
    return failure();
  int64_t opset = getVersion(scope.operatorSets, node.domain);
  const Operator *entry = findOperator(node.domain, node.opType, opset);
  if (!entry) {
    if (const Function *function = functions.find(node))
      return inlineFunction(*function, node, scope);
    if (!missing.contains({{node.domain, node.opType}, opset}))
      reportUnsupported(node, opset, 1);
    return failure();
  }
  NodeImporter importer(*this, node, scope, opset);
  std::optional<SymbolicTensor> known = entry->evaluate ? entry->evaluate(importer) : std::nullopt;
  Block &block = main.getBody().front();
  Operation *last = block.empty() ? nullptr : &block.back();
  if (known)
    importer.setResult(0, std::move(*known));
  else if (!importer.failed())
    entry->emit(importer);
  for (Operation *op = last            ? last->getNextNode()
                       : block.empty() ? nullptr
                                       : &block.front();
       op && !importer.failed(); op = op->getNextNode())
    importer.verify(op);
  if (!importer.failed() && !known && hasConstantInputs(node, scope))
    foldFrom(last ? last->getNextNode() : block.empty() ? nullptr : &block.front(), node, scope);
  for (auto [i, output] : llvm::enumerate(node.outputs))
    if (!output.empty() && scope.live.contains(output) && !scope.values.contains(output))
      importer.error("output " + Twine(i) + " (" + quote(output) + ") is not supported");
  return failure(importer.failed());
}

} // namespace halftone::onnx
