//===- Importer.h - a GGUF file as a graph of the ht dialect ----------------===//

#ifndef HALFTONE_COMPILER_IMPORT_GGUF_IMPORTER_H
#define HALFTONE_COMPILER_IMPORT_GGUF_IMPORTER_H

#include "compiler/Import/Support/Options.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace halftone {

/// Imports the model in a GGUF file. Diagnostics, failures, options and what comes of it are as in
/// `importHuggingFace`; weights that the file has quantized end in `htq.dequantize`.
mlir::OwningOpRef<mlir::ModuleOp> importGGUF(llvm::StringRef path, mlir::MLIRContext &context,
                                             const ImportOptions &options = {},
                                             ImportFailure *failure = nullptr);

/// Whether a file begins as a GGUF file does.
bool isGGUF(llvm::StringRef path);

} // namespace halftone

#endif
