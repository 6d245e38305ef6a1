//===- PayloadSegment.h - weights behind what was linked --------------------===//
//
// A linker that copied gigabytes of weights would take the time and the disk for
// all of them twice, and leave them in small pages of the system's cache. So it
// reserves addresses, and the bytes are written behind what it wrote.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EMIT_PAYLOADSEGMENT_H
#define HALFTONE_COMPILER_EMIT_PAYLOADSEGMENT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <mutex>
#include <vector>

namespace halftone::emit {

/// The alignment of so many bytes of weights, in memory and in files: large ones may then lie in
/// 2 MiB pages.
uint64_t getPayloadAlignment(uint64_t size);

/// A range of a file that exists, to be written in any order. Threads may write at once.
class PayloadSegment {
public:
  PayloadSegment() = default;
  PayloadSegment(PayloadSegment &&) = delete;
  ~PayloadSegment();

  /// Bytes [start, start + size) of a file, which grows where need be.
  llvm::Error open(llvm::StringRef path, uint64_t start, uint64_t size);
  /// Gives the segment that was reserved for `size` bytes in a linked program or library a place at
  /// the end of its file, and opens that.
  llvm::Error attach(llvm::StringRef path, uint64_t size);

  llvm::Error write(uint64_t offset, llvm::ArrayRef<char> bytes);
  llvm::Error close();

private:
  llvm::Expected<uint64_t> place(uint64_t fileSize, uint64_t size);
  llvm::Error writeAt(uint64_t position, llvm::ArrayRef<char> bytes);
  llvm::Error openBlocks(uint64_t begin, uint64_t end);

  int descriptor = -1;
  uint64_t start = 0, size = 0;
  std::mutex mutex;
  std::vector<bool> opened; ///< by block of the file from `start` on
};

} // namespace halftone::emit

#endif
