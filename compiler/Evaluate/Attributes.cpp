//===- Attributes.cpp - tensors from and to MLIR attributes and types -------===//

#include "compiler/Evaluate/Attributes.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace halftone::evaluate {

std::optional<ElementKind> getElementKind(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    switch (integer.getWidth()) {
    case 1:
      return ElementKind::I1;
    case 8:
      return integer.isUnsigned() ? ElementKind::UI8 : ElementKind::I8;
    case 16:
      return integer.isUnsigned() ? std::nullopt : std::optional(ElementKind::I16);
    case 32:
      return integer.isUnsigned() ? std::nullopt : std::optional(ElementKind::I32);
    case 64:
      return integer.isUnsigned() ? std::nullopt : std::optional(ElementKind::I64);
    default:
      return std::nullopt;
    }
  }
  if (type.isF16())
    return ElementKind::F16;
  if (type.isBF16())
    return ElementKind::BF16;
  if (type.isF32())
    return ElementKind::F32;
  if (type.isF64())
    return ElementKind::F64;
  return std::nullopt;
}

std::optional<Tensor> fromAttribute(ElementsAttr attribute) {
  auto kind = getElementKind(attribute.getElementType());
  if (!kind || !attribute.getShapedType().hasStaticShape())
    return std::nullopt;
  ArrayRef<int64_t> shape = attribute.getShapedType().getShape();
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    Tensor tensor = Tensor::allocate(*kind, shape);
    char *to = tensor.getMutableData();
    if (*kind == ElementKind::I1) {
      // How MLIR packs these is its own affair.
      for (auto [i, value] : llvm::enumerate(dense.getValues<bool>()))
        to[i] = value;
      return tensor;
    }
    ArrayRef<char> raw = dense.getRawData();
    size_t step = dense.isSplat() ? tensor.getElementSize() : tensor.getBytes().size();
    for (size_t i = 0; i < tensor.getBytes().size(); i += step)
      std::memcpy(to + i, raw.data(), step);
    return tensor;
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    size_t size = static_cast<size_t>(getNumElements(shape) * getSize(*kind));
    if (*kind == ElementKind::I1 || !blob || blob->getData().size() != size)
      return std::nullopt;
    return Tensor::copy(*kind, shape, blob->getData());
  }
  return std::nullopt;
}

DenseElementsAttr toAttribute(const Tensor &tensor, RankedTensorType type) {
  ArrayRef<char> bytes = tensor.getBytes();
  // One element stands for all where they are equal: folders look for splats.
  size_t size = tensor.getElementSize();
  bool isSplat = !bytes.empty();
  for (size_t i = size; i < bytes.size() && isSplat; i += size)
    isSplat = std::memcmp(bytes.data(), bytes.data() + i, size) == 0;
  if (tensor.getKind() != ElementKind::I1)
    return DenseElementsAttr::getFromRawBuffer(type, isSplat ? bytes.take_front(size) : bytes);
  SmallVector<bool> values;
  for (char byte : isSplat ? bytes.take_front(1) : bytes)
    values.push_back(byte != 0);
  return DenseElementsAttr::get(type, values);
}

} // namespace halftone::evaluate
