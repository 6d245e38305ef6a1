//===- UnicodeData.cpp - what tokenizers know of Unicode --------------------===//

#include "compiler/Import/Tokenizer/UnicodeData.h"

namespace halftone::tokenizer::unicode {

namespace {
#include "compiler/Import/Tokenizer/UnicodeTables.inc"
} // namespace

llvm::ArrayRef<uint32_t> categories() { return kCategories; }
llvm::ArrayRef<uint32_t> moreWords() { return kMoreWords; }
llvm::ArrayRef<uint32_t> rustWords() { return kWords; }
llvm::ArrayRef<uint32_t> spaces() { return kSpaces; }
llvm::ArrayRef<uint32_t> punctuation() { return kPunctuation; }
llvm::ArrayRef<uint32_t> numeric() { return kNumeric; }
llvm::ArrayRef<uint32_t> controls() { return kControls; }
llvm::ArrayRef<uint32_t> ideographs() { return kIdeographs; }
llvm::ArrayRef<uint32_t> marks() { return kMarks; }
llvm::ArrayRef<uint32_t> accents() { return kAccents; }
llvm::ArrayRef<uint32_t> nmtRemoved() { return kNmtRemoved; }
llvm::ArrayRef<uint32_t> nmtSpaces() { return kNmtSpaces; }
llvm::ArrayRef<uint32_t> lower() { return kLower; }
llvm::ArrayRef<uint32_t> canonical() { return kCanonical; }
llvm::ArrayRef<uint32_t> compatible() { return kCompatible; }
llvm::ArrayRef<uint32_t> pairs() { return kPairs; }
llvm::ArrayRef<uint32_t> combining() { return kCombining; }

} // namespace halftone::tokenizer::unicode
