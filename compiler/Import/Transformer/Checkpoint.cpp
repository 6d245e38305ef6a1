//===- Checkpoint.cpp - the weights of a model ------------------------------===//

#include "compiler/Import/Transformer/Checkpoint.h"

#include <set>

using namespace mlir;

namespace halftone::transformer {

static std::string toText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os);
  os << "]";
  return text;
}

const StoredTensor *Checkpoint::take(StringRef name, ArrayRef<int64_t> shape) {
  name = getStoredName(name);
  auto it = tensors.find(name);
  if (it == tensors.end()) {
    folder.error(main) << "has no tensor " << quote(name) << ": expected floats of shape " << toText(shape);
    return nullptr;
  }
  const StoredTensor &tensor = it->second;
  Type element = tensor.type.getElementType();
  bool isFloats = element.isF32() || element.isF16() || element.isBF16();
  bool isRead = tensor.encoding ? shape.size() == 2 : isFloats;
  if (tensor.type.getShape() != shape || !isRead) {
    InFlightDiagnostic diagnostic = folder.error(tensor.file) << "tensor " << quote(name) << " is ";
    if (tensor.encoding)
      diagnostic << tensor.encoding->getName();
    else
      diagnostic << element;
    diagnostic << " of shape " << toText(tensor.type.getShape()) << ": expected f32, f16 or bf16 of shape "
               << toText(shape);
    return nullptr;
  }
  taken.insert(name);
  return &tensor;
}

unsigned Checkpoint::ignore(StringRef beginning, StringRef ending) {
  unsigned count = 0;
  for (StringRef name : tensors.keys())
    if (name.starts_with(beginning) && name.ends_with(ending) && taken.insert(name).second)
      ++count;
  return count;
}

LogicalResult Checkpoint::checkAllTaken() {
  std::set<std::string> left;
  for (auto &entry : tensors)
    if (!taken.contains(entry.first()))
      left.insert(entry.first().str());
  if (left.empty())
    return success();
  const StoredTensor &first = tensors.find(*left.begin())->second;
  InFlightDiagnostic diagnostic = folder.error(first.file)
                                  << "tensor " << quote(*left.begin()) << " of shape "
                                  << toText(first.type.getShape()) << " has no place in the model that "
                                  << folder.getMain() << " describes";
  if (left.size() > 1)
    diagnostic << ", nor have " << left.size() - 1 << " others";
  return diagnostic;
}

} // namespace halftone::transformer
