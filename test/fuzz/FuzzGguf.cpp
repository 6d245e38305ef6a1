//===- FuzzGguf.cpp - any bytes as a GGUF file, or one of llama2.c ------------===//

#include "compiler/Import/GGUF/Importer.h"
#include "compiler/Import/Llama2c/Importer.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

using namespace halftone;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string path = [] {
    llvm::SmallString<128> path;
    if (llvm::sys::fs::createTemporaryFile("fuzz", "gguf", path))
      __builtin_trap();
    return path.str().str();
  }();
  {
    std::error_code error;
    llvm::raw_fd_ostream(path, error) << llvm::StringRef(reinterpret_cast<const char *>(data), size);
    if (error)
      __builtin_trap();
  }

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
  // What does not begin as either does is one of llama2.c's first version, or nothing.
  auto import = isGGUF(path) ? importGGUF : importLlama2c;
  auto module = import(path, *context, {}, &failure);
  if (!module == !failed || !module == (failure == ImportFailure::None)) // a module or a reason
    __builtin_trap();
  return 0;
}
