//===- NodeImporter.cpp - what a handler sees of its node -------------------===//

#include "compiler/Import/ONNX/NodeImporter.h"

#include "compiler/Import/ONNX/Names.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

void NodeImporter::error(const Twine &message, StringRef remedy) {
  if (hasFailed)
    return;
  hasFailed = true;
  graph.refuse(node, message, remedy);
}

bool NodeImporter::underName(function_ref<bool()> create) {
  std::string messages;
  bool success = false;
  {
    ScopedDiagnosticHandler handler(getContext(), [&](Diagnostic &diagnostic) {
      if (!messages.empty())
        messages += "; ";
      messages += diagnostic.str();
    });
    success = create();
  }
  if (!success)
    error(messages.empty() ? "its operands do not fit" : messages);
  return success;
}

bool NodeImporter::verify(Operation *op) {
  for (Type type : op->getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type); tensor && !symbols().canExist(ht::getDims(tensor)))
      error("its result " + symbols().toString(ht::getDims(tensor)) +
            " has too many elements; if it is large because dimensions of the inputs may be, bound them with --max");
  return underName([&] { return succeeded(mlir::verify(op, /*verifyRecursively=*/false)); });
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

Binding *NodeImporter::anyInput(unsigned index) {
  if (hasFailed)
    return nullptr;
  if (!hasInput(index)) {
    error("input " + Twine(index) + " is missing");
    return nullptr;
  }
  Binding *found = scope.lookup(node.inputs[index]);
  if (!found)
    error("input " + quote(node.inputs[index]) + " is not produced by any node before it");
  if (!found || !found->failed)
    return found;
  hasFailed = true; // and has been reported where it did
  return nullptr;
}

static StringRef toString(Binding::Kind kind) {
  switch (kind) {
  case Binding::Kind::Tensor:
    return "a tensor";
  case Binding::Kind::Sequence:
    return "a sequence";
  case Binding::Kind::Optional:
    return "an optional";
  case Binding::Kind::Text:
    return "text";
  }
  llvm_unreachable("all kinds are listed");
}

Binding *NodeImporter::binding(unsigned index) {
  Binding *found = anyInput(index);
  if (!found || found->kind == Binding::Kind::Tensor)
    return found;
  error("input " + quote(node.inputs[index]) + " is " + toString(found->kind) + ", expected a tensor",
        found->kind == Binding::Kind::Text ? getRemedy(Cause::ElementType) : "");
  return nullptr;
}

ArrayRef<Binding> NodeImporter::sequence(unsigned index) {
  Binding *found = anyInput(index);
  if (found && found->kind == Binding::Kind::Sequence)
    return found->elements;
  if (found)
    error("input " + quote(node.inputs[index]) + " is " + toString(found->kind) + ", expected a sequence");
  return {};
}

bool NodeImporter::wants(unsigned index) const {
  return index < node.outputs.size() && !node.outputs[index].empty() &&
         scope.live.contains(node.outputs[index]);
}

Value NodeImporter::input(unsigned index) {
  Binding *found = binding(index);
  if (!found)
    return {};
  Value value = graph.materialize(*found, loc);
  hasFailed |= !value;
  return value;
}

const SymbolicTensor *NodeImporter::known(unsigned index) {
  Binding *found = hasInput(index) ? anyInput(index) : nullptr;
  return found && found->known ? &*found->known : nullptr;
}

std::optional<SymbolicTensor> NodeImporter::constants(unsigned index) {
  Binding *found = hasInput(index) ? binding(index) : nullptr;
  if (!found)
    return std::nullopt;
  return found->known && found->known->isConstant() ? found->known : graph.readInitializer(*found);
}

RankedTensorType NodeImporter::type(unsigned index) {
  // After a failure handlers go on, so they get a type all the same.
  Binding *found = binding(index);
  return found ? found->type : RankedTensorType::get({}, Float32Type::get(getContext()));
}

std::string NodeImporter::constantRemedy(unsigned index) {
  Binding *found = hasInput(index) ? binding(index) : nullptr;
  if (!found)
    return "";
  std::string text;
  for (const std::string &name : graph.findSources(*found)) {
    text += " --constant " + escape(name) + "=VALUE";
    if (ImportReport *report = graph.getReport())
      report->constants.insert(name);
  }
  return text.empty() ? text : "to fix what it depends on, add" + text;
}

