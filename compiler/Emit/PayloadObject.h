//===- PayloadObject.h - weights as an ELF object, written as they come -----===//

#ifndef HALFTONE_COMPILER_EMIT_PAYLOADOBJECT_H
#define HALFTONE_COMPILER_EMIT_PAYLOADOBJECT_H

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone::emit {

/// A relocatable ELF64 object with one read-only, page-aligned section and one
/// hidden symbol at its start. The section's size is known first and its bytes
/// are appended in order, so that weights of any size pass through without
/// being held. The section is marked large (SHF_X86_64_LARGE): linkers place it
/// after everything that code addresses with 32 bits.
class PayloadObject {
public:
  PayloadObject(llvm::raw_fd_ostream &os, llvm::StringRef symbol, uint64_t size);

  /// Pads with zeros to `offset` of the section, then writes `bytes`.
  llvm::Error append(uint64_t offset, llvm::ArrayRef<char> bytes);

  /// Writes the tables after the section.
  llvm::Error finish();

private:
  llvm::raw_fd_ostream &os;
  std::string symbol;
  uint64_t size, written = 0;
};

} // namespace halftone::emit

#endif
