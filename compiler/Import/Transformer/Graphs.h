//===- Graphs.h - whole models as graphs ------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TRANSFORMER_GRAPHS_H
#define HALFTONE_COMPILER_IMPORT_TRANSFORMER_GRAPHS_H

#include "compiler/Import/Transformer/Checkpoint.h"
#include "compiler/Import/Transformer/Description.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace halftone::transformer {

/// The largest values of a graph's dimensions, from --max.
class Maxima {
public:
  /// `names`: the dimensions that there are. Reports a key that is none of them, and options that
  /// are for ONNX models.
  static std::optional<Maxima> create(Folder &folder, const ImportOptions &options,
                                      llvm::ArrayRef<llvm::StringRef> names);

  int64_t get(llvm::StringRef name, int64_t otherwise) const {
    auto it = values.find(name);
    return it == values.end() ? otherwise : it->second;
  }

private:
  llvm::StringMap<int64_t> values;
};

/// A decoder with caches of keys and values as states; null after an error.
///
///   input_ids [batch, sequence], sequences [batch], start [batch], wanted [wanted] -> logits [wanted,
///   vocabulary]
///
/// Row b is the tokens from `start[b]` on of the session's sequence `sequences[b]`; logits are
/// those after tokens `wanted` of all rows.
mlir::OwningOpRef<mlir::ModuleOp> buildGraph(Folder &folder, Checkpoint &checkpoint, const Decoder &decoder,
                                             const ImportOptions &options);

/// An encoder; null after an error.
///
///   input_ids, attention_mask, token_type_ids (where it has types) [batch, sequence]
///   -> last_hidden_state [batch, sequence, hidden], pooler_output [batch, hidden] (where it has a pooler)
mlir::OwningOpRef<mlir::ModuleOp> buildGraph(Folder &folder, Checkpoint &checkpoint, const Encoder &encoder,
                                             const ImportOptions &options);

/// The end of every import: the module, verified, or null with the reason in `failure`.
mlir::OwningOpRef<mlir::ModuleOp> finishImport(const Folder &folder, mlir::OwningOpRef<mlir::ModuleOp> module,
                                               ImportFailure *failure);

} // namespace halftone::transformer

#endif
