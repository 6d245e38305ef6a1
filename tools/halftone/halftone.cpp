//===- halftone.cpp - the compiler driver -----------------------------------===//

#include "compiler/Driver/Endings.h"
#include "compiler/Driver/Verbs.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/InitLLVM.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  halftone::driver::installEndings();
  llvm::SmallVector<llvm::StringRef> arguments(argv + 1, argv + argc);
  return halftone::driver::main(arguments);
}
