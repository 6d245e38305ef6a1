//===- Reference.cpp - the interpreter behind a program's command line ------===//
//
// The runtime's command line works on a halftone_program. This one's step
// function calls the interpreter, so reading inputs, checks, outputs, and what
// the user sees are the same as for a compiled program.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Reference.h"

#include "compiler/Driver/Console.h"
#include "compiler/Emit/Descriptor.h"
#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Session.h"
#include "compiler/Evaluate/WeightSource.h"
#include "runtime/command/Command.h"

#include <cstring>

using namespace mlir;

namespace halftone::driver {

namespace {

using evaluate::Tensor;

/// A tensor's descriptor and what it points to.
struct TensorStorage {
  std::vector<int64_t> dims;
  std::vector<std::string> texts;
  std::vector<const char *> textPointers;
};

class ReferenceProgram {
public:
  ReferenceProgram(func::FuncOp graph, emit::ProgramDescription given, const std::string &modelDirectory)
      : graph(graph), description(std::move(given)), weights(modelDirectory, evaluate::WeightSource::Cache::Weights),
        session(graph, weights) {
    for (const auto &symbol : description.symbols) {
      symbols.push_back({symbol.name.c_str(), symbol.min, symbol.max});
      symbolNames.push_back(symbol.name);
    }
    storage.reserve(description.inputs.size() + description.outputs.size());
    addTensors(description.inputs, inputs);
    addTensors(description.outputs, outputs);
    program.abi_version = HALFTONE_ABI_VERSION;
    program.struct_size = sizeof(program);
    program.name = description.name.c_str();
    program.build_info = "{\"interpreted\": true}";
    program.num_symbols = symbols.size();
    program.num_inputs = inputs.size();
    program.num_outputs = outputs.size();
    program.num_levels = 1;
    program.symbols = symbols.data();
    program.inputs = inputs.data();
    program.outputs = outputs.data();
    program.levels = &level;
    program.payload = payload;
    program.output_dims = outputDims;
    current = this;
  }

  const halftone_program &get() const { return program; }

private:
  void addTensors(const std::vector<emit::TensorDescription> &tensors, std::vector<halftone_tensor_info> &infos) {
    for (const auto &tensor : tensors) {
      TensorStorage &kept = storage.emplace_back();
      for (AffineExpr dim : tensor.dims) {
        auto constant = ht::getConstant(dim);
        auto symbol = dyn_cast<AffineSymbolExpr>(dim);
        kept.dims.push_back(constant ? *constant : symbol ? -1 - static_cast<int64_t>(symbol.getPosition())
                                              : HALFTONE_EXPRESSION);
        kept.texts.push_back(ht::toString(dim, symbolNames));
      }
      for (const std::string &text : kept.texts)
        kept.textPointers.push_back(text.c_str());
      infos.push_back({tensor.name.c_str(), tensor.dtype, static_cast<uint32_t>(tensor.dims.size()), kept.dims.data(),
                       kept.textPointers.data()});
    }
  }

  static void outputDims(const int64_t *symbolValues, int64_t *dims) {
    ArrayRef<int64_t> values(symbolValues, current->symbols.size());
    for (const auto &output : current->description.outputs)
      for (AffineExpr dim : output.dims)
        *dims++ = ht::evaluate(dim, values);
    for (const auto &input : current->description.inputs)
      for (AffineExpr dim : input.dims)
        if (!ht::getConstant(dim) && !isa<AffineSymbolExpr>(dim))
          *dims++ = ht::evaluate(dim, values);
  }

  static void step(halftone_step *step, int64_t thread) {
    if (thread == 0)
      current->interpret(*step);
  }

  void interpret(halftone_step &step) {
    ArrayRef<int64_t> values(step.symbols, symbols.size());
    std::vector<Tensor> arguments;
    for (Value input : graph.getArguments()) {
      if (ht::isState(graph, cast<BlockArgument>(input).getArgNumber()))
        continue;
      SmallVector<int64_t> shape;
      for (AffineExpr dim : ht::getDims(input))
        shape.push_back(ht::evaluate(dim, values));
      auto kind = *evaluate::getElementKind(getElementTypeOrSelf(input));
      arguments.push_back(Tensor::borrow(kind, shape, static_cast<const char *>(step.inputs[arguments.size()])));
    }
    auto results = session.run(arguments);
    if (!results) {
      message = llvm::toString(results.takeError());
      faultSites[0] = message.c_str();
      step.fault = 1;
      return;
    }
    for (auto [i, result] : llvm::enumerate(*results))
      std::memcpy(step.outputs[i], result.data(), result.getBytes().size());
  }

  /// The runtime calls plain functions: one program at a time is interpreted.
  static ReferenceProgram *current;
  alignas(64) static const char payload[64];

  func::FuncOp graph;
  emit::ProgramDescription description;
  evaluate::WeightSource weights;
  evaluate::Session session;
  std::vector<halftone_symbol> symbols;
  SmallVector<StringRef> symbolNames;
  std::vector<TensorStorage> storage;
  std::vector<halftone_tensor_info> inputs, outputs;
  const char *faultSites[1] = {"the interpreter"};
  halftone_level level{"interpreter", 0, 0, 1, faultSites, step};
  std::string message;
  halftone_program program = {};
};

ReferenceProgram *ReferenceProgram::current = nullptr;
alignas(64) const char ReferenceProgram::payload[64] = {};

} // namespace

int runReference(ModuleOp module, const std::string &modelDirectory, ArrayRef<std::string> arguments) {
  auto description = emit::describeGraph(module);
  if (!description)
    return fail(description.takeError(), ExitFailed);
  description->name = "reference";
  ReferenceProgram program(module.lookupSymbol<func::FuncOp>("main"), std::move(*description), modelDirectory);
  // The interpreter uses one thread; more would wait for it.
  std::vector<const char *> argv{"halftone run --reference"};
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  if (!llvm::is_contained(arguments, "--threads"))
    llvm::append_range(argv, ArrayRef<const char *>{"--threads", "1"});
  unsetenv("HALFTONE_CPU"); // It speaks of compiled programs.
  return rt::runCommand(program.get(), argv.size(), argv.data());
}

} // namespace halftone::driver
