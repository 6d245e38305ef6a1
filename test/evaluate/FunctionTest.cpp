//===- FunctionTest.cpp - symbols, calls, observers, errors -----------------===//

#include "test/evaluate/Fixture.h"

#include "dialects/HT/HTOps.h"

namespace halftone::evaluate {
namespace {

using FunctionTest = EvaluateTest;

constexpr const char *kTwoInputs = R"(
  func.func @f(%ids: tensor<?x?xi64, #ht.dims<s0, s1>> {ht.name = "input_ids"},
               %mask: tensor<?x?xi64, #ht.dims<s0, s1>> {ht.name = "attention_mask"})
      -> tensor<?x?xi64, #ht.dims<s0, s1>>
      attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
    %r = ht.mul %ids, %mask : tensor<?x?xi64, #ht.dims<s0, s1>>, tensor<?x?xi64, #ht.dims<s0, s1>>
        -> tensor<?x?xi64, #ht.dims<s0, s1>>
    return %r : tensor<?x?xi64, #ht.dims<s0, s1>>
  })";

Tensor zeros(llvm::ArrayRef<int64_t> shape) { return Tensor::allocate(ElementKind::I64, shape); }

TEST_F(FunctionTest, SymbolsAreBoundFromInputs) {
  Tensor result = run(kTwoInputs, {i64({1, 2}, {3, 4}), i64({1, 2}, {1, 0})});
  expectShape(result, {1, 2});
  expectInts(result, {3, 0});
}

TEST_F(FunctionTest, ErrorsNameTheInput) {
  EXPECT_EQ(getError(kTwoInputs, zeros({1, 2})), "@f takes 2 inputs, got 1");
  EXPECT_EQ(getError(kTwoInputs, {zeros({1, 2}), zeros({1, 3})}),
            "input \"attention_mask\": dimension 1 is 3, expected sequence, where sequence is 2 from input "
            "\"input_ids\"");
  EXPECT_EQ(getError(kTwoInputs, {zeros({2}), zeros({1, 3})}),
            "input \"input_ids\" has shape [2], expected rank 2: [batch, sequence]");
  EXPECT_EQ(getError(kTwoInputs, {zeros({1, 2}), f32({1, 2}, {0, 0})}),
            "input \"attention_mask\" has elements of type f32, expected i64");
  EXPECT_EQ(getError(kTwoInputs, {zeros({9, 2}), zeros({9, 2})}),
            "input \"input_ids\": batch is 9, allowed are 1 to 8");
  EXPECT_EQ(getError(R"(func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> })",
                     f32({3}, {0, 0, 0})),
            "input \"input0\": dimension 0 is 3, expected 2");
}

TEST_F(FunctionTest, SymbolsFollowFromExpressions) {
  const char *text = R"(
    func.func @f(%x: tensor<?xf32, #ht.dims<s0 * 2 + 1>>, %y: tensor<?xf32, #ht.dims<s0 + s1>>) -> tensor<i64>
        attributes {ht.symbols = [#ht.symbol<"n", 0, 100>, #ht.symbol<"m", 0, 100>]} {
      %r = ht.dim <s0 * 10 + s1> : tensor<i64>
      return %r : tensor<i64>
    })";
  auto of = [](int64_t n) { return Tensor::allocate(ElementKind::F32, n); };
  expectInts(run(text, {of(7), of(4)}), {31});
  EXPECT_EQ(getError(text, {of(6), of(4)}), "input \"input0\": dimension 0 is 6, expected n * 2 + 1");
  EXPECT_EQ(getError(text, {of(7), of(2)}), "input \"input1\": m is -1, allowed are 0 to 100");
}

TEST_F(FunctionTest, SymbolThatNoInputDetermines) {
  const char *text = R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<i64> attributes {ht.symbols = [#ht.symbol<"n", 0, 100>]} {
      %r = ht.dim <s0> : tensor<i64>
      return %r : tensor<i64>
    })";
  EXPECT_EQ(getError(text, f32({2}, {0, 0})), "no input determines the symbol n");
}

TEST_F(FunctionTest, NegativeSizesAreErrors) {
  const char *text = R"(
    func.func @f(%x: tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0 - 3>>
        attributes {ht.symbols = [#ht.symbol<"n", 0, 100>]} {
      %r = ht.slice %x starts <0> strides [1]
        : tensor<?xf32, #ht.dims<s0>> to tensor<?xf32, #ht.dims<s0 - 3>> loc("head")
      return %r : tensor<?xf32, #ht.dims<s0 - 3>>
    })";
  EXPECT_EQ(getError(text, f32({2}, {0, 0})), "'ht.slice' at head: its result would have the shape [-1]");
}

TEST_F(FunctionTest, Calls) {
  const char *text = R"(
    func.func private @layer(%x: tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0>>
        attributes {ht.symbols = [#ht.symbol<"rows", 0, 100>]} {
      %r = ht.add %x, %x : tensor<?xf32, #ht.dims<s0>>, tensor<?xf32, #ht.dims<s0>>
          -> tensor<?xf32, #ht.dims<s0>>
      return %r : tensor<?xf32, #ht.dims<s0>>
    }
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %0 = ht.reshape %x : tensor<2xf32> to tensor<2xf32>
      %1 = call @same(%0) : (tensor<2xf32>) -> tensor<2xf32>
      return %1 : tensor<2xf32>
    }
    func.func private @same(%x: tensor<2xf32>) -> tensor<2xf32> {
      %r = ht.neg %x : tensor<2xf32>
      return %r : tensor<2xf32>
    })";
  expectEqual(run(text, f32({2}, {1, 2})), {-1, -2});
}

TEST_F(FunctionTest, ObserverSeesEveryOperation) {
  const char *text = R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %0 = ht.add %x, %x : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
      %unused = ht.exp %0 : tensor<2xf32>
      %1 = ht.mul %0, %x : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
      return %1 : tensor<2xf32>
    })";
  std::vector<std::string> seen;
  InterpretOptions options;
  options.observer = [&](mlir::Operation *op, llvm::ArrayRef<Tensor> results) {
    seen.push_back(op->getName().getStringRef().str() + " " +
                   std::to_string(results.front().getDouble(0)).substr(0, 3));
  };
  auto results = tryRun(text, f32({2}, {1, 2}), options);
  ASSERT_TRUE(bool(results));
  EXPECT_EQ(seen, (std::vector<std::string>{"ht.add 2.0", "ht.exp 7.3", "ht.mul 2.0"}));
}

TEST_F(FunctionTest, ValuesDieAfterTheirLastUse) {
  // The observer holds a weak view of memory by address: a freed tensor's bytes are reused or gone,
  // so count instead what handlers still find in the frame.
  const char *text = R"(
    func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
      %0 = ht.neg %x : tensor<1xf32>
      %1 = ht.exp %0 : tensor<1xf32>
      %2 = ht.exp %1 : tensor<1xf32>
      %3 = ht.exp %2 : tensor<1xf32>
      return %3 : tensor<1xf32>
    })";
  InterpreterTable table = InterpreterTable::standard();
  size_t most = 0;
  table.add(ht::ExpOp::getOperationName(),
            [&](mlir::Operation *op, Frame &frame, llvm::SmallVectorImpl<Tensor> &results) -> llvm::Error {
              most = std::max(most, frame.getNumLiveValues());
              results.push_back(frame.get(op->getOperand(0)));
              return llvm::Error::success();
            });
  InterpretOptions options;
  options.table = &table;
  auto results = tryRun(text, f32({1}, 1), options);
  ASSERT_TRUE(bool(results));
  expectEqual(results->front(), {-1});
  EXPECT_EQ(most, 1u);
}

