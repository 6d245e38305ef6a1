//===- Fixture.h - run a few lines of IR ------------------------------------===//

#ifndef HALFTONE_TEST_EVALUATE_FIXTURE_H
#define HALFTONE_TEST_EVALUATE_FIXTURE_H

#include "compiler/Evaluate/Interpreter.h"
#include "compiler/Evaluate/WeightSource.h"
#include "dialects/HT/HTDialect.h"
#include "dialects/HTQ/HTQDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halftone::evaluate {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

inline Tensor f64(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values) {
  return Tensor::of<double>(ElementKind::F64, shape, values);
}
inline Tensor f32(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values) {
  return Tensor::of<double>(ElementKind::F32, shape, values);
}
inline Tensor i64(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values) {
  return Tensor::of<int64_t>(ElementKind::I64, shape, values);
}
inline Tensor i1(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values) {
  return Tensor::of<int64_t>(ElementKind::I1, shape, values);
}

/// numpy: f(np.arange(n)).reshape(shape)
template <typename Function>
Tensor generate(llvm::ArrayRef<int64_t> shape, Function f) {
  Tensor tensor = Tensor::allocate(ElementKind::F64, shape);
  for (int64_t i = 0; i < tensor.getNumElements(); ++i)
    tensor.getMutable<double>()[i] = f(double(i));
  return tensor;
}

class EvaluateTest : public ::testing::Test {
protected:
  EvaluateTest() { context.loadDialect<ht::HTDialect, htq::HTQDialect, mlir::func::FuncDialect>(); }

  /// Parses a module and runs its function @f.
  llvm::Expected<std::vector<Tensor>> tryRun(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
                                             const InterpretOptions &options = {}) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return llvm::createStringError("the test's text does not parse");
    return interpret(module->lookupSymbol<mlir::func::FuncOp>("f"), inputs, weights, options);
  }

  Tensor run(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs = {}) {
    auto results = tryRun(text, inputs);
    if (results)
      return results->front();
    ADD_FAILURE() << llvm::toString(results.takeError()) << "\nin\n" << text.str();
    return Tensor::allocate(ElementKind::F32, {0});
  }

  std::string getError(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs = {}) {
    auto results = tryRun(text, inputs);
    return results ? "no error" : llvm::toString(results.takeError());
  }

  /// All results of one function.
  std::vector<Tensor> runAll(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs = {}) {
    auto results = tryRun(text, inputs);
    if (results)
      return *results;
    ADD_FAILURE() << llvm::toString(results.takeError()) << "\nin\n" << text.str();
    return {};
  }

  /// One operation whose text is given with its types: op("ht.abs %0 : tensor<2xf32>", …) on
  /// arguments %0, %1, … of static types.
  static std::string getFunction(llvm::StringRef op, llvm::ArrayRef<Tensor> inputs,
                                 llvm::StringRef resultType) {
    std::string text = "func.func @f(";
    for (size_t i = 0; i < inputs.size(); ++i) {
      text += (i ? ", %" : "%") + std::to_string(i) + ": tensor<";
      for (int64_t size : inputs[i].getShape())
        text += std::to_string(size) + "x";
      text += toString(inputs[i].getKind()).str() + ">";
    }
    return text + ") -> " + resultType.str() + " {\n %r = " + op.str() +
           "\n return %r : " + resultType.str() + "\n}";
  }

  Tensor runOp(llvm::StringRef op, llvm::ArrayRef<Tensor> inputs, llvm::StringRef resultType) {
    return run(getFunction(op, inputs, resultType), inputs);
  }

  /// An elementwise operation whose operands and result are all of one type.
  Tensor runUnary(llvm::StringRef name, const Tensor &input) {
    std::string type = getType(input);
    return runOp(("ht." + name + " %0 : " + type).str(), input, type);
  }
  Tensor runBinary(llvm::StringRef name, const Tensor &lhs, const Tensor &rhs) {
    std::string type = getType(lhs);
    return runOp(("ht." + name + " %0, %1 : " + type + ", " + getType(rhs) + " -> " + type).str(), {lhs, rhs},
                 type);
  }

  static std::string getType(const Tensor &tensor) {
    std::string text = "tensor<";
    for (int64_t size : tensor.getShape())
      text += std::to_string(size) + "x";
    return text + toString(tensor.getKind()).str() + ">";
  }

  mlir::MLIRContext context;
  WeightSource weights;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Equal within `tolerance` relative to the larger of 1 and the expected value; NaN equals NaN.
inline void expectNear(const Tensor &actual, llvm::ArrayRef<double> expected, double tolerance) {
  ASSERT_EQ(actual.getNumElements(), int64_t(expected.size())) << describe(actual);
  for (size_t i = 0; i < expected.size(); ++i) {
    double a = actual.getDouble(i), e = expected[i];
    if (std::isnan(e) || std::isinf(e) || tolerance == 0)
      EXPECT_TRUE(a == e || (a != a && e != e)) << "element " << i << " is " << a << ", expected " << e;
    else
      EXPECT_NEAR(a, e, tolerance * std::max(1.0, std::fabs(e))) << "element " << i;
  }
}
inline void expectEqual(const Tensor &actual, llvm::ArrayRef<double> expected) {
  expectNear(actual, expected, 0);
}
inline void expectInts(const Tensor &actual, llvm::ArrayRef<int64_t> expected) {
  EXPECT_EQ(actual.toVector<int64_t>(), expected.vec());
}
inline void expectShape(const Tensor &actual, llvm::ArrayRef<int64_t> shape) {
  EXPECT_EQ(actual.getShape().vec(), shape.vec());
}

} // namespace halftone::evaluate

#endif
