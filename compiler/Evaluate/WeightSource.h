//===- WeightSource.h - the values of weights -------------------------------===//
//
// A weight's initializer says how its bytes are made from files. The source maps
// those files, runs initializers through the same table of handlers as any other
// operation, and hands out tensors; a weight that is only loaded is a view of the
// mapped file.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_WEIGHTSOURCE_H
#define HALFTONE_COMPILER_EVALUATE_WEIGHTSOURCE_H

#include "compiler/Evaluate/Interpreter.h"

#include "dialects/HT/HTOps.h"

#include <mutex>

namespace halftone::evaluate {

/// Thread-safe: weights may be asked for by several threads at once.
class WeightSource {
public:
  enum class Cache { None, Weights };

  /// Files are relative to `modelDirectory`. With `Cache::Weights` a weight is
  /// made once and kept for the life of the source: for interpreting a model
  /// several times, not for emission. `table` must outlive the source.
  explicit WeightSource(llvm::StringRef modelDirectory = "", Cache cache = Cache::None,
                        const InterpreterTable &table = InterpreterTable::standard());

  /// Makes `bytes` stand for the file `name`; they must outlive the source.
  void addFile(llvm::StringRef name, llvm::ArrayRef<char> bytes);

  /// The value of a weight.
  llvm::Expected<Tensor> get(ht::WeightOp weight);

  /// The values of weights that are made from the same bytes, such as codes and their scales: what
  /// their initializers have in common runs once.
  llvm::Expected<llvm::SmallVector<Tensor>> get(llvm::ArrayRef<ht::WeightOp> weights);

  /// The value of one `ht.load`: a view of the file, or its elements unpacked.
  llvm::Expected<Tensor> load(ht::LoadOp load);

  /// Lets the system drop the pages of the files that `weight` was made from. Views stay valid.
  void releasePages(ht::WeightOp weight);

private:
  struct File {
    llvm::ArrayRef<char> bytes;
    std::shared_ptr<const void> mapping;
  };

  llvm::Expected<File> open(llvm::StringRef name);
  /// The part of its file that a load reads.
  llvm::Expected<File> locate(ht::LoadOp load);

  std::string modelDirectory;
  Cache cache;
  const InterpreterTable &table;
  std::mutex mutex;
  llvm::StringMap<File> files;
  llvm::DenseMap<mlir::Operation *, Tensor> weights;
};

} // namespace halftone::evaluate

#endif
