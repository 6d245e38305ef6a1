//===- SymbolicValue.h - small tensors known at import ----------------------===//
//
// Exporters compute shapes with ordinary nodes (Shape, Gather, Concat, …). The
// importer follows such values as small tensors whose integer elements are
// expressions over the symbols of the model, so that these nodes vanish.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_SYMBOLICVALUE_H
#define HALFTONE_COMPILER_IMPORT_ONNX_SYMBOLICVALUE_H

#include "dialects/HT/HTDialect.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

#include <optional>
#include <string>
#include <vector>

namespace halftone::onnx {

/// An element: an integer (or bool) expression, or a floating-point number
/// where the tensor's element type is a float.
struct Element {
  ht::Dim expr;
  double number = 0;
};

/// A tensor of static shape whose elements are known.
struct SymbolicTensor {
  /// Larger tensors are data, not shapes.
  static constexpr int64_t kMaxElements = 1024;

  mlir::Type elementType;
  llvm::SmallVector<int64_t, 2> shape;
  llvm::SmallVector<Element, 4> elements;

  bool isFloat() const { return llvm::isa<mlir::FloatType>(elementType); }
  int64_t rank() const { return shape.size(); }
  bool isConstant() const;
  /// All elements as integers; nullopt unless they are integer constants.
  std::optional<llvm::SmallVector<int64_t>> asIntegers() const;
  /// All elements as expressions; nullopt for floats.
  std::optional<ht::Dims> asDims() const;
};

/// The product of the dimensions; nullopt where one is negative or the product
/// exceeds `limit`.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape, int64_t limit);

/// Closed interval of what an expression may evaluate to; ends saturate at
/// ±kUnbounded.
struct Interval {
  static constexpr int64_t kUnbounded = int64_t(1) << 60;
  int64_t low, high;
};

/// The symbols of the model with their bounds, and arithmetic under them.
class Symbols {
public:
  struct Symbol {
    std::string name;
    int64_t min = 1, max = 0;
    bool bounded = false; ///< `max` is final (from the user or a default).
  };

  explicit Symbols(mlir::MLIRContext *context) : context(context) {}

  ht::Dim get(llvm::StringRef name);
  /// Makes `name` stand for `value`; false where it stands for another already.
  bool fix(llvm::StringRef name, int64_t value) { return define(name, constant(value)); }
  bool define(llvm::StringRef name, ht::Dim value) { return defined.try_emplace(name, value).first->second == value; }
  ht::Dim constant(int64_t value) const { return mlir::getAffineConstantExpr(value, context); }
  llvm::ArrayRef<Symbol> list() const { return symbols; }
  Symbol &operator[](unsigned index) { return symbols[index]; }
  bool contains(llvm::StringRef name) const;
  llvm::SmallVector<llvm::StringRef> names() const;
  std::string toString(ht::Dim dim) const { return ht::toString(dim, names()); }
  std::string toString(llvm::ArrayRef<ht::Dim> dims) const { return ht::toString(dims, names()); }

  Interval bounds(ht::Dim expr) const;

  // Exact arithmetic; nullopt where the result is no expression (a division
  // with unknown rounding, an undecided comparison) or grows beyond what any
  // shape needs, so that a hostile file cannot make expressions explode.
  std::optional<ht::Dim> add(ht::Dim lhs, ht::Dim rhs) const;
  std::optional<ht::Dim> sub(ht::Dim lhs, ht::Dim rhs) const;
  std::optional<ht::Dim> mul(ht::Dim lhs, ht::Dim rhs) const;
  std::optional<ht::Dim> truncDiv(ht::Dim lhs, ht::Dim rhs) const;
  std::optional<ht::Dim> floorDiv(ht::Dim lhs, int64_t rhs) const;
  std::optional<ht::Dim> ceilDiv(ht::Dim lhs, int64_t rhs) const;
  std::optional<ht::Dim> floorMod(ht::Dim lhs, ht::Dim rhs) const;
  std::optional<ht::Dim> min(ht::Dim lhs, ht::Dim rhs) const;
  std::optional<ht::Dim> max(ht::Dim lhs, ht::Dim rhs) const;
  /// The product of dimensions.
  std::optional<ht::Dim> product(llvm::ArrayRef<ht::Dim> dims) const;
  /// Whether a tensor of these dimensions stays below 2^48 elements, so that sums
  /// and products of what programs count stay below 2^63.
  bool canExist(llvm::ArrayRef<ht::Dim> dims) const;
  /// -1, 0 or 1 where the sign of lhs - rhs is the same for all symbol values.
  std::optional<int> compare(ht::Dim lhs, ht::Dim rhs) const;

private:
  std::optional<ht::Dim> checked(ht::Dim expr) const;
  double magnitude(ht::Dim expr) const;

  mlir::MLIRContext *context;
  std::vector<Symbol> symbols;
  llvm::StringMap<ht::Dim> defined; ///< names that are no symbols
};

} // namespace halftone::onnx

#endif
