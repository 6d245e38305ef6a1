//===- Attributes.cpp - tensors from and to MLIR attributes and types -------===//

#include "compiler/Evaluate/Attributes.h"

#include "compiler/Evaluate/Strided.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace halftone::evaluate {

std::optional<ElementKind> getElementKind(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return ElementKind::I1;
    case 2:
      return isUnsigned ? ElementKind::UI2 : ElementKind::I2;
    case 3:
      return isUnsigned ? ElementKind::UI3 : ElementKind::I3;
    case 4:
      return isUnsigned ? ElementKind::UI4 : ElementKind::I4;
    case 5:
      return isUnsigned ? ElementKind::UI5 : ElementKind::I5;
    case 6:
      return isUnsigned ? ElementKind::UI6 : ElementKind::I6;
    case 8:
      return isUnsigned ? ElementKind::UI8 : ElementKind::I8;
    case 16:
      return isUnsigned ? ElementKind::UI16 : ElementKind::I16;
    case 32:
      return isUnsigned ? ElementKind::UI32 : ElementKind::I32;
    case 64:
      return isUnsigned ? ElementKind::UI64 : ElementKind::I64;
    default:
      return std::nullopt;
    }
  }
  return TypeSwitch<Type, std::optional<ElementKind>>(type)
      .Case([](Float16Type) { return ElementKind::F16; })
      .Case([](BFloat16Type) { return ElementKind::BF16; })
      .Case([](Float32Type) { return ElementKind::F32; })
      .Case([](Float64Type) { return ElementKind::F64; })
      .Case([](Float8E4M3FNType) { return ElementKind::F8E4M3FN; })
      .Case([](Float8E4M3FNUZType) { return ElementKind::F8E4M3FNUZ; })
      .Case([](Float8E5M2Type) { return ElementKind::F8E5M2; })
      .Case([](Float8E5M2FNUZType) { return ElementKind::F8E5M2FNUZ; })
      .Case([](Float8E8M0FNUType) { return ElementKind::F8E8M0FNU; })
      .Case([](Float4E2M1FNType) { return ElementKind::F4E2M1FN; })
      .Default(std::nullopt);
}

std::optional<Tensor> fromAttribute(ElementsAttr attribute) {
  auto kind = getElementKind(attribute.getElementType());
  if (!kind || !attribute.getShapedType().hasStaticShape())
    return std::nullopt;
  ArrayRef<int64_t> shape = attribute.getShapedType().getShape();
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    if (*kind == ElementKind::I1) {
      // How MLIR packs these is its own affair.
      Tensor tensor = Tensor::allocate(*kind, shape);
      for (auto [i, value] : llvm::enumerate(dense.getValues<bool>()))
        tensor.getMutableData()[i] = value;
      return tensor;
    }
    // An element takes whole bytes here too.
    ArrayRef<char> raw = dense.getRawData();
    if (!dense.isSplat())
      return Tensor::copy(*kind, shape, raw);
    return broadcastTo(Tensor::copy(*kind, {}, raw), shape);
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
  if (isSplat)
    bytes = bytes.take_front(size);
  if (tensor.getKind() == ElementKind::I1) {
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, values);
  }
  int64_t bits = getStoredBits(tensor.getKind());
  if (bits >= 8)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  // A literal does not repeat the sign in the bits of a byte that it does not use.
  SmallVector<char> narrow(bytes);
  for (char &byte : narrow)
    byte &= static_cast<char>((1 << bits) - 1);
  return DenseElementsAttr::getFromRawBuffer(type, narrow);
}

} // namespace halftone::evaluate
