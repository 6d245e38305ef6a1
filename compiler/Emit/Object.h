//===- Object.h - LLVM IR to machine code -----------------------------------===//

#ifndef HALFTONE_COMPILER_EMIT_OBJECT_H
#define HALFTONE_COMPILER_EMIT_OBJECT_H

#include "compiler/Target/Cpu.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone::emit {

/// Optimizes `module` for `cpu` and writes a position-independent ELF object. Its
/// hidden functions are what other objects call; the rest is its own.
/// Kernels are vector code already: LLVM's own vectorizers stay off.
llvm::Error emitObject(llvm::Module &module, const target::Cpu &cpu, llvm::raw_pwrite_stream &os);

} // namespace halftone::emit

#endif
