//===- Batch.h - many jobs in one process -----------------------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_BATCH_H
#define HALFTONE_COMPILER_DRIVER_BATCH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace halftone::driver {

/// Runs `job` for each line of the file `path` (`-`: standard input, as lines
/// come), a JSON array of arguments, and tells of each on standard output.
/// Returns the exit code of the whole: whether the jobs could be read, not how
/// they ended.
int runBatch(llvm::StringRef path, llvm::function_ref<int(llvm::ArrayRef<llvm::StringRef>)> job);

} // namespace halftone::driver

#endif
