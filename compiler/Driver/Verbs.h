//===- Verbs.h - what `halftone` can do -------------------------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_VERBS_H
#define HALFTONE_COMPILER_DRIVER_VERBS_H

#include "compiler/Driver/Console.h"

#include "llvm/ADT/ArrayRef.h"

namespace halftone::driver {

/// Runs `halftone VERB ARGUMENTS…`; returns the exit code.
int main(llvm::ArrayRef<llvm::StringRef> arguments);

int runCompile(llvm::ArrayRef<llvm::StringRef> arguments);
int runRun(llvm::ArrayRef<llvm::StringRef> arguments);
int runCheck(llvm::ArrayRef<llvm::StringRef> arguments);
int runInspect(llvm::ArrayRef<llvm::StringRef> arguments);
int runTokenize(llvm::ArrayRef<llvm::StringRef> arguments);
int runChatTemplate(llvm::ArrayRef<llvm::StringRef> arguments);

} // namespace halftone::driver

#endif
