//===- Elements.cpp - inputs that are sequences or optionals ----------------===//
//
// A program has tensors alone. `--elements` says how many such an input holds
// and of which shapes: each is an input of its own, NAME.0, NAME.1, … of a
// sequence, NAME of an optional tensor.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/GraphImporter.h"
#include "compiler/Import/ONNX/Names.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

/// Why `text` does not say what `input` holds; empty where it does.
static std::string parseElementShapes(const ValueInfo &input, StringRef text, ElementShapes &elements) {
  if (text == "none" && !input.isOptional)
    return "it is no optional: 'empty' is a sequence without elements";
  if (text == "empty" && !input.isSequence)
    return "it is no sequence: 'none' is an optional that is absent";
  elements.present = text != "none";
  SmallVector<StringRef> shapes;
  if (text != "none" && text != "empty")
    text.split(shapes, ',');
  if (!input.isSequence && shapes.size() > 1)
    return "it holds one tensor, got " + std::to_string(shapes.size()) + " shapes";
  for (StringRef shape : shapes) {
    SmallVector<StringRef> extents;
    SmallVector<int64_t> dims;
    if (shape != "scalar")
      shape.split(extents, 'x');
    for (StringRef text : extents)
      if (text.getAsInteger(10, dims.emplace_back()))
        return "expected a shape such as 3x4 or scalar, got " + quote(shape);
    bool fits = countElements(dims, std::numeric_limits<int32_t>::max()) &&
                (!input.hasShape || dims.size() == input.dims.size());
    for (size_t axis = 0; fits && input.hasShape && axis < dims.size(); ++axis)
      fits = !input.dims[axis].value || *input.dims[axis].value == dims[axis];
    if (!fits)
      return "shape " + quote(shape) + " does not fit what the model declares";
    elements.shapes.push_back(std::move(dims));
  }
  return "";
}

LogicalResult GraphImporter::readElements(ArrayRef<const ValueInfo *> inputs) {
  ImportFailure before = std::exchange(cause, ImportFailure::Options);
  for (auto &[name, text] : options.elements) {
    auto it = llvm::find_if(inputs, [&](const ValueInfo *input) {
      return input->name == name && (input->isSequence || input->isOptional);
    });
    if (it == inputs.end())
      return error() << "--elements: the model has no input " << quote(name)
                     << " that is a sequence or an optional";
    const ValueInfo &input = **it;
    ElementShapes &given = elements[name];
    if (std::string reason = parseElementShapes(input, text, given); !reason.empty())
      return error() << "--elements " << quote(name) << ": " << reason;
    // A dimension that has the same name elsewhere is as large there, where it
    // is one number here.
    for (auto [axis, dim] : llvm::enumerate(input.dims)) {
      auto isSame = [&](ArrayRef<int64_t> shape) { return shape[axis] == given.shapes.front()[axis]; };
      if (dim.value || dim.parameter.empty() || given.shapes.empty() || !llvm::all_of(given.shapes, isSame))
        continue;
      int64_t extent = given.shapes.front()[axis];
      if (!symbols.fix(dim.parameter, extent))
        return error() << "--elements " << quote(name) << ": dimension " << quote(dim.parameter) << " is "
                       << extent << " here and something else elsewhere";
    }
  }
  cause = before;
  return success();
}

LogicalResult GraphImporter::bindElements(const ValueInfo &input, Scope &scope) {
  auto refuse = [&](const Twine &reason, Cause why = Cause::Other) {
    return error(why) << "input " << quote(input.name) << ": " << reason;
  };
  Type element = getElementType(input.type, &context);
  if (!element)
    return refuse("element type " + toString(input.type) + " is not supported", Cause::ElementType);
  auto given = elements.find(input.name);
  if (given == elements.end())
    return input.isOptional
               ? refuse("it is optional, and programs are made for one choice", Cause::OptionalInput)
               : refuse("it is a sequence, and programs are made for one length", Cause::SequenceInput);

  std::vector<Binding> parts;
  for (auto [i, shape] : llvm::enumerate(given->second.shapes))
    parts.push_back(addArgument(input.isSequence ? (input.name + "." + Twine(i)).str() : input.name.str(),
                                RankedTensorType::get(shape, element)));
  Binding binding;
  if (input.isSequence) {
    binding.kind = Binding::Kind::Sequence;
    binding.elements = std::move(parts);
    parts.clear();
    if (given->second.present)
      parts.push_back(binding);
  }
  if (input.isOptional) {
    binding.kind = Binding::Kind::Optional;
    binding.elements = std::move(parts);
  }
  if (!scope.values.try_emplace(input.name, std::move(binding)).second)
    return refuse("the name is used twice");
  return success();
}

} // namespace halftone::onnx