TEST_F(FunctionTest, UnknownOperation) {
  context.allowUnregisteredDialects();
  EXPECT_EQ(getError(R"(func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %r = "other.op"(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("here")
      return %r : tensor<2xf32>
    })",
                     f32({2}, {0, 0})),
            "'other.op' at here: the interpreter does not know this operation");
}

TEST_F(FunctionTest, TheTableIsOpen) {
  context.allowUnregisteredDialects();
  InterpreterTable table = InterpreterTable::standard();
  table.add("other.twice", [](mlir::Operation *op, Frame &frame, llvm::SmallVectorImpl<Tensor> &results) {
    results.push_back(f32({1}, frame.get(op->getOperand(0)).getDouble(0) * 2));
    return llvm::Error::success();
  });
  InterpretOptions options;
  options.table = &table;
  auto results = tryRun(R"(func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
      %r = "other.twice"(%x) : (tensor<1xf32>) -> tensor<1xf32>
      return %r : tensor<1xf32>
    })",
                        f32({1}, 21), options);
  ASSERT_TRUE(bool(results));
  expectEqual(results->front(), {42});
}

TEST_F(FunctionTest, EveryOperationHasAHandler) {
  for (mlir::RegisteredOperationName name : context.getRegisteredOperations())
    if ((name.getDialectNamespace() == "ht" || name.getDialectNamespace() == "htq") &&
        name.getStringRef() != ht::WeightOp::getOperationName() &&
        name.getStringRef() != ht::YieldOp::getOperationName())
      EXPECT_TRUE(InterpreterTable::standard().lookup(name)) << name.getStringRef().str();
}

} // namespace
} // namespace halftone::evaluate
