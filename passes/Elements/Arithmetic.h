//===- Arithmetic.h - numbers of one element type ---------------------------===//

#ifndef HALFTONE_PASSES_ELEMENTS_ARITHMETIC_H
#define HALFTONE_PASSES_ELEMENTS_ARITHMETIC_H

#include "passes/Elements/CodeBuilder.h"

namespace halftone::elements {

/// Operations on scalars or vectors of one graph element type, as they are in
/// registers (f16 and bf16 widened). Registers do not say whether an integer has a
/// sign; the graph's type does.
class Arithmetic {
public:
  Arithmetic(CodeBuilder &kernel, mlir::Type element)
      : k(kernel), isUnsigned(element.isUnsignedInteger() || element.isInteger(1)) {}

  /// `value` with the type and lanes of `x`.
  mlir::Value like(double value, mlir::Value x);
  /// What no number of x's type exceeds, or is below; infinities of floats.
  mlir::Value getGreatest(mlir::Value x);
  mlir::Value getLeast(mlir::Value x);

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  /// Integers: x / 0 has no meaning and the least number / -1 no place, but
  /// neither may trap: the divisor is data.
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value abs(mlir::Value x);
  mlir::Value neg(mlir::Value x);
  mlir::Value sign(mlir::Value x);
  mlir::Value shiftLeft(mlir::Value x, mlir::Value y);
  mlir::Value shiftRight(mlir::Value x, mlir::Value y);
  mlir::Value compare(ht::ComparePredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value isNaN(mlir::Value x) { return compare(ht::ComparePredicate::NE, x, x); }
  /// Whether x comes before y in an order from the greatest down (from the least up
  /// where not `descending`), NaN being greater than any number.
  mlir::Value precedes(mlir::Value x, mlir::Value y, bool descending);

  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return k.select(condition, x, y);
  }
  mlir::Value both(mlir::Value x, mlir::Value y) { return make<mlir::arith::AndIOp>(x, y); }
  mlir::Value either(mlir::Value x, mlir::Value y) { return make<mlir::arith::OrIOp>(x, y); }
  mlir::Value negate(mlir::Value x) { return make<mlir::arith::XOrIOp>(x, like(-1, x)); }

  static bool isFloat(mlir::Value x) {
    return mlir::isa<mlir::FloatType>(mlir::getElementTypeOrSelf(x.getType()));
  }

  template <typename OpTy, typename... Args>
  mlir::Value make(Args... args) {
    return OpTy::create(k.b, k.loc, args...);
  }

private:
  template <typename ShiftOp>
  mlir::Value shift(mlir::Value x, mlir::Value y, mlir::Value beyond);

  CodeBuilder &k;
  bool isUnsigned;
};

} // namespace halftone::elements

#endif
