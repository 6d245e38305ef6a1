//===- FuzzHuggingFace.cpp - any bytes as a model's folder ----------------===//
//
// config.json up to the first zero byte, model.safetensors behind it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Importer.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

using namespace halftone;

static void write(llvm::StringRef path, llvm::StringRef content) {
  std::error_code error;
  llvm::raw_fd_ostream(path, error) << content;
  if (error)
    __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string folder = [] {
    llvm::SmallString<128> path;
    if (llvm::sys::fs::createUniqueDirectory("fuzz-huggingface", path))
      __builtin_trap();
    return path.str().str();
  }();
  auto [config, weights] = llvm::StringRef(reinterpret_cast<const char *>(data), size).split('\0');
  write(folder + "/config.json", config);
  write(folder + "/model.safetensors", weights);

  // A context keeps what it has seen: for many inputs, not for all.
  static std::optional<mlir::MLIRContext> context;
  static unsigned runs = 0;
  if (runs++ % 500 == 0)
    context.emplace(mlir::MLIRContext::Threading::DISABLED);
  bool failed = false;
  mlir::ScopedDiagnosticHandler handler(&*context, [&](mlir::Diagnostic &diagnostic) {
    failed |= diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    return mlir::success();
  });
  ImportFailure failure;
  auto module = importHuggingFace(folder, *context, {}, &failure);
  if (!module == !failed || !module == (failure == ImportFailure::None)) // a module or a reason
    __builtin_trap();
  return 0;
}
