//===- UnicodeData.h - what tokenizers know of Unicode ----------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_UNICODEDATA_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_UNICODEDATA_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace halftone::tokenizer::unicode {

/// First code point << 8 | index of its category in `kCategoryNames`.
llvm::ArrayRef<uint32_t> categories();

inline constexpr const char *kCategoryNames[] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                                 "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                                 "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};

// First, last, first, last, …: see UnicodeTables.inc.
llvm::ArrayRef<uint32_t> moreWords();
llvm::ArrayRef<uint32_t> rustWords();
llvm::ArrayRef<uint32_t> spaces();
llvm::ArrayRef<uint32_t> punctuation();
llvm::ArrayRef<uint32_t> numeric();
llvm::ArrayRef<uint32_t> controls();
llvm::ArrayRef<uint32_t> ideographs();
llvm::ArrayRef<uint32_t> marks();
llvm::ArrayRef<uint32_t> accents();
llvm::ArrayRef<uint32_t> nmtRemoved();
llvm::ArrayRef<uint32_t> nmtSpaces();

// Code point, length, code points, …
llvm::ArrayRef<uint32_t> lower();
llvm::ArrayRef<uint32_t> canonical();
llvm::ArrayRef<uint32_t> compatible();

/// First, second, composed, …
llvm::ArrayRef<uint32_t> pairs();
/// First, last, combining class, …
llvm::ArrayRef<uint32_t> combining();

} // namespace halftone::tokenizer::unicode

#endif
