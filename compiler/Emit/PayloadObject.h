//===- PayloadObject.h - the place of weights as an ELF object --------------===//

#ifndef HALFTONE_COMPILER_EMIT_PAYLOADOBJECT_H
#define HALFTONE_COMPILER_EMIT_PAYLOADOBJECT_H

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone::emit {

/// Where the bytes of an object's section start.
constexpr uint64_t kPayloadObjectStart = 4096;

/// Writes a relocatable ELF64 object with one read-only section and one hidden symbol at its start.
/// The section is marked large (SHF_X86_64_LARGE): linkers place it after everything that code
/// addresses with 32 bits. Its bytes are to follow at `kPayloadObjectStart`, or, if it is `reserved`,
/// nowhere: it has an address in what is linked and no place in the file.
void writePayloadObject(llvm::raw_ostream &os, llvm::StringRef symbol, uint64_t size, uint64_t alignment,
                        bool reserved);

} // namespace halftone::emit

#endif