std::optional<SmallVector<int64_t>> NodeImporter::integers(unsigned index, StringRef what) {
  const SymbolicTensor *tensor = known(index);
  auto values = tensor ? tensor->asIntegers() : std::nullopt;
  if (!values)
    error("its " + what + " must be constant, but " +
          (hasInput(index) ? quote(node.inputs[index]) : std::string("it")) +
          " is computed when the model runs",
          constantRemedy(index));
  return values;
}

std::optional<Dims> NodeImporter::expressions(unsigned index, StringRef what) {
  const SymbolicTensor *tensor = known(index);
  auto values = tensor ? tensor->asDims() : std::nullopt;
  if (values)
    return values;
  Binding *found = hasInput(index) ? binding(index) : nullptr;
  std::string name = found ? quote(node.inputs[index]) : "absent";
  if (found && found->value && graph.findSources(*found).empty())
    error("its " + what + " (" + name + ") is no expression of the inputs' dimensions",
          "a smaller --max may decide a minimum, a maximum or a comparison in it");
  else
    error("its " + what + " depends on data (" + name + "): shapes may depend on the shapes of the inputs only",
          constantRemedy(index));
  return std::nullopt;
}

Value NodeImporter::castWeight(unsigned index, RankedTensorType type) {
  Binding *found = binding(index);
  return found ? graph.castWeight(*found, type, loc) : Value();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const Attribute *NodeImporter::findAttribute(StringRef name) {
  const Attribute *attribute = graph.findAttribute(node, scope, name);
  return attribute;
}

static bool hasType(const Attribute &attribute, AttributeType type) {
  // Files of IR version 1 and some writers leave the type out.
  return attribute.type == type || attribute.type == AttributeType::Undefined;
}

int64_t NodeImporter::integer(StringRef name, int64_t absent) {
  const Attribute *attribute = findAttribute(name);
  if (!attribute)
    return absent;
  if (!hasType(*attribute, AttributeType::Int))
    error("attribute " + quote(name) + " must be an integer");
  return attribute->i;
}

int64_t NodeImporter::requiredInteger(StringRef name) {
  if (!findAttribute(name))
    error("attribute " + quote(name) + " is missing");
  return integer(name, 0);
}

double NodeImporter::real(StringRef name, double absent) {
  const Attribute *attribute = findAttribute(name);
  if (!attribute)
    return absent;
  if (!hasType(*attribute, AttributeType::Float))
    error("attribute " + quote(name) + " must be a number");
  return attribute->f;
}

StringRef NodeImporter::string(StringRef name, StringRef absent) {
  const Attribute *attribute = findAttribute(name);
  if (!attribute)
    return absent;
  if (!hasType(*attribute, AttributeType::String))
    error("attribute " + quote(name) + " must be a string");
  return attribute->s;
}

std::optional<SmallVector<int64_t>> NodeImporter::integers(StringRef name) {
  const Attribute *attribute = findAttribute(name);
  if (!attribute)
    return std::nullopt;
  if (!hasType(*attribute, AttributeType::Ints)) {
    error("attribute " + quote(name) + " must be a list of integers");
    return std::nullopt;
  }
  return SmallVector<int64_t>(attribute->ints.begin(), attribute->ints.end());
}

const Tensor *NodeImporter::tensor(StringRef name) {
  const Attribute *attribute = findAttribute(name);
  if (attribute && !attribute->tensor)
    error("attribute " + quote(name) + " must be a tensor");
  return attribute ? attribute->tensor.get() : nullptr;
}

const Graph *NodeImporter::subgraph(StringRef name) {
  const Attribute *attribute = findAttribute(name);
  if (!attribute || !attribute->graph)
    error("attribute " + quote(name) + " must be a graph");
  return attribute ? attribute->graph.get() : nullptr;
}

int64_t NodeImporter::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    error("axis " + Twine(axis) + " is not one of the " + Twine(rank) + " axes");
    return 0;
  }
  return axis < 0 ? axis + rank : axis;
}

SmallVector<int64_t> NodeImporter::sortedAxes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> sorted;
  for (int64_t value : axes)
    sorted.push_back(axis(value, rank));
  llvm::sort(sorted);
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    error("an axis is named twice");
  return hasFailed ? SmallVector<int64_t>() : sorted;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void NodeImporter::setResult(unsigned index, Binding binding) {
  if (hasFailed || index >= node.outputs.size() || node.outputs[index].empty())
    return;
  if (!scope.values.try_emplace(node.outputs[index], std::move(binding)).second)
    error("output " + quote(node.outputs[index]) + " is produced twice");
}

