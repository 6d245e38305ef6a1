//===- FuzzOnnx.cpp - any bytes as an ONNX file, through the phases -------===//
//
// Read, imported with keepGoing (so that what follows an error is seen too), raised
// and lowered: everything but weights and machine code.
//
//===----------------------------------------------------------------------===//

#include "MutateMessage.h"

#include "compiler/Driver/Registration.h"
#include "compiler/Import/ONNX/GraphImporter.h"
#include "compiler/Import/ONNX/Reader.h"
#include "compiler/Pipelines/Phases.h"
#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTQ/HTQDialect.h"

#include "mlir/Pass/PassManager.h"

#include <optional>

using namespace mlir;
using namespace halftone;

namespace {

/// Passes keep patterns, a context keeps what it has seen: both for many inputs, not for all.
struct Compiler {
  MLIRContext context;
  PassManager passes;

  Compiler() : context(MLIRContext::Threading::DISABLED), passes(load(context)) {
    for (const pipelines::Phase &phase : pipelines::getPhases())
      if (phase.build)
        pipelines::addPhase(passes, phase, {});
  }

private:
  static MLIRContext *load(MLIRContext &context) {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadDialect<func::FuncDialect, ht::HTDialect, htk::HTKDialect, htq::HTQDialect>();
    return &context;
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string error;
  std::unique_ptr<onnx::Model> model =
      onnx::parseModel(llvm::StringRef(reinterpret_cast<const char *>(data), size), error);
  if (!model == error.empty())
    __builtin_trap();
  if (!model)
    return 0;

  static std::optional<Compiler> compiler;
  static unsigned runs = 0;
  if (runs++ % 500 == 0)
    compiler.emplace();
  MLIRContext *context = &compiler->context;
  bool failed = false;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    failed |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    return success();
  });
  ImportOptions options;
  options.keepGoing = true;
  onnx::GraphImporter importer(*model, "/nonexistent/model.onnx", *context, options);
  OwningOpRef<ModuleOp> module = importer.run();
  if (!module == !failed) // a module or a reason
    __builtin_trap();
  if (!module)
    return 0;
  (*module)->setAttr(htk::HTKDialect::kCpuAttr, htk::CpuAttr::get(context, "x86-64-v4", 512, {}));
  if (mlir::failed(compiler->passes.run(*module)) && !failed)
    __builtin_trap();
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize, unsigned seed) {
  return fuzz::mutateMessage(data, size, maxSize, seed, LLVMFuzzerMutate);
}
