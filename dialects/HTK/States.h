//===- States.h - where a session keeps a graph's states --------------------===//

#ifndef HALFTONE_DIALECTS_HTK_STATES_H
#define HALFTONE_DIALECTS_HTK_STATES_H

#include "dialects/HT/HTOps.h"

namespace halftone::htk {

/// What steps keep (`ht.state`), in the session's memory of states.
struct State {
  unsigned argument, result; ///< of the graph
  int64_t offset, bytes;     ///< in bytes; each begins on a cache line
};

/// The states of a graph in order of its arguments, one after the other. They depend on
/// the signature alone, so all levels of a program agree. One of more than kMaxBytes counts
/// as kMaxBytes + 1.
llvm::SmallVector<State> getStates(mlir::func::FuncOp graph);

} // namespace halftone::htk

#endif
