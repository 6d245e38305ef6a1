//===- PastDimensions.h - how many tokens a decoder has read ----------------===//
//
// A decoder with keys and values of earlier tokens has two sizes that count tokens, and a
// third, of its mask, that is their sum. Some exporters give the sum a name of its own.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_PASTDIMENSIONS_H
#define HALFTONE_COMPILER_IMPORT_ONNX_PASTDIMENSIONS_H

#include "compiler/Import/ONNX/Model.h"
#include "compiler/Import/ONNX/SymbolicValue.h"

#include "llvm/ADT/ArrayRef.h"

namespace halftone::onnx {

struct PastDimensions {
  llvm::StringRef tokens; ///< of input_ids; empty where it is a number
  llvm::StringRef past;   ///< of keys and values
  llvm::StringRef total;  ///< of attention_mask, if that is a name of its own

  /// Nullopt for models that are no such decoder.
  static std::optional<PastDimensions> find(llvm::ArrayRef<const ValueInfo *> inputs);

  /// Makes the name of the sum stand for the sum.
  void relate(Symbols &symbols) const;

  /// What `--max context=N` calls the most tokens of a sequence, and how many these are without it.
  static constexpr llvm::StringLiteral kContext = "context";
  static constexpr int64_t kDefaultContext = 2048;
  /// Bounds the past so that it and the new tokens are at most `context`, if that is given; of these no more are new.
  void bound(Symbols &symbols, std::optional<int64_t> context) const;

private:
  /// Null where a constant of the user's has fixed it.
  static Symbols::Symbol *getSymbol(Symbols &symbols, llvm::StringRef name);
};

} // namespace halftone::onnx

#endif