Binding NodeImporter::bind(Value value) {
  Binding binding;
  binding.type = value ? llvm::cast<RankedTensorType>(value.getType()) : RankedTensorType();
  binding.value = value;
  return binding;
}

Binding NodeImporter::bind(SymbolicTensor known) {
  Binding binding;
  binding.type = RankedTensorType::get(known.shape, known.elementType);
  binding.known = std::move(known);
  return binding;
}

void NodeImporter::setResult(unsigned index, Value value) {
  if (value)
    setResult(index, bind(value));
}

void NodeImporter::setResult(unsigned index, SymbolicTensor known) { setResult(index, bind(std::move(known))); }

void NodeImporter::setSequence(unsigned index, std::vector<Binding> elements) {
  if (!spend(elements.size())) // a loop that appends copies all of it each time
    return;
  Binding binding;
  binding.kind = Binding::Kind::Sequence;
  binding.elements = std::move(elements);
  setResult(index, std::move(binding));
}

Binding NodeImporter::share(unsigned index) {
  Binding *found = anyInput(index);
  return found ? graph.share(*found, loc) : Binding();
}

void NodeImporter::forward(unsigned result, unsigned input) { setResult(result, share(input)); }

Value NodeImporter::materialize(Binding &binding) {
  if (hasFailed)
    return {};
  if (binding.kind != Binding::Kind::Tensor)
    return error("it has " + toString(binding.kind) + " where it needs a tensor"), Value();
  Value value = graph.materialize(binding, loc);
  hasFailed |= !value;
  return value;
}

std::optional<std::vector<Binding>> NodeImporter::importBody(const Graph &body, ArrayRef<Binding> inputs) {
  std::vector<Binding> outputs;
  if (hasFailed || mlir::failed(graph.importBody(body, node, inputs, scope, outputs))) {
    hasFailed = true;
    return std::nullopt;
  }
  return outputs;
}

