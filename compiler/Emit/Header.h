//===- Header.h - the C header beside a library or object -------------------===//

#ifndef HALFTONE_COMPILER_EMIT_HEADER_H
#define HALFTONE_COMPILER_EMIT_HEADER_H

#include "compiler/Emit/Descriptor.h"

#include "llvm/Support/raw_ostream.h"

namespace halftone::emit {

/// Writes one self-contained header: the runtime's API and this model's
/// signature as comments. `apiHeaders` is the folder of halftone/*.h.
llvm::Error writeHeader(llvm::raw_ostream &os, const ProgramDescription &description, llvm::StringRef apiHeaders);

} // namespace halftone::emit

#endif
