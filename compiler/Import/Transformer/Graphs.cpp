//===- Graphs.cpp - the beginning and the end of every import ---------------===//

#include "compiler/Import/Transformer/Graphs.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace halftone::transformer {

std::optional<Maxima> Maxima::create(Folder &folder, const ImportOptions &options,
                                     ArrayRef<StringRef> names) {
  for (auto *given : {&options.constants, &options.elements})
    if (!given->empty()) {
      folder.error(ImportFailure::Options) << "--constant and --elements are for ONNX models; "
                                           << quote(given->begin()->first) << " is no input of this one";
      return std::nullopt;
    }
  Maxima maxima;
  for (auto &[key, value] : options.maxima) {
    SmallVector<StringRef> matches;
    llvm::copy_if(names, std::back_inserter(matches), [&](StringRef name) { return name.starts_with(key); });
    if (matches.size() == 1) {
      maxima.values[matches.front()] = value;
      continue;
    }
    InFlightDiagnostic diagnostic = folder.error(ImportFailure::Options);
    diagnostic << "--max: " << quote(key) << " names no dimension of this model; it has ";
    llvm::interleaveComma(names, diagnostic, [&](StringRef name) { diagnostic << name; });
    return std::nullopt;
  }
  return maxima;
}

OwningOpRef<ModuleOp> finishImport(const Folder &folder, OwningOpRef<ModuleOp> module,
                                   ImportFailure *failure) {
  if (module && failed(verify(*module)))
    module = {};
  if (failure)
    *failure = module                                       ? ImportFailure::None
               : folder.getFailure() == ImportFailure::None ? ImportFailure::Unreadable
                                                            : folder.getFailure();
  return module;
}

} // namespace halftone::transformer
