//===- FuzzIR.cpp - any text as IR of the dialects ------------------------===//
//
// Parsed, verified, printed and parsed again; attributes and types of ht and htq
// are what its dictionary (seeds.py) has words of.
//
//===----------------------------------------------------------------------===//

#include "dialects/HT/HTDialect.h"
#include "dialects/HTQ/HTQDialect.h"

#include "mlir/Parser/Parser.h"

#include <optional>
#include <string>

using namespace mlir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context keeps what it has seen: now and then a new one.
  static std::optional<MLIRContext> context;
  static unsigned runs = 0;
  if (runs++ % 2000 == 0) {
    context.emplace(MLIRContext::Threading::DISABLED);
    context->loadDialect<func::FuncDialect, halftone::ht::HTDialect, halftone::htq::HTQDialect>();
  }
  ScopedDiagnosticHandler silent(&*context, [](Diagnostic &) { return success(); });
  // A copy, because MLIR's lexer reads the zero behind a text, which files and strings have and data has not.
  std::string text(reinterpret_cast<const char *>(data), size);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, ParserConfig(&*context));
  if (!module)
    return 0;
  std::string printed;
  llvm::raw_string_ostream(printed) << *module;
  if (!parseSourceString<ModuleOp>(printed, ParserConfig(&*context)))
    __builtin_trap();
  return 0;
}
