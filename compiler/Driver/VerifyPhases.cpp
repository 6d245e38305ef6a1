//===- VerifyPhases.cpp - the error that each phase adds --------------------===//

#include "compiler/Driver/VerifyPhases.h"

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Session.h"

#include "llvm/Support/FormatVariadic.h"

#include <random>

using namespace mlir;

namespace halftone::driver {

using evaluate::Tensor;

/// A phase may change the order of sums (1e-5). What formats lose is for people to judge.
static constexpr double kWrong = 0.05;

std::vector<Tensor> makeSampleInputs(func::FuncOp graph) {
  SmallVector<int64_t> symbols;
  for (auto [i, symbol] : llvm::enumerate(ht::getSymbols(graph)))
    symbols.push_back(std::clamp<int64_t>(i == 0 ? 2 : 5 + 2 * i, symbol.getMin(), symbol.getMax()));
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<Tensor> inputs;
  for (auto [i, type] : llvm::enumerate(graph.getArgumentTypes())) {
    if (ht::isState(graph, i))
      continue;
    auto tensorType = cast<RankedTensorType>(type);
    SmallVector<int64_t> shape;
    for (ht::Dim dim : ht::getDims(tensorType))
      shape.push_back(ht::evaluate(dim, symbols));
    Tensor tensor = Tensor::allocate(*evaluate::getElementKind(tensorType.getElementType()), shape);
    bool isMask = llvm::StringRef(ht::getInputName(graph, i)).contains("mask");
    std::vector<double> values(tensor.getNumElements());
    for (auto [j, value] : llvm::enumerate(values))
      value = isMask ? 1 : isa<FloatType>(tensorType.getElementType()) ? uniform(random) : static_cast<double>(j % 2);
    tensor.write(0, values);
    inputs.push_back(tensor);
  }
  return inputs;
}

PhaseVerifier::PhaseVerifier(std::string modelDirectory) : modelDirectory(std::move(modelDirectory)) {}

llvm::Expected<std::vector<Tensor>> PhaseVerifier::run(ModuleOp module) {
  auto graph = module.lookupSymbol<func::FuncOp>("main");
  evaluate::WeightSource weights(modelDirectory);
  return evaluate::Session(graph, weights).run(inputs);
}

llvm::Error PhaseVerifier::start(ModuleOp module) {
  inputs = makeSampleInputs(module.lookupSymbol<func::FuncOp>("main"));
  auto outputs = run(module);
  if (!outputs)
    return outputs.takeError();
  before = std::move(*outputs);
  return llvm::Error::success();
}

llvm::Error PhaseVerifier::check(ModuleOp module, llvm::StringRef phase) {
  auto graph = module.lookupSymbol<func::FuncOp>("main");
  if (!graph || graph.isDeclaration()) {
    llvm::errs() << "verify " << phase << ": leaves machine code; compare the program with halftone run --reference\n";
    return llvm::Error::success();
  }
  auto outputs = run(module);
  if (!outputs)
    return outputs.takeError();
  SmallVector<unsigned> results;
  for (unsigned i = 0; i < graph.getNumResults(); ++i)
    if (!graph.getResultAttr(i, ht::HTDialect::kStateAttr))
      results.push_back(i);
  for (auto [i, was, is] : llvm::zip_equal(results, before, *outputs)) {
    double largest = 0, difference = 0;
    for (int64_t j = 0; j < was.getNumElements(); ++j) {
      double x = was.getDouble(j), y = is.getDouble(j);
      largest = std::max(largest, std::abs(x));
      if (!(x == y || (std::isnan(x) && std::isnan(y))))
        difference = std::max(difference, std::isnan(x - y) ? INFINITY : std::abs(x - y));
    }
    double relative = largest > 0 ? difference / largest : difference;
    std::string name = ht::getOutputName(graph, i);
    llvm::errs() << llvm::formatv("verify {0}: \"{1}\" differs by {2:E2} of its largest value {3:F4}\n", phase, name,
                                  relative, largest);
    if (!(relative <= kWrong) && (phase != "quantize" || std::isinf(relative)))
      return llvm::createStringError("phase '%s' changes output \"%s\" by %g of its largest value",
                                     phase.str().c_str(), name.c_str(), relative);
  }
  before = std::move(*outputs);
  return llvm::Error::success();
}

} // namespace halftone::driver
