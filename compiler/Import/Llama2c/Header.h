//===- Header.h - the header of a llama2.c checkpoint -----------------------===//
//
//   version 0   dim, hidden, layers, heads, kv heads, vocabulary, context, of i32; the vocabulary is
//               negative where the head is a matrix of its own; floats
//   version 1   "ak42" and the version, of u32; the same, the vocabulary positive; a byte that is 1
//               where the head is the table; at byte 256 floats
//   version 2   the same, and the length of groups, of i32; at byte 256 floats of norms, then
//               matrices: codes of i8, one float for each group
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_LLAMA2C_HEADER_H
#define HALFTONE_COMPILER_IMPORT_LLAMA2C_HEADER_H

#include "llvm/Support/Error.h"

#include <cstdint>

namespace halftone::llama2c {

struct Header {
  uint32_t version = 0;
  int64_t dim = 0, hidden = 0, layers = 0, heads = 0, kvHeads = 0, vocabulary = 0, context = 0;
  bool tied = false; ///< the head is the table
  int64_t group = 0; ///< of codes that share a scale; 0: floats

  int64_t getHeadSize() const { return dim / heads; }
  int64_t getKvSize() const { return getHeadSize() * kvHeads; }
};

/// The header of a file, whose sizes are those of a model; an error says what is wrong.
llvm::Expected<Header> readHeader(llvm::StringRef bytes);

} // namespace halftone::llama2c

#endif
