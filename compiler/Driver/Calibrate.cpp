//===- Calibrate.cpp - what a sample of inputs shows of activations ---------===//

#include "compiler/Driver/Calibrate.h"

#include "compiler/Emit/Descriptor.h"
#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Calibration.h"
#include "compiler/Evaluate/Session.h"
#include "compiler/Evaluate/WeightSource.h"
#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Observation.h"
#include "runtime/files/InputFile.h"
#include "runtime/files/Npz.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace halftone::driver {

using evaluate::Tensor;

/// The arrays of the file, in the order of the graph's inputs.
static llvm::Expected<std::vector<Tensor>> readSample(ModuleOp module, StringRef path) {
  rt::InputFile file;
  rt::Array<rt::Tensor> arrays;
  rt::Diagnostic diagnostic;
  std::string name = path.str();
  if (!file.open(name.c_str(), diagnostic) || !rt::readNpz(file.bytes(), name.c_str(), arrays, diagnostic))
    return llvm::createStringError(diagnostic.text());
  auto description = emit::describeGraph(module);
  if (!description)
    return description.takeError();
  auto graph = module.lookupSymbol<func::FuncOp>("main");
  std::vector<Tensor> inputs;
  SmallVector<Type> types;
  for (auto [i, type] : llvm::enumerate(graph.getArgumentTypes()))
    if (!ht::isState(graph, i))
      types.push_back(type);
  for (auto [info, type] : llvm::zip_equal(description->inputs, types)) {
    auto fail = [&, &info = info](const Twine &what) {
      return llvm::createStringError("'" + path + "' has " + what + " for input '" + info.name + "'");
    };
    rt::Tensor *array = llvm::find_if(arrays, [&, &info = info](const rt::Tensor &a) { return info.name == a.name.c_str(); });
    if (array == arrays.end())
      return fail("no array");
    array->declareType(info.dtype);
    if (array->dtype != info.dtype)
      return fail("elements of " + Twine(rt::typeName(array->dtype)) + " instead of " + rt::typeName(info.dtype));
    auto kind = *evaluate::getElementKind(getElementTypeOrSelf(type));
    auto bytes = ArrayRef(static_cast<const char *>(array->buffer.data()), array->buffer.size());
    inputs.push_back(Tensor::copy(kind, ArrayRef(array->dims, array->rank), bytes));
  }
  return inputs;
}

static SmallVector<ht::LinearOp> getLinears(ModuleOp module) {
  SmallVector<ht::LinearOp> linears;
  module.walk([&](ht::LinearOp linear) { linears.push_back(linear); });
  return linears;
}

/// Observes the inputs of linears; each linear's site.
static std::vector<std::string> instrument(ModuleOp module) {
  llvm::DenseMap<Value, std::string> sites;
  std::vector<std::string> siteOf;
  for (ht::LinearOp linear : getLinears(module)) {
    Value input = linear.getInput();
    auto [site, isNew] = sites.try_emplace(input, std::to_string(siteOf.size()));
    if (isNew) {
      OpBuilder builder(linear);
      Value observed = htq::ObserveOp::create(builder, linear.getLoc(), input.getType(), site->second, input);
      linear.getInputMutable().set(observed);
    }
    siteOf.push_back(site->second);
  }
  return siteOf;
}

llvm::Error calibrate(ModuleOp module, StringRef sample, StringRef modelDirectory) {
  auto inputs = readSample(module, sample);
  if (!inputs)
    return inputs.takeError();
  OwningOpRef<ModuleOp> instrumented = module.clone();
  std::vector<std::string> siteOf = instrument(*instrumented);
  evaluate::WeightSource weights(modelDirectory);
  evaluate::Calibration calibration;
  evaluate::InterpretOptions options;
  options.observer = calibration.getObserver();
  auto outputs = evaluate::Session(instrumented->lookupSymbol<func::FuncOp>("main"), weights).run(*inputs, options);
  if (!outputs)
    return outputs.takeError();

  for (auto [linear, site] : llvm::zip_equal(getLinears(module), siteOf)) {
    auto found = calibration.getMaxima().find(site);
    if (found == calibration.getMaxima().end())
      continue;
    ArrayRef<float> maxima = found->second;
    auto type = RankedTensorType::get({static_cast<int64_t>(maxima.size())}, Float32Type::get(module.getContext()));
    linear->setAttr(htq::kInputMagnitudesAttr, DenseElementsAttr::get(type, maxima));
  }
  return llvm::Error::success();
}

} // namespace halftone::driver
