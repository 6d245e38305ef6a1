//===- Importer.h - a checkpoint of llama2.c as a graph of the ht dialect ---===//

#ifndef HALFTONE_COMPILER_IMPORT_LLAMA2C_IMPORTER_H
#define HALFTONE_COMPILER_IMPORT_LLAMA2C_IMPORTER_H

#include "compiler/Import/Support/Options.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace halftone {

/// Imports the model in a .bin file. Diagnostics, failures, options and what comes of it are as in
/// `importHuggingFace`; weights that the file has quantized end in `htq.dequantize`.
mlir::OwningOpRef<mlir::ModuleOp> importLlama2c(llvm::StringRef path, mlir::MLIRContext &context,
                                                const ImportOptions &options = {},
                                                ImportFailure *failure = nullptr);

/// Whether a file begins with the magic number of such files, or is one of the first version, which
/// has none: then its header says exactly how long it is.
bool isLlama2c(llvm::StringRef path);

} // namespace halftone

#endif
