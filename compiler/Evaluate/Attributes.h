//===- Attributes.h - tensors from and to MLIR attributes and types ---------===//

#ifndef HALFTONE_COMPILER_EVALUATE_ATTRIBUTES_H
#define HALFTONE_COMPILER_EVALUATE_ATTRIBUTES_H

#include "compiler/Evaluate/Tensor.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace halftone::evaluate {

/// The kind of a scalar type, or nullopt where tensors of it do not exist.
std::optional<ElementKind> getElementKind(mlir::Type elementType);

/// The value of a literal, or nullopt for a form of attribute that is not understood.
std::optional<Tensor> fromAttribute(mlir::ElementsAttr attribute);

/// The literal of a static type that holds `tensor`.
mlir::DenseElementsAttr toAttribute(const Tensor &tensor, mlir::RankedTensorType type);

} // namespace halftone::evaluate

#endif