LogicalResult NodeImporter::bindConstant(Binding &binding, const Tensor &tensor) {
  bool bound = underName([&] { return succeeded(graph.bindTensor(binding, tensor, loc, "its value")); });
  binding.name = tensor.name.empty() && !node.outputs.empty() ? node.outputs.front() : tensor.name;
  return success(bound);
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Value NodeImporter::compare(ht::ComparePredicate predicate, Value x, Value y) {
  Builder b(getContext());
  return infer<ht::CompareOp>(
      {x, y}, b.getNamedAttr("predicate", ht::ComparePredicateAttr::get(getContext(), predicate)));
}

Value NodeImporter::cast(Value x, Type elementType, bool saturate) {
  if (!check(x))
    return {};
  auto type = ht::withElementType(llvm::cast<RankedTensorType>(x.getType()), elementType);
  return type == x.getType() ? x : ht::CastOp::create(getBuilder(), loc, type, x, saturate).getResult();
}

Value NodeImporter::bitcast(Value x, Type elementType) {
  if (!check(x))
    return {};
  auto type = ht::withElementType(llvm::cast<RankedTensorType>(x.getType()), elementType);
  return ht::BitcastOp::create(getBuilder(), loc, type, x);
}

Value NodeImporter::reshape(Value x, ArrayRef<Dim> dims) {
  if (!check(x))
    return {};
  auto type = ht::getTensorType(dims, getElementTypeOrSelf(x));
  if (type == x.getType())
    return x;
  auto from = symbols().product(dimsOf(x)), to = symbols().product(dims);
  if (!from || !to || *from != *to) {
    error("shape " + symbols().toString(dimsOf(x)) + " cannot become " + symbols().toString(dims) +
          ": the numbers of elements differ");
    return {};
  }
  return ht::ReshapeOp::create(getBuilder(), loc, type, x);
}

Value NodeImporter::broadcastTo(Value x, ArrayRef<Dim> dims) {
  if (!check(x))
    return {};
  auto type = ht::getTensorType(dims, getElementTypeOrSelf(x));
  if (type == x.getType())
    return x;
  auto both = ht::broadcast(dimsOf(x), dims);
  if (!both || *both != Dims(dims.begin(), dims.end())) {
    error("shape " + symbols().toString(dimsOf(x)) + " does not broadcast to " + symbols().toString(dims));
    return {};
  }
  return ht::BroadcastOp::create(getBuilder(), loc, type, x);
}

Value NodeImporter::transpose(Value x, ArrayRef<int64_t> permutation) {
  return infer<ht::TransposeOp>(
      x, getBuilder().getNamedAttr("permutation", getBuilder().getDenseI64ArrayAttr(permutation)));
}

Value NodeImporter::slice(Value x, ArrayRef<Dim> starts, ArrayRef<int64_t> strides, ArrayRef<Dim> sizes) {
  if (!check(x))
    return {};
  auto type = ht::getTensorType(sizes, getElementTypeOrSelf(x));
  auto isZero = [](Dim start) { return ht::getConstant(start) == 0; };
  if (type == x.getType() && llvm::all_of(starts, isZero) &&
      llvm::all_of(strides, [](int64_t s) { return s == 1; }))
    return x;
  return ht::SliceOp::create(getBuilder(), loc, type, x, ht::DimsAttr::get(getContext(), starts), strides);
}

Value NodeImporter::refine(Value x, int64_t axis, int64_t size) {
  Dims dims = dimsOf(x);
  if (!check(x) || ht::getConstant(dims[axis]))
    return x;
  std::string reason = (Twine("it must be ") + Twine(size)).str();
  if (!graph.boundSymbol(dims[axis], size, loc, reason) || !graph.boundBelow(dims[axis], size, loc, reason))
    return x;
  dims[axis] = symbols().constant(size);
  return slice(x, Dims(dims.size(), symbols().constant(0)), SmallVector<int64_t>(dims.size(), 1), dims);
}

Value NodeImporter::concat(ValueRange parts, int64_t axis) {
  if (parts.size() == 1)
    return parts.front();
  return infer<ht::ConcatOp>(parts, getBuilder().getNamedAttr("axis", getBuilder().getI64IntegerAttr(axis)));
}

Value NodeImporter::reduce(ht::ReduceKind kind, Value x, ArrayRef<int64_t> axes) {
  if (axes.empty())
    return x;
  Builder &b = getBuilder();
  return infer<ht::ReduceOp>(x, {b.getNamedAttr("kind", ht::ReduceKindAttr::get(getContext(), kind)),
                                 b.getNamedAttr("axes", b.getDenseI64ArrayAttr(axes))});
}

Value NodeImporter::softmax(Value x, int64_t axis) {
  return check(x) ? ht::SoftmaxOp::create(getBuilder(), loc, x.getType(), x, axis).getResult() : Value();
}

Value NodeImporter::iota(Dim size, int64_t start, int64_t step, Type elementType) {
  if (hasFailed)
    return {};
  return ht::IotaOp::create(getBuilder(), loc, ht::getTensorType(size, elementType), start, step);
}

Value NodeImporter::scalar(double value, Type elementType) {
  if (hasFailed || !elementType)
    return {};
  SymbolicTensor tensor;
  tensor.elementType = elementType;
  Element element;
  if (isa<FloatType>(elementType))
    element.number = value;
  else if (!(std::abs(value) < 9e18)) // of an integer there is no NaN
    return error("a constant of " + Twine(std::to_string(value)) + " does not fit its operands"), Value();
  else
    element.expr = symbols().constant(static_cast<int64_t>(value));
  tensor.elements.push_back(element);
  return graph.materialize(tensor, loc);
}

Value NodeImporter::scalarLike(double value, Value like) {
  return like ? scalar(value, getElementTypeOrSelf(like)) : Value();
}

Value NodeImporter::dim(Dim expr) {
  if (hasFailed)
    return {};
  SymbolicTensor tensor;
  tensor.elementType = getBuilder().getI64Type();
  tensor.elements.push_back({expr});
  return graph.materialize(tensor, loc);
}

Value NodeImporter::coordinates(ArrayRef<Dim> dims, int64_t axis, Type elementType) {
  Dims along(dims.size() + 1, symbols().constant(1)), whole(dims.begin(), dims.end());
  along[axis] = dims[axis];
  whole.push_back(symbols().constant(1));
  return broadcastTo(reshape(iota(dims[axis], 0, 1, elementType), along), whole);
}

Value NodeImporter::indexTuples(Value indices, int64_t axis) {
  if (!check(indices))
    return {};
  Dims shape = dimsOf(indices), column = shape;
  column.push_back(symbols().constant(1));
  SmallVector<Value> columns;
  for (int64_t i = 0, rank = shape.size(); i < rank; ++i)
    columns.push_back(i == axis ? reshape(indices, column) : coordinates(shape, i, getElementTypeOrSelf(indices)));
  return check(columns) ? concat(columns, shape.size()) : Value();
}

} // namespace halftone::onnx
