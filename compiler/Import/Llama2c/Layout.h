//===- Layout.h - where the tensors of a llama2.c checkpoint lie ------------===//

#ifndef HALFTONE_COMPILER_IMPORT_LLAMA2C_LAYOUT_H
#define HALFTONE_COMPILER_IMPORT_LLAMA2C_LAYOUT_H

#include "compiler/Import/Llama2c/Header.h"

#include "llvm/ADT/SmallVector.h"

#include <string>
#include <vector>

namespace halftone::llama2c {

struct Place {
  std::string name;
  uint64_t offset;
  llvm::SmallVector<int64_t, 2> shape;
  bool isQuantized; ///< codes, then scales
};

struct Layout {
  std::vector<Place> places; ///< with the names that PyTorch's model has
  uint64_t end;              ///< how many bytes the file has
};

/// An error where a matrix is no whole groups, or a file of this header would have more than 2^63 bytes.
llvm::Expected<Layout> lay(const Header &header);

} // namespace halftone::llama2c

#endif
