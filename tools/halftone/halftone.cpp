//===- halftone.cpp - the compiler driver -----------------------------------===//

#include "compiler/Driver/Verbs.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/InitLLVM.h"

#include <csignal>

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  // A file that may not grow further is an error to report, not a crash.
  std::signal(SIGXFSZ, SIG_IGN);
  llvm::SmallVector<llvm::StringRef> arguments(argv + 1, argv + argc);
  return halftone::driver::main(arguments);
}
