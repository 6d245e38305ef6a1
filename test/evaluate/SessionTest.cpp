//===- SessionTest.cpp - states from step to step ---------------------------===//

#include "test/evaluate/Fixture.h"

#include "compiler/Evaluate/Session.h"

namespace halftone::evaluate {
namespace {

class SessionTest : public EvaluateTest {
protected:
  Session start(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    return Session(module->lookupSymbol<mlir::func::FuncOp>("f"), weights);
  }
};

// The states stand between inputs and outputs, in an order of their own.
constexpr const char *kSums = R"(
  func.func @f(%sum: tensor<2xf32> {ht.name = "sum", ht.state}, %x: tensor<2xf32>,
               %count: tensor<i64> {ht.name = "count", ht.state}, %n: tensor<i64>)
      -> (tensor<i64> {ht.name = "count", ht.state}, tensor<2xf32>, tensor<2xf32> {ht.name = "sum", ht.state}) {
    %0 = ht.add %sum, %x : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
    %1 = ht.add %count, %n : tensor<i64>, tensor<i64> -> tensor<i64>
    %2 = ht.cast %1 : tensor<i64> to tensor<f32>
    %3 = ht.mul %0, %2 : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
    return %1, %3, %0 : tensor<i64>, tensor<2xf32>, tensor<2xf32>
  })";

TEST_F(SessionTest, StatesAreZeroAtFirstAndKept) {
  Session session = start(kSums);
  auto step = [&](double a, double b, int64_t n) {
    auto outputs = session.run({f32({2}, {a, b}), i64({}, {n})});
    if (!outputs) {
      ADD_FAILURE() << llvm::toString(outputs.takeError());
      return f32({0}, {});
    }
    EXPECT_EQ(outputs->size(), 1u);
    return outputs->front();
  };
  expectEqual(step(1, 2, 1), {1, 2});
  expectEqual(step(1, 2, 1), {4, 8});
  expectEqual(step(0, 1, 3), {10, 25});
}

TEST_F(SessionTest, AStepThatFailsLeavesThemAlone) {
  Session session = start(kSums);
  ASSERT_TRUE(bool(session.run({f32({2}, {1, 2}), i64({}, {1})})));
  auto wrong = session.run(f32({2}, {1, 2}));
  ASSERT_FALSE(bool(wrong));
  EXPECT_EQ(llvm::toString(wrong.takeError()), "@f takes 4 inputs, got 3");
  auto right = session.run({f32({2}, {0, 0}), i64({}, {0})});
  ASSERT_TRUE(bool(right));
  expectEqual(right->front(), {1, 2});
}

} // namespace
} // namespace halftone::evaluate
