//===- WeightStream.h - weights made in parts, in bounded memory ------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_WEIGHTSTREAM_H
#define HALFTONE_COMPILER_EVALUATE_WEIGHTSTREAM_H

#include "compiler/Evaluate/WeightSource.h"

namespace halftone::evaluate {

/// Takes `bytes` of a weight, from its byte `offset` on. Several threads call it at once, in any order.
using WeightSink =
    llvm::function_ref<llvm::Error(ht::WeightOp weight, uint64_t offset, llvm::ArrayRef<char> bytes)>;

struct StreamOptions {
  unsigned threads = 1;
  /// What the process may take, by `estimateBytes` of weights that are being made; 0: any amount.
  uint64_t memory = 0;
  /// What it takes for other things.
  uint64_t otherMemory = 0;
  /// What a part takes if nothing else bounds it: little enough for caches, and much beside what
  /// starting on a part takes.
  uint64_t partBytes = 8 << 20;
};

/// Makes the weights of `order` and gives their bytes to `sink` in parts of some rows, which leave
/// memory before others come: what this takes does not grow with the weights. One whose recipe has
/// no parts is made whole. Neighbours that are made from the same bytes are made together. The first
/// error in order ends the work.
llvm::Error streamWeights(llvm::ArrayRef<ht::WeightOp> order, WeightSource &source, WeightSink sink,
                          const StreamOptions &options = {});

} // namespace halftone::evaluate

#endif
