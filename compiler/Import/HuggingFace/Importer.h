//===- Importer.h - a Hugging Face folder as a graph of the ht dialect ------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_IMPORTER_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_IMPORTER_H

#include "compiler/Import/Support/Options.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace halftone {

/// Imports the model in a folder with config.json and safetensors. Diagnostics, failures and
/// options (of which `maxima` and the defaults count) are as in `importONNX`; the weights'
/// files are named relative to the folder. The module is as the raise phase leaves one.
mlir::OwningOpRef<mlir::ModuleOp> importHuggingFace(llvm::StringRef folder, mlir::MLIRContext &context,
                                                    const ImportOptions &options = {},
                                                    ImportFailure *failure = nullptr);

} // namespace halftone

#endif
